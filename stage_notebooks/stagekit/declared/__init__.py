"""What a document says of itself: one reader, which ingestion, processing and enrichment ask alike.

:func:`read_declaration` takes bytes and gives front matter, properties and, of Markdown, the text behind the
front matter; :func:`judge_status` and :func:`validity` say what follows from them. Whether a document is
approved is decided here and nowhere else.

Names are imported at their first use: a search, which asks what has expired, reads no documents.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from stagekit.declared.in_force import has_expired, resolve_day, validity
    from stagekit.declared.reader import Declaration, declared_format, read_declaration
    from stagekit.declared.status import Judgement, StatusWords, judge_status

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "stagekit.declared.reader": (
            "Declaration",
            "declared_format",
            "read_declaration",
        ),
        "stagekit.declared.status": (
            "Judgement",
            "StatusWords",
            "judge_status",
        ),
        "stagekit.declared.in_force": (
            "has_expired",
            "resolve_day",
            "validity",
        ),
    },
)
