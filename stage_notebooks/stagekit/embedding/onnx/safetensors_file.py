"""Reads where the tensors of a safetensors file lie, and maps them, without its library or torch."""

import json
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stagekit.errors import ModelUnavailableError


class StoredTensor(NamedTuple):
    """A tensor of the file: its type as the format names it, and its bytes from the file's start on."""

    dtype: str
    shape: list[int]
    offset: int
    length: int


def read_header(weights: Path) -> dict[str, StoredTensor]:
    """Return the tensors of a file by name (https://github.com/huggingface/safetensors#format).

    Raises:
        ModelUnavailableError: The file has no whole header.
    """
    try:
        with weights.open("rb") as stream:
            (size,) = struct.unpack("<Q", stream.read(8))
            entries = json.loads(stream.read(min(size, weights.stat().st_size)))
        entries.pop("__metadata__", None)
        return {name: _tensor(entry, 8 + size) for name, entry in entries.items()}
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelUnavailableError(
            f"{weights} is not a whole safetensors file ({error}): save the model again."
        ) from None


def read_float32(weights: Path, tensor: StoredTensor) -> NDArray[np.float32]:
    """Return the values of an F32 tensor, mapped into memory and not to be written to.

    Raises:
        ModelUnavailableError: The file ends before the tensor does.
    """
    try:
        return np.memmap(weights, "<f4", "r", tensor.offset, tuple(tensor.shape))
    except ValueError as error:
        raise ModelUnavailableError(
            f"{weights} ends within a tensor ({error}): fetch or save the model again."
        ) from None


def _tensor(entry: dict[str, Any], start: int) -> StoredTensor:
    begin, end = entry["data_offsets"]
    return StoredTensor(entry["dtype"], entry["shape"], start + begin, end - begin)
