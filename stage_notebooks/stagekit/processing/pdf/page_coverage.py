"""Measures how much of a PDF's text layer arrived in the DoclingDocument, page by page."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from docling_core.types.doc import ContentLayer, DoclingDocument, TableItem, TextItem

from stagekit.conservation.comparison import Loss, compare_units
from stagekit.conservation.coverage import TextCoverage
from stagekit.conservation.source_text import Unit
from stagekit.conservation.words import words_of
from stagekit.processing.furniture import kept_furniture
from stagekit.processing.text.broken_text import is_broken_text

_LINE_END = re.compile(r"(?<![-\u2010\u2011\u00ad\x02\ufffe\r\n])[ \t]*[\r\n]+")  # behind no divided word
SHORTEST_INSIDE = 4  # letters; shorter words are found inside others by chance


def measure_coverage(
    page_texts: Sequence[str],
    document: DoclingDocument,
    *,
    read_by_ocr: Collection[int] = (),
    unseen: Mapping[int, str] | None = None,
) -> TextCoverage | None:
    """Compare the text layer of each page with the text that the document places on that page.

    Repeated words must be found as often as they occur, in whatever order.

    Args:
        page_texts: The text layer of each page, as far as a reader of the page sees it.
        document: What was made of it.
        read_by_ocr: Numbers of the pages whose text layer was not used; they are left out.
        unseen: Text of the layer that nobody sees on the page, by page number; it is named as left out.

    Returns:
        The shares, or None where no page has a usable text layer.
    """
    found = page_texts_of(document)
    pages: dict[int, float] = {}
    losses: list[Loss] = []
    hits = words = lines = 0
    for number, layer in enumerate(page_texts, start=1):
        if number in read_by_ocr or not is_readable(layer):
            continue
        units = [Unit(line) for line in _LINE_END.split(layer)]
        page = compare_units(units, found.get(number, ""))
        pages[number] = page.share
        losses += [replace(loss, unit=lines + loss.unit, page=number) for loss in page.losses]
        hits, words, lines = hits + page.found, words + page.wanted, lines + len(units)
    if not pages:
        return None
    hidden = {"hidden": [text for text in (unseen or {}).values() if text.strip()]}
    left_out = hidden if hidden["hidden"] else {}
    return TextCoverage(hits / words, min(pages.values()), pages, tuple(losses), left_out=left_out)


def is_readable(layer: str) -> bool:
    """Whether the text layer of a page holds words, and characters that map to Unicode."""
    return bool(words_of(layer)) and not is_broken_text([layer])


def missing_words(words: Iterable[str], document: DoclingDocument, page: int) -> Counter[str]:
    """Return how often each of a page's words is missing in what the document places on that page."""
    text = page_texts_of(document).get(page, "")
    return +Counter({word: wanted - got for word, wanted, got in _compared(words, text)})


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
