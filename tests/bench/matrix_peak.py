"""Finds the fastest that this machine multiplies matrices in a number type, by the library that embeds."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from stagekit.base import onnx_format
from stagekit.base.inference.openvino_runtime import compile_model, openvino
from stagekit.base.machine import cores

_ROWS = 2000  # tokens: four texts
_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Peak:
    """Billions of multiplications and additions, by second and by CPU second, of the best product."""

    per_second: float
    per_cpu_second: float


def gflops(inner: int, outer: int, dtype: str, backend: str) -> Peak:
    """Multiply (2000, inner) by (inner, outer) again and again with all threads, and keep the best time.

    Args:
        inner: Length of the rows that are multiplied.
        outer: Columns of the result.
        dtype: "float32", "bfloat16" or "int8".
        backend: "torch", "onnx" or "openvino".
    """
    work = {"torch": _torch, "onnx": _onnx, "openvino": _openvino}[backend](inner, outer, dtype)
    operations = 2 * _ROWS * inner * outer / 1e9
    work()
    begin = time.perf_counter()
    walls, processors = [], []
    while time.perf_counter() - begin < _SECONDS:
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return Peak(operations / min(walls), operations / min(processors))


def _torch(inner: int, outer: int, dtype: str) -> Callable[[], Any]:
    import torch

    left = torch.randn(_ROWS, inner, dtype=getattr(torch, dtype))
    right = torch.randn(outer, inner, dtype=getattr(torch, dtype))

    def multiply() -> Any:
        with torch.inference_mode():
            return torch.nn.functional.linear(left, right)

    return multiply


def _onnx(inner: int, outer: int, dtype: str) -> Callable[[], Any]:
    random = np.random.default_rng(0)
    if dtype == "int8":
        left = random.integers(0, 256, (_ROWS, inner)).astype(np.uint8)
        constants = {
            "right": random.integers(-127, 128, (inner, outer)).astype(np.int8),
            "unit": np.array(1, np.float32),
            "scales": np.ones(outer, np.float32),
            "zero": np.array(128, np.uint8),
        }
        inputs = ["left", "right", "unit", "scales", "zero"]
        node = onnx_format.node("MatMulIntegerToFloat", inputs, ["product"], "com.microsoft")
        return _session(node, constants, left, outer)
    floats = random.standard_normal((_ROWS, inner), dtype=np.float32)
    weights = {"right": random.standard_normal((outer, inner), dtype=np.float32)}
    node = onnx_format.node("FusedMatMul", ["left", "right"], ["product"], "com.microsoft", transB=1)
    return _session(node, weights, floats, outer)


def _openvino(inner: int, outer: int, dtype: str) -> Callable[[], Any]:
    operators = openvino().opset13
    random = np.random.default_rng(0)
    left = random.standard_normal((_ROWS, inner), dtype=np.float32)
    right = operators.constant(random.standard_normal((outer, inner), dtype=np.float32))
    given = operators.parameter(list(left.shape), np.float32)
    product = operators.matmul(given, right, False, True)
    model = openvino().Model([product], [given], "product")
    compiled = compile_model(model, bfloat16=dtype == "bfloat16", threads=cores())
    request = compiled.create_infer_request()
    return lambda: request.infer([left])


def _session(node: bytes, constants: dict[str, Any], left: Any, outer: int) -> Callable[[], Any]:
    import onnxruntime

    kind = onnx_format.FLOAT if left.dtype == np.float32 else onnx_format.UINT8
    model = onnx_format.model(
        [node],
        [onnx_format.tensor(name, values) for name, values in constants.items()],
        [onnx_format.value_info("left", kind, list(left.shape))],
        [onnx_format.value_info("product", onnx_format.FLOAT, [_ROWS, outer])],
        {"": 18, "com.microsoft": 1},
    )
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"left": left})
