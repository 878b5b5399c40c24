"""What an HTML page says of itself in its head."""

from __future__ import annotations

from collections import defaultdict
from html.parser import HTMLParser
from typing import Any

from stagekit.declared.keys import FRONT_MATTER_KEYS, fold_key
from stagekit.declared.property_values import keywords, present

_IN_FORCE = frozenset((*FRONT_MATTER_KEYS["effective_date"], *FRONT_MATTER_KEYS["expiration_date"]))


def html_properties(text: str) -> dict[str, Any]:
    """Return what the head of an HTML page says about it as JSON values, without what is absent.

    Dates are as they stand: which order day and month have shows in the document's language.
    """
    said = _head(text).said
    return present(
        title=said["title"],
        author=said["author"] or said["dc.creator"],
        subject=said["description"],
        keywords=keywords(said["keywords"]),
        created=said["date"] or said["dc.date"] or said["article:published_time"],
        modified=said["last-modified"] or said["article:modified_time"],
        language=said["lang"],
        custom={name: value for name, value in meta_elements(text) if fold_key(name) in _IN_FORCE},
    )


def meta_elements(text: str) -> list[tuple[str, str]]:
    """Return the names and contents of all meta elements, without a prefix such as ``dc.``, as they stand."""
    return [(name.rpartition(".")[2], content) for name, content in _head(text).elements]


def _head(text: str) -> _Head:
    head = _Head()
    head.feed(text)
    return head


class _Head(HTMLParser):
    """Collects title, language and meta elements; what a page says twice counts the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, str] = defaultdict(str)
        self.elements: list[tuple[str, str]] = []
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._in_title = tag == "title" and not self.said["title"]
        if tag == "html":
            self.said["lang"] = values.get("lang", "")
        elif tag == "meta":
            name = values.get("name") or values.get("property") or values.get("http-equiv") or ""
            known = name.lower()
            self.said[known] = self.said[known] or values.get("content", "")
            if "http-equiv" not in values:  # `expires` there is the browser's
                self.elements.append((name, values.get("content", "")))

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.said["title"] += data

    def handle_endtag(self, tag: str) -> None:
        self._in_title = self._in_title and tag != "title"
