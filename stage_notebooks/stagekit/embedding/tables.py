"""The Arrow form of a document's vectors: what stage 04 stores and stage 06 reads."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stagekit.embedding.sparse import SparseVector

if TYPE_CHECKING:
    import pyarrow as pa

    from stagekit.embedding.reuse import EmbeddedTexts


def embeddings_table(
    chunk_indexes: Sequence[int],
    embedded: "EmbeddedTexts",
    sparse: Sequence[SparseVector] | None = None,
) -> "pa.Table":
    """Return one row a chunk: chunk_index, vector (fixed-size list of float32), vector_key, computation.

    With `sparse`, a vector of each chunk, also sparse_indices (lists of uint32) and sparse_values (float32).
    """
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(embedded.vectors).reshape(-1), pa.float32())
    columns = {
        "chunk_index": pa.array(chunk_indexes, pa.int32()),
        "vector": pa.FixedSizeListArray.from_arrays(flat, embedded.vectors.shape[1]),
        "vector_key": pa.array(embedded.keys, pa.string()),
        "computation": pa.array(embedded.computations, pa.string()),
    }
    if sparse is not None:
        columns["sparse_indices"] = pa.array([one.indices for one in sparse], pa.list_(pa.uint32()))
        columns["sparse_values"] = pa.array([one.values for one in sparse], pa.list_(pa.float32()))
    return pa.table(columns)
