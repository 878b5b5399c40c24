"""OpenVINO without what it does beside computing: imported where it is used, and silent about it.

`import openvino` also imports its converter and `openvino_telemetry`, which without a question writes an
identifier into the home folder and reports each import and each conversion to its makers. Both are hidden
here (OpenVINO has a stub for the second); whoever needs the converter imports it after that.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from stagekit.base.file_hashes import models_dir
from stagekit.base.imports.absent import leave_out, without_packages
from stagekit.base.inference.processor import has_bfloat16

_TELEMETRY = "openvino_telemetry"
_CONVERTER = "openvino.tools.ovc"


@lru_cache(maxsize=1)
def openvino() -> Any:
    """Return the package `openvino`, imported without converter and telemetry."""
    # For good: RapidOCR and the converter import it later, and would bring the telemetry along.
    leave_out(_TELEMETRY)
    with without_packages(_CONVERTER):
        import openvino as package

    return package


def compile_model(model: Any, *, bfloat16: bool, threads: int, streams: int = 1) -> Any:
    """Return an `openvino.CompiledModel` for the CPU.

    Of a file OpenVINO keeps below `models_dir()` what it has made ready: the next process has it in a fifth
    of the time. That is not verified by its hash, but it is made anew where it is damaged or of another
    version; of an IR it holds no weights, which are taken from the file each time.

    Args:
        model: The file of an IR or of an ONNX model, or an `openvino.Model`, of which nothing is kept.
        bfloat16: Compute in it where the processor does so natively; float32 otherwise.
        threads: Cores that may be used at once, by all streams together.
        streams: Inputs that are computed at the same time, each by its share of the threads.

    Raises:
        RuntimeError: The file is damaged, or is no model.
    """
    properties: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 and has_bfloat16() else "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": streams,
        "ENABLE_CPU_PINNING": False,  # cores are shared with other processes
    }
    kept = models_dir() / "openvino-cache"
    if isinstance(model, Path) and _writable(kept):
        mode = "OPTIMIZE_SIZE" if model.suffix == ".xml" else "OPTIMIZE_SPEED"
        properties |= {"CACHE_DIR": str(kept), "CACHE_MODE": mode}
    return openvino().Core().compile_model(model, "CPU", properties)


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def convert_torch(module: Any, example: dict[str, Any]) -> Any:
    """Trace a torch module with an example of its inputs; return the `openvino.Model`.

    Args:
        module: In the state for inference.
        example: Tensors by the names of the inputs; each of their sizes may be another one later.

    Raises:
        Exception: Torch cannot trace it, or OpenVINO knows not all its operators; of either.
    """
    openvino()
    from openvino.tools.ovc import convert_model

    return convert_model(module, example_input=example)


def save_model(model: Any, path: Path) -> None:
    """Save an `openvino.Model` at an `.xml` path as an IR with weights in float16, in a `.bin` beside it.

    Raises:
        RuntimeError: The disk does not take it; OpenVINO's words do not say so.
    """
    openvino().save_model(model, path, compress_to_fp16=True)
