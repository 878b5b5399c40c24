"""Word documents: every wrapper of text, revision, field, note, box and cell, in one another."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.generated.words import Generated, Writer

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
_WPS = "http://schemas.microsoft.com/office/word/2010/wordprocessingShape"
_VML = "urn:schemas-microsoft-com:vml"
_NAMES = f'xmlns:w="{_W}" xmlns:r="{_R}" xmlns:mc="{_MC}" xmlns:wps="{_WPS}" xmlns:v="{_VML}"'
_MIME = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_PARTS = {
    "document": "document.main", "styles": "styles", "footnotes": "footnotes", "endnotes": "endnotes",
    "header1": "header", "footer1": "footer", "comments": "comments",
}  # fmt: skip
_TYPES = {"header1": "header", "footer1": "footer"}
_WHO = 'w:id="9" w:author="a" w:date="2025-01-01T00:00:00Z"'


def document(seed: int) -> Generated:
    """Return a document of random constructs."""
    return _Word(Writer(seed)).document()


@dataclass
class _Word:
    """What has been written so far beside the body: notes and comments."""

    writer: Writer
    notes: dict[str, list[str]] = field(default_factory=lambda: {"footnote": [], "endnote": []})
    comments: list[str] = field(default_factory=list)

    def document(self) -> Generated:
        writer = self.writer
        body = "".join(self.block(0) for _ in range(writer.chance.randint(3, 9)))
        header, footer = self.paragraph(writer.phrase()), self.paragraph(writer.phrase())
        section = (
            '<w:sectPr><w:headerReference w:type="default" r:id="header1"/>'
            '<w:footerReference w:type="default" r:id="footer1"/></w:sectPr>'
        )
        parts = {
            "document": f"<w:document {_NAMES}><w:body>{body}{section}</w:body></w:document>",
            "styles": f"<w:styles {_NAMES}>"
            '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/>'
            '<w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>'
            + _style("Oculto", "<w:rPr><w:vanish/></w:rPr>")
            + _style("Filho", '<w:basedOn w:val="Oculto"/>')
            + "</w:styles>",
            "header1": f"<w:hdr {_NAMES}>{header}</w:hdr>",
            "footer1": f"<w:ftr {_NAMES}>{footer}{self.paragraph(_field('PAGE', '7'), raw=True)}</w:ftr>",
            "comments": f"<w:comments {_NAMES}>{''.join(self.comments)}</w:comments>",
        }
        for kind, notes in self.notes.items():
            rule = f'<w:{kind} w:type="separator" w:id="-1"><w:p/></w:{kind}>'
            parts[f"{kind}s"] = f"<w:{kind}s {_NAMES}>{rule}{''.join(notes)}</w:{kind}s>"
        return writer.done(_package(parts), "gerado.docx")

    def block(self, depth: int) -> str:
        """Return a paragraph or table, perhaps in a wrapper."""
        kinds: list[Callable[[int], str]] = [self.plain, self.plain, self.heading, self.initial]
        if depth < 3:
            kinds += [self.table, self.table, self.control, self.custom, self.deleted_paragraph, self.moved]
        return self.writer.chance.choice(kinds)(depth)

    def plain(self, depth: int) -> str:
        return self.paragraph(
            "".join(self.inline(depth) for _ in range(self.writer.chance.randint(1, 4))), raw=True
        )

    def heading(self, _depth: int) -> str:
        return self.paragraph(self.run(self.writer.phrase()), raw=True, style="Heading1")

    def initial(self, depth: int) -> str:
        """Return a paragraph behind the frame in which its first letter stands large."""
        word, look = self.writer.word(), self.writer.chance.choice(["", '<w:sz w:val="96"/>', "<w:b/>"])
        frame = f'<w:framePr w:dropCap="{self.writer.chance.choice(["drop", "margin"])}" w:lines="3"/>'
        letter = f"<w:r>{look and f'<w:rPr>{look}</w:rPr>'}<w:t>{word[0]}</w:t></w:r>"
        rest = f"{self.run(word[1:])}{self.inline(depth)}"
        return f"<w:p><w:pPr>{frame}</w:pPr>{letter}</w:p>{self.paragraph(rest, raw=True)}"

    def paragraph(self, content: str, raw: bool = False, style: str = "") -> str:
        look = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
        return f"<w:p>{look}{content if raw else self.run(content)}</w:p>"

    def run(self, text: str, look: str = "") -> str:
        return f'<w:r>{look and f"<w:rPr>{look}</w:rPr>"}<w:t xml:space="preserve">{text} </w:t></w:r>'

    def inline(self, depth: int) -> str:
        """Return a piece of a paragraph."""
        writer = self.writer
        kinds: list[Callable[[int], str]] = [
            self.words, self.words, self.struck, self.hidden, self.deleted, self.note, self.comment,
            self.field, self.simple_field, self.nested_field, self.spaced, self.prompt, self.remark,
        ]  # fmt: skip
        if depth < 3:
            kinds += [self.wrapped, self.wrapped, self.box]
        return writer.chance.choice(kinds)(depth)

    def words(self, _depth: int) -> str:
        return self.run(
            self.writer.phrase(), self.writer.chance.choice(["", "<w:b/>", "<w:i/>", "<w:u w:val='single'/>"])
        )

    def struck(self, _depth: int) -> str:
        return self.run(self.writer.phrase(), self.writer.chance.choice(["<w:strike/>", "<w:dstrike/>"]))

    def hidden(self, _depth: int) -> str:
        looks = ["<w:vanish/>", '<w:rStyle w:val="Oculto"/>', '<w:rStyle w:val="Filho"/>']
        return self.run(self.writer.phrase("unseen"), self.writer.chance.choice(looks))

    def deleted(self, _depth: int) -> str:
        text = self.writer.phrase("unseen")
        return f'<w:del {_WHO}><w:r><w:delText xml:space="preserve">{text} </w:delText></w:r></w:del>'

    def note(self, _depth: int) -> str:
        kind = self.writer.chance.choice(["footnote", "endnote"])
        number = len(self.notes[kind]) + 1
        self.notes[kind].append("")
        text = self.paragraph(self.writer.phrase())
        self.notes[kind][number - 1] = f'<w:{kind} w:id="{number}">{text}</w:{kind}>'
        return f'<w:r><w:{kind}Reference w:id="{number}"/></w:r>'

    def comment(self, _depth: int) -> str:
        number = len(self.comments)
        text = self.paragraph(self.writer.phrase("unseen"))
        self.comments.append(f'<w:comment w:id="{number}" w:author="a">{text}</w:comment>')
        return f'<w:r><w:commentReference w:id="{number}"/></w:r>'

    def remark(self, _depth: int) -> str:
        """Return what a program has written beside the text of a run, for other programs."""
        word, node = self.writer.word(), self.writer.chance.choice(["<!-- remark -->", "<?program remark?>"])
        return f'{node}<w:r><w:t xml:space="preserve">{word[:3]}{node}{word[3:]} </w:t></w:r>'

    def field(self, _depth: int) -> str:
        return _field(f"REF {self.writer.word('unseen')}", self.writer.phrase())

    def simple_field(self, _depth: int) -> str:
        code = self.writer.word("unseen")
        return f'<w:fldSimple w:instr=" REF {code} ">{self.run(self.writer.phrase())}</w:fldSimple>'

    def nested_field(self, _depth: int) -> str:
        inner = _field(f"MERGEFIELD {self.writer.word('unseen')}", self.writer.word("unseen"))
        code = f'<w:r><w:instrText xml:space="preserve"> IF </w:instrText></w:r>{inner}'
        return _field("", self.writer.phrase(), code)

    def spaced(self, _depth: int) -> str:
        first, second = self.writer.word(), self.writer.word()
        mark = self.writer.chance.choice(["tab", "br", "cr"])
        return f"<w:r><w:t>{first}</w:t><w:{mark}/><w:t xml:space='preserve'>{second} </w:t></w:r>"

    def prompt(self, _depth: int) -> str:
        text = self.run(self.writer.phrase("optional"))
        return f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{text}</w:sdtContent></w:sdt>"

    def wrapped(self, depth: int) -> str:
        inner = "".join(self.inline(depth + 1) for _ in range(self.writer.chance.randint(1, 2)))
        return self.writer.chance.choice(
            [
                f"<w:ins {_WHO}>{inner}</w:ins>",
                f"<w:moveTo {_WHO}>{inner}</w:moveTo>",
                f"<w:sdt><w:sdtPr/><w:sdtContent>{inner}</w:sdtContent></w:sdt>",
                f'<w:smartTag w:uri="u" w:element="e">{inner}</w:smartTag>',
                f'<w:customXml w:uri="u" w:element="e">{inner}</w:customXml>',
                f'<w:hyperlink w:anchor="a">{inner}</w:hyperlink>',
                f'<w:bdo w:val="ltr">{inner}</w:bdo>',
                f'<w:dir w:val="ltr">{inner}</w:dir>',
            ]
        )

    def box(self, depth: int) -> str:
        inner = "".join(self.block(depth + 2) for _ in range(self.writer.chance.randint(1, 2)))
        content = f"<w:txbxContent>{inner}</w:txbxContent>"
        new = f"<w:drawing><wps:wsp><wps:txbx>{content}</wps:txbx></wps:wsp></w:drawing>"
        old = f"<w:pict><v:shape><v:textbox>{content}</v:textbox></v:shape></w:pict>"
        choice = f'<mc:Choice Requires="wps">{new}</mc:Choice>'
        both = f"<mc:AlternateContent>{choice}<mc:Fallback>{old}</mc:Fallback></mc:AlternateContent>"
        return f"<w:r>{self.writer.chance.choice([both, old])}</w:r>"

    def control(self, depth: int) -> str:
        return f"<w:sdt><w:sdtPr/><w:sdtContent>{self.block(depth + 1)}</w:sdtContent></w:sdt>"

    def custom(self, depth: int) -> str:
        return f'<w:customXml w:uri="u" w:element="e">{self.block(depth + 1)}</w:customXml>'

    def deleted_paragraph(self, depth: int) -> str:
        mark = f"<w:pPr><w:rPr><w:del {_WHO}/></w:rPr></w:pPr>"
        return f"<w:p>{mark}{self.deleted(depth)}</w:p>{self.plain(depth)}"

    def moved(self, depth: int) -> str:
        gone = f"<w:moveFrom {_WHO}>{self.run(self.writer.phrase('unseen'))}</w:moveFrom>"
        return f"<w:p>{gone}{self.inline(depth)}</w:p>"

    def table(self, depth: int) -> str:
        columns = self.writer.chance.randint(1, 3)
        rows = "".join(self.row(columns, depth) for _ in range(self.writer.chance.randint(1, 3)))
        grid = "<w:gridCol/>" * columns
        return f"<w:tbl><w:tblPr/><w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl>"

    def row(self, columns: int, depth: int) -> str:
        if self.writer.often(0.1):
            cells = "".join(f"<w:tc><w:tcPr/><w:p>{self.deleted(depth)}</w:p></w:tc>" for _ in range(columns))
            return f"<w:tr><w:trPr><w:del {_WHO}/></w:trPr>{cells}</w:tr>"
        row = f"<w:tr>{''.join(self.cell(depth) for _ in range(columns))}</w:tr>"
        if self.writer.often(0.15):
            return f"<w:sdt><w:sdtPr/><w:sdtContent>{row}</w:sdtContent></w:sdt>"
        return row

    def cell(self, depth: int) -> str:
        inner = "".join(self.block(depth + 1) for _ in range(self.writer.chance.randint(1, 2)))
        cell = f"<w:tc><w:tcPr/>{inner}<w:p/></w:tc>"
        if self.writer.often(0.15):
            return f"<w:sdt><w:sdtPr/><w:sdtContent>{cell}</w:sdtContent></w:sdt>"
        return cell


def _style(name: str, content: str) -> str:
    return f'<w:style w:type="character" w:styleId="{name}"><w:name w:val="{name}"/>{content}</w:style>'


def _field(instruction: str, result: str, code: str = "") -> str:
    code = code or f'<w:r><w:instrText xml:space="preserve"> {instruction} </w:instrText></w:r>'
    mark = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'.format
    shown = f'<w:r><w:t xml:space="preserve">{result} </w:t></w:r>'
    return f"{mark('begin')}{code}{mark('separate')}{shown}{mark('end')}"


def _package(parts: dict[str, str]) -> bytes:
    overrides = "".join(
        f'<Override PartName="/word/{name}.xml" ContentType="{_MIME}.{_PARTS[name]}+xml"/>' for name in parts
    )
    related = "".join(
        f'<Relationship Id="{name}" Type="{_R}/{_TYPES.get(name, name)}" Target="{name}.xml"/>'
        for name in parts
        if name != "document"
    )
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    files = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_RELS}">'
        f'<Relationship Id="d" Type="{_R}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{_RELS}">{related}</Relationships>',
        **{f"word/{name}.xml": text for name, text in parts.items()},
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, head + text)
    return out.getvalue()
