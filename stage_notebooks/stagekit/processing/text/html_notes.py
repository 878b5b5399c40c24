"""Finds the notes of a page: links that lead to a text, which leads back to them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_HOLDERS = frozenset({"li", "p", "div", "dd", "aside", "td"})
_LONGEST_MARK = 8


@dataclass
class Note:
    """A note of a page."""

    mark: str  # what stands in the text for it, without brackets
    holder: Any  # the element with its text
    links: list[Any] = field(default_factory=list)  # the elements of the text that lead to it
    # the links in it that lead back, which are no part of its text
    way_back: list[Any] = field(default_factory=list)
    written: bool = False  # it has been written behind its first mark


def find_notes(root: Any) -> list[Note]:
    """Return the notes of a page in the order of their marks.

    A link leads to a note where the place it leads to stands further on and has a link back to it: pages made
    by Word, LibreOffice, pandoc, wikis and Markdown have that. A heading that links back to its contents list
    is none.
    """
    links = [link for link in root.iter("a") if (link.get("href") or "").startswith("#")]
    if not links:
        return []
    places: dict[str, Any] = {}
    order: dict[Any, int] = {}
    for number, element in enumerate(root.iter()):
        order[element] = number
        for name in (element.get("id"), element.get("name") if element.tag == "a" else None):
            if name and isinstance(element.tag, str):
                places.setdefault(name, element)
    notes: dict[Any, Note] = {}
    for link in links:
        holder = _holder(places.get(link.get("href")[1:]))
        mark = re.sub(r"[\s\[\]()^]", "", "".join(link.itertext()))
        if holder is None or not 0 < len(mark) <= _LONGEST_MARK or order[holder] <= order[link]:
            continue
        back = [
            other
            for other in holder.iter("a")
            if (other.get("href") or "").startswith("#") and _near(places.get(other.get("href")[1:]), link)
        ]
        known = notes.get(holder)
        if back or known:
            note = notes.setdefault(holder, Note(mark, holder))
            note.links.append(link)
            note.way_back += back
    return [note for note in notes.values() if notes.keys().isdisjoint(note.holder.iterancestors())]


def _holder(place: Any) -> Any:
    while place is not None and place.tag not in _HOLDERS:
        if place.tag in ("body", "table", "ol", "ul", "section", "h1", "h2", "h3", "h4", "h5", "h6"):
            return None
        place = place.getparent()
    return place


def _near(place: Any, link: Any) -> bool:
    """Tell whether a place is the link, in it, or directly around it (`<sup id=…><a>1</a></sup>`)."""
    return place is not None and (place is link or place.getparent() is link or place is link.getparent())
