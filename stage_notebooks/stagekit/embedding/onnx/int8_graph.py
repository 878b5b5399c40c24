"""Lets the large products of a BERT graph multiply 8-bit integers: each token and each output its own scale.

A scale for a whole batch, as ONNX Runtime's own dynamic quantisation has it, would let one text's largest
value decide how finely its neighbours are resolved: vectors would depend on what else is in the batch. Here
a token's codes come from that token alone.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stagekit.base.inference.processor import cpu_flags
from stagekit.embedding.onnx.bert_graph import GraphBuilder
from stagekit.embedding.onnx.safetensors_file import read_float32

_IN_FLOAT32 = ".attention.self.value"
_ZERO = 128  # code of the value 0 in unsigned bytes
_SMALLEST = 1e-30  # scale of a token whose values are all 0
# These multiply unsigned by signed bytes exactly. Without them ONNX Runtime's kernels saturate between, and
# unsigned by unsigned, slower, gives the exact sums.
_EXACT_SIGNED = {"avx512_vnni", "avx_vnni", "asimddp"}


class Int8GraphBuilder(GraphBuilder):
    """Writes each linear layer as a product of 8-bit codes, quantised by row on both sides.

    Token t has codes a = round(x * 127 / max|x|), output n of the layer w = round(W * 127 / max|W|), each
    maximum over one row: the product is the exact 32-bit sum of a * w, times both scales. Softmax, norms,
    GELU, the attention's own products and the tables of the embedding stay in float32, and so do the layers
    that make attention's values: a twelfth of the work, and half of what the codes deviate by. With
    multilingual-e5-small and 150 chunks of documents the lowest cosine to float32 is 0.9996 so, and 0.9992
    with codes there as well; with codes for the values alone it is hardly better than the latter.
    """

    def __init__(self, config: dict[str, Any], weights: Path) -> None:
        super().__init__(config, weights)
        self.quantised_tokens: set[str] = set()

    @cached_property
    def signed(self) -> bool:
        """Tell whether the codes of the weights are signed; the sums are the same either way."""
        return bool(cpu_flags() & _EXACT_SIGNED)

    def _matrix(self, name: str, tokens: str, rows: int, columns: int) -> str:
        if name.endswith(_IN_FLOAT32):
            return super()._matrix(name, tokens, rows, columns)
        weight = read_float32(self.weights, self._tensor(f"{name}.weight", rows, columns))
        codes, scales = quantised(weight)
        # The operator reads a matrix with a column for each output.
        held = codes.T if self.signed else (codes.T.astype(np.int16) + _ZERO).astype(np.uint8)
        matrix = self._in_memory(f"{name}.codes", np.ascontiguousarray(held))
        inputs = [
            self._token_codes(tokens),
            matrix,
            self._constant("unit", np.float32(1)),
            self._constant(f"{name}.scales", scales),
            self._constant("zero_code", np.uint8(_ZERO)),
            *([] if self.signed else ["zero_code"]),
        ]
        product = self._node("MatMulIntegerToFloat", inputs, f"{name}.unscaled")
        return self._node("Mul", [product, f"{tokens}.scale"], f"{name}.product", "")

    def _token_codes(self, tokens: str) -> str:
        """Return the codes of a layer's input; query, key and value share theirs."""
        codes = f"{tokens}.codes"
        if codes in self.quantised_tokens:
            return codes
        self.quantised_tokens.add(codes)
        last = self._constant("last_axis", np.array([-1], np.int64))
        part = self._constant("part", np.float32(1 / 127))
        smallest = self._constant("smallest", np.float32(_SMALLEST))
        size = self._node("Abs", [tokens], f"{tokens}.size", "")
        largest = self._node("ReduceMax", [size, last], f"{tokens}.largest", "")
        step = self._node("Mul", [largest, part], f"{tokens}.step", "")
        scale = self._node("Max", [step, smallest], f"{tokens}.scale", "")
        scaled = self._node("Div", [tokens, scale], f"{tokens}.scaled", "")
        unit, zero = self._constant("unit", np.float32(1)), self._constant("zero_code", np.uint8(_ZERO))
        return self._node("QuantizeLinear", [scaled, unit, zero], codes, "")


def quantised(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return codes of the shape of `weight` (outputs, inputs), -127 to 127, and a scale for each output."""
    largest = np.maximum(weight.max(axis=1), -weight.min(axis=1))
    scales = np.maximum(largest / 127, _SMALLEST).astype(np.float32)
    codes = np.rint(weight * (1 / scales)[:, None])
    return codes.astype(np.int8), scales
