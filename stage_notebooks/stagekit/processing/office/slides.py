"""Reads a presentation as PowerPoint shows it: struck text marked, shapes in two forms read in the newer one.

Docling's reader knows neither: it takes struck text for any other, and passes over a shape that stands in
`mc:AlternateContent`, as every shape with a formula in it does.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, Final

from docling.backend.mspowerpoint_backend import MsPowerpointDocumentBackend
from docling_core.types.doc import DoclingDocument
from lxml import etree
from typing_extensions import override

from stagekit.processing.office.struck_texts import enclose

Element = Any  # lxml's elements have no public type

_A: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_MC: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_FORMULA: Final = "{http://schemas.microsoft.com/office/drawing/2010/main}m"
_MATH_TEXT: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_STRUCK: Final = ("sngStrike", "dblStrike")


class ShownSlidesBackend(MsPowerpointDocumentBackend):
    """Docling's reader of presentations, given slides in plain shapes and runs."""

    @override
    def convert(self) -> DoclingDocument:
        """Return the document of a presentation."""
        slides: Any = self.pptx_obj.slides if self.pptx_obj else ()
        for slide in slides:
            _write_plain(slide.element)
            if slide.has_notes_slide:
                _write_plain(slide.notes_slide.element)
        document: DoclingDocument = super().convert()
        return document


def _write_plain(root: Element) -> None:
    for choice in list(root.iter(f"{_MC}AlternateContent")):
        _choose(choice)
    for formula in list(root.iter(_FORMULA)):
        run = etree.Element(f"{_A}r")
        etree.SubElement(run, f"{_A}t").text = "".join(text.text or "" for text in formula.iter(_MATH_TEXT))
        formula.getparent().replace(formula, run)
    for paragraph in root.iter(f"{_A}p"):
        for struck, runs in groupby(paragraph.findall(f"{_A}r"), key=_is_struck):
            if struck:
                enclose([text for run in runs for text in run.iter(f"{_A}t")])


def _choose(alternatives: Element) -> None:
    """Put the newer form of a shape in the place of both."""
    parent = alternatives.getparent()
    forms = [*alternatives.iterchildren(f"{_MC}Choice"), *alternatives.iterchildren(f"{_MC}Fallback")]
    at = parent.index(alternatives)
    parent[at : at + 1] = list(forms[0]) if forms else []


def _is_struck(run: Element) -> bool:
    properties = run.find(f"{_A}rPr")
    return properties is not None and properties.get("strike") in _STRUCK
