"""Whatever Word puts round a text or inside one another: each shown word arrives once, and no other."""

import random
import re

import pytest

from tests.unit.word_files import cell, paragraph, read, row, run, table

STYLES = """<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>
<w:style w:type="character" w:styleId="Oculto"><w:name w:val="Oculto"/><w:rPr><w:vanish/></w:rPr></w:style>"""
NUMBERING = """<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:start w:val="1"/>
<w:numFmt w:val="upperRoman"/><w:lvlText w:val="%1 -"/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>"""
DEEPEST = 4
INLINE = (
    "run", "run", "bold", "ins", "del", "moved", "sdt", "smart", "custom", "simple", "field", "if", "link",
    "bdo", "hidden", "note", "box", "tab",
)  # fmt: skip
BLOCKS = ("plain", "plain", "plain", "merged", "sdt", "custom", "table", "numbered")


class Writer:
    """Builds a body at random; knows by itself which words Word shows, and which it does not."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.shown: list[str] = []
        self.unseen: list[str] = []
        self.notes: list[str] = []
        self.quiet = 0

    def word(self) -> str:
        known = self.unseen if self.quiet else self.shown
        word = f"{'oculta' if self.quiet else 'vista'}{len(self.shown)}x{len(self.unseen)}fim"
        known.append(word)
        return word

    def unseen_word(self) -> str:
        self.quiet += 1
        word = self.word()
        self.quiet -= 1
        return word

    def inlines(self, depth: int) -> str:
        return "".join(self.inline(depth) for _ in range(self.random.randint(1, 3)))

    def inline(self, depth: int) -> str:
        if depth >= DEEPEST:
            return run(f"{self.word()} ")
        return getattr(self, f"in_{self.random.choice(INLINE)}")(depth + 1)

    def in_run(self, _: int) -> str:
        return run(f"{self.word()} ")

    def in_bold(self, _: int) -> str:
        word = self.word()
        return run(word[:3], "<w:b/>") + run(word[3:5]) + run(f"{word[5:]} ", "<w:i/>")

    def in_tab(self, _: int) -> str:
        return "<w:r><w:tab/></w:r>" + run(f"{self.word()} ") + "<w:r><w:br/></w:r>"

    def in_ins(self, depth: int) -> str:
        return f'<w:ins w:id="1" w:author="a">{self.inlines(depth)}</w:ins>'

    def in_del(self, _: int) -> str:
        return f'<w:del w:id="1"><w:r><w:delText>{self.unseen_word()} </w:delText></w:r></w:del>'

    def in_moved(self, depth: int) -> str:
        gone = f'<w:moveFrom w:id="1">{run(self.unseen_word())}</w:moveFrom>'
        return f'{gone}<w:moveTo w:id="2">{self.inlines(depth)}</w:moveTo>'

    def in_sdt(self, depth: int) -> str:
        return f"<w:sdt><w:sdtPr/><w:sdtContent>{self.inlines(depth)}</w:sdtContent></w:sdt>"

    def in_smart(self, depth: int) -> str:
        return f'<w:smartTag w:element="x"><w:smartTagPr/>{self.inlines(depth)}</w:smartTag>'

    def in_custom(self, depth: int) -> str:
        return f'<w:customXml w:element="x">{self.inlines(depth)}</w:customXml>'

    def in_simple(self, depth: int) -> str:
        return f'<w:fldSimple w:instr=" REF {self.unseen_word()} ">{self.inlines(depth)}</w:fldSimple>'

    def in_bdo(self, depth: int) -> str:
        return f'<w:bdo w:val="ltr">{self.inlines(depth)}</w:bdo>'

    def in_link(self, depth: int) -> str:
        return f'<w:hyperlink w:anchor="aqui">{self.inlines(depth)}</w:hyperlink>'

    def in_hidden(self, _: int) -> str:
        return run(
            f"{self.unseen_word()} ", self.random.choice(["<w:vanish/>", '<w:rStyle w:val="Oculto"/>'])
        )

    def in_field(self, depth: int) -> str:
        return field(f" REF {self.unseen_word()} ", self.inlines(depth))

    def in_if(self, depth: int) -> str:
        inner = field(f" MERGEFIELD {self.unseen_word()} ", run(self.unseen_word()))
        return field(f' IF "{self.unseen_word()}" = ', self.inlines(depth), inner)

    def in_note(self, depth: int) -> str:
        number, outer = len(self.notes) + 1, depth
        if self.quiet or any("footnoteReference" in note for note in self.notes):
            return self.in_run(outer)
        self.notes.append("")
        inside = paragraph(run(f"{self.word()} ") + self.in_sdt(DEEPEST) + self.in_field(DEEPEST))
        self.notes[number - 1] = f'<w:footnote w:id="{number}">{inside}</w:footnote>'
        raised = '<w:rPr><w:vertAlign w:val="superscript"/></w:rPr>'
        return f'<w:r>{raised}<w:footnoteReference w:id="{number}"/></w:r>'

    def in_box(self, depth: int) -> str:
        content = f"<w:txbxContent>{self.blocks(depth)}</w:txbxContent>"
        modern = f"<w:drawing><wp:anchor><a:graphic><a:graphicData><wps:wsp><wps:txbx>{content}</wps:txbx>"
        modern += "</wps:wsp></a:graphicData></a:graphic></wp:anchor></w:drawing>"
        former = f"<w:pict><v:shape><v:textbox>{content}</v:textbox></v:shape></w:pict>"
        return (
            f'<w:r><mc:AlternateContent><mc:Choice Requires="wps">{modern}</mc:Choice>'
            f"<mc:Fallback>{former}</mc:Fallback></mc:AlternateContent></w:r>"
        )

    def blocks(self, depth: int) -> str:
        return "".join(self.block(depth) for _ in range(self.random.randint(1, 3)))

    def block(self, depth: int) -> str:
        kind = self.random.choice(BLOCKS)
        if depth >= DEEPEST or kind == "plain":
            return paragraph(self.inlines(depth))
        if kind == "merged":
            gone = "<w:rPr><w:del w:id='1'/></w:rPr>"
            return paragraph(self.inlines(depth), gone) + paragraph(self.inlines(depth))
        if kind == "numbered":
            numbered = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
            return paragraph(run(f"{self.word()} ") + self.inlines(depth), numbered)
        if kind == "sdt":
            return f"<w:sdt><w:sdtPr/><w:sdtContent>{self.blocks(depth + 1)}</w:sdtContent></w:sdt>"
        if kind == "custom":
            return f'<w:customXml w:element="x">{self.blocks(depth + 1)}</w:customXml>'
        return self.table(depth + 1)

    def table(self, depth: int) -> str:
        rows = [self.row(depth) for _ in range(self.random.randint(1, 3))]
        rows.append(row(self.unseen_word(), self.unseen_word(), properties='<w:del w:id="1"/>'))
        return table(*rows) + paragraph(run(f"{self.word()} "))

    def row(self, depth: int) -> str:
        cells = [cell(self.blocks(depth) + "<w:p/>") for _ in range(2)]
        if self.random.random() < 0.3:
            cells[0] = f"<w:sdt><w:sdtPr/><w:sdtContent>{cells[0]}</w:sdtContent></w:sdt>"
        made = f"<w:tr>{''.join(cells)}</w:tr>"
        if self.random.random() < 0.3:
            made = f"<w:sdt><w:sdtPr/><w:sdtContent>{made}</w:sdtContent></w:sdt>"
        return made


def field(instruction: str, result: str, nested: str = "") -> str:
    def mark(kind: str) -> str:
        return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'

    escaped = instruction.replace('"', "&quot;")
    said = f"<w:r><w:instrText>{escaped}</w:instrText></w:r>"
    return f"{mark('begin')}{said}{nested}{mark('separate')}{result}{mark('end')}"


@pytest.mark.parametrize("seed", range(60))
def test_what_word_shows_arrives_once_and_nothing_else(seed):
    writer = Writer(seed)
    body = "".join(writer.block(0) for _ in range(6))
    found = read(body, styles=STYLES, numbering=NUMBERING, footnotes="".join(writer.notes))
    words = re.findall(r"(?:vista|oculta)\w*fim", found)
    assert not set(words) & set(writer.unseen)
    assert sorted(words) == sorted(writer.shown)
