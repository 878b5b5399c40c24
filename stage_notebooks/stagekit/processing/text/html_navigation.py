"""Tells the ways through a website from the text of a page: menus, and the trail that leads to the page.

They are shown, but are no lists of the document: numbered, a trail would read as its first clauses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

LONGEST: Final = 3000  # characters; more is no menu
LEAST_LINKED: Final = 0.4  # share of the letters that stand in links; the last step of a trail is none

_NUMBER = re.compile(r"(?:\d+\.|-) ")  # which the list gives its entries
_ROLES = frozenset({"navigation", "menu", "menubar"})
_NAMES = re.compile(
    r"(?:^|[-_\s])(?:bread-?crumbs?|migalhas?|trilha|rastro|nav|navbar|navigation|navegacao|menu|sitemenu)"
    r"(?=$|[-_\s])",
    re.IGNORECASE,
)
_PAGES = frozenset({"html", "body", "main", "article", "section", "table", "td", "th", "tr", "tbody"})


def is_navigation(element: Any, *, before_heading: bool) -> bool:
    """Whether an element says by its name or role that it leads elsewhere, and is made of links.

    Before the first heading a list of nothing but links is such too.
    """
    tag = element.tag
    if tag in _PAGES:
        return False
    named = (
        tag == "nav"
        or element.get("role") in _ROLES
        or bool(_NAMES.search(f"{element.get('class') or ''} {element.get('id') or ''}"))
        or (before_heading and tag in ("ul", "ol") and _is_of_links(element))
    )
    if not named or any(True for _ in element.iter("h1", "table", "p")):
        return False
    letters = _letters(element)
    linked = sum(_letters(link) for link in element.iter("a"))
    return 0 < letters <= LONGEST and linked >= LEAST_LINKED * letters


def as_line(entries: Iterable[str]) -> str:
    """Return the entries of a menu, or the steps of a trail, as one line."""
    return " · ".join(_NUMBER.sub("", entry, count=1) for entry in entries if entry.strip())


def _is_of_links(element: Any) -> bool:
    items = element.findall("li")
    return bool(items) and all(_letters(item) == sum(map(_letters, item.iter("a"))) for item in items)


def _letters(element: Any) -> int:
    return sum(sign.isalnum() for text in element.itertext() for sign in text)
