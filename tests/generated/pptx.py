"""Presentations: shapes, groups, tables, notes, margins and hidden slides."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from pptx import Presentation
from pptx.util import Emu, Inches

from tests.generated.words import Generated, Writer


def document(seed: int) -> Generated:
    """Return a presentation of random constructs."""
    writer = Writer(seed)
    deck = Presentation()
    for number in range(writer.chance.randint(1, 4)):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        hidden = number > 0 and writer.often(0.2)
        kind = "unseen" if hidden else "shown"
        slide.shapes.title.text = writer.phrase(kind)
        kinds: list[Callable[[Any, Writer, str], None]] = [_box, _box, _table, _group]
        for _ in range(writer.chance.randint(1, 4)):
            writer.chance.choice(kinds)(slide.shapes, writer, kind)
        if writer.often(0.4):
            slide.notes_slide.notes_text_frame.text = writer.phrase("optional" if hidden else "shown")
        if hidden:
            slide._element.set("show", "0")
    out = io.BytesIO()
    deck.save(out)
    return writer.done(out.getvalue(), "gerado.pptx")


def _place(writer: Writer) -> tuple[Emu, Emu, Emu, Emu]:
    left, top = (Inches(writer.chance.uniform(0.2, 5)) for _ in range(2))
    return left, top, Inches(3), Inches(1)


def _box(shapes: Any, writer: Writer, kind: str) -> None:
    frame = shapes.add_textbox(*_place(writer)).text_frame
    frame.text = writer.phrase(kind)
    for _ in range(writer.chance.randint(0, 2)):
        paragraph = frame.add_paragraph()
        for _ in range(writer.chance.randint(1, 2)):
            run = paragraph.add_run()
            run.text = f"{writer.phrase(kind)} "
            run.font.bold = writer.often(0.5)


def _table(shapes: Any, writer: Writer, kind: str) -> None:
    rows, columns = writer.chance.randint(2, 3), writer.chance.randint(1, 3)
    table = shapes.add_table(rows, columns, *_place(writer)).table
    for row in table.rows:
        for cell in row.cells:
            cell.text = writer.phrase(kind)


def _group(shapes: Any, writer: Writer, kind: str) -> None:
    group = shapes.add_group_shape()
    for _ in range(writer.chance.randint(1, 2)):
        _box(group.shapes, writer, kind)
