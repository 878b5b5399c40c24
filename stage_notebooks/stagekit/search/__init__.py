"""Questions to the collection, and how well they are answered.

Modules have other names than the functions, which would be hidden by them otherwise.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from stagekit.errors import SearchRequestError as SearchRequestError
    from stagekit.search.evaluation import KnownQuestion as KnownQuestion
    from stagekit.search.evaluation import evaluate as evaluate
    from stagekit.search.evaluation import read_questions as read_questions
    from stagekit.search.query import Hit as Hit
    from stagekit.search.query import search as search

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
