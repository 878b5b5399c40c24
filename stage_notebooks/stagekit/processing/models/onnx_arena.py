"""Lets the models that read pages work in one piece of memory, one after the other.

By itself ONNX Runtime takes each intermediate result from the heap, where glibc finds little use for what was
freed: the detector of lines works with 130 MB on a page, and the heap grew by 350 to 500. An arena of each
session keeps what its largest page took, and no other session can use it. In one arena for all, large enough
to begin with, they use the same memory by turns, and pages of it that nobody needed are never touched.
https://onnxruntime.ai/docs/get-started/with-c.html, "Share allocator(s) between sessions".
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from stagekit.processing.seams.onnxruntime import forget_weights

_BEGIN_BYTES = 512 * 2**20  # of address space: a page of 1280 x 1280 pixels takes 310 MB
_DEFAULT = -1  # lets ONNX Runtime choose
_DOUBLING = 0  # how it grows once that is used up


def work_in_shared_arena(options: Any) -> None:
    """Make sessions with these SessionOptions take memory from this process's shared arena.

    Weights stay outside. It is for models whose inputs have a largest size: what was taken once is kept.
    """
    _open_arena()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")


def open_session(model: bytes | Path, options: Any) -> Any:
    """Open a model (a ModelProto, or a file with one) on the CPU; unlike ONNX Runtime, keep no copy."""
    import onnxruntime

    session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    forget_weights(session)
    return session


@lru_cache(maxsize=1)
def _open_arena() -> None:
    import onnxruntime

    onnxruntime.create_and_register_allocator(
        onnxruntime.OrtMemoryInfo(
            "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
        ),
        onnxruntime.OrtArenaCfg(
            {
                "max_mem": 0,  # no limit of its own
                "arena_extend_strategy": _DOUBLING,
                "initial_chunk_size_bytes": _BEGIN_BYTES,
                "max_dead_bytes_per_chunk": _DEFAULT,
                "initial_growth_chunk_size_bytes": _DEFAULT,
            }
        ),
    )
