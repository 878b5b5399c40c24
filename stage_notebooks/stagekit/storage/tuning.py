"""Brings the settings of a collection that exists to what the configuration says, where that can be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qdrant_client import QdrantClient
from qdrant_client.models import (
    CollectionConfig,
    CollectionParamsDiff,
    Disabled,
    HnswConfigDiff,
    ScalarQuantization,
    VectorParamsDiff,
)

from stagekit.base.collection_settings import CollectionSettings
from stagekit.storage.collection import DENSE, int8_copy
from stagekit.storage.embedded.store import EmbeddedQdrant

_GRAPH = {"hnsw_m": "m", "hnsw_ef_construct": "ef_construct", "full_scan_threshold": "full_scan_threshold"}
_PARAMS = ("on_disk_payload", "replication_factor", "write_consistency_factor")
# Copies and parts in a cluster mean nothing to the embedded store.
_CLUSTER = {"shard_number", "replication_factor", "write_consistency_factor"}


def apply_settings(client: QdrantClient, name: str, settings: CollectionSettings) -> tuple[str, ...]:
    """Change what differs, and return the names of the settings that only a new collection can have.

    On a server all of them can be changed but ``shard_number``; the embedded store's engine takes them when
    the collection is made. ``indexing_threshold`` is set when the load is finished.
    """
    config = client.get_collection(name).config
    found = _found(config)
    differing = {
        setting: getattr(settings, setting)
        for setting in found
        if getattr(settings, setting) != found[setting]
    }
    if isinstance(client, EmbeddedQdrant):
        return tuple(setting for setting in differing if setting not in _CLUSTER)
    if changes := _changes(differing):
        client.update_collection(name, **changes)
    return tuple(setting for setting in differing if setting == "shard_number")


def _found(config: CollectionConfig) -> dict[str, Any]:
    """Return the settings that a collection has now, by the names of :class:`CollectionSettings`."""
    vectors = config.params.vectors
    dense = vectors.get(DENSE) if isinstance(vectors, Mapping) else vectors
    scalar = isinstance(config.quantization_config, ScalarQuantization)
    return {
        **{name: getattr(config.hnsw_config, field) for name, field in _GRAPH.items()},
        "quantization": "scalar" if scalar else "none",
        "on_disk_payload": bool(config.params.on_disk_payload),
        "on_disk_vectors": bool(dense.on_disk) if dense is not None else False,
        "shard_number": config.params.shard_number or 1,
        "replication_factor": config.params.replication_factor or 1,
        "write_consistency_factor": config.params.write_consistency_factor or 1,
    }


def _changes(differing: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``update_collection``."""
    changes: dict[str, Any] = {}
    if graph := {field: differing[name] for name, field in _GRAPH.items() if name in differing}:
        changes["hnsw_config"] = HnswConfigDiff(**graph)
    if params := {name: differing[name] for name in _PARAMS if name in differing}:
        changes["collection_params"] = CollectionParamsDiff(**params)
    if "quantization" in differing:
        wanted = int8_copy() if differing["quantization"] == "scalar" else Disabled.DISABLED
        changes["quantization_config"] = wanted
    if "on_disk_vectors" in differing:
        changes["vectors_config"] = {DENSE: VectorParamsDiff(on_disk=differing["on_disk_vectors"])}
    return changes
