"""What a document says of itself: one reader, which ingestion, processing and enrichment ask alike.

:func:`read_declaration` takes bytes and gives front matter, properties and, of Markdown, the text behind the
front matter; :func:`judge_status` and :func:`validity` say what follows from them. Whether a document is
approved is decided here and nowhere else.

Names are imported at their first use: a search, which asks what has expired, reads no documents.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from stagekit.declared.in_force import has_expired as has_expired
    from stagekit.declared.in_force import resolve_day as resolve_day
    from stagekit.declared.in_force import validity as validity
    from stagekit.declared.reader import Declaration as Declaration
    from stagekit.declared.reader import declared_format as declared_format
    from stagekit.declared.reader import read_declaration as read_declaration
    from stagekit.declared.status import Judgement as Judgement
    from stagekit.declared.status import StatusWords as StatusWords
    from stagekit.declared.status import judge_status as judge_status

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
