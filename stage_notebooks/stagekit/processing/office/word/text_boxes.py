"""Sets what stands in boxes, shapes and SmartArt, and the words for pictures, behind their paragraph."""

from __future__ import annotations

import re

from lxml import etree

from stagekit.processing.office.word.names import (
    NAMESPACES,
    Element,
    drop,
    local_name,
    new_paragraph,
    r,
    w,
)
from stagekit.processing.office.word.package import WordPackage

_A, _WP, _V, _DGM = (f"{{{NAMESPACES[short]}}}" for short in ("a", "wp", "v", "dgm"))
_DRAWINGS = (w("drawing"), w("pict"), w("object"))
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_PICTURES = (f"{_A}blip", f"{_V}imagedata", _CHART)
_LONGEST_WORDS = 4000  # characters for one picture
_FILE_NAME = re.compile(r"\.(png|jpe?g|gif|bmp|emf|wmf|tiff?|svg)$", re.IGNORECASE)
_GUESSED = re.compile(
    r"\s*(Descrição gerada automaticamente.*|Description automatically generated.*|"
    r"Descripción generada automáticamente.*|AI-generated content.*|"
    r"(O )?conteúdo gerado por IA.*)$",
    re.IGNORECASE | re.DOTALL,
)


def set_out_boxes(root: Element, package: WordPackage, part: str) -> bool:
    """Set the blocks of a part's text boxes out of their drawings, and tell whether there were any.

    Behind the paragraph in which a drawing is anchored come the blocks of its boxes, the texts of its
    SmartArt, and the words that stand for its pictures.
    """
    found = False
    last: dict[Element, Element] = {}
    for drawing in list(root.iter(*_DRAWINGS)):
        paragraph = next(drawing.iterancestors(w("p")), None)
        if paragraph is None or paragraph.getparent() is None:
            continue
        blocks = [*_boxes(drawing), *_shape_texts(drawing), *_smart_art(drawing, package, part)]
        blocks += _words_for_pictures(drawing)
        for block in blocks:
            found = True
            last.get(paragraph, paragraph).addnext(block)
            last[paragraph] = block
        if blocks and next(drawing.iter(*_PICTURES), None) is None:
            drop(drawing)
    return found


def _boxes(drawing: Element) -> list[Element]:
    """Take out the blocks of a drawing's outer boxes; those of inner ones are still in them."""
    blocks: list[Element] = []
    for box in list(drawing.iter(w("txbxContent"))):
        if drawing in box.iterancestors():
            blocks += list(box)
            for block in list(box):
                box.remove(block)
            drop(box)
    return blocks


def _shape_texts(drawing: Element) -> list[Element]:
    """Return the text that shapes hold in DrawingML's own paragraphs, and that of WordArt."""
    texts = [
        "".join(one.text or "" for one in paragraph.iter(f"{_A}t"))
        for body in drawing.iter("{*}txBody")
        for paragraph in body.iter(f"{_A}p")
    ]
    for body in list(drawing.iter("{*}txBody")):
        drop(body)
    texts += [one.get("string") or "" for one in drawing.iter(f"{_V}textpath")]
    return [new_paragraph(text) for text in texts if text.strip()]


def _smart_art(drawing: Element, package: WordPackage, part: str) -> list[Element]:
    blocks = []
    for reference in drawing.iter(f"{_DGM}relIds"):
        name = package.part_of(part, reference.get(r("dm")))
        if name is None or not package.take(name):
            continue
        try:
            data = package.root(name)
        except etree.XMLSyntaxError:
            continue
        for paragraph in data.iterfind(f".//{_DGM}t/{_A}p"):
            text = "".join(one.text or "" for one in paragraph.iter(f"{_A}t")).strip()
            blocks += [new_paragraph(text)] if text else []
    return blocks


def _words_for_pictures(drawing: Element) -> list[Element]:
    if next(drawing.iter(*_PICTURES), None) is None:
        return []
    words = [
        one.get("descr") or one.get("title") or ""
        for one in drawing.iter(f"{_WP}docPr")
        if one.get("hidden") not in ("1", "true") and not _is_decoration(one)
    ]
    words += [one.get("alt") or "" for one in drawing.iter() if local_name(one) in ("shape", "rect")]
    kept = (" ".join(_GUESSED.sub("", text[:_LONGEST_WORDS]).split()) for text in words)
    return [new_paragraph(text) for text in dict.fromkeys(kept) if text and not _FILE_NAME.search(text)]


def _is_decoration(properties: Element) -> bool:
    return any(one.get("val") in ("1", "true") for one in properties.iter("{*}decorative"))
