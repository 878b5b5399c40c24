"""What the embedded store says of a collection, in the words of a server."""

from __future__ import annotations

from typing import Any, Final

import qdrant_edge as edge
from qdrant_client import models

GRAPH_FROM_POINTS: Final = 50_000
"""Below, exact search takes less than 10 ms and building a graph a minute (tests/bench/embedded_store.py)."""
_SERVER_OPTIMIZERS: Final = {
    "default_segment_number": 0,
    "flush_interval_sec": 5,
    "indexing_threshold": 10_000,
}
_SERVER_HNSW: Final = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000}


def first_graph_kilobytes(request: models.CreateCollection) -> int:
    """Return from which size of a segment on, in kB of vectors, ``optimize`` builds its graph."""
    vectors = request.vectors if isinstance(request.vectors, dict) else {}
    size = max((params.size for params in vectors.values()), default=0)
    asked = request.optimizers_config.indexing_threshold if request.optimizers_config else None
    return max(asked or 0, GRAPH_FROM_POINTS * size * 4 // 1024)


def collection_info(request: dict[str, Any], info: edge.ShardInfo) -> models.CollectionInfo:
    """Return the description of a collection from the request that made it and the engine's figures."""
    config = {
        "params": {
            "vectors": request["vectors"],
            "sparse_vectors": request.get("sparse_vectors"),
            "on_disk_payload": request.get("on_disk_payload"),
            "shard_number": 1,
            "replication_factor": 1,
            "write_consistency_factor": 1,
        },
        "hnsw_config": _SERVER_HNSW | request.get("hnsw_config", {}),
        "optimizer_config": _SERVER_OPTIMIZERS | request.get("optimizers_config", {}),
        "quantization_config": request.get("quantization_config"),
        "metadata": request.get("metadata") or {},
    }
    return models.CollectionInfo(
        status=models.CollectionStatus.GREEN,
        optimizer_status=models.OptimizersStatusOneOf.OK,
        segments_count=info.segments_count,
        points_count=info.points_count,
        indexed_vectors_count=info.indexed_vectors_count,
        config=models.CollectionConfig.model_validate(config),
        payload_schema={
            name: models.PayloadIndexInfo(data_type=_kind(index), points=index.points)
            for name, index in info.payload_schema.items()
        },
    )


def _kind(index: Any) -> models.PayloadSchemaType:
    return models.PayloadSchemaType(str(index.data_type).rpartition(".")[2].lower())
