"""Refuses a document whose nesting exhausts the recursion of its reader, in words its author understands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from stagekit.errors import DocumentRejected


def too_deeply_nested() -> DocumentRejected:
    """Return the verdict on a document that is nested too deeply."""
    return DocumentRejected(
        "too_complex",
        "The document is nested too deeply (lists, quotations, emphasis or tables in one another).",
        "Reduce the levels; where they come from a conversion, convert the document again.",
    )


@contextmanager
def refuse_deep_nesting() -> Iterator[None]:
    """Turn a RecursionError of a reader into its verdict on the document.

    Raises:
        DocumentRejected: Category `too_complex`.
    """
    try:
        yield
    except RecursionError:
        raise too_deeply_nested() from None
