"""Decides where and in which number type a model computes, without importing torch where there is no GPU."""

import re
import sys
from pathlib import Path

__all__ = ["cpu_flags", "resolve_device", "resolve_dtype"]

_DTYPES = ("float32", "bfloat16", "int8")
_GPU_DEVICES = ("nvidia*", "kfd", "dxg")  # of /dev: NVIDIA, AMD, and Windows' GPU inside WSL
_DEV = Path("/dev")


def resolve_device(device: str, dtype: str = "float32") -> str:
    """Return `cpu`, `cuda` or `cuda:N`; "auto" takes the GPU where there is one, but for int8.

    Args:
        device: The setting `device`.
        dtype: The setting `embedding_dtype`; int8 is for CPUs alone.

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


def resolve_dtype(dtype: str, device: str = "cpu") -> str:
    """Return `float32`, `bfloat16` or `int8`; "auto" takes bfloat16 where the hardware multiplies in it.

    "auto" never takes int8: that far from float32 (0.9996 by cosine at worst, with the packaged model)
    vectors are only where somebody asked for it.

    Args:
        dtype: The setting `embedding_dtype`.
        device: "cpu", "cuda", "cuda:N" or "auto"; looked at only where `dtype` is "auto".

    Raises:
        ValueError: The setting is none of "float32", "bfloat16", "int8", "auto".
    """
    if dtype not in {*_DTYPES, "auto"}:
        raise ValueError(f"embedding_dtype is {dtype!r}: set it to float32, bfloat16, int8 or auto.")
    if dtype != "auto":
        return dtype
    if resolve_device(device) != "cpu":
        import torch

        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return "bfloat16" if cpu_flags() & {"avx512_bf16", "amx_bf16", "bf16"} else "float32"


def _may_have_gpu() -> bool:
    """Say whether torch is worth asking: on Linux every GPU it can use has a device file."""
    return sys.platform != "linux" or any(next(_DEV.glob(name), None) for name in _GPU_DEVICES)


def cpu_flags() -> frozenset[str]:
    """Return what the processor can do, in Linux' words; nothing where there is no /proc/cpuinfo."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return frozenset()
    lines = path.read_text(encoding="utf-8").splitlines()
    said = (line for line in lines if line.startswith(("flags", "Features")))
    return frozenset(flag for line in said for flag in line.split())
