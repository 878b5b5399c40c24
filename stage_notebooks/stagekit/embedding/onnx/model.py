"""Runs an embedding model in ONNX Runtime: the same vectors as sentence-transformers, ready in a second."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stagekit.base.machine import cores
from stagekit.embedding.errors import ModelUnavailableError
from stagekit.embedding.onnx.bert_graph import BertGraph, bert_graph
from stagekit.embedding.onnx.int8_graph import Int8GraphBuilder
from stagekit.embedding.registry import ModelFiles
from stagekit.embedding.tokens import ModelTokenizer

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["OnnxModel", "load_onnx_model"]

_ERRORS_ONLY = 3  # severity of ONNX Runtime's log


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A loaded model.

    Attributes:
        session: Takes and gives what `BertGraph` says.
        tokenizer: Gives the ids of texts.
        max_seq_length: Most tokens of one input.
        dimension: Length of a vector.
    """

    session: "InferenceSession"
    tokenizer: ModelTokenizer
    max_seq_length: int
    dimension: int

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one vector, of any length, for each text, prompt included.

        Each text goes through the model by itself: nothing is padded, attention needs no mask, and a vector
        is the same to the bit whatever it is made with and however many threads make it. With
        multilingual-e5-small, texts of 20 to 300 words took 1.4 CPU seconds so, and 2.2 in padded batches.

        Args:
            texts: At least one.

        Raises:
            ValueError: A text is longer than the model takes.
        """
        ids = self.tokenizer.ids(texts)
        require_within_limit(max(map(len, ids)), self.max_seq_length)
        # As many texts at once as there are cores, each on one: a fifth faster than all cores for one text
        # after the other, which wait for each other in each step. The longest first: all end together.
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]), reverse=True)
        rows = np.empty((len(ids), self.dimension), np.float32)
        with ThreadPoolExecutor(min(cores(), len(ids))) as threads:
            for place, row in zip(
                order, threads.map(self._run, (ids[place] for place in order)), strict=True
            ):
                rows[place] = row[0]
        return rows

    def _run(self, ids: Sequence[int]) -> NDArray[np.float32]:
        input_ids = np.array([ids], np.int32)
        inputs = {"input_ids": input_ids, "token_type_ids": np.zeros_like(input_ids)}
        (vectors,) = self.session.run(None, inputs)
        found: NDArray[np.float32] = vectors
        return found


def load_onnx_model(files: ModelFiles, dtype: str = "float32") -> OnnxModel:
    """Load a model whose directory has no `obstacle`; its weights are mapped into memory, not read.

    Args:
        files: The model.
        dtype: "float32", or "int8", whose codes are made here from the same weights.

    Raises:
        ModelUnavailableError: The weights are damaged.
    """
    graph = bert_graph(files.directory, Int8GraphBuilder if dtype == "int8" else None)
    return OnnxModel(_session(graph), ModelTokenizer(files), files.max_seq_length, graph.dimension)


def require_within_limit(longest: int, limit: int | None) -> None:
    """Refuse an input that the model would cut.

    Raises:
        ValueError: `longest`, in tokens, is above `limit`.
    """
    if limit is not None and longest > limit:
        raise ValueError(
            f"A text of {longest} tokens is longer than the {limit} that the embedding model takes and would "
            "be cut: lower chunk_size and run the chunking stage again."
        )


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
        return onnxruntime.InferenceSession(graph.model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common class of their own
        reason = " ".join(str(error).split())
        raise ModelUnavailableError(
            f"{graph.weights} cannot be loaded by ONNX Runtime ({reason}): "
            "fetch or save the model again, or set embedding_backend to torch."
        ) from None
