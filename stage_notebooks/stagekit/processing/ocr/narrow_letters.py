"""Leaves out of the packaged recognition model the letters that no document of ours is written in.

PP-OCRv6 weighs 18,710 signs for every few pixels of a line. Nine of ten are Chinese, Japanese or emoji, all
of them twice as wide as a Latin letter. Without those a line takes a tenth less time, and a comma cannot be
taken for a full-width one. Field numbers are those of onnx.proto
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stagekit.base.onnx_format import FLOAT, fields, message, tensor, value_info

_GRAPH, _PROPERTY = 7, 14  # of a ModelProto
_INITIALIZER, _OUTPUT, _VALUE_INFO = 5, 12, 13  # of a GraphProto
_NAME, _RAW = 8, 9  # of a TensorProto
_KEY, _VALUE = 1, 2  # of a StringStringEntryProto
_LETTERS = b"character"  # the property that lists them
_WIDE = frozenset("FW")  # https://www.unicode.org/reports/tr11: full-width, wide


def with_narrow_letters(model: bytes, *, last_layer: Sequence[str], output: str) -> bytes:
    """Return a recognition model that knows letters of a single width only: Latin, Greek, signs.

    Args:
        model: A ModelProto with one class a letter of its property `character`, and one before and one after
            them: nothing, and the space.
        last_layer: Names of the float32 tensors whose last axis is the classes.
        output: Name of the graph's output, (lines, steps, classes).
    """
    texts = (_contents(content) for number, content, _ in fields(model) if number == _PROPERTY)
    known = next(text[_VALUE] for text in texts if text[_KEY] == _LETTERS).decode().splitlines()
    kept = [place for place, letter in enumerate(known) if unicodedata.east_asian_width(letter) not in _WIDE]
    classes = np.array([0, *(place + 1 for place in kept), len(known) + 1])
    narrow = _Narrow(frozenset(name.encode() for name in last_layer), len(known) + 2, classes, output)
    letters = message({_KEY: _LETTERS, _VALUE: "\n".join(known[place] for place in kept)})
    parts = []
    for number, content, raw in fields(model):
        if number == _GRAPH:
            parts.append(message({_GRAPH: narrow.graph(content)}))
        elif number == _PROPERTY and _contents(content)[_KEY] == _LETTERS:
            parts.append(message({_PROPERTY: letters}))
        else:
            parts.append(raw)
    return b"".join(parts)


@dataclass(frozen=True)
class _Narrow:
    """Which of how many classes stay, and where they stand in a graph."""

    tensors: frozenset[bytes]
    before: int
    classes: NDArray[np.int64]
    output: str

    def graph(self, graph: bytes) -> bytes:
        parts = []
        for number, content, raw in fields(graph):
            if number == _INITIALIZER and (weights := _contents(content))[_NAME] in self.tensors:
                values = np.frombuffer(weights[_RAW], "<f4").reshape(-1, self.before)[:, self.classes]
                parts.append(message({_INITIALIZER: tensor(weights[_NAME].decode(), values)}))
            elif number == _OUTPUT:
                sizes = ("lines", "steps", len(self.classes))
                parts.append(message({_OUTPUT: value_info(self.output, FLOAT, sizes)}))
            elif number != _VALUE_INFO:  # the sizes in between, some of which no longer hold
                parts.append(raw)
        return b"".join(parts)


def _contents(value: bytes) -> dict[int, bytes]:
    return {number: content for number, content, _ in fields(value)}
