"""Decides where and in which number type a model computes, without importing torch where there is no GPU."""

import re
import sys
from pathlib import Path

from stagekit.base.inference.processor import has_bfloat16

_DTYPES = ("float32", "bfloat16", "int8")
_GPU_DEVICES = ("nvidia*", "kfd", "dxg")  # of /dev: NVIDIA, AMD, and Windows' GPU inside WSL
_DEV = Path("/dev")


def resolve_device(device: str, dtype: str = "float32") -> str:
    """Return `cpu`, `cuda` or `cuda:N`; "auto" takes the GPU where there is one, but for int8.

    Raises:
        ValueError: The setting is none of "cpu", "cuda", "cuda:N", "auto".
    """
    if not re.fullmatch(r"cpu|cuda(:\d+)?|auto", device):
        raise ValueError(f"device is {device!r}: set it to cpu, cuda, cuda:N or auto.")
    if device != "auto":
        return device
    if dtype == "int8" or not _may_have_gpu():
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def resolve_dtype(dtype: str, device: str = "cpu", backend: str = "auto") -> str:
    """Return `float32`, `bfloat16` or `int8`; "auto" and "fastest" take bfloat16 where the hardware has it.

    Elsewhere "fastest" is int8 on a CPU, unless the backend is one that has none. "auto" never is: that far
    from float32 (0.9995 by cosine at worst, with the packaged model) vectors are only where somebody asked
    for it.

    Args:
        dtype: The setting `embedding_dtype`.
        device: "cpu", "cuda", "cuda:N" or "auto"; looked at only where `dtype` leaves something open.
        backend: The setting `embedding_backend`.

    Raises:
        ValueError: The setting is none of "float32", "bfloat16", "int8", "auto", "fastest".
    """
    if dtype not in {*_DTYPES, "auto", "fastest"}:
        raise ValueError(f"embedding_dtype is {dtype!r}: set it to float32, bfloat16, int8, auto or fastest.")
    if dtype in _DTYPES:
        return dtype
    if resolve_device(device) != "cpu":
        import torch

        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    if has_bfloat16():
        return "bfloat16"
    return "int8" if dtype == "fastest" and backend in {"auto", "onnx"} else "float32"


def _may_have_gpu() -> bool:
    """Say whether torch is worth asking: on Linux every GPU it can use has a device file."""
    return sys.platform != "linux" or any(next(_DEV.glob(name), None) for name in _GPU_DEVICES)
