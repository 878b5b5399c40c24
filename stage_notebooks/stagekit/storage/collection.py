"""What a collection holds, written on the collection itself, so that vectors of two models never mix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from qdrant_client import QdrantClient
from qdrant_client.models import Distance, PayloadSchemaType, VectorParams

from stagekit.enrichment.schema import SCHEMA_VERSION
from stagekit.errors import StageError

__all__ = ["PAYLOAD_INDEXES", "CollectionIdentity", "check_collection", "create_payload_indexes"]

_KEYWORDS = (
    "document_id", "source_id", "file_path", "content_hash", "status", "document_type", "category",
    "subcategory", "tags", "author", "approver", "department", "organization", "language", "version",
    "content_type", "file_extension", "repository_commit",
)  # fmt: skip
PAYLOAD_INDEXES: Final[dict[str, PayloadSchemaType]] = {
    **dict.fromkeys(_KEYWORDS, PayloadSchemaType.KEYWORD),
    "chunk_index": PayloadSchemaType.INTEGER,
    "page_number": PayloadSchemaType.INTEGER,
    "created": PayloadSchemaType.DATETIME,
    "modified": PayloadSchemaType.DATETIME,
    "effective_date": PayloadSchemaType.DATETIME,
    "expiration_date": PayloadSchemaType.DATETIME,
    "is_latest": PayloadSchemaType.BOOL,
    "ocr_applied": PayloadSchemaType.BOOL,
}


@dataclass(frozen=True, slots=True)
class CollectionIdentity:
    """Which vectors a collection holds.

    Attributes:
        embedding_model: ``name@revision`` of the model.
        dimension: length of the vectors.
        schema_version: of the payloads.
    """

    embedding_model: str
    dimension: int
    schema_version: str = SCHEMA_VERSION

    def metadata(self) -> dict[str, Any]:
        """Return what is written on the collection."""
        return {
            "embedding_model": self.embedding_model,
            "dimension": self.dimension,
            "distance": Distance.COSINE.value,
            "schema_version": self.schema_version,
        }


def check_collection(client: QdrantClient, collection_name: str, identity: CollectionIdentity) -> None:
    """Refuse a collection whose vectors are not those of this run.

    Raises:
        StageError: if dimension, distance or model differ; the message says what to do.
    """
    config = client.get_collection(collection_name).config
    vectors = config.params.vectors
    remedy = (
        "choose another collection_name, set embedding_model to the collection's, or delete the collection "
        "and run again."
    )
    if not isinstance(vectors, VectorParams):
        raise StageError(
            f"Collection {collection_name} has named vectors and was not made by nic-etl: {remedy}"
        )
    stored = (config.metadata or {}).get("embedding_model")
    if (vectors.size, vectors.distance, stored) == (
        identity.dimension,
        Distance.COSINE,
        identity.embedding_model,
    ):
        return
    raise StageError(
        f"Collection {collection_name} holds vectors of {stored or 'an unknown model'} ({vectors.size} "
        f"dimensions, {vectors.distance.value}), this run makes vectors of {identity.embedding_model} "
        f"({identity.dimension} dimensions, {Distance.COSINE.value}): {remedy}"
    )


def create_payload_indexes(client: QdrantClient, collection_name: str) -> None:
    """Create an index for every field that people filter by; one that exists is left as it is.

    Call it right after creating the collection: Qdrant builds the filter links of its graph only for indexes
    that exist before the points. The embedded store has no payload indexes and needs none.
    """
    for field, kind in PAYLOAD_INDEXES.items():
        client.create_payload_index(collection_name, field_name=field, field_schema=kind, wait=True)
