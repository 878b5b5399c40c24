"""Sets footnotes and endnotes behind the paragraph in which their mark stands."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

from stagekit.processing.office.word.marks import NOTE
from stagekit.processing.office.word.names import (
    Element,
    drop,
    local_name,
    new_paragraph,
    own_paragraphs,
    text_of,
    text_run,
    value,
    w,
    whole,
)
from stagekit.processing.office.word.number_formats import format_number
from stagekit.processing.office.word.tables import row_text

# By the name of a reference: the kind of relationship to the part with the notes, and the name of a note.
NOTE_PARTS = {"footnoteReference": ("footnotes", "footnote"), "endnoteReference": ("endnotes", "endnote")}
_NO_NOTES = ("separator", "continuationSeparator", "continuationNotice")
_USUAL = {"footnoteReference": "decimal", "endnoteReference": "lowerRoman"}

Notes = dict[str, dict[int, Element]]


def notes_of(root: Element, name: str) -> dict[int, Element]:
    """Return the notes of a part by their number; Word's lines between text and notes are none."""
    return {
        number: note
        for note in root.findall(w(name))
        if value(note, "type") not in _NO_NOTES and (number := whole(note, "id")) is not None
    }


def set_notes(
    root: Element, open_notes: Callable[[], Notes], open_settings: Callable[[], Element | None]
) -> bool:
    """Write each mark as `[^1]`, and its note as paragraphs `[^1]: text` behind it; tell whether any stands.

    A note to a table stands behind the table. The notes are opened, plain already, if there is a mark.
    """
    references = list(root.iter(*map(w, NOTE_PARTS)))
    if not references:
        return False
    notes = open_notes()
    forms = {kind: _format(root, open_settings(), kind) for kind in NOTE_PARTS}
    counts = dict.fromkeys(NOTE_PARTS, 0)
    last: dict[Element, Element] = {}  # by the block, what stands behind it already
    written: set[tuple[str, int | None]] = set()
    for reference in references:
        kind = local_name(reference)
        note = notes.get(kind, {}).get(whole(reference, "id") or 0)
        own = value(reference, "customMarkFollows") in ("1", "true", "on")
        if not own:
            counts[kind] += 1
        block = _block_of(reference)
        if note is None or block is None:
            drop(reference)
            continue
        again = (kind, whole(reference, "id")) in written
        written.add((kind, whole(reference, "id")))
        label = _own_mark(reference) if own else format_number(counts[kind], forms[kind])
        if own:
            drop(reference)
        else:
            reference.getparent().replace(reference, text_run(f"[^{label}]")[0])
        for paragraph in () if again else _paragraphs(note, label):
            behind: Element = last.get(block, block)
            behind.addnext(paragraph)
            last[block] = paragraph
    return True


def _format(root: Element, settings: Element | None, kind: str) -> str:
    properties = w(kind.replace("Reference", "Pr"))
    for place in (root, settings):
        found = None if place is None else next(place.iter(properties), None)
        form = value(None if found is None else found.find(w("numFmt")))
        if form:
            return form
    return _USUAL[kind]


def _own_mark(reference: Element) -> str:
    """Return the mark that an author wrote by hand: the text behind the reference in its run."""
    run = reference.getparent()
    return text_of(run).strip() or "*"


def _block_of(element: Element) -> Element | None:
    """Return the paragraph of an element, or the outermost table round it."""
    block = next(element.iterancestors(w("p")), None)
    for table in element.iterancestors(w("tbl")):
        block = table
    return block


def _paragraphs(note: Element, label: str) -> list[Element]:
    for row in list(note.iter(w("tr"))):
        if next(row.iterancestors(w("tr")), None) is None:
            table = next(row.iterancestors(w("tbl")))
            table.addprevious(new_paragraph(row_text(row)))
            drop(row)
    found = [
        p for p in own_paragraphs(note) if text_of(p).strip() or next(p.iter("{*}oMath"), None) is not None
    ]
    written = []
    for number, paragraph in enumerate(found):
        copy = deepcopy(paragraph)
        properties = copy.find(w("pPr"))
        if properties is not None:
            copy.remove(properties)
        _strip_start(copy)
        copy.insert(0, text_run(f"{NOTE}[^{label}]: " if number == 0 else NOTE))
        written.append(copy)
    return written


def _strip_start(paragraph: Element) -> None:
    """Take away the blank that stands between the mark in a note and its text."""
    for text in paragraph.iter(w("t"), w("tab")):
        if text.tag == w("tab"):
            drop(text)
            continue
        text.text = (text.text or "").lstrip()
        if text.text:
            return
