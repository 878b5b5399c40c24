"""Reads what DrawingML shows beside the text of a document: diagrams, and the labels of charts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stagekit.conservation.source_text import SourceText
from stagekit.conservation.sources.package import Element, Package, Relation, local_name


def diagram_texts(package: Package, relations: Iterable[Relation]) -> Iterator[str]:
    """Yield the texts of the diagrams (SmartArt) that a part is related to."""
    for relation in relations:
        root = package.root(relation.target) if relation.type == "diagramData" else None
        if root is not None:
            yield from paragraphs(root)


def leave_out_charts(package: Package, relations: Iterable[Relation], source: SourceText) -> None:
    """Note the labels of charts, which are pictures to whoever reads the text."""
    for relation in relations:
        root = package.root(relation.target) if relation.type in {"chart", "chartEx"} else None
        if root is not None:
            source.leave_out("chart", " ".join(_labels(root)))


def paragraphs(root: Element) -> Iterator[str]:
    """Yield the paragraphs of DrawingML below an element."""
    for element in root.iter():
        if local_name(element.tag) == "p":
            yield paragraph_text(element)


def paragraph_text(paragraph: Element) -> str:
    """Return a paragraph's text without numbers of slides, which are fields."""
    parts = []
    for child in paragraph:
        name = local_name(child.tag)
        if name == "br":
            parts.append("\n")
        elif name != "fld" or not (child.get("type") or "").startswith(("slidenum", "datetime")):
            parts += [found.text or "" for found in child.iter() if local_name(found.tag) == "t"]
    return "".join(parts)


def _labels(root: Element) -> Iterator[str]:
    for element in root.iter():
        if local_name(element.tag) in {"t", "v"} and element.text:
            yield element.text
