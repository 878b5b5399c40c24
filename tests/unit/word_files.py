"""Builds Word packages from WordprocessingML, as small as Word opens them, and reads what becomes of them."""

import io
import zipfile
from functools import cache

from stagekit.chunking.markdown import build_markdown
from stagekit.processing.process import ProcessedDocument, process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_NAMES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "w14": "http://schemas.microsoft.com/office/word/2010/wordml",
    "r": _OFFICE,
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
    "pic": "http://schemas.openxmlformats.org/drawingml/2006/picture",
    "v": "urn:schemas-microsoft-com:vml",
}
_XMLNS = " ".join(f'xmlns:{short}="{long}"' for short, long in _NAMES.items())
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_DEFAULTS = "".join(
    f'<Default Extension="{extension}" ContentType="{kind}"/>'
    for extension, kind in {
        "html": "text/html", "mht": "message/rfc822", "txt": "text/plain", "rtf": "application/rtf",
        "png": "image/png",
    }.items()
)  # fmt: skip
_KINDS = {
    "styles": ("styles", "styles"),
    "numbering": ("numbering", "numbering"),
    "settings": ("settings", "settings"),
    "footnotes": ("footnotes", "footnotes"),
    "endnotes": ("endnotes", "endnotes"),
    "comments": ("comments", "comments"),
    "header": ("header", "hdr"),
    "footer": ("footer", "ftr"),
}


def run(text: str, properties: str = "") -> str:
    """Return a run; `properties` are the elements of its `w:rPr`."""
    said = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{said}<w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(content: str, properties: str = "") -> str:
    """Return a paragraph of runs, or of a text."""
    inside = content if content.startswith("<") or not content else run(content)
    return f"<w:p>{f'<w:pPr>{properties}</w:pPr>' if properties else ''}{inside}</w:p>"


def style(name: str) -> str:
    """Return the property that gives a paragraph a style, by its identifier."""
    return f'<w:pStyle w:val="{name}"/>'


def cell(content: str, properties: str = "") -> str:
    """Return a cell of blocks, or of a text."""
    inside = content if content.startswith("<") else paragraph(content)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inside}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    """Return a row of cells, or of texts."""
    inside = "".join(one if one.startswith("<w:tc>") else cell(one) for one in cells)
    return f"<w:tr>{f'<w:trPr>{properties}</w:trPr>' if properties else ''}{inside}</w:tr>"


def table(*rows: str, columns: int = 2) -> str:
    """Return a table with a grid of so many columns."""
    grid = '<w:gridCol w:w="1000"/>' * columns
    return f"<w:tbl><w:tblPr/><w:tblGrid>{grid}</w:tblGrid>{''.join(rows)}</w:tbl>"


def word_file(body: str, *, links: str = "", files: dict[str, bytes] | None = None, **parts: str) -> bytes:
    """Return a package.

    Args:
        body: the content of `w:body`.
        links: further relationships of the document.
        files: further files, by name.
        parts: the content of further parts by their kind, such as `styles`; `header2` is a second header. A
            part is reached by the relationship that has its name.
    """
    made = {"word/document.xml": f"<w:document {_XMLNS}><w:body>{body}</w:body></w:document>"}
    overrides = [("document", f"{_TYPE}.document.main+xml")]
    relations = links
    for name, content in parts.items():
        kind, root = _KINDS[name.rstrip("0123456789")]
        made[f"word/{name}.xml"] = f"<w:{root} {_XMLNS}>{content}</w:{root}>"
        overrides.append((name, f"{_TYPE}.{kind}+xml"))
        relations += f'<Relationship Id="{name}" Type="{_OFFICE}/{kind}" Target="{name}.xml"/>'
    types = "".join(f'<Override PartName="/word/{n}.xml" ContentType="{t}"/>' for n, t in overrides)
    made["[Content_Types].xml"] = (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
        f'"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        f'ContentType="application/xml"/>'
        f"{_DEFAULTS}{types}</Types>"
    )
    made["_rels/.rels"] = (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>'
    )
    made["word/_rels/document.xml.rels"] = (
        f'<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>'
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in made.items():
            archive.writestr(zipfile.ZipInfo(name), f'<?xml version="1.0" encoding="UTF-8"?>{text}')
        for name, data in (files or {}).items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


@cache
def _reader() -> DocumentReader:
    def no_models() -> None:
        raise AssertionError("a Word file needs no model")

    return DocumentReader(no_models)


def processed(content: bytes) -> ProcessedDocument:
    """Return what stage 02 makes of a package."""
    return process_document(_reader(), content, "arquivo.docx", ProcessingSettings())


def read(body: str, **parts: object) -> str:
    """Return the Markdown that is cut into passages, of a package with a body."""
    return build_markdown(processed(word_file(body, **parts)).document).text
