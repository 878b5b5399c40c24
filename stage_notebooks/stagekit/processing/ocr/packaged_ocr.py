"""RapidOCR with the weights in its package, its engines set up on purpose."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from stagekit.base.inference.processor import has_bfloat16
from stagekit.base.machine import cores
from stagekit.processing.models.onnx_arena import open_session, work_in_shared_arena
from stagekit.processing.models.page_engine import page_engine
from stagekit.processing.models.weights import OCR
from stagekit.processing.ocr.narrow_recognition import narrow_recognition
from stagekit.processing.ocr.openvino_ocr import compute_in_float32, openvino_parameters
from stagekit.processing.ocr.pixel_tables import PixelTables
from stagekit.processing.seams.rapidocr import loaded_engine, prepare_images_by, use_session

_PAGES: dict[str, Any] = {
    # Lines are found on a page of 110 dpi, and read from the whole image: 1.7 times as fast, as well read.
    "Det.limit_type": "max",
    "Det.limit_side_len": 1280,
    "Rec.rec_batch_num": 1,  # in a batch every line is padded to the longest, and its neighbours change it
}


def page_reader() -> Any:
    """Return the reader of scanned pages, loaded once: detection of lines, their direction, their text."""
    return _page_reader(page_engine())


def picture_reader() -> Any:
    """Return the reader of pictures, which enlarges small ones; loaded once."""
    return _picture_reader(page_engine())


@lru_cache(maxsize=1)
def _page_reader(engine: str) -> Any:
    return _reader(engine, _PAGES, ("Det", "Cls", "Rec"), bounded=True)


@lru_cache(maxsize=1)
def _picture_reader(engine: str) -> Any:
    return _reader(engine, {}, ("Det", "Rec"), bounded=False)


def _reader(engine: str, parameters: dict[str, Any], parts: Sequence[str], *, bounded: bool) -> Any:
    """Load a reader with RapidOCR's parameters, for these parts; `onnx` runs the classifier of directions."""
    from rapidocr import RapidOCR

    in_openvino = openvino_parameters(_threads()) if engine == "openvino" else {}
    reader: Any = RapidOCR(params={"Global.log_level": "error", **parameters, **in_openvino})
    for part in parts:
        if f"{part}.engine_type" not in in_openvino:
            use_session(reader, part, _session(part, bounded=bounded))
    prepare_images_by(reader, _preparation)
    if in_openvino and not has_bfloat16():
        for part in ("Det", "Rec"):
            compute_in_float32(loaded_engine(reader, part), _threads())
    return reader


def _preparation(steps: Any) -> Callable[[Any], Any]:
    tables = PixelTables(steps.mean, steps.std)

    def prepare(image: Any) -> Any:
        resized = steps.resize(image)
        return None if resized is None else tables.planes(resized)

    return prepare


def _threads() -> int:
    # This process's share of the cores: more threads would busy-wait for cores that other workers use.
    return int(os.environ.get("OMP_NUM_THREADS") or cores())


def _session(part: str, *, bounded: bool) -> Any:
    import onnxruntime

    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _threads()
    options.log_severity_level = 4  # as RapidOCR sets it: fatal errors only
    if bounded:
        work_in_shared_arena(options)
    else:
        options.enable_cpu_mem_arena = False  # it would keep what the largest picture took
    weights = OCR[part].verified()
    if part != "Rec":
        return open_session(weights, options)
    return open_session(narrow_recognition(), options)
