"""Runs an embedding model in ONNX Runtime: the same vectors as sentence-transformers, ready in a second."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stagekit.embedding.bert_graph import BertGraph, bert_graph
from stagekit.embedding.errors import ModelUnavailableError
from stagekit.embedding.registry import ModelFiles
from stagekit.embedding.tokens import load_tokenizer
from stagekit.machine import cores

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

__all__ = ["OnnxModel", "load_onnx_model"]

# Larger batches are no faster on a CPU and take more memory: with multilingual-e5-small and 32 texts of 500
# tokens, 12.6, 13.5, 13.3 CPU seconds and a peak of 0.73, 0.85, 1.06 GB at 2048, 4096, 8192 tokens.
_BATCH_TOKENS = 2048
_ERRORS_ONLY = 3  # severity of ONNX Runtime's log


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A loaded model.

    Attributes:
        session: Takes and gives what `BertGraph` says.
        tokenizer: With neither truncation nor padding.
        max_seq_length: Most tokens of one input.
        dimension: Length of a vector.
    """

    session: "InferenceSession"
    tokenizer: "Tokenizer"
    max_seq_length: int
    dimension: int

    def encode(self, texts: Sequence[str], batch_size: int) -> NDArray[np.float32]:
        """Return one vector, of any length, for each text, prompt included.

        Args:
            texts: At least one.
            batch_size: Most texts of a batch; texts of similar length share one.

        Raises:
            ValueError: A text is longer than the model takes.
        """
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts))]
        require_within_limit(max(map(len, ids)), self.max_seq_length)
        rows = np.empty((len(texts), self.dimension), np.float32)
        for places in _batches([len(row) for row in ids], batch_size):
            rows[places] = self._run([ids[place] for place in places])
        return rows

    def _run(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        shape = (len(batch), len(batch[-1]))
        input_ids, mask = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        for row, ids in enumerate(batch):
            input_ids[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        inputs = {"input_ids": input_ids, "token_type_ids": np.zeros_like(mask), "attention_mask": mask}
        (vectors,) = self.session.run(None, inputs)
        found: NDArray[np.float32] = vectors
        return found


def load_onnx_model(files: ModelFiles) -> OnnxModel:
    """Load a model whose directory has no `obstacle`; its weights are mapped into memory, not read.

    Raises:
        ModelUnavailableError: The weights are damaged.
    """
    graph = bert_graph(files.directory)
    tokenizer = load_tokenizer(files).tokenizer
    return OnnxModel(_session(graph), tokenizer, files.max_seq_length, graph.dimension)


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
    options.intra_op_num_threads = cores()
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other stages want the cores
    folder = "session.model_external_initializers_file_folder_path"
    options.add_session_config_entry(folder, str(graph.weights.parent))
    try:
        return onnxruntime.InferenceSession(graph.model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common class of their own
        reason = " ".join(str(error).split())
        raise ModelUnavailableError(
            f"{graph.weights} cannot be loaded by ONNX Runtime ({reason}): "
            "fetch or save the model again, or set embedding_backend to torch."
        ) from None


def _batches(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Give the places of texts in batches, by rising length; a batch's last text is its longest."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) == batch_size or (len(batch) + 1) * lengths[place] > _BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(place)
    yield batch
