"""Questions to the collection, and how well they are answered.

Modules have other names than the functions, which would be hidden by them otherwise.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from stagekit.errors import SearchRequestError
    from stagekit.search.evaluation import KnownQuestion, evaluate, read_questions
    from stagekit.search.query import Hit, search

__all__ = ["Hit", "KnownQuestion", "SearchRequestError", "evaluate", "read_questions", "search"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "stagekit.search.evaluation": ("KnownQuestion", "evaluate", "read_questions"),
        "stagekit.search.query": ("Hit", "search"),
        "stagekit.errors": ("SearchRequestError",),
    },
)
