"""RapidOCR with the weights in its package, its engines set up on purpose."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from stagekit.machine import cores
from stagekit.processing.onnx_arena import work_in_shared_arena
from stagekit.processing.pixel_tables import PixelTables

__all__ = ["page_reader", "picture_reader"]

_PAGES: dict[str, Any] = {
    # Lines are found on a page of 110 dpi, and read from the whole image: 1.7 times as fast, as well read.
    "Det.limit_type": "max",
    "Det.limit_side_len": 1280,
    "Rec.rec_batch_num": 1,  # in a batch every line is padded to the longest, and its neighbours change it
}


@lru_cache(maxsize=1)
def page_reader() -> Any:
    """Return the reader of scanned pages, loaded once: detection of lines, their direction, their text."""
    return _reader(_PAGES, bounded=True)


@lru_cache(maxsize=1)
def picture_reader() -> Any:
    """Return the reader of pictures, which enlarges small ones; loaded once."""
    return _reader({}, bounded=False)


def _reader(parameters: dict[str, Any], *, bounded: bool) -> Any:
    """Load a reader; `bounded` is one whose images have a largest size."""
    from rapidocr import RapidOCR

    # This process's share of the cores: more threads would busy-wait for cores that other workers use.
    threads = int(os.environ.get("OMP_NUM_THREADS") or cores())
    engine = {"EngineConfig.onnxruntime.intra_op_num_threads": threads}
    reader: Any = RapidOCR(params={"Global.log_level": "error", **engine, **parameters})
    if bounded:
        with _sessions_in_shared_arena():
            reader._load_det_model()
            reader._load_cls_model()
            reader._load_rec_model()
    detector = reader._load_det_model()
    steps = detector.get_preprocess()
    tables = PixelTables(steps.mean, steps.std)

    def prepare(image: Any) -> Any:
        resized = steps.resize(image)
        return None if resized is None else tables.planes(resized)

    detector.get_preprocess = lambda: prepare
    return reader


@contextmanager
def _sessions_in_shared_arena() -> Iterator[None]:
    """Let the sessions that RapidOCR opens meanwhile share memory; it has no setting for that."""
    from rapidocr.inference_engine.onnxruntime.main import OrtInferSession

    engine: Any = OrtInferSession
    own = engine._init_sess_opts

    def options(settings: Any) -> Any:
        made = own(settings)
        work_in_shared_arena(made)
        return made

    engine._init_sess_opts = staticmethod(options)
    try:
        yield
    finally:
        engine._init_sess_opts = staticmethod(own)
