"""Markdown files: blocks in one another, formatting inside words, notes, tasks, HTML and placeholders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.generated.words import Generated, Writer


def document(seed: int) -> Generated:
    """Return a document of random constructs."""
    text = _Marked(Writer(seed))
    content = text.document()
    return text.writer.done(content.encode(), "gerado.md")


@dataclass
class _Marked:
    """The writer, and the notes that are still to be written below the text."""

    writer: Writer
    notes: list[str] = field(default_factory=list)

    def document(self) -> str:
        blocks = [self.block(0) for _ in range(self.writer.chance.randint(3, 10))]
        return "\n\n".join([*blocks, *self.notes]) + "\n"

    def block(self, depth: int) -> str:
        kinds: list[Callable[[int], str]] = [self.paragraph, self.paragraph, self.heading, self.setext]
        kinds += [self.fence, self.table, self.html_block, self.comment]
        if depth < 2:
            kinds += [self.listing, self.listing, self.quote]
        return self.writer.chance.choice(kinds)(depth)

    def paragraph(self, _depth: int) -> str:
        pieces = [self.piece() for _ in range(self.writer.chance.randint(1, 4))]
        return self.writer.chance.choice([" ", "\n"]).join(pieces)

    def heading(self, _depth: int) -> str:
        return f"{'#' * self.writer.chance.randint(1, 4)} {self.piece()}"

    def setext(self, _depth: int) -> str:
        return f"{self.writer.phrase()}\n{self.writer.chance.choice(['===', '---'])}"

    def fence(self, _depth: int) -> str:
        return f"```{self.writer.word('optional')}\n{self.writer.phrase()}\n{self.writer.phrase()}\n```"

    def table(self, _depth: int) -> str:
        columns = self.writer.chance.randint(1, 3)
        rows = [
            [self.piece(alone=False) for _ in range(columns)] for _ in range(self.writer.chance.randint(2, 4))
        ]
        lines = [f"| {' | '.join(row)} |" for row in rows]
        return "\n".join([lines[0], "|" + "---|" * columns, *lines[1:]])

    def html_block(self, _depth: int) -> str:
        first, second = self.writer.phrase(), self.writer.phrase()
        return f"<div>\n<p>{first}</p>\n<p>{second}</p>\n</div>"

    def comment(self, _depth: int) -> str:
        return f"<!-- {self.writer.phrase('unseen')} -->\n\n{self.writer.phrase()}"

    def listing(self, depth: int) -> str:
        items = []
        for number in range(1, self.writer.chance.randint(2, 4)):
            mark = self.writer.chance.choice(["-", f"{number}."]) if not items else items[0].split(" ")[0]
            task = self.writer.chance.choice(["", "", "[x] ", "[ ] "])
            lines = f"{task}{self.piece()}"
            if self.writer.often(0.4):
                lines += f"\n\n{self.block(depth + 1)}"
            indent = " " * (len(mark) + 1)
            items.append(f"{mark} " + lines.replace("\n", f"\n{indent}"))
        return "\n".join(items)

    def quote(self, depth: int) -> str:
        return "> " + self.block(depth + 1).replace("\n", "\n> ")

    def piece(self, alone: bool = True) -> str:
        """Return some words with or without formatting."""
        writer = self.writer
        kinds: list[Callable[[], str]] = [
            writer.phrase,
            writer.phrase,
            lambda: f"**{writer.phrase()}**",
            lambda: f"*{writer.phrase()}*",
            lambda: f"_{writer.phrase()}_",
            lambda: f"~~{writer.phrase()}~~",
            lambda: f"`{writer.phrase()}`",
            lambda: f"[{writer.phrase()}](https://exemplo.org/x)",
            lambda: f"{writer.phrase()} <b>{writer.word()}</b>",
            lambda: f'{writer.phrase()} ![{writer.word("optional")}](figura.png "{writer.word("optional")}")',
            lambda: f"{writer.phrase()} <{writer.word()}>",
            lambda: f"{writer.phrase()} &amp; {writer.word()}",
            self.divided,
        ]
        chosen = writer.chance.choice(kinds)()
        if alone and writer.often(0.15):
            self.notes.append(f"[^{len(self.notes) + 1}]: {writer.phrase()}")
            chosen += f"[^{len(self.notes)}]"
        return chosen

    def divided(self) -> str:
        """Return a word of which only the beginning is bold."""
        word = self.writer.word()
        return f"**{word[:3]}**{word[3:]}"
