"""The NIC schema v1.1: what the payload of every stored chunk carries, as pydantic models.

The payload is flat; the groups below are mixins that keep it readable. :class:`PayloadDraft` is what the
enrichment stage makes before the vectors are known; the storage stage completes it to :class:`NicPayload`.
``python -m stagekit.enrichment`` writes the JSON Schema into ``config/nic_schema/``.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from stagekit.base.paths import config_dir

SCHEMA_VERSION: Final = "1.1"

DocumentStatus = Literal["draft", "review", "approved", "published", "archived"]
DocumentType = Literal[
    "policy", "procedure", "guideline", "manual", "report", "presentation", "form", "other"
]
ContentType = Literal[
    "paragraph", "heading", "table", "list", "code_block", "figure", "caption", "footnote", "mixed"
]
STATUSES: Final[tuple[str, ...]] = get_args(DocumentStatus)
DOCUMENT_TYPES: Final[tuple[str, ...]] = get_args(DocumentType)


def _real_timestamp(value: str) -> str:
    datetime.fromisoformat(value)
    return value


def _real_date(value: str) -> str:
    date.fromisoformat(value)
    return value


def _without_credentials(value: str) -> str:
    if re.match(r"[a-z+]+://[^/]*@", value):
        raise ValueError("repository_url holds credentials")
    return value


Uuid = Annotated[
    str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", json_schema_extra={"format": "uuid"})
]
Timestamp = Annotated[
    str,
    Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", json_schema_extra={"format": "date-time"}),
    AfterValidator(_real_timestamp),
]
Day = Annotated[
    str,
    Field(pattern=r"^\d{4}-\d\d-\d\d$", json_schema_extra={"format": "date"}),
    AfterValidator(_real_date),
]
Text = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _Added(description: str) -> Any:  # noqa: N802 - a kind of Field
    """A nullable field of schema 1.1 that no author fills: an empty one makes nothing less complete."""
    return Field(description=description, json_schema_extra={"since": "1.1"})


class _Group(BaseModel):
    """Common rules: strict types, no unknown field, every field present (a nullable one as null)."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Region(_Group):
    """Where a part of the chunk stands in its document: item reference, page, and bounding box.

    ``bbox`` is left, top, right, bottom in page points, origin as Docling gives it.
    """

    ref: str
    page: int | None
    bbox: Annotated[list[float], Field(min_length=4, max_length=4)] | None


class Superseding(_Group):
    """The document that replaces another one: by its front matter, or by the sentence that is quoted."""

    document_id: Uuid
    file_path: Text
    title: Text
    quote: str | None


class DocumentGroup(_Group):
    """What the document is."""

    document_id: Uuid = Field(description="UUIDv5 of project and path, the same over all versions")
    title: Text
    description: str
    status: DocumentStatus
    created: Timestamp
    modified: Timestamp
    version: Text
    document_type: DocumentType
    category: str | None = Field(description="first folder below the approved folder")
    subcategory: str | None = Field(description="second folder below the approved folder")
    tags: list[str]
    author: str | None
    reviewer: str | None
    approver: str | None
    department: str | None
    organization: Text
    language: str = Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="BCP 47")
    effective_date: Day | None
    expiration_date: Day | None = Field(
        description="last day in force; whether it has passed is told when a question is asked"
    )
    superseded_by: Superseding | None = _Added("the document here that revokes this one as a whole")


class SectionGroup(_Group):
    """Where in the document the chunk stands."""

    section_hierarchy: list[str] = Field(description='numbering path, for example ["1", "1.2"]')
    section_titles: list[str] = Field(description="heading texts, outermost first")
    content_type: ContentType
    page_number: int | None = Field(ge=1, description="first page of the chunk")
    pages: list[int]
    region_id: str | None = Field(description="Docling reference of the chunk's first item")
    regions: list[Region]
    clause: str | None = _Added('clause of a norm in which the chunk begins, such as "Art. 5º, § 2º, III, a"')
    clauses: list[str] | None = _Added(
        "all clauses of a norm of which the chunk holds something, then those that they lie in"
    )


class ChunkGroup(_Group):
    """The chunk itself."""

    chunk_id: Uuid = Field(description="equals the id of the point")
    chunk_index: Count
    chunk_count: int = Field(ge=1)
    chunk_content: Text
    chunk_content_preview: str = Field(max_length=100)
    chunk_token_count: Count = Field(description="in the embedding model's own tokenizer")
    chunk_start_position: Count = Field(description="character offset in the canonical Markdown")
    chunk_end_position: Count
    content_hash: Sha256 = Field(description="of the chunk's text")


