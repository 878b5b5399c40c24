"""Stage 01: which documents there are at one state of a repository, and their bytes.

Names are loaded when they are asked for: whoever checks a setting needs no reader of documents.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from stagekit.ingestion.approval import Approval as Approval
    from stagekit.ingestion.approval import approval_fields as approval_fields
    from stagekit.ingestion.approval import set_aside as set_aside
    from stagekit.ingestion.content import ContentError as ContentError
    from stagekit.ingestion.content import blob_id as blob_id
    from stagekit.ingestion.content import verified as verified
    from stagekit.ingestion.gitlab.settings import GitLabSettings as GitLabSettings
    from stagekit.ingestion.gitlab.token import gitlab_token as gitlab_token
    from stagekit.ingestion.identity import Identity as Identity
    from stagekit.ingestion.identity import identified as identified
    from stagekit.ingestion.identity import identify as identify
    from stagekit.ingestion.identity import newcomers as newcomers
    from stagekit.ingestion.identity import source_id as source_id
    from stagekit.ingestion.opening import open_source as open_source
    from stagekit.ingestion.opening import sample_repository as sample_repository
    from stagekit.ingestion.rows import document_id as document_id
    from stagekit.ingestion.rows import document_rows as document_rows
    from stagekit.ingestion.rows import media_type as media_type
    from stagekit.ingestion.rows import snapshot_record as snapshot_record
    from stagekit.ingestion.selection import Document as Document
    from stagekit.ingestion.selection import Selection as Selection
    from stagekit.ingestion.selection import SelectionRules as SelectionRules
    from stagekit.ingestion.selection import extension_of as extension_of
    from stagekit.ingestion.selection import left_out as left_out
    from stagekit.ingestion.selection import limited as limited
    from stagekit.ingestion.selection import measured as measured
    from stagekit.ingestion.selection import select as select
    from stagekit.ingestion.source import FileHistory as FileHistory
    from stagekit.ingestion.source import FileKind as FileKind
    from stagekit.ingestion.source import Snapshot as Snapshot
    from stagekit.ingestion.source import Source as Source
    from stagekit.ingestion.source import SourceFile as SourceFile
    from stagekit.ingestion.source import SourceTraits as SourceTraits

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
