"""Measures how much of a PDF's text layer arrived in the DoclingDocument, page by page."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from docling_core.types.doc import ContentLayer, DoclingDocument, TableItem, TextItem

from stagekit.processing.furniture import kept_furniture
from stagekit.processing.text.broken_text import is_broken_text

__all__ = ["TextCoverage", "is_readable", "measure_coverage", "missing_words", "page_texts_of", "words_of"]

SHORTEST_INSIDE = 4  # letters; shorter words are found inside others by chance
_WORD = re.compile(r"[^\W_]+")
# Letters set apart in a title are read one by one from the text layer.
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W\d_][ \t]+){4,}[^\W\d_]{1,2}(?![^\W_])")
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


def measure_coverage(
    page_texts: Sequence[str], document: DoclingDocument, *, read_by_ocr: Collection[int] = ()
) -> TextCoverage | None:
    """Compare the text layer of each page with the text that the document places on that page.

    Case, punctuation, ligatures and hyphens are ignored; repeated words must be found as often as they occur.

    Args:
        page_texts: The text layer of each page.
        document: What was made of it.
        read_by_ocr: Numbers of the pages whose text layer was not used; they are left out.

    Returns:
        The shares, or None where no page has a usable text layer.
    """
    found = page_texts_of(document)
    pages: dict[int, float] = {}
    hits_total = words_total = 0
    for number, layer in enumerate(page_texts, start=1):
        if number in read_by_ocr or not is_readable(layer):
            continue
        words = words_of(layer)
        hits = _hits(words, found.get(number, ""))
        pages[number] = hits / len(words)
        hits_total, words_total = hits_total + hits, words_total + len(words)
    if not pages:
        return None
    return TextCoverage(hits_total / words_total, min(pages.values()), pages)


def is_readable(layer: str) -> bool:
    """Whether the text layer of a page holds words, and characters that map to Unicode."""
    return bool(words_of(layer)) and not is_broken_text([layer])


def missing_words(words: Iterable[str], document: DoclingDocument, page: int) -> Counter[str]:
    """Return how often each of a page's words is missing in what the document places on that page."""
    text = page_texts_of(document).get(page, "")
    return +Counter({word: wanted - got for word, wanted, got in _compared(words, text)})


def words_of(text: str) -> list[str]:
    """Return the words of a text in the form in which they are compared."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = _SPACED.sub(lambda match: "".join(match.group().split()), folded)
    return _WORD.findall(_HYPHEN.sub("", folded))


def _hits(words: Iterable[str], text: str) -> int:
    return sum(got for _, _, got in _compared(words, text))


def _compared(words: Iterable[str], text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each word with how often it is wanted and how often it was found."""
    present = words_of(text)
    counts, together = Counter(present), "".join(present)
    for word, wanted in Counter(words).items():
        got = min(wanted, counts[word])
        if got < wanted and len(word) >= SHORTEST_INSIDE:
            got = min(wanted, together.count(word))
        yield word, wanted, got


def page_texts_of(document: DoclingDocument) -> dict[int, str]:
    """Return the text that a document places on each page.

    Of headers and footers those count that repeat a text of the body, where one copy of each is kept, and
    page numbers: what was left out without either has not arrived.
    """
    texts: dict[int, list[str]] = defaultdict(list)
    body = (item for item in document.texts if item.content_layer == ContentLayer.BODY)
    items: list[TextItem | TableItem] = [*body, *kept_furniture(document), *document.tables]
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
