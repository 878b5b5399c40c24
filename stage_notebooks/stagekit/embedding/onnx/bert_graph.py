"""Expresses a sentence-transformers BERT or XLM-RoBERTa as an ONNX graph over its safetensors file.

The graph is made from `config.json` and the header of `model.safetensors` each time a model is loaded: that
takes milliseconds, needs no torch, and leaves no second copy of the weights that could differ from the first.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stagekit.base import onnx_format
from stagekit.embedding.onnx.safetensors_file import StoredTensor, read_header
from stagekit.errors import ModelUnavailableError

WEIGHTS = "model.safetensors"
_MICROSOFT = "com.microsoft"  # ONNX Runtime's fused operators: docs/ContribOperators.md of its repository
_OPERATOR_SETS = {"": 18, _MICROSOFT: 1}
_OUTPUT = "sentence_embedding"
_ARCHITECTURES = ("bert", "xlm-roberta")
_POOLING = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}


@dataclass(frozen=True, slots=True)
class BertGraph:
    """An ONNX model and what its inputs and weights are.

    Inputs `input_ids`, `token_type_ids`, int32 of shape (batch, sequence), for texts of one length: there
    is no mask, so that attention can run in one fused pass. Output `sentence_embedding`, float32 of shape
    (batch, dimension): the pooled vectors, not yet of length 1.
    """

    model: bytes = field(repr=False)  # a serialised ModelProto
    weights: Path  # the file that its external tensors lie in
    dimension: int  # length of a vector
    # values of the external tensors that lie in no file
    arrays: Mapping[str, NDArray[Any]] = field(repr=False)


def obstacle(directory: Path) -> str:
    """Return why a sentence-transformers directory cannot be run as an ONNX graph, or "" if it can."""
    config = _json(directory / "config.json")
    modules = json.loads((directory / "modules.json").read_text(encoding="utf-8"))
    kinds = [str(module["type"]).rpartition(".")[2] for module in modules]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return f"its modules are {', '.join(kinds)} and not Transformer, Pooling, Normalize"
    if config.get("model_type") not in _ARCHITECTURES:
        return f"its architecture is {config.get('model_type')} and not {' or '.join(_ARCHITECTURES)}"
    expected = {"hidden_act": "gelu", "position_embedding_type": "absolute", "is_decoder": False}
    for name, value in expected.items():
        if config.get(name, value) != value:
            return f"its {name} is {config[name]} and not {value}"
    if not _pooling(directory):
        return "its pooling is neither the mean of the tokens nor the first one"
    if _json(directory / "sentence_bert_config.json").get("do_lower_case"):
        return "it puts texts into lower case before the tokenizer does"
    if not (directory / WEIGHTS).is_file():
        return f"its weights are not one file {WEIGHTS}"
    odd = {tensor.dtype for tensor in read_header(directory / WEIGHTS).values()} - {"F32", "I64"}
    return f"its weights are {', '.join(sorted(odd))} and not F32" if odd else ""


def bert_graph(directory: Path, builder_class: "type[GraphBuilder] | None" = None) -> BertGraph:
    """Return the graph of a directory that has no `obstacle`, in float32 unless a builder does it otherwise.

    Raises:
        ModelUnavailableError: The weights lack a tensor, or it has another shape than config.json says.
    """
    config = _json(directory / "config.json")
    # Through a link (a hub's cache) the file's own folder: ONNX Runtime refuses weights outside of it.
    builder = (builder_class or GraphBuilder)(config, (directory / WEIGHTS).resolve())
    tokens = builder.embeddings()
    for layer in range(config["num_hidden_layers"]):
        tokens = builder.layer(f"encoder.layer.{layer}", tokens)
    return builder.finish(tokens, _pooling(directory))


class GraphBuilder:
    """Collects nodes and the tensors they use; each method returns the name of its result."""

    def __init__(self, config: dict[str, Any], weights: Path) -> None:
        self.hidden: int = config["hidden_size"]
        self.inner: int = config["intermediate_size"]
        self.heads: int = config["num_attention_heads"]
        self.epsilon = float(config.get("layer_norm_eps", 1e-12))
        # RoBERTa counts positions from the padding's own on: the rows up to it belong to no token.
        roberta = config["model_type"] == "xlm-roberta"
        self.first_position: int = config["pad_token_id"] + 1 if roberta else 0
        self.weights = weights
        self.header = read_header(weights)
        # A model inside a larger one (BertForMaskedLM) is saved with a prefix.
        word_table = "embeddings.word_embeddings.weight"
        self.prefix = next((name for name in self.header if name.endswith(word_table)), "")[
            : -len(word_table)
        ]
        self.nodes: list[bytes] = []
        self.tensors: dict[str, bytes] = {}
        self.arrays: dict[str, NDArray[Any]] = {}

    def embeddings(self) -> str:
        """Sum a token's own vector, its position's and its segment's, and normalise."""
        names = [f"embeddings.{kind}_embeddings.weight" for kind in ("word", "position", "token_type")]
        skipped = (0, self.first_position, 0)
        tables = [
            self._weight(name, -1, self.hidden, skip=rows) for name, rows in zip(names, skipped, strict=True)
        ]
        inputs = ["input_ids", "token_type_ids", *tables, *self._norm("embeddings")]
        return self._node("EmbedLayerNormalization", inputs, "embeddings", epsilon=self.epsilon)

    def layer(self, name: str, tokens: str) -> str:
        """Attention and feed-forward, each added to its input and normalised (the post-norm of BERT)."""
        hidden, inner = self.hidden, self.inner
        parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
        projected = [self._matrix(part, tokens, hidden, hidden) for part in parts]
        biases = [self._weight(f"{part}.bias", hidden) for part in parts]
        bias = self._node("Concat", biases, f"{name}.bias", "", axis=0)
        context = self._node(
            "MultiHeadAttention", [*projected, bias], f"{name}.context", num_heads=self.heads
        )
        attended = self._add_norm(f"{name}.attention.output", context, tokens, hidden)
        widened = self._matrix(f"{name}.intermediate.dense", attended, inner, hidden)
        bias = self._weight(f"{name}.intermediate.dense.bias", inner)
        active = self._node("BiasGelu", [widened, bias], f"{name}.gelu")
        return self._add_norm(f"{name}.output", active, attended, inner)

    def finish(self, tokens: str, pooling: str) -> BertGraph:
        """Pool the tokens of each text."""
        if pooling == "cls":
            first = self._constant("first_token", np.int64(0))
            output = self._node("Gather", [tokens, first], _OUTPUT, "", axis=1)
        else:
            every = self._constant("axis_of_tokens", np.array([1], np.int64))
            output = self._node("ReduceMean", [tokens, every], _OUTPUT, "", keepdims=0)
        inputs = ("input_ids", "token_type_ids")
        model = onnx_format.model(
            self.nodes,
            list(self.tensors.values()),
            [onnx_format.value_info(name, onnx_format.INT32, ["batch", "sequence"]) for name in inputs],
            [onnx_format.value_info(output, onnx_format.FLOAT, ["batch", self.hidden])],
            _OPERATOR_SETS,
        )
        return BertGraph(model, self.weights, self.hidden, self.arrays)

    def _node(
        self,
        operator: str,
        inputs: list[str],
        output: str,
        domain: str = _MICROSOFT,
        **attributes: int | float,
    ) -> str:
        # This one has a second output by its definition, the number of tokens, which nothing here reads.
        unused = ["lengths"] if operator == "EmbedLayerNormalization" else []
        self.nodes.append(onnx_format.node(operator, inputs, [output, *unused], domain, **attributes))
        return output

    def _matrix(self, name: str, tokens: str, rows: int, columns: int) -> str:
        # torch keeps a linear layer's weight transposed; this operator reads it as it lies in the file.
        weight = self._weight(f"{name}.weight", rows, columns)
        return self._node("FusedMatMul", [tokens, weight], f"{name}.product", transB=1)

    def _norm(self, name: str) -> list[str]:
        return [self._weight(f"{name}.LayerNorm.{part}", self.hidden) for part in ("weight", "bias")]

    def _add_norm(self, name: str, tokens: str, skipped: str, columns: int) -> str:
        product = self._matrix(f"{name}.dense", tokens, self.hidden, columns)
        bias = self._weight(f"{name}.dense.bias", self.hidden)
        biased = self._node("Add", [product, bias], f"{name}.biased", "")
        added = self._node("Add", [biased, skipped], f"{name}.added", "")
        # Not SkipLayerNormalization, which is all three in one: on a CPU it takes four times as long, a
        # fourteenth of all that the model does.
        inputs = [added, *self._norm(name)]
        return self._node("LayerNormalization", inputs, f"{name}.sum", "", epsilon=self.epsilon)

    def _constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        self.tensors[name] = onnx_format.tensor(name, np.asarray(value))
        return name

    def _in_memory(self, name: str, values: NDArray[Any]) -> str:
        """Refer to values that ONNX Runtime gets beside the model, whose messages end at 2 GB."""
        self.arrays[name] = values
        self.tensors[name] = onnx_format.external_tensor(
            name, values.shape, self.weights.name, 0, values.nbytes, values.dtype
        )
        return name

    def _weight(self, name: str, *shape: int, skip: int = 0) -> str:
        """Refer to a tensor of the file without its first `skip` rows; a size of -1 is any."""
        tensor = self._tensor(name, *shape)
        rows, *others = tensor.shape
        before = skip * tensor.length // max(rows, 1)
        self.tensors[name] = onnx_format.external_tensor(
            name, [rows - skip, *others], self.weights.name, tensor.offset + before, tensor.length - before
        )
        return name

    def _tensor(self, name: str, *shape: int) -> StoredTensor:
        tensor = self.header.get(self.prefix + name)
        found = tensor.shape if tensor else []
        matches = len(found) == len(shape) and all(
            want in (-1, size) for want, size in zip(shape, found, strict=True)
        )
        if tensor is None or not matches or tensor.dtype != "F32":
            raise ModelUnavailableError(
                f"{self.weights} has no tensor {name} as its config.json describes it: save the model again, "
                "or set embedding_backend to torch."
            )
        return tensor


def _pooling(directory: Path) -> str:
    """Return "mean" or "cls", or "" for every other way."""
    config = _json(directory / "1_Pooling" / "config.json")
    chosen = [name for name, value in config.items() if name.startswith("pooling_mode_") and value is True]
    mode = config.get("pooling_mode") or (_POOLING.get(chosen[0]) if len(chosen) == 1 else None)
    return str(mode) if mode in _POOLING.values() and config.get("include_prompt", True) else ""


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return content
