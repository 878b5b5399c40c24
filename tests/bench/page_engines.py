"""Compares the libraries that run layout and OCR: processor time of one input, on one core, by turns.

    python -m tests.bench.page_engines [--rounds N]

Prints a line for each model: median milliseconds of ONNX Runtime and of OpenVINO, and their ratio. OpenVINO
computes in bfloat16 where the processor has it, in float32 elsewhere and with `NIC_ETL_BFLOAT16=off`.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from docling.datamodel.accelerator_options import AcceleratorOptions

from stagekit.base.inference.processor import has_bfloat16
from stagekit.processing.models.packaged_layout import PackagedLayoutModel, PackagedLayoutOptions
from stagekit.processing.models.page_engine import choose_page_engine
from stagekit.processing.ocr.packaged_ocr import page_reader
from stagekit.processing.seams.rapidocr import loaded_engine

_SHAPES = {"layout": (1, 3, 800, 608), "detection": (1, 3, 736, 960), "recognition": (1, 3, 48, 960)}
_ENGINES = ("onnx", "openvino")


def main() -> None:
    """Measure, and print a line for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    os.environ["OMP_NUM_THREADS"] = "1"
    loaded = {engine: _models(engine) for engine in _ENGINES}
    random = np.random.default_rng(0)
    sys.stdout.write(f"OpenVINO computes in {'bfloat16' if has_bfloat16() else 'float32'}\n")
    for name, shape in _SHAPES.items():
        image = random.standard_normal(shape, dtype=np.float32)
        taken: dict[str, list[float]] = {engine: [] for engine in _ENGINES}
        for _ in range(rounds + 1):  # the first one is for warming up
            for engine in _ENGINES:
                begin = time.process_time()
                loaded[engine][name](image)
                taken[engine].append(time.process_time() - begin)
        onnx, openvino = (1000 * statistics.median(taken[engine][1:]) for engine in _ENGINES)
        sys.stdout.write(
            f"{name}: ONNX Runtime {onnx:.1f} ms, OpenVINO {openvino:.1f} ms ({openvino / onnx:.2f})\n"
        )


def _models(engine: str) -> dict[str, Callable[[Any], Any]]:
    choose_page_engine(engine)
    layout = PackagedLayoutModel(None, AcceleratorOptions(num_threads=1), PackagedLayoutOptions())
    reader = page_reader()
    return {
        "layout": layout._infer,
        "detection": loaded_engine(reader, "Det"),
        "recognition": loaded_engine(reader, "Rec"),
    }


if __name__ == "__main__":
    main()
