"""The Arrow form of a document's vectors: what stage 04 stores and stage 06 reads."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

    from stagekit.embedding.reuse import EmbeddedTexts

__all__ = ["embeddings_table"]


def embeddings_table(chunk_indexes: Sequence[int], embedded: "EmbeddedTexts") -> "pa.Table":
    """Return one row a chunk: chunk_index, vector (fixed-size list of float32), vector_key."""
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(embedded.vectors).reshape(-1), pa.float32())
    vectors = pa.FixedSizeListArray.from_arrays(flat, embedded.vectors.shape[1])
    columns = [pa.array(chunk_indexes, pa.int32()), vectors, pa.array(embedded.keys, pa.string())]
    return pa.table(columns, names=["chunk_index", "vector", "vector_key"])