class LineageGroup(_Group):
    """How the chunk came about. ``source_id`` is an addition of ours to the schema."""

    processing_timestamp: Timestamp = Field(description="when the chunk's content was produced")
    pipeline_version: Text
    ocr_applied: bool
    ocr_confidence: Share | None
    embedding_model: Text
    source_id: Text = Field(
        description="addition: the source whose runs own this point; another source never touches it"
    )


class VectorGroup(_Group):
    """What is known once the chunk has its vector. Two of the fields are additions of ours."""

    vector_dimension: int = Field(ge=1)
    vector_key: Text = Field(
        description="addition: key of the vector (text, model, revision, dtype), so that a changed "
        "vector shows in the payload"
    )
    point_fingerprint: Sha256 = Field(
        description="addition: sha256 of the canonical payload without this field; a point whose "
        "fingerprint is the desired one needs no write"
    )


class RepositoryGroup(_Group):
    """Which file, at which commit."""

    repository_url: Annotated[Text, AfterValidator(_without_credentials)] = Field(
        description="without credentials"
    )
    repository_branch: Text
    repository_commit: Text = Field(description="the last commit that touched the file")
    repository_commit_timestamp: Timestamp
    file_path: Text
    file_name: Text
    file_extension: str
    file_size_bytes: Count
    file_hash: Text = Field(description="git blob id")
    is_latest: bool = Field(description="true for the version now in the branch")
    stale: bool | None = _Added(
        "true while the version now in the branch cannot be read and this one stands in"
    )


class QualityGroup(_Group):
    """How far the chunk can be trusted."""

    processing_confidence: Share
    metadata_completeness_score: Share = Field(description="share of the nullable fields that are filled")
    validation_warnings: list[str]
    has_struck_text: bool | None = _Added("the source shows text of the chunk as struck out")
    watermark: str | None = _Added('text across the pages, such as "MINUTA"')


class CustomGroup(_Group):
    """Whatever else the front matter holds, and the version of this schema."""

    custom_fields: dict[str, JsonValue]
    metadata: dict[str, JsonValue] | None = _Added(
        "what an answer cites, once more in one object for consumers that read only that; source is the link"
    )
    schema_version: Literal["1.1"]


class PayloadDraft(
    CustomGroup, QualityGroup, RepositoryGroup, LineageGroup, ChunkGroup, SectionGroup, DocumentGroup
):
    """A payload before its vector is known: everything but :class:`VectorGroup`."""

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        first, last = self.effective_date, self.expiration_date
        if first is not None and last is not None and last <= first:
            raise ValueError(f"expiration_date {last} is not after effective_date {first}")
        return self

    @model_validator(mode="after")
    def _positions_in_order(self) -> Self:
        if self.chunk_end_position < self.chunk_start_position:
            raise ValueError("chunk_end_position is before chunk_start_position")
        if self.chunk_index >= self.chunk_count:
            raise ValueError(f"chunk_index {self.chunk_index} is not below chunk_count {self.chunk_count}")
        return self


class NicPayload(VectorGroup, PayloadDraft):
    """The complete payload of a stored point."""

    @model_validator(mode="after")
    def _bge_m3_has_1024_dimensions(self) -> Self:
        if self.embedding_model.startswith("BAAI/bge-m3") and self.vector_dimension != 1024:
            raise ValueError(f"vector_dimension is {self.vector_dimension}; BAAI/bge-m3 has 1024")
        return self


ADDED_1_1: Final[tuple[str, ...]] = tuple(
    name for name, field in NicPayload.model_fields.items() if field.json_schema_extra == {"since": "1.1"}
)
"""The fields that schema 1.1 added; all may be null."""


@cache
def nullable_fields() -> tuple[str, ...]:
    """Return the names of the fields that may be null and that authors fill: completeness counts them."""
    return tuple(
        name
        for name, field in NicPayload.model_fields.items()
        if (get_origin(field.annotation) is types.UnionType or type(None) in get_args(field.annotation))
        and name not in ADDED_1_1
    )


def completeness(payload: Mapping[str, Any]) -> float:
    """Return the share of the nullable fields that a payload fills, 0 to 1."""
    nullable = nullable_fields()
    return round(sum(payload[name] is not None for name in nullable) / len(nullable), 4)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the stored payload."""
    schema = NicPayload.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": f"NIC schema v{SCHEMA_VERSION}: payload of a stored chunk",
    }


def write_json_schema(folder: Path | None = None) -> Path:
    """Write the JSON Schema into a folder (default ``config/nic_schema/``) and return the file's path."""
    folder = folder or config_dir() / "nic_schema"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"nic_schema_v{SCHEMA_VERSION}.json"
    path.write_text(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
