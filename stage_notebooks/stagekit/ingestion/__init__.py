"""Stage 01: which documents there are at one state of a repository, and their bytes.

Names are loaded when they are asked for: whoever checks a setting needs no reader of documents.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "stagekit.ingestion.approval": (
            "Approval",
            "approval_fields",
            "set_aside",
        ),
        "stagekit.ingestion.content": (
            "ContentError",
            "blob_id",
            "verified",
        ),
        "stagekit.ingestion.gitlab.settings": ("GitLabSettings",),
        "stagekit.ingestion.gitlab.token": ("gitlab_token",),
        "stagekit.ingestion.identity": (
            "Identity",
            "identified",
            "identify",
            "newcomers",
            "source_id",
        ),
        "stagekit.ingestion.model": (
            "FileHistory",
            "FileKind",
            "Snapshot",
            "Source",
            "SourceFile",
            "SourceTraits",
        ),
        "stagekit.ingestion.opening": (
            "open_source",
            "sample_repository",
        ),
        "stagekit.ingestion.rows": (
            "document_id",
            "document_rows",
            "media_type",
            "snapshot_record",
        ),
        "stagekit.ingestion.selection": (
            "Document",
            "Selection",
            "SelectionRules",
            "extension_of",
            "left_out",
            "limited",
            "measured",
            "select",
        ),
    },
)
