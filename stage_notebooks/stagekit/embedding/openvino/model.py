"""Runs an embedding model in OpenVINO: the vectors of sentence-transformers, without torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stagekit.base.inference.openvino_runtime import compile_model
from stagekit.base.machine import cores
from stagekit.embedding.openvino.prepared import prepared_model
from stagekit.embedding.registry import ModelFiles
from stagekit.embedding.singly import require_within_limit, vectors_singly
from stagekit.embedding.tokens import ModelTokenizer
from stagekit.errors import ModelUnavailableError


@dataclass(frozen=True, slots=True)
class OpenVinoModel:
    """A loaded model."""

    # an `openvino.CompiledModel`: token numbers of texts of one length, shape (texts, tokens), to
    # vectors of shape (texts, dimension)
    compiled: Any
    tokenizer: ModelTokenizer  # gives the ids of texts
    max_seq_length: int  # most tokens of one input
    dimension: int  # length of a vector
    dtype: str  # "float32" or "bfloat16": what it computes in, whatever was asked for

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one vector, of any length, for each text, prompt included; see `vectors_singly`.

        Raises:
            ValueError: A text is longer than the model takes.
        """
        ids = self.tokenizer.ids(texts)
        require_within_limit(max(map(len, ids)), self.max_seq_length)
        return vectors_singly(ids, self.dimension, self._run)

    def _run(self, ids: Sequence[int]) -> NDArray[np.float32]:
        answer = self.compiled.create_infer_request().infer([np.array([ids], np.int64)])
        found: NDArray[np.float32] = answer[0][0]
        return found


def load_openvino_model(files: ModelFiles, dtype: str = "float32") -> OpenVinoModel:
    """Load a model, which is traced in torch at its first use on this machine.

    In "float32", or in "bfloat16" where the processor has it.

    Raises:
        ModelUnavailableError: It cannot run in OpenVINO, or its prepared file is damaged.
    """
    path = prepared_model(files)
    streams = cores()
    try:
        compiled = compile_model(path, bfloat16=dtype == "bfloat16", threads=streams, streams=streams)
    except RuntimeError as error:
        raise ModelUnavailableError(
            f"{path} cannot be loaded by OpenVINO ({' '.join(str(error).split())[:300]}): "
            f"delete {path.parent} and run again."
        ) from None
    computes = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    dimension = compiled.output(0).partial_shape[-1].get_length()
    return OpenVinoModel(
        compiled,
        ModelTokenizer(files),
        files.max_seq_length,
        dimension,
        "bfloat16" if computes == "bf16" else "float32",
    )
