"""Turns a plain text file into a DoclingDocument, without taking its stars and hashes for Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from docling_core.types.doc import DocItemLabel, DoclingDocument, TableData
from docling_core.types.doc.document import ListGroup

from stagekit.base.invisible_signs import without_invisible_signs
from stagekit.processing.pdf.hyphenation import Vocabulary, is_divided, join_lines
from stagekit.processing.text.aligned_lines import aligned_cells
from stagekit.processing.text.html_tables import single_cell

LONGEST_HEADING = 90
MOST_HEADING_WORDS = 12
_BULLET = re.compile(r"^\s*([-*•·–])\s+(?=\S)")
_NUMBERED_ITEM = re.compile(r"^\s*(\d{1,3}[.)]|[a-z]\))\s+(?=\S)")
_NUMBERED_HEADING = re.compile(r"^(\d{1,2}(?:\.\d{1,2})*)\.?\s+(?=[^\W\d_])")
_UNDERLINE = re.compile(r"^\s*([=\-~_*])\1{2,}\s*$")
# A line that begins so is a clause of its own, however long the line before it is.
_CLAUSE = re.compile(
    r"^\s*(?:Art(?:igo)?\.?\s*\d|ART(?:IGO)?\.?\s*\d|§|Par[aá]grafo\s+[uú]nico|PAR[AÁ]GRAFO\s+[UÚ]NICO"
    r"|(?:Par[aá]grafo|PAR[AÁ]GRAFO|Cl[aá]usula|CL[AÁ]USULA|Clause)\s+[\wº°ª]+(?:[ -][^\W\d_]+)?\s*[-–—:.]"
    r"|[IVXLC]{1,7}\s*[-–—]\s|[a-z]{1,2}\)\s|\d{1,3}\)\s|[-*•·–]\s)"
)
_DIVISION = re.compile(
    r"^\s*(?:ANEXO|AP[EÊ]NDICE|T[IÍ]TULO|LIVRO|CAP[IÍ]TULO|SE[CÇ][AÃ]O|PARTE|CL[AÁ]USULA)\b[^a-zà-ü]*$"
)
_COLUMNS = re.compile(r"\S(?: {3,}|\t+)\S")


def text_to_document(text: str, name: str) -> DoclingDocument:
    """Return the text as paragraphs, lists, tables and the headings that are obvious.

    Blocks between blank lines are paragraphs. In them the clauses of a norm (`Art. 1º`, `§ 2º`, `I -`,
    `a)`) begin lines of their own, divided words are closed, and aligned columns are a table. A heading is a
    single short line between blank lines, followed by something, that is numbered (`8.1. Redes`), in
    capitals, underlined, or without the punctuation that ends a sentence.
    """
    document = DoclingDocument(name=name)
    blocks = list(_blocks(text))
    lines = text.split("\n")
    divided = any(is_divided(line, following) for line, following in pairwise(lines))
    vocabulary = Vocabulary.of(lines) if divided else None
    group: ListGroup | None = None
    for index, block in enumerate(blocks):
        following = blocks[index + 1] if index + 1 < len(blocks) else []
        level = _heading_level(block, following, first=index == 0)
        table = None if level is not None else aligned_cells(block)
        is_list = level is None and table is None and _is_list(block)
        if is_list:
            group = group or document.add_list_group(name="list")
            _add_items(document, group, block, vocabulary)
            continue
        group = None
        if level is not None:
            document.add_heading(text=without_invisible_signs(block[0].strip()), level=level)
        elif table is not None:
            document.add_table(data=_table_data(table))
        else:
            for paragraph in _paragraphs(block, vocabulary):
                document.add_text(label=DocItemLabel.TEXT, text=paragraph)
    return document


def _blocks(text: str) -> list[list[str]]:
    """Return the lines between blank lines; an underlined heading, or that of a division, parts a block."""
    blocks = []
    for raw in re.split(r"\n[ \t\f\v]*\n", text.replace("\f", "\n\n")):
        block = [line.rstrip() for line in raw.split("\n") if line.strip()]
        while block:
            underlined = len(block) > 2 and bool(_UNDERLINE.match(block[1])) and aligned_cells(block) is None
            division = len(block) > 1 and not underlined and bool(_DIVISION.match(block[0]))
            named = division and len(block) > 1 and _in_capitals(block[1]) and not _DIVISION.match(block[1])
            size = 2 if underlined or named else 1 if division else len(block)
            blocks.append([f"{block[0]} {block[1].strip()}"] if named else block[:size])
            block = block[size:]
    return blocks


def _in_capitals(line: str) -> bool:
    letters = [sign for sign in line if sign.isalpha() and sign not in "ºª"]
    return bool(letters) and len(line) <= LONGEST_HEADING and all(sign.isupper() for sign in letters)


def _heading_level(block: Sequence[str], following: Sequence[str], *, first: bool) -> int | None:
    line = block[0].strip()
    underlined = len(block) == 2 and _UNDERLINE.match(block[1])
    if len(block) != 1 and not underlined:
        return None
    letters = [c for c in line if c.isalpha()]
    if not letters or len(line) > LONGEST_HEADING or not following or line.endswith((".", ";", ",", ":")):
        return None
    number = _NUMBERED_HEADING.match(line)
    if number:
        return min(6, number.group(1).count(".") + 1)
    if _BULLET.match(line) or _NUMBERED_ITEM.match(line):
        return None
    if underlined or _in_capitals(line):
        return 1
    if _CLAUSE.match(line):
        return None
    short = len(line.split()) <= MOST_HEADING_WORDS and line[0].isupper()
    longer = len(" ".join(following)) > 1.5 * len(line) or _is_list(following)
    return 1 if short and longer and (first or not line.endswith("!")) else None


def _is_list(block: Sequence[str]) -> bool:
    marked = [bool(_BULLET.match(line) or _NUMBERED_ITEM.match(line)) for line in block]
    return bool(_BULLET.match(block[0])) or (marked[0] and sum(marked) > 1)


def _add_items(
    document: DoclingDocument, group: ListGroup, block: Sequence[str], vocabulary: Vocabulary | None
) -> None:
    items: list[tuple[str, list[str]]] = []
    for line in block:
        mark = _BULLET.match(line) or _NUMBERED_ITEM.match(line)
        if mark:
            items.append((mark.group(1), [line[mark.end() :]]))
        else:
            items[-1][1].append(line)
    for marker, lines in items:
        enumerated = marker[0].isalnum()
        text = _joined(lines, vocabulary)
        document.add_list_item(text=text, enumerated=enumerated, marker=marker, parent=group)


def _table_data(rows: list[list[str]]) -> TableData:
    cells = [
        single_cell(without_invisible_signs(text), row, column, header=row == 0)
        for row, texts in enumerate(rows)
        for column, text in enumerate(texts)
    ]
    return TableData(num_rows=len(rows), num_cols=len(rows[0]), table_cells=cells)


def _paragraphs(block: Sequence[str], vocabulary: Vocabulary | None) -> list[str]:
    """Join lines that were wrapped at a margin; keep apart clauses, and lines that end short (an address)."""
    longest = max(len(line) for line in block)
    paragraphs = [[block[0]]]
    for before, line in pairwise(block):
        wrapped = len(before) + len(line.split()[0]) + 1 > 0.8 * longest and longest > 40
        wrapped = wrapped and not (_COLUMNS.search(before) and _COLUMNS.search(line))
        divided = is_divided(before.replace("\u00ad", "-"), line)
        if divided or (wrapped and not _CLAUSE.match(line)):
            paragraphs[-1].append(line)
        else:
            paragraphs.append([line])
    return [_joined(lines, vocabulary) for lines in paragraphs]


def _joined(lines: Sequence[str], vocabulary: Vocabulary | None) -> str:
    return without_invisible_signs(join_lines(lines, vocabulary))
