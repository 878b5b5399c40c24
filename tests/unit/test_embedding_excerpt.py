"""A question's tokens are those of the whole tokenizer, without its vocabulary being loaded."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from stagekit.embedding import excerpt_tokenizer as module
from stagekit.embedding.excerpt_tokenizer import excerpt_tokenizer

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
WORDS = [
    "prazo",
    "para",
    "comunicar",
    "um",
    "incidente",
    "de",
    "segurança",
    "da",
    "informação",
    "e",
    "férias",
]
TEXTS = [
    "prazo para comunicar um incidente",
    "PRAZO  \t comunicar",
    "férias e segurança",
    "",
    "   ",
    "日本語 😀",
    "antes <mask> depois </s> fim",
    "<própria>prazo<própria>",
    "x" * 300,
    "ﬁm ½ Ⅳ",
    "a\x00b\u200bc",
]
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a tokenizer.json like that of XLM-RoBERTa, with pieces that overlap in many ways."""
    monkeypatch.setenv("NIC_ETL_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(module, "_SMALL", 0)

    def file(**changes: Any) -> Path:
        chance = random.Random(3)
        parts = {"▁", *string.ascii_lowercase, *(f"▁{word[:n]}" for word in WORDS for n in range(1, 20))}
        parts |= {word[begin:end] for word in WORDS for begin in range(8) for end in range(begin + 1, 12)}
        pieces = [(part, -round(chance.uniform(2, 14), 3)) for part in sorted(parts - {""})]
        vocabulary = [(token, 0.0) for token in SPECIAL] + pieces + [("<mask>", 0.0)]
        added = [*SPECIAL, "<mask>"]
        ids = {piece: number for number, (piece, _) in enumerate(vocabulary)}
        flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        kinds = [{"id": ids[token], "content": token, **flags} for token in added]
        # A token that somebody added behind the vocabulary.
        kinds.append({"id": len(vocabulary), "content": "<própria>", **flags, "special": False})
        special = {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}
        special["</s>"] = {"id": "</s>", "ids": [2], "tokens": ["</s>"]}
        around = [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
        around.append({"SpecialToken": {"id": "</s>", "type_id": 0}})
        content: dict[str, Any] = {
            "version": "1.0",
            "truncation": {
                "max_length": 5, "strategy": "LongestFirst", "stride": 0, "direction": "Right"
            },
            "padding": None,
            "added_tokens": kinds,
            "normalizer": {"type": "NFKC"},
            "pre_tokenizer": {
                "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True
            },
            "post_processor": {
                "type": "TemplateProcessing", "single": around, "pair": around, "special_tokens": special
            },
            "decoder": None,
            "model": {"type": "Unigram", "unk_id": 3, "vocab": vocabulary, "byte_fallback": False},
        }  # fmt: skip
        path = tmp_path / "tokenizer.json"
        path.write_text(json.dumps(content | changes, ensure_ascii=False), encoding="utf-8")
        return path

    return file


def whole(path: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def random_texts(count: int) -> list[str]:
    chance = random.Random(5)
    letters = [*string.ascii_letters, *"áçéãõ  ▁<>-,.;:!?½ﬁ日本😀\u0301\u200b", *SPECIAL, "<mask>", *WORDS]
    return ["".join(chance.choices(letters, k=chance.randrange(1, 40))) for _ in range(count)]


def test_its_ids_are_those_of_the_whole_tokenizer(write: Write) -> None:
    path = write()
    excerpt = excerpt_tokenizer(path)
    assert excerpt is not None
    for text in [*TEXTS, *random_texts(300)]:
        assert excerpt.encode_batch_fast([text])[0].ids == whole(path).encode(text).ids, text
    together = [one.ids for one in excerpt.encode_batch_fast(TEXTS)]
    assert together == [one.ids for one in whole(path).encode_batch(TEXTS)]


def test_of_a_changed_file_another_table_is_made_and_of_a_damaged_table_the_same_again(
    write: Write, tmp_path: Path
) -> None:
    first, second = write(), None
    excerpt_tokenizer(first)
    (table,) = (tmp_path / "models").glob("pieces-*")
    (table / "ids.npy").write_bytes(b"nothing that can be read")
    excerpt = excerpt_tokenizer(first)
    assert excerpt is not None
    assert excerpt.encode_batch_fast(TEXTS[:1])[0].ids == whole(first).encode(TEXTS[0]).ids
    second = write(normalizer=None)
    excerpt = excerpt_tokenizer(second)
    assert excerpt is not None
    assert excerpt.encode_batch_fast(["ﬁm"])[0].ids == whole(second).encode("ﬁm").ids


@pytest.mark.parametrize(
    "model",
    [
        {"type": "WordPiece", "unk_token": "<unk>", "vocab": {"<unk>": 0}, "max_input_chars_per_word": 9},
        {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]], "byte_fallback": True},
        {"type": "Unigram", "unk_id": None, "vocab": [["a", 0.0]], "byte_fallback": False},
    ],
)
def test_a_model_of_another_kind_is_left_to_the_whole_tokenizer(write: Write, model: dict[str, Any]) -> None:
    path = write(model=model, added_tokens=[], post_processor=None)
    assert excerpt_tokenizer(path) is None
    assert excerpt_tokenizer(path) is None  # known from now on


def test_where_nothing_can_be_kept_the_whole_tokenizer_is_taken(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write()
    (tmp_path / "file").touch()
    monkeypatch.setenv("NIC_ETL_MODELS_DIR", str(tmp_path / "file" / "models"))
    assert excerpt_tokenizer(path) is None
