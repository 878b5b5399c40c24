"""Counts the tokens of any part of a document from one tokenization of the whole."""

from bisect import bisect_left
from collections.abc import Sequence


class TokenIndex:
    """Counts the tokens of any span from one tokenization of the whole text.

    Exact where the tokenizer splits at white space and the span ends there, as with BERT's and XLM-RoBERTa's;
    close elsewhere.
    """

    def __init__(self, offsets: Sequence[tuple[int, int]]) -> None:
        self._starts = sorted(start for start, _ in offsets)

    def before(self, position: int) -> int:
        """Return how many tokens begin before a character."""
        return bisect_left(self._starts, position)

    def count(self, start: int, end: int) -> int:
        """Return how many tokens begin in `text[start:end]`."""
        return self.before(end) - self.before(start)

    def nth(self, start: int, count: int) -> int:
        """Return where the token begins that `count` others of `text[start:]` stand before."""
        return self._starts[self.before(start) + count]
