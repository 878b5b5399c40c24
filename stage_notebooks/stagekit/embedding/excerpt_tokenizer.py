"""Tokenizes a question with those pieces of a large vocabulary that can occur in it.

The tokenizers library builds a Unigram model's search tree anew at each start: half a second of processor
time and 150 MB for the 250,000 pieces of the multilingual models, of which a question can hold some hundred.
They are looked up in a sorted table that is mapped into memory, and the library's own model is built of them
alone. It normalises, cuts and weighs as ever, and gives the same tokens: no piece that is left out could be
one of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from stagekit.base.inference.model_cache import build_once, known_sha256, replace_directory, verify_files

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_VERSION: Final = 1  # of the table
_FRAME, _PIECES, _IDS, _SCORES = "frame.json", "pieces.npy", "ids.npy", "scores.npy"
_SMALL: Final = 2**21  # bytes of a tokenizer.json that is read whole as fast; about 50,000 pieces
_LONGEST_TEXT: Final = 2000  # characters; the parts of a text grow faster than the text
_LONGEST_WORD: Final = 300
_MOST_KEPT: Final = 1000  # ids that stay as they are, see `_frame`


@dataclass(frozen=True, slots=True)
class TokenIds:
    """What becomes of a text: the ids that the model takes, special tokens included."""

    ids: list[int]


class ExcerptTokenizer:
    """Gives the ids that the whole tokenizer gives, for few and short texts.

    Args:
        folder: of the table, see :func:`excerpt_tokenizer`.
        frame: what the table has beside the pieces.
    """

    def __init__(self, folder: Path, frame: dict[str, Any]) -> None:
        self._tokenizer: dict[str, Any] = frame["tokenizer"]  # its model without a vocabulary
        self._kept: list[tuple[int, str, float]] = [tuple(one) for one in frame["kept"]]
        self._pieces: NDArray[np.bytes_] = np.load(folder / _PIECES, mmap_mode="r")
        self._ids: NDArray[np.int32] = np.load(folder / _IDS, mmap_mode="r")
        self._scores: NDArray[np.float64] = np.load(folder / _SCORES, mmap_mode="r")

    def encode_batch_fast(self, texts: Sequence[str]) -> list[TokenIds]:
        """Return the ids of each text."""
        rows = self._rows(_parts(self._words(texts), self._pieces.dtype.itemsize))
        kept = {identity for identity, _, _ in self._kept}
        found = [
            (int(self._ids[row]), self._pieces[row].decode(), float(self._scores[row]))
            for row in rows
            if self._ids[row] not in kept
        ]
        vocabulary = [*self._kept, *found]
        tokenizer = self._with([(piece, score) for _, piece, score in vocabulary])
        identities: dict[int | None, int] = {place: one[0] for place, one in enumerate(vocabulary)}
        for token in self._tokenizer["added_tokens"]:
            identities[tokenizer.token_to_id(token["content"])] = token["id"]
        encodings = tokenizer.encode_batch_fast(list(texts))
        return [TokenIds([identities[one] for one in encoding.ids]) for encoding in encodings]

    def _words(self, texts: Sequence[str]) -> set[str]:
        """Return what the model is asked to cut: one that knows no piece gives each word as unknown."""
        _, unknown, score = self._kept[self._tokenizer["model"]["unk_id"]]
        tokenizer = self._with([(unknown, score)], unk_id=0)
        encodings = tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return {word for encoding in encodings for word in encoding.tokens}

    def _rows(self, parts: Iterable[bytes]) -> list[int]:
        """Return where in the table those parts of words lie that are pieces."""
        wanted = np.array(sorted(parts), self._pieces.dtype)
        places = np.searchsorted(self._pieces, wanted)
        places[places == len(self._pieces)] = 0
        rows: list[int] = places[self._pieces[places] == wanted].tolist()
        return rows

    def _with(self, vocabulary: list[tuple[str, float]], **changes: Any) -> Tokenizer:
        """Return the tokenizer with another vocabulary, its added tokens under their ids in that."""
        from tokenizers import Tokenizer

        places = {piece: place for place, (piece, _) in enumerate(vocabulary)}
        added = [
            token | {"id": places.setdefault(token["content"], len(places))}
            for token in self._tokenizer["added_tokens"]
        ]
        model = self._tokenizer["model"] | changes | {"vocab": vocabulary}
        whole = self._tokenizer | {"added_tokens": added, "model": model}
        return Tokenizer.from_str(json.dumps(whole, ensure_ascii=False))


def excerpt_tokenizer(tokenizer_file: Path) -> ExcerptTokenizer | None:
    """Return a model's tokenizer for few texts; None where there is none that would be ready sooner.

    The table is made once for each `tokenizer.json`, kept in the models' cache, and made again where it is
    damaged; where nothing can be written there, there is none.
    """
    if tokenizer_file.stat().st_size < _SMALL:
        return None
    name = f"pieces-{known_sha256(tokenizer_file)[:16]}-v{_VERSION}"

    def build(folder: Path) -> None:
        _write_table(json.loads(tokenizer_file.read_text(encoding="utf-8")), folder)

    try:
        folder = build_once(name, build)
        try:
            return _opened(folder)
        except (
            OSError,
            ValueError,
        ):  # the cache is ours: what is damaged, or being swapped, is made again
            return _opened(replace_directory(name, build))
    except (OSError, ValueError):  # no room, no permission: the whole tokenizer answers
        return None


def suits_excerpt(text: str) -> bool:
    """Tell whether a text is short enough to be tokenized sooner than the whole vocabulary is loaded."""
    return len(text) <= _LONGEST_TEXT and all(len(word) <= _LONGEST_WORD for word in text.split())


def _opened(folder: Path) -> ExcerptTokenizer | None:
    verify_files(folder, [_FRAME])
    frame = json.loads((folder / _FRAME).read_text(encoding="utf-8"))
    if not frame:
        return None
    verify_files(folder, [_PIECES, _IDS, _SCORES])
    return ExcerptTokenizer(folder, frame)


def _write_table(tokenizer: dict[str, Any], folder: Path) -> None:
    """Write the table of a tokenizer; nothing but an empty frame where its model is none to be cut down."""
    frame = _frame(tokenizer)
    (folder / _FRAME).write_text(json.dumps(frame, ensure_ascii=False), encoding="utf-8")
    if not frame:
        return
    vocabulary: list[tuple[str, float]] = tokenizer["model"]["vocab"]
    last = {piece.encode(): identity for identity, (piece, _) in enumerate(vocabulary) if piece}
    pieces = np.array(list(last))
    order = np.argsort(pieces, kind="stable")
    ids = np.array(list(last.values()), np.int32)[order]
    np.save(folder / _PIECES, pieces[order])
    np.save(folder / _IDS, ids)
    np.save(folder / _SCORES, np.array([vocabulary[identity][1] for identity in ids.tolist()], np.float64))


def _frame(tokenizer: dict[str, Any]) -> dict[str, Any]:
    """Return a tokenizer without its vocabulary, and what of that is kept; {} if it is no Unigram model.

    Kept are the first ids, up to the last one that the post-processor or the model names, for they are given
    as they are named; tokens that may stand in a text as they are; and the piece of the lowest score, by
    which an unknown letter is weighed.
    """
    model = tokenizer["model"]
    unigram = model.get("type") == "Unigram" and not model.get("byte_fallback")
    if not unigram or not isinstance(model.get("unk_id"), int):
        return {}
    vocabulary = model["vocab"]
    first = max(_numbers(tokenizer.get("post_processor")), default=0)
    first = max(first, model["unk_id"]) + 1
    if first > _MOST_KEPT or any(piece.endswith("\0") for piece, _ in vocabulary):
        return {}
    added = {token["content"] for token in tokenizer["added_tokens"]}
    lowest = min(range(len(vocabulary)), key=lambda identity: vocabulary[identity][1])
    kept = [
        (identity, *vocabulary[identity])
        for identity in range(len(vocabulary))
        if identity < first or identity == lowest or vocabulary[identity][0] in added
    ]
    bare = {name: value for name, value in model.items() if name != "vocab"}
    return {"tokenizer": tokenizer | {"model": bare, "truncation": None, "padding": None}, "kept": kept}


def _numbers(value: Any) -> Iterator[int]:
    """Give every whole number in a JSON value."""
    if isinstance(value, int) and not isinstance(value, bool):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _numbers(one)


def _parts(words: Iterable[str], longest: int) -> set[bytes]:
    """Return every part of some words that has at most so many bytes."""
    parts: set[bytes] = set()
    for word in words:
        letters = [letter.encode() for letter in word]
        for begin in range(len(letters)):
            part = b""
            for letter in letters[begin:]:
                part += letter
                if len(part) > longest:
                    break
                parts.add(part)
    return parts
