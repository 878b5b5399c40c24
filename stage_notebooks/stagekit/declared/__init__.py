"""What a document says of itself: one reader, which ingestion, processing and enrichment ask alike.

:func:`read_declaration` takes bytes and gives front matter, properties and, of Markdown, the text behind the
front matter; :func:`judge_status` and :func:`validity` say what follows from them. Whether a document is
approved is decided here and nowhere else.
"""

from stagekit.declared.reader import Declaration, declared_format, read_declaration
from stagekit.declared.status import Judgement, StatusWords, judge_status
from stagekit.declared.validity import has_expired, resolve_day, validity

__all__ = [
    "Declaration",
    "Judgement",
    "StatusWords",
    "declared_format",
    "has_expired",
    "judge_status",
    "read_declaration",
    "resolve_day",
    "validity",
]
