"""The XML names of WordprocessingML that the modules of this room share, and small readings of elements."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

from lxml import etree

Element: TypeAlias = Any  # of lxml, which comes without types

NAMESPACES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "w14": "http://schemas.microsoft.com/office/word/2010/wordml",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "v": "urn:schemas-microsoft-com:vml",
    "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
}
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_OFF = ("0", "false", "off", "none")
_WRITTEN = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


@cache
def w(name: str) -> str:
    """Return the qualified name of a WordprocessingML element or attribute."""
    return f"{{{NAMESPACES['w']}}}{name}"


_PARAGRAPH = w("p")


def w14(name: str) -> str:
    """Return the qualified name of an element or attribute that Word 2010 added."""
    return f"{{{NAMESPACES['w14']}}}{name}"


def r(name: str) -> str:
    """Return the qualified name of an attribute that refers to a relationship."""
    return f"{{{NAMESPACES['r']}}}{name}"


def local_name(element: Element) -> str:
    """Return an element's name without its namespace; empty for comments and processing instructions."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def value(element: Element | None, name: str = "val") -> str | None:
    """Return an attribute of an element that may be absent."""
    return None if element is None else element.get(w(name))


def whole(element: Element | None, name: str = "val") -> int | None:
    """Return an attribute as a whole number; None where it is absent or is none."""
    try:
        return int(value(element, name) or "")
    except ValueError:
        return None


def is_on(element: Element | None) -> bool | None:
    """Return what a property that is on or off says (ECMA-376 part 1, 17.17.4); None where it is absent."""
    return None if element is None else (value(element) or "1").lower() not in _OFF


def new(name: str, **attributes: str) -> Element:
    """Return a new WordprocessingML element with attributes of the same namespace."""
    return etree.Element(w(name), {w(key): text for key, text in attributes.items()}, nsmap=NAMESPACES)


def text_run(text: str) -> Element:
    """Return a run that holds a text."""
    run = new("r")
    written = etree.SubElement(run, w("t"))
    written.text = text
    written.set(_SPACE, "preserve")
    return run


def new_paragraph(text: str = "") -> Element:
    """Return a paragraph without a style that holds a text."""
    paragraph = new("p")
    if text:
        paragraph.append(text_run(text))
    return paragraph


def text_of(element: Element) -> str:
    """Return the text of a run or of what holds runs, with tabs and line ends as Word shows them."""
    parts = []
    for child in element.iter():
        name = local_name(child)
        if name == "t":
            parts.append(child.text or "")
        elif name in _WRITTEN:
            parts.append("" if local_name(child.getparent()) == "tabs" else _WRITTEN[name])
    return "".join(parts)


def own_paragraphs(root: Element) -> list[Element]:
    """Return the paragraphs of a part, those in its tables and text boxes too."""
    return list(root.iter(_PARAGRAPH))


def drop(element: Element) -> None:
    """Take an element out of its parent; what stands behind it stays."""
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def drop_paragraph(paragraph: Element) -> None:
    """Take a paragraph out of its parent; the only one of a cell stays, as no cell is without one."""
    parent = paragraph.getparent()
    if parent is not None and (parent.tag != w("tc") or len(parent.findall(w("p"))) > 1):
        parent.remove(paragraph)


def unwrap(element: Element, content: Element | None = None) -> None:
    """Put the children of an element, or of a part of it, into its place."""
    parent = element.getparent()
    if parent is None:
        return
    place = parent.index(element)
    parent[place : place + 1] = list(element if content is None else content)
