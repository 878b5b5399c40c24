"""What a collection holds, written on the collection itself, so that vectors of two models never mix."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from qdrant_client import QdrantClient
from qdrant_client.models import (
    CollectionInfo,
    Distance,
    HnswConfigDiff,
    Modifier,
    OptimizersConfigDiff,
    PayloadSchemaType,
    ScalarQuantization,
    ScalarQuantizationConfig,
    ScalarType,
    SparseVectorParams,
    VectorParams,
)

from stagekit.base.collection_settings import CollectionSettings
from stagekit.base.plain_json import canonical_json
from stagekit.enrichment.schema import SCHEMA_VERSION
from stagekit.errors import StageError
from stagekit.storage.embedded.store import EmbeddedQdrant
from stagekit.storage.version import require_metadata

DENSE: Final = "dense"
"""Name of the vectors of meaning."""
SPARSE: Final = "sparse"
"""Name of the vectors of words; a collection has them with ``hybrid_search``."""
CHUNKER_VERSION: Final = "2"
"""Raised when texts are cut so differently that a collection should be built anew rather than changed."""

_KEYWORDS = (
    "document_id", "source_id", "file_path", "content_hash", "status", "document_type", "category",
    "subcategory", "tags", "author", "approver", "department", "organization", "language", "version",
    "content_type", "file_extension", "repository_commit", "clauses",
)  # fmt: skip
_MOMENTS = ("created", "modified", "effective_date", "expiration_date")
PAYLOAD_INDEXES: Final[dict[str, PayloadSchemaType]] = {
    **dict.fromkeys(_KEYWORDS, PayloadSchemaType.KEYWORD),
    **dict.fromkeys(("chunk_index", "page_number"), PayloadSchemaType.INTEGER),
    **dict.fromkeys(_MOMENTS, PayloadSchemaType.DATETIME),
    **dict.fromkeys(("has_struck_text", "is_latest", "ocr_applied"), PayloadSchemaType.BOOL),
}
# There each index costs files that are synced at the end of every run that writes. A search looks for copies
# by `content_hash`: without its index it looks at every point (20 ms for 5,000).
EMBEDDED_INDEXES: Final = (
    "source_id", "document_id", "status", "language", "document_type", "category", "department", "tags",
    "clauses", "content_hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CollectionIdentity:
    """Which vectors of which texts a collection holds.

    What is left out on purpose can change point by point inside one collection: documents, metadata, the
    number type and the device that the model computes with.
    """

    embedding_model: str  # ``name@revision`` of the model
    dimension: int  # length of the dense vectors
    schema_version: str = SCHEMA_VERSION  # of the payloads
    chunk_size: int = 0  # setting, in tokens
    chunk_overlap: int = 0  # setting, in tokens
    chunker_version: str = CHUNKER_VERSION  # see :data:`CHUNKER_VERSION`
    sparse: str = ""  # kind and version of the sparse vectors, empty without them

    @property
    def fingerprint(self) -> str:
        """The sha256 of all of it: collections of different fingerprints are never mixed."""
        fields = asdict(self) | {"distance": Distance.COSINE.value}
        return hashlib.sha256(canonical_json(fields).encode()).hexdigest()

    def physical_name(self, collection_name: str) -> str:
        """Return the name of the collection that is served under ``collection_name``."""
        return f"{collection_name}__{self.fingerprint[:12]}"

    def metadata(self) -> dict[str, Any]:
        """Return what is written on the collection."""
        return asdict(self) | {"distance": Distance.COSINE.value, "fingerprint": self.fingerprint}


def int8_copy() -> ScalarQuantization:
    """Return how ``quantization: scalar`` keeps a copy of the vectors."""
    return ScalarQuantization(
        scalar=ScalarQuantizationConfig(type=ScalarType.INT8, quantile=0.99, always_ram=True)
    )


def create_collection(
    client: QdrantClient,
    name: str,
    identity: CollectionIdentity,
    settings: CollectionSettings | None = None,
    *,
    metadata: Mapping[str, Any] | None = None,
    bulk: bool = False,
) -> None:
    """Create a collection with its payload indexes.

    Args:
        client: of the store.
        name: of the collection itself, not an alias.
        identity: what it will hold.
        settings: how it is built.
        metadata: written on it beside the identity.
        bulk: more than 50,000 points follow; see :func:`stagekit.storage.collections.finish_load`.

    Raises:
        StageError: if the server is too old to keep the metadata; there is no collection then.
    """
    chosen = settings or CollectionSettings()
    dense = VectorParams(
        size=identity.dimension, distance=Distance.COSINE, on_disk=chosen.on_disk_vectors or None
    )
    client.create_collection(
        name,
        vectors_config={DENSE: dense},
        sparse_vectors_config={SPARSE: SparseVectorParams(modifier=Modifier.IDF)}
        if identity.sparse
        else None,
        metadata=identity.metadata() | dict(metadata or {}),
        **_request(chosen, bulk=bulk),
    )
    require_metadata(client, name)
    create_payload_indexes(client, name)


def _request(settings: CollectionSettings, *, bulk: bool) -> dict[str, Any]:
    """Return the arguments of ``create_collection``; a bulk load builds no graph before its end."""
    return {
        "hnsw_config": HnswConfigDiff(
            m=settings.hnsw_m,
            ef_construct=settings.hnsw_ef_construct,
            full_scan_threshold=settings.full_scan_threshold,
        ),
        "optimizers_config": OptimizersConfigDiff(
            indexing_threshold=0 if bulk else settings.indexing_threshold
        ),
        "quantization_config": int8_copy() if settings.quantization == "scalar" else None,
        "on_disk_payload": settings.on_disk_payload,
        "shard_number": settings.shard_number,
        "replication_factor": settings.replication_factor,
        "write_consistency_factor": settings.write_consistency_factor,
    }


def create_payload_indexes(client: QdrantClient, name: str) -> None:
    """Create the indexes that are missing, for every field that people filter by.

    Call it right after creating the collection: Qdrant builds the filter links of its graph only for indexes
    that exist before the points. The embedded store gets those of :data:`EMBEDDED_INDEXES`.
    """
    there = client.get_collection(name).payload_schema
    embedded = isinstance(client, EmbeddedQdrant)
    for field in EMBEDDED_INDEXES if embedded else PAYLOAD_INDEXES:
        if field not in there:
            client.create_payload_index(
                name, field_name=field, field_schema=PAYLOAD_INDEXES[field], wait=True
            )


def check_collection(client: QdrantClient, collection_name: str, identity: CollectionIdentity) -> None:
    """Refuse a collection whose vectors are not those of this run.

    Raises:
        StageError: if dimension, distance, model or the kind of sparse vectors differ; it says what to do.
    """
    info = client.get_collection(collection_name)
    found = describe(info)
    wanted = (DENSE, identity.dimension, Distance.COSINE.value, identity.embedding_model, identity.sparse)
    if found == wanted:
        return
    name, size, distance, model, sparse = found
    raise StageError(
        f"Collection {collection_name} holds vectors of {model or 'an unknown model'} "
        f"({name or 'without a name'}, {size} dimensions, {distance}, sparse: {sparse or 'none'}), this run "
        f"makes vectors of {identity.embedding_model} ({DENSE}, {identity.dimension} dimensions, "
        f"{Distance.COSINE.value}, sparse: {identity.sparse or 'none'}): run `nic-etl run`, which builds a "
        "collection for them, or choose another collection_name, or delete the collection."
    )


def describe(info: CollectionInfo) -> tuple[str, int, str, str, str]:
    """Return name, size and distance of the dense vectors, the model, and the kind of the sparse vectors."""
    vectors, metadata = info.config.params.vectors, info.config.metadata or {}
    named = vectors if isinstance(vectors, Mapping) else {"": vectors} if vectors else {}
    name = DENSE if DENSE in named else next(iter(named), "")
    params = named.get(name)
    sparse = metadata.get("sparse", "") if SPARSE in (info.config.params.sparse_vectors or {}) else ""
    if params is None:
        return name, 0, "no distance", str(metadata.get("embedding_model", "")), sparse
    return name, params.size, params.distance.value, str(metadata.get("embedding_model", "")), sparse
