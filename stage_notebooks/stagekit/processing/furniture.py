"""Keeps one copy of each text that was left out of the body because it repeats: letterhead, running title.

Code, revision and validity of a document often stand in its header only, so each distinct text of the headers
and footers is written once at the start of the document. Page numbers say nothing and are not kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from docling_core.types.doc import ContentLayer, DocItemLabel, DoclingDocument, NodeItem, TextItem

EDGES = (DocItemLabel.PAGE_HEADER, DocItemLabel.PAGE_FOOTER)
_NUMBER = re.compile(r"\d+")
_ROMAN = re.compile(r"\W*([ivxl]+)\W*", re.IGNORECASE)
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50}
_PAGE_NUMBER = re.compile(
    r"\W*(?:(?:p[áa]g(?:ina|\.)?|page|pp?\.?|fls?\.?|folha|hoja|slide)\W*)?(?:\d{1,4}|[ivxl]+)"
    r"(?:\s*(?:/|de|of|-|–)\s*\d{1,4})?\W*",
    re.IGNORECASE,
)


def keep_one_copy(document: DoclingDocument) -> None:
    """Write one copy of each distinct header and footer of the furniture layer at the start of the body.

    A text that the body holds already is not written again, nor one that differs by the page's number only.
    """
    body = "\n".join(folded(text) for text in _body_texts(document))
    seen: set[str] = set()
    kept: list[TextItem] = []
    for item in _furniture(document):
        forms = set(signatures(item.text, _page(item)))
        if not seen & forms and not is_page_number(item.text) and folded(item.text) not in body:
            kept.append(item)
        seen |= forms
    sibling: NodeItem | None = document.body.children[0].resolve(document) if document.body.children else None
    for item in kept:
        # A place on a later page would make that page the one on which the document begins.
        prov = item.prov[0].model_copy() if item.prov and item.prov[0].page_no == 1 else None
        if sibling is None:
            document.add_text(label=item.label, text=item.text, prov=prov)
        else:
            document.insert_text(sibling=sibling, label=item.label, text=item.text, prov=prov, after=False)


def kept_furniture(document: DoclingDocument) -> Iterator[TextItem]:
    """Yield the headers and footers whose text the body holds, and page numbers: none of it is lost."""
    body = "\n".join(folded(text) for text in _body_texts(document))
    seen: set[str] = set()
    for item in _furniture(document):
        forms = set(signatures(item.text, _page(item)))
        if is_page_number(item.text) or forms & seen or folded(item.text) in body:
            seen |= forms
            yield item


def is_page_number(text: str) -> bool:
    """Whether a text is nothing but the number of a page (`- 4 -`, `Página 2 de 9`, `xii`)."""
    return bool(_PAGE_NUMBER.fullmatch(text))


def signatures(text: str, page_no: int) -> tuple[str, ...]:
    """Return what a running text is compared by: its words, also with a number relative to its page's."""
    plain = folded(text)
    relative = [
        f"{plain[: match.start()]}<{int(match.group()) - page_no}>{plain[match.end() :]}"
        for match in _NUMBER.finditer(plain)
        if len(match.group()) < 5
    ]
    roman = _ROMAN.fullmatch(plain)
    if roman:
        relative.append(f"<{_roman(roman.group(1)) - page_no}>")
    return (plain, *relative)


def folded(text: str) -> str:
    """Return a text in the form in which running texts are compared: no case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _roman(numeral: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in numeral.lower()]
    return sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))


def _furniture(document: DoclingDocument) -> Iterator[TextItem]:
    for item in document.texts:
        if item.label in EDGES and item.content_layer == ContentLayer.FURNITURE and item.text.strip():
            yield item


def _body_texts(document: DoclingDocument) -> Iterator[str]:
    for item in document.texts:
        if item.content_layer == ContentLayer.BODY:
            yield item.text
    for table in document.tables:
        yield from (cell.text for cell in table.data.table_cells)


def _page(item: TextItem) -> int:
    return item.prov[0].page_no if item.prov else 0
