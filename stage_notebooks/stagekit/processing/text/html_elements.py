"""What one element of a page says by itself: its text, its box to tick, its field's value, its picture."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from docling_core.types.doc.document import ImageRef

from stagekit.processing.office.word.symbol_fonts import symbol

if TYPE_CHECKING:
    from stagekit.processing.text.html_styles import Styles

HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
LISTS = frozenset({"ul", "ol", "menu", "dir"})
BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div", "dt",
    "fieldset",
    "figcaption", "figure", "footer", "form", "head", "header", "hgroup", "hr", "html", "legend", "li",
    "main", "nav", "optgroup", "p", "section", "summary", "tbody", "td", "tfoot", "th", "thead", "tr",
})  # fmt: skip
_SILENT_INPUTS = frozenset({"button", "file", "hidden", "image", "password", "reset", "submit"})


def picture_of(source: str) -> ImageRef | None:
    """Return the picture of a `data:` address; None for another, and for one that cannot be read."""
    from PIL import Image

    head, _, data = source.partition(";base64,")
    if not head.startswith("data:image/"):
        return None
    try:
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            return ImageRef.from_pil(image, dpi=72)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def in_table(element: Any) -> bool:
    """Whether an element stands in a table or list."""
    return any(above.tag in ("table", "li", "dl") for above in element.iterancestors())


def holds_blocks(element: Any) -> bool:
    """Whether something within an element begins a line of its own."""
    return any(inner.tag in BLOCKS or inner.tag in LISTS or inner.tag in ("img", "table", "pre", *HEADINGS)
               for inner in element.iterdescendants())  # fmt: skip


def plain_text(element: Any) -> str:
    """Return the text within an element as it is written."""
    return "".join(element.itertext()).strip()


def in_unicode(text: str, font: str) -> str:
    """Return what letters of a symbol font look like; the text itself for any other font."""
    if not font:
        return text
    return "".join(sign if sign.isspace() else symbol(font, ord(sign)) or "" for sign in text)


def box_of(element: Any) -> str:
    """Return the box of an element that is one without a field: of a wiki's task list, or drawn by a style.

    So write Confluence (`inline-task-list`), Google Docs (`aria-checked`) and Notion (`checkbox-on`).
    """
    classes = set((element.get("class") or "").split())
    above = element.getparent()
    if element.get("aria-checked") in ("true", "false") and element.tag != "input":
        ticked = element.get("aria-checked") == "true"
    elif element.tag == "li" and "inline-task-list" in ((above is not None and above.get("class")) or ""):
        ticked = "checked" in classes
    elif "checkbox-on" in classes or "checkbox-off" in classes:
        ticked = "checkbox-on" in classes
    else:
        return ""
    return "☑ " if ticked else "☐ "


def all_text(element: Any) -> str:
    """Return the text within an element, with a blank where a block of it begins or ends."""
    begins_line = element.tag in BLOCKS or element.tag in (*LISTS, *HEADINGS, "br", "pre", "table")
    edge = " " if begins_line else ""
    parts = [edge, element.text or ""]
    for child in element:
        parts += [all_text(child) if isinstance(child.tag, str) else "", child.tail or ""]
    return "".join([*parts, edge])


def shown_value(element: Any) -> str:
    """Return what a field of a form shows: a box, what was typed, the chosen entry."""
    if element.tag == "textarea":
        return element.text or ""
    if element.tag == "select":
        options = list(element.iter("option"))
        chosen = [option for option in options if option.get("selected") is not None] or options[:1]
        return f" {', '.join(plain_text(option) for option in chosen)} "
    kind = (element.get("type") or "text").lower()
    if kind in ("checkbox", "radio"):
        return "☑ " if element.get("checked") is not None else "☐ "
    return "" if kind in _SILENT_INPUTS else f" {element.get('value') or ''} "


def tex_of(math: Any) -> str:
    """Return the TeX that a formula of MathML carries with it; empty where it has none."""
    notes = (note for note in math.iter("annotation") if "tex" in (note.get("encoding") or "").lower())
    return next(map(plain_text, notes), "")


def integer(text: str | None, default: int) -> int:
    """Return the number that an attribute begins with."""
    found = re.match(r"\s*([+-]?\d{1,9})", text or "")
    return int(found[1]) if found else default


def list_numbering(element: Any) -> tuple[int, int]:
    """Return the number of a list's first item and the step to the next."""
    if element.get("reversed") is None:
        return integer(element.get("start"), 1), 1
    return integer(element.get("start"), len(element.findall("li"))), -1


def list_style(element: Any, styles: Styles) -> str:
    """Return the style of a list's numbers; empty where it has none."""
    said = styles.declared(element)
    shown = said.get("list-style-type") or next(iter(said.get("list-style", "").split()), "")
    if element.tag != "ol" or shown in ("none", "disc", "circle", "square"):
        return ""
    return shown or element.get("type") or "1"


def definition_parts(element: Any) -> Iterator[Any]:
    """Yield the terms and definitions of a `dl`, in whatever they are wrapped."""
    for child in element:
        if child.tag == "div":
            yield from definition_parts(child)
        elif isinstance(child.tag, str):
            yield child
