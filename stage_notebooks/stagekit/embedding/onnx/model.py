"""Runs an embedding model in ONNX Runtime: the same vectors as sentence-transformers, ready in a second."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stagekit.embedding.onnx.bert_graph import BertGraph, bert_graph
from stagekit.embedding.onnx.int8_graph import Int8GraphBuilder
from stagekit.embedding.registry import ModelFiles
from stagekit.embedding.singly import require_within_limit, vectors_singly
from stagekit.embedding.tokens import ModelTokenizer
from stagekit.errors import ModelUnavailableError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_ERRORS_ONLY = 3  # severity of ONNX Runtime's log
_SLOWER = ["SkipLayerNormFusion"]  # puts together what `GraphBuilder` keeps apart


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A loaded model."""

    session: "InferenceSession"  # takes and gives what `BertGraph` says
    tokenizer: ModelTokenizer  # gives the ids of texts
    max_seq_length: int  # most tokens of one input
    dimension: int  # length of a vector
    dtype: str = "float32"  # "float32" or "int8"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one vector, of any length, for each text, prompt included; see `vectors_singly`.

        Raises:
            ValueError: A text is longer than the model takes.
        """
        ids = self.tokenizer.ids(texts)
        require_within_limit(max(map(len, ids)), self.max_seq_length)
        return vectors_singly(ids, self.dimension, self._run)

    def _run(self, ids: Sequence[int]) -> NDArray[np.float32]:
        input_ids = np.array([ids], np.int32)
        inputs = {"input_ids": input_ids, "token_type_ids": np.zeros_like(input_ids)}
        (vectors,) = self.session.run(None, inputs)
        found: NDArray[np.float32] = vectors[0]
        return found


def load_onnx_model(files: ModelFiles, dtype: str = "float32") -> OnnxModel:
    """Load a model whose directory has no `obstacle`; its weights are mapped into memory, not read.

    In "int8" the codes are made here from the same weights; the other number type is "float32".

    Raises:
        ModelUnavailableError: The weights are damaged.
    """
    graph = bert_graph(files.directory, Int8GraphBuilder if dtype == "int8" else None)
    return OnnxModel(_session(graph), ModelTokenizer(files), files.max_seq_length, graph.dimension, dtype)


def _session(graph: BertGraph) -> "InferenceSession":
    import onnxruntime

    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # texts are what is done at the same time
    options.log_severity_level = _ERRORS_ONLY
    folder = "session.model_external_initializers_file_folder_path"
    options.add_session_config_entry(folder, str(graph.weights.parent))
    held = {name: onnxruntime.OrtValue.ortvalue_from_numpy(values) for name, values in graph.arrays.items()}
    if held:
        options.add_external_initializers(list(held), list(held.values()))
    try:
        return onnxruntime.InferenceSession(
            graph.model, options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOWER
        )
    except Exception as error:  # ONNX Runtime's errors have no common class of their own
        reason = " ".join(str(error).split())
        raise ModelUnavailableError(
            f"{graph.weights} cannot be loaded by ONNX Runtime ({reason}): "
            "fetch or save the model again, or set embedding_backend to torch."
        ) from None
