"""In which library and number type a model computes, and which others make vectors that are as good."""

from typing import Final

from stagekit.base.inference.processor import has_bfloat16
from stagekit.embedding.hardware import resolve_device, resolve_dtype
from stagekit.embedding.onnx.bert_graph import obstacle
from stagekit.embedding.registry import ModelFiles
from stagekit.errors import ModelUnavailableError

BACKENDS: Final = ("auto", "torch", "onnx", "openvino")

# With multilingual-e5-small the cosine of two of these is 0.9999 and more, that of int8 to them 0.9995.
_EXACT = ("float32 onnx", "float32 openvino", "float32 torch", "bfloat16 openvino", "bfloat16 torch")
_INT8 = "int8 onnx"


def computation(dtype: str, backend: str) -> str:
    """Return what stands for the arithmetic in a `vector_key`: two backends round differently."""
    return f"{dtype} {backend}"


def accepted_computations(dtype: str) -> tuple[str, ...]:
    """Return the computations whose vectors serve where a number type is asked for, the nearest first.

    It depends on the setting alone: what one machine has embedded another one, with another processor, does
    not embed again. float32 and bfloat16 count as equal, and as good as int8 where that is asked for.

    Raises:
        ValueError: See `resolve_dtype`.
    """
    resolve_dtype(dtype, "cpu")  # refuses what it does not know
    return {"int8": (_INT8, *_EXACT), "fastest": (*_EXACT, _INT8)}.get(dtype, _EXACT)


def resolve_backend(backend: str, files: ModelFiles, *, dtype: str = "float32", device: str = "cpu") -> str:
    """Return `openvino`, `onnx` or `torch`; "auto" takes the fastest that makes the vectors asked for.

    On a CPU that is OpenVINO in bfloat16 where the processor has it, ONNX Runtime for models that it has a
    graph for, else OpenVINO; torch has what is left: GPUs, and models that it cannot trace.

    Raises:
        ValueError: The setting is none of "auto", "torch", "onnx", "openvino".
        ModelUnavailableError: It names a backend that model, dtype or device are not for; or the dtype is
            "int8", which is for ONNX Runtime alone, and they are not.
    """
    if backend not in BACKENDS:
        raise ValueError(f"embedding_backend is {backend!r}: set it to auto, torch, onnx or openvino.")
    device = resolve_device(device, dtype)
    dtype = resolve_dtype(dtype, device, backend)
    if backend == "openvino":
        _require(files, "run in OpenVINO", _not_openvino(files, dtype, device), "embedding_backend to auto")
        return backend
    reason = f"embedding_backend is {backend}" if backend == "torch" else _not_onnx(files, dtype, device)
    if dtype == "int8":
        _require(files, "compute in int8", reason, "embedding_dtype to float32, bfloat16 or auto")
    if backend == "onnx":
        _require(files, "run in ONNX Runtime", reason, "embedding_backend to auto or torch")
    if backend == "torch":
        return backend
    if not reason:
        return "onnx"
    if dtype == "bfloat16" and not has_bfloat16():
        return "torch"
    return "torch" if _not_openvino(files, dtype, device) else "openvino"


def _require(files: ModelFiles, what: str, reason: str, remedy: str) -> None:
    if reason:
        raise ModelUnavailableError(
            f"The embedding model {files.name} cannot {what}, {reason}: set {remedy}."
        )


def _not_onnx(files: ModelFiles, dtype: str, device: str) -> str:
    """Return why ONNX Runtime cannot make the vectors; "" if it can."""
    if device != "cpu":
        return f"device is {device} and not cpu"
    if dtype == "bfloat16":
        return "embedding_dtype is bfloat16 and not float32 or int8"
    return obstacle(files.directory)


def _not_openvino(files: ModelFiles, dtype: str, device: str) -> str:
    """Return why OpenVINO cannot make the vectors, as far as is known before the model is traced."""
    from stagekit.embedding.openvino.prepared import known_obstacle

    if device != "cpu":
        return f"device is {device} and not cpu"
    if dtype == "int8":
        return "embedding_dtype is int8 and not float32 or bfloat16"
    return known_obstacle(files)
