"""RapidOCR's own OpenVINO engine for finding and reading lines, set up to share the machine's cores."""

from __future__ import annotations

from typing import Any

from stagekit.base.inference.openvino_runtime import compile_model, openvino
from stagekit.processing.models.weights import OCR
from stagekit.processing.ocr.narrow_recognition import narrow_recognition_file


def openvino_parameters(threads: int) -> dict[str, Any]:
    """Return the parameters of RapidOCR that let OpenVINO run detection and recognition.

    Raises:
        RuntimeError: Packaged weights are missing or damaged.
        ModelUnavailableError: See `narrow_recognition_file`.
    """
    openvino()  # before RapidOCR imports it, with its telemetry
    from rapidocr import EngineType

    return {
        "Det.engine_type": EngineType.OPENVINO,
        "Det.model_path": str(OCR["Det"].verified()),
        "Rec.engine_type": EngineType.OPENVINO,
        "Rec.model_path": str(narrow_recognition_file()),
        "EngineConfig.openvino.inference_num_threads": threads,
        "EngineConfig.openvino.num_streams": 1,
        "EngineConfig.openvino.enable_cpu_pinning": "NO",  # other processes use the same cores
    }


def compute_in_float32(session: Any, threads: int) -> None:
    """Give a session of RapidOCR's OpenVINO engine another request, unless it computes in float32 by itself.

    The engine cannot be told the arithmetic, and takes bfloat16 wherever the processor has it.

    Args:
        session: An `OpenVINOInferSession`, of whose public attributes `model` is compiled anew.
        threads: See `compile_model`.
    """
    compiled = session.session.get_compiled_model()
    if compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name() != "f32":
        session.session = compile_model(session.model, bfloat16=False, threads=threads).create_infer_request()
