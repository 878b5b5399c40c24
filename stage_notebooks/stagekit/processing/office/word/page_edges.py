"""Sets one copy of what the headers and footers of the pages say at the start of the document.

There stand the code, the revision and the validity of many a document, and nowhere else. A watermark is a
shape that Word keeps in a header; it is no text of the document, but says something of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice

from stagekit.processing.office.word.fields.shown import is_page_number, show_fields
from stagekit.processing.office.word.marks import PAGE_FOOTER, PAGE_HEADER
from stagekit.processing.office.word.names import (
    NAMESPACES,
    Element,
    drop,
    is_on,
    local_name,
    new_paragraph,
    r,
    text_of,
    value,
    w,
)
from stagekit.processing.office.word.tables import row_text

_V = f"{{{NAMESPACES['v']}}}"
_WATERMARK = re.compile(r"watermark|marca d[’']?\s?água|marcadagua", re.IGNORECASE)
PAGE_WORDS = re.compile(
    r"(?:\b(?:p[áa]ginas?|p[áa]gs?|p|fls?|folhas?|pages?|pg|de|of|do|total)\b|[\W\d_])*", re.IGNORECASE
)
_EDGES = {"headerReference": PAGE_HEADER, "footerReference": PAGE_FOOTER}


def edge_references(
    body: Element, open_settings: Callable[[], Element | None]
) -> Iterator[tuple[str, str | None]]:
    """Yield the mark and the relationship of each header and footer that Word shows, headers first."""
    for kind, mark in _EDGES.items():
        for section in body.iter(w("sectPr")):
            for reference in section.findall(w(kind)):
                where = value(reference, "type")
                if where == "first" and not is_on(section.find(w("titlePg"))):
                    continue
                if where == "even" and not _even_pages_differ(open_settings()):
                    continue
                yield mark, reference.get(r("id"))


def _even_pages_differ(settings: Element | None) -> bool:
    return settings is not None and bool(is_on(settings.find(w("evenAndOddHeaders"))))


def take_watermark(root: Element) -> str | None:
    """Take the watermark out of a header, and return its text; None without one."""
    for shape in list(root.iter(f"{_V}shape", w("drawing"), w("pict"))):
        names = [one.get(key) or "" for one in shape.iter() for key in ("id", "name") if one.get(key)]
        if not any(_WATERMARK.search(name) for name in names):
            continue
        texts = [one.get("string") or "" for one in shape.iter(f"{_V}textpath")]
        texts += [one.text or "" for one in shape.iter(w("t"))]
        drop(shape)
        return " ".join(" ".join(texts).split()) or None
    return None


def drop_page_numbers(root: Element) -> None:
    """Take the numbers of pages out of a header or footer, and the words of a line that has no others."""
    numbered: set[Element] = set()
    for field in list(root.iter(w("fldSimple"), w("instrText"))):
        if is_page_number(value(field, "instr") or field.text or ""):
            numbered.update(islice(field.iterancestors(w("p")), 1))
            if local_name(field) == "fldSimple":
                drop(field)
    show_fields(root, page_numbers=False)
    for paragraph in numbered:
        if PAGE_WORDS.fullmatch(text_of(paragraph)):
            for run in list(paragraph.iter(w("r"))):
                drop(run)


def edge_lines(root: Element) -> Iterator[str]:
    """Yield the lines of a header or footer, a row of a table being one line."""
    for block in root:
        rows = list(block.iter(w("tr"))) if local_name(block) == "tbl" else None
        texts = [text_of(block)] if rows is None else [row_text(row) for row in rows]
        yield from (line for text in texts if (line := " ".join(text.split())))


def write_edges(body: Element, lines: list[tuple[str, str]]) -> bool:
    """Write one copy of each distinct line of headers and footers in front of a body."""
    distinct: dict[str, Element] = {}
    for mark, text in lines:
        distinct.setdefault(text.casefold(), new_paragraph(mark + text))
    body[0:0] = distinct.values()
    for reference in list(body.iter(*map(w, _EDGES))):
        drop(reference)
    return bool(distinct)
