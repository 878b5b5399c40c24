"""A question's tokens are those of the whole tokenizer, without its vocabulary being loaded."""

from __future__ import annotations

import json
import random
import string
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from stagekit.embedding import excerpt_tokenizer as module
from stagekit.embedding.excerpt_tokenizer import excerpt_tokenizer, suits_excerpt
from stagekit.embedding.registry import ModelFiles
from stagekit.embedding.tokens import ModelTokenizer

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


def table_of(tmp_path: Path) -> Path:
    (table,) = (tmp_path / "models").glob("pieces-*")
    return table


def remove_record_and_frame(table: Path) -> None:
    (table / "nic_etl_hashes.json").write_text("{}")
    (table / "frame.json").unlink()


@pytest.mark.parametrize(
    "damage",
    [
        lambda table: (table / "nic_etl_hashes.json").write_text('{"frame.json": "0'),
        lambda table: (table / "nic_etl_hashes.json").write_bytes(b"\xff\xfe"),
        lambda table: (table / "nic_etl_hashes.json").write_text("[]"),
        lambda table: (table / "nic_etl_hashes.json").write_text('{"frame.json": 1}'),
        lambda table: (table / "nic_etl_hashes.json").unlink(),
        lambda table: (table / "pieces.npy").unlink(),
        lambda table: (table / "ids.npy").write_bytes(b""),
        remove_record_and_frame,
    ],
)
def test_whatever_is_damaged_is_made_again(
    write: Write, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    path = write()
    excerpt_tokenizer(path)
    damage(table_of(tmp_path))
    excerpt = excerpt_tokenizer(path)
    assert excerpt is not None
    assert excerpt.encode_batch_fast(TEXTS[:1])[0].ids == whole(path).encode(TEXTS[0]).ids
    assert [one.name for one in (tmp_path / "models").iterdir()] == [table_of(tmp_path).name]


def test_on_a_full_disk_the_whole_tokenizer_is_taken_and_later_the_table_is_made(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("2000 requested and 17 written")  # NumPy's words, without a number

    path = write()
    with monkeypatch.context() as patch:
        patch.setattr(np, "save", full)
        assert excerpt_tokenizer(path) is None
        assert list((tmp_path / "models").iterdir()) == []
    assert excerpt_tokenizer(path) is not None
    with monkeypatch.context() as patch:
        patch.setattr(np, "save", full)
        remove_record_and_frame(table_of(tmp_path))
        assert excerpt_tokenizer(path) is None
    assert excerpt_tokenizer(path) is not None


def test_processes_that_mend_one_table_at_once_all_get_an_answer(write: Write, tmp_path: Path) -> None:
    path = write()
    expected = whole(path).encode(TEXTS[0]).ids
    excerpt_tokenizer(path)
    table, barrier = table_of(tmp_path), threading.Barrier(6)
    answers: list[bool] = []

    def ask() -> None:
        for _ in range(5):
            barrier.wait(30)
            (table / "ids.npy").unlink(missing_ok=True)
            excerpt = excerpt_tokenizer(path)
            answers.append(excerpt is None or excerpt.encode_batch_fast(TEXTS[:1])[0].ids == expected)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 30
    assert excerpt_tokenizer(path) is not None
    assert [one.name for one in (tmp_path / "models").iterdir()] == [table.name]


def test_a_long_question_is_left_to_the_whole_tokenizer_and_all_after_it(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write()
    tokenizer = ModelTokenizer(ModelFiles("model", "1", path.parent, 512, {}))
    asked: list[str] = []
    own = module.ExcerptTokenizer.encode_batch_fast

    def noted(excerpt: Any, texts: Any) -> Any:
        asked.extend(texts)
        return own(excerpt, texts)

    monkeypatch.setattr(module.ExcerptTokenizer, "encode_batch_fast", noted)
    texts = ["prazo", "férias", "abcdefghij" * 20_000, "prazo"]
    assert [tokenizer.ids([text])[0] for text in texts] == [whole(path).encode(text).ids for text in texts]
    assert asked == ["prazo", "férias"]


def test_what_suits_an_excerpt_is_a_short_text_of_words() -> None:
    assert suits_excerpt("prazo " * 300)
    assert not suits_excerpt("prazo " * 400)
    assert not suits_excerpt("x" * 301)
