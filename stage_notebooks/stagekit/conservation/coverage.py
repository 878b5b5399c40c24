"""What is known of a document's text: how much of it arrived, what is missing, and what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stagekit.conservation.comparison import Comparison, Loss
from stagekit.conservation.source_text import LEFT_OUT, SourceText

_LONGEST = 160  # characters of a text that is named
_MOST = 50  # texts that are named
_KINDS = {
    "cell": "table cell",
    "note": "note",
    "furniture": "header or footer",
    "paragraph": "text",
    "formula": "text with a formula",
}


@dataclass(frozen=True)
class TextCoverage:
    """Shares from 0 to 1 of the source's words that the document holds."""

    total: float  # over the whole source; of a PDF, over all pages with a text layer
    minimum: float  # of the worst page; the same as `total` where a source has no pages
    # by page number; pages without a usable text layer are left out
    pages: dict[int, float] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()  # what is missing. Single words are in it beside proven losses
    added: tuple[str, ...] = ()  # words that are in the document only, and that no rule explains
    # texts that are left out on purpose, by the name of the rule
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def is_proven_loss(self) -> bool:
        """Whether a table cell, a clause or three words in a row are missing."""
        return any(loss.proven for loss in self.losses)

    def is_low(self, threshold: float) -> bool:
        """Whether a loss is proven, or the worst page holds a smaller share of its words than a threshold."""
        return self.is_proven_loss or self.minimum < threshold

    def low_pages(self, threshold: float) -> list[int]:
        """Return the numbers of the pages that are low in themselves."""
        proven = {loss.page for loss in self.losses if loss.proven}
        return [number for number, share in self.pages.items() if share < threshold or number in proven]

    def as_json(self) -> dict[str, Any]:
        """Return what is missing, added and left out, each text cut short and each list bounded."""
        return {
            "missing": named_losses(loss for loss in self.losses if loss.proven),
            "missing_words": [shortened(loss.text) for loss in self.losses if not loss.proven][:_MOST],
            "added_words": list(self.added[:_MOST]),
            "left_out": {
                LEFT_OUT[rule]: [shortened(text) for text in dict.fromkeys(texts)][:_MOST]
                for rule, texts in sorted(self.left_out.items())
            },
        }


def coverage_of(source: SourceText, comparison: Comparison) -> TextCoverage:
    """Return the coverage of a source without pages."""
    share = comparison.share
    return TextCoverage(
        share, share, losses=comparison.losses, added=comparison.added, left_out=source.left_out
    )


def named_losses(losses: Iterable[Loss]) -> list[str]:
    """Return losses in words, as `table cell "45 dias"`; at most 50."""
    return [f'{_KINDS[loss.kind]} "{shortened(loss.text)}"{_page(loss)}' for loss in losses][:_MOST]


def shortened(text: str) -> str:
    """Return a text of a document as a sentence may quote it: at most 160 characters."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _page(loss: Loss) -> str:
    return "" if loss.page is None else f" of page {loss.page}"
