"""Says in words which pages of a document were read in another way than the rest, and which to look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stagekit.processing.text.quality import FAULTS, page_ranges, text_fault

if TYPE_CHECKING:
    from docling.datamodel.base_models import Page

SHORTEST_LAYER = 30  # characters; a shorter one is a stamp on a scan


def read_by_ocr(pages: Sequence[Page]) -> set[int]:
    """Return the numbers of the pages whose lines come from OCR alone."""
    return {
        page.page_no
        for page in pages
        if page.parsed_page is not None
        and page.parsed_page.textline_cells
        and all(cell.from_ocr for cell in page.parsed_page.textline_cells)
    }


def quality_sentences(
    layers: Sequence[str], read: Mapping[int, str], by_ocr: set[int], put_back: Sequence[int]
) -> list[str]:
    """Return one sentence for each kind of page that a reader of the report should know of.

    Asked are the text layers, what the document has of each page, and the pages that OCR read whole or to
    which lost words were added.
    """
    discarded: dict[str, list[int]] = defaultdict(list)
    doubtful: dict[str, list[int]] = defaultdict(list)
    for number, layer in enumerate(layers, start=1):
        if number in by_ocr and len("".join(layer.split())) >= SHORTEST_LAYER:
            discarded[text_fault(layer) or "unmapped"].append(number)
    for number, text in sorted(read.items()):
        fault = text_fault(text)
        if fault:
            doubtful[fault].append(number)
    sentences = [
        f"{page_ranges(pages)}: the text layer cannot be used ({FAULTS[fault]}), so OCR read it."
        for fault, pages in discarded.items()
    ]
    if put_back:
        sentences.append(
            f"{page_ranges(put_back)}: words of the text layer were missing after the conversion, and were "
            "put back."
        )
    sentences += [
        f"{page_ranges(pages)}: the text may be wrong: {FAULTS[fault]}." for fault, pages in doubtful.items()
    ]
    return sentences
