"""Measures how much of a PDF's text layer arrived in the DoclingDocument, page by page."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from docling_core.types.doc import DoclingDocument, TableItem, TextItem

from stagekit.processing.page_ocr import is_broken_text

__all__ = ["TextCoverage", "is_readable", "measure_coverage"]

SHORTEST_INSIDE = 4  # letters; shorter words are found inside others by chance
_WORD = re.compile(r"[^\W_]+")
_HYPHEN = re.compile(r"(?<=[^\W_])[-\u2010\u2011\u00ad\x02\ufffe]+\s*(?=[^\W_])")


@dataclass(frozen=True)
class TextCoverage:
    """Shares from 0 to 1 of the text layer's words that the document holds.

    Attributes:
        total: Over all pages with a text layer.
        minimum: Of the worst page.
        pages: By page number; pages without a usable text layer are left out.
    """

    total: float
    minimum: float
    pages: dict[int, float]


def measure_coverage(page_texts: Sequence[str], document: DoclingDocument) -> TextCoverage | None:
    """Compare the text layer of each page with the text that the document places on that page.

    Case, punctuation, ligatures and hyphens are ignored; repeated words must be found as often as they occur.

    Returns:
        The shares, or None where no page has a usable text layer.
    """
    found = _texts_by_page(document)
    pages: dict[int, float] = {}
    hits_total = words_total = 0
    for number, layer in enumerate(page_texts, start=1):
        if not is_readable(layer):
            continue
        words = _words(layer)
        hits = _hits(words, found.get(number, ""))
        pages[number] = hits / len(words)
        hits_total, words_total = hits_total + hits, words_total + len(words)
    if not pages:
        return None
    return TextCoverage(hits_total / words_total, min(pages.values()), pages)


def is_readable(layer: str) -> bool:
    """Whether the text layer of a page holds words, and characters that map to Unicode."""
    return bool(_words(layer)) and not is_broken_text([layer])


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(_HYPHEN.sub("", folded))


def _hits(words: Iterable[str], text: str) -> int:
    present = _words(text)
    counts, together = Counter(present), "".join(present)
    hits = 0
    for word, wanted in Counter(words).items():
        got = min(wanted, counts[word])
        if got < wanted and len(word) >= SHORTEST_INSIDE:
            got = min(wanted, together.count(word))
        hits += got
    return hits


def _texts_by_page(document: DoclingDocument) -> dict[int, str]:
    texts: dict[int, list[str]] = defaultdict(list)
    items: list[TextItem | TableItem] = [*document.texts, *document.tables]
    for item in items:
        text = _item_text(item)
        for number in {prov.page_no for prov in item.prov}:
            texts[number].append(text)
    return {number: "\n".join(parts) for number, parts in texts.items()}


def _item_text(item: TextItem | TableItem) -> str:
    if isinstance(item, TableItem):
        return "\n".join(cell.text for cell in item.data.table_cells)
    # A list's own mark is kept apart from the item's text.
    return f"{getattr(item, 'marker', '')} {item.text or item.orig}"
