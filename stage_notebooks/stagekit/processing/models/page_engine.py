"""Which library runs the models that read pages in this process: one choice for all of them.

OpenVINO in bfloat16 takes a third to a half of ONNX Runtime's time for them; in float32 it takes a little
more. So it runs them where the processor computes in bfloat16 by itself, see docs/benchmarks.md.
"""

from __future__ import annotations

from typing import Final

from stagekit.base.inference.processor import has_bfloat16
from stagekit.errors import StageError

INFERENCE_ENGINES: Final = ("auto", "openvino", "onnx")
_chosen = "auto"


def resolve_page_engine(engine: str) -> str:
    """Return `openvino` or `onnx` (ONNX Runtime); "auto" takes the one that is faster on this processor.

    Raises:
        StageError: The setting is none of "auto", "openvino", "onnx".
    """
    if engine not in INFERENCE_ENGINES:
        raise StageError(f"inference_engine is {engine!r}: choose one of {', '.join(INFERENCE_ENGINES)}.")
    if engine != "auto":
        return engine
    return "openvino" if has_bfloat16() else "onnx"


def choose_page_engine(engine: str) -> None:
    """Let the models that are loaded from now on run in an engine: one process reads for one setting.

    Raises:
        StageError: As `resolve_page_engine`.
    """
    global _chosen  # noqa: PLW0603 - the readers of pages are asked for deep inside of Docling's pipeline
    _chosen = resolve_page_engine(engine)


def page_engine() -> str:
    """Return `openvino` or `onnx`."""
    return resolve_page_engine(_chosen)
