"""Stage 01: which documents there are at one state of a repository, and their bytes."""

from stagekit.ingestion.approval import Approval, approval_fields, set_aside
from stagekit.ingestion.content import ContentError, blob_id, verified
from stagekit.ingestion.gitlab.settings import GitLabSettings
from stagekit.ingestion.gitlab.token import gitlab_token
from stagekit.ingestion.identity import Identity, identified, identify, newcomers, source_id
from stagekit.ingestion.model import FileHistory, FileKind, Snapshot, Source, SourceFile, SourceTraits
from stagekit.ingestion.opening import open_source, sample_repository
from stagekit.ingestion.rows import document_id, document_rows, media_type, snapshot_record
from stagekit.ingestion.selection import (
    Document,
    Selection,
    SelectionRules,
    extension_of,
    left_out,
    limited,
    measured,
    select,
)

__all__ = [
    "Approval",
    "ContentError",
    "Document",
    "FileHistory",
    "FileKind",
    "GitLabSettings",
    "Identity",
    "Selection",
    "SelectionRules",
    "Snapshot",
    "Source",
    "SourceFile",
    "SourceTraits",
    "approval_fields",
    "blob_id",
    "document_id",
    "document_rows",
    "extension_of",
    "gitlab_token",
    "identified",
    "identify",
    "left_out",
    "limited",
    "measured",
    "media_type",
    "newcomers",
    "open_source",
    "sample_repository",
    "select",
    "set_aside",
    "snapshot_record",
    "source_id",
    "verified",
]
