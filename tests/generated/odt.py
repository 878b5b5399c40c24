"""OpenDocument texts: spans, sections, revisions, notes, boxes, lists and tables in one another."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.generated.words import Generated, Writer

_URN = "urn:oasis:names:tc:opendocument:xmlns:"
_NAMES = " ".join(
    f'xmlns:{name}="{_URN}{place}:1.0"'
    for name, place in (
        ("office", "office"), ("text", "text"), ("table", "table"), ("style", "style"), ("draw", "drawing"),
        ("fo", "xsl-fo-compatible"), ("svg", "svg-compatible"), ("manifest", "manifest"),
    )
) + ' xmlns:xlink="http://www.w3.org/1999/xlink"'  # fmt: skip
_MIME = "application/vnd.oasis.opendocument.text"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def document(seed: int) -> Generated:
    """Return a document of random constructs."""
    return _Open(Writer(seed)).document()


@dataclass
class _Open:
    """The writer of one document, and its deleted revisions so far."""

    writer: Writer
    deletions: list[str] = field(default_factory=list)
    notes: int = 0
    tables: int = 0

    def document(self) -> Generated:
        body = "".join(self.block(0) for _ in range(self.writer.chance.randint(3, 9)))
        changes = "".join(self.deletions)
        tracked = f"<text:tracked-changes>{changes}</text:tracked-changes>" if changes else ""
        looks = {
            "Oculto": 'text:display="none"',
            "Riscado": 'style:text-line-through-style="solid"',
            "Negrito": 'fo:font-weight="bold"',
        }
        styles = "".join(
            f'<style:style style:name="{name}" style:family="text"><style:text-properties {look}/>'
            "</style:style>"
            for name, look in looks.items()
        )
        margin = f"<style:header><text:p>{self.writer.phrase()}</text:p></style:header>"
        parts = {
            "content.xml": f'{_HEAD}<office:document-content {_NAMES} office:version="1.3">'
            f"<office:automatic-styles>{styles}</office:automatic-styles>"
            f"<office:body><office:text>{tracked}{body}</office:text></office:body></office:document-content>",
            "styles.xml": f'{_HEAD}<office:document-styles {_NAMES} office:version="1.3">'
            f'<office:master-styles><style:master-page style:name="Standard">{margin}</style:master-page>'
            "</office:master-styles></office:document-styles>",
            "META-INF/manifest.xml": f'{_HEAD}<manifest:manifest {_NAMES} manifest:version="1.3">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_MIME}"/>'
            '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
            '<manifest:file-entry manifest:full-path="styles.xml" manifest:media-type="text/xml"/>'
            "</manifest:manifest>",
        }
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("mimetype"), _MIME)
            for name, text in parts.items():
                archive.writestr(name, text)
        return self.writer.done(out.getvalue(), "gerado.odt")

    def block(self, depth: int) -> str:
        kinds: list[Callable[[int], str]] = [self.paragraph, self.paragraph, self.heading]
        if depth < 2:
            kinds += [self.listing, self.section, self.hidden_section, self.table]
        return self.writer.chance.choice(kinds)(depth)

    def paragraph(self, depth: int) -> str:
        pieces = "".join(self.inline(depth) for _ in range(self.writer.chance.randint(1, 3)))
        return f"<text:p>{pieces}</text:p>"

    def heading(self, _depth: int) -> str:
        return f'<text:h text:outline-level="1">{self.writer.phrase()}</text:h>'

    def listing(self, depth: int) -> str:
        items = "".join(
            f"<text:list-item>{self.paragraph(depth)}"
            f"{self.listing(depth + 1) if depth < 2 and self.writer.often(0.2) else ''}</text:list-item>"
            for _ in range(self.writer.chance.randint(1, 3))
        )
        return f"<text:list>{items}</text:list>"

    def section(self, depth: int) -> str:
        return f'<text:section text:name="s">{self.block(depth + 1)}</text:section>'

    def hidden_section(self, _depth: int) -> str:
        text = self.writer.phrase("unseen")
        return f'<text:section text:name="o" text:display="none"><text:p>{text}</text:p></text:section>'

    def table(self, _depth: int) -> str:
        self.tables += 1
        name, columns = f"T{self.tables}", self.writer.chance.randint(1, 3)
        rows = "".join(
            "<table:table-row>"
            + "".join(
                f'<table:table-cell office:value-type="string">{self.paragraph(2)}</table:table-cell>'
                for _ in range(columns)
            )
            + "</table:table-row>"
            for _ in range(self.writer.chance.randint(1, 3))
        )
        column = f'<table:table-column table:number-columns-repeated="{columns}"/>'
        return f'<table:table table:name="{name}">{column}{rows}</table:table>'

    def inline(self, depth: int) -> str:
        writer = self.writer
        kinds: list[Callable[[], str]] = [
            lambda: writer.phrase() + " ",
            lambda: writer.phrase() + " ",
            lambda: f'<text:span text:style-name="Negrito">{writer.phrase()}</text:span> ',
            lambda: f'<text:span text:style-name="Riscado">{writer.phrase()}</text:span> ',
            lambda: f'<text:span text:style-name="Oculto">{writer.phrase("unseen")}</text:span> ',
            lambda: f"{writer.word()}<text:s text:c='2'/>{writer.word()}<text:tab/>{writer.word()} ",
            lambda: f'<text:a xlink:href="x">{writer.phrase()}</text:a> ',
            self.note,
            self.deleted,
            self.comment,
        ]
        if depth == 0:
            kinds.append(self.box)
        return writer.chance.choice(kinds)()

    def note(self) -> str:
        self.notes += 1
        citation = f"<text:note-citation>{self.notes}</text:note-citation>"
        body = f"<text:note-body><text:p>{self.writer.phrase()}</text:p></text:note-body>"
        return f'{self.writer.word()}<text:note text:note-class="footnote">{citation}{body}</text:note> '

    def deleted(self) -> str:
        number = len(self.deletions) + 1
        gone = f"<text:deletion><text:p>{self.writer.phrase('unseen')}</text:p></text:deletion>"
        self.deletions.append(f'<text:changed-region text:id="c{number}">{gone}</text:changed-region>')
        return f'{self.writer.word()} <text:change text:change-id="c{number}"/>'

    def comment(self) -> str:
        said = f"<text:p>{self.writer.phrase('unseen')}</text:p>"
        return f"{self.writer.word()} <office:annotation>{said}</office:annotation>"

    def box(self) -> str:
        box = f"<draw:text-box><text:p>{self.writer.phrase()}</text:p></draw:text-box>"
        return f'<draw:frame text:anchor-type="paragraph">{box}</draw:frame>{self.writer.word()} '
