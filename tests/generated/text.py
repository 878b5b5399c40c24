"""Plain text files: paragraphs, lists, headings, aligned columns, and words divided at the ends of lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.generated.words import Generated, Writer


def document(seed: int) -> Generated:
    """Return a text of random constructs, in one of three encodings."""
    text = _Text(Writer(seed))
    chance = text.writer.chance
    end = chance.choice(["\n", "\n", "\r\n"])
    blocks = [text.block() for _ in range(chance.randint(3, 9))]
    content = f"{end}{end}".join(block.replace("\n", end) for block in blocks)
    return text.writer.done(content.encode(chance.choice(["utf-8", "utf-8-sig", "cp1252"])), "gerado.txt")


@dataclass
class _Text:
    """The writer of one text."""

    writer: Writer

    def block(self) -> str:
        kinds: list[Callable[[], str]] = [
            self.paragraph, self.paragraph, self.heading, self.underlined, self.listing, self.columns,
            self.article,
        ]  # fmt: skip
        return self.writer.chance.choice(kinds)()

    def paragraph(self) -> str:
        lines = [self.writer.phrase(most=9) for _ in range(self.writer.chance.randint(1, 4))]
        if self.writer.often(0.4):
            word = self.writer.word()
            lines = [f"{lines[0]} {word[:4]}-", f"{word[4:]} {self.writer.phrase()}", *lines[1:]]
        return "\n".join(lines)

    def heading(self) -> str:
        return f"{self.writer.chance.randint(1, 9)}. {self.writer.phrase(most=3).capitalize()}"

    def underlined(self) -> str:
        return f"{self.writer.phrase(most=3)}\n{self.writer.chance.choice('=-~') * 12}"

    def listing(self) -> str:
        mark = self.writer.chance.choice(["-", "*", "•"])
        return "\n".join(f"{mark} {self.writer.phrase()}" for _ in range(self.writer.chance.randint(1, 4)))

    def columns(self) -> str:
        rows = [[self.writer.word() for _ in range(3)] for _ in range(self.writer.chance.randint(2, 4))]
        return "\n".join("".join(f"{word:<22}" for word in row).rstrip() for row in rows)

    def article(self) -> str:
        first, second, third = (self.writer.phrase() for _ in range(3))
        return f"Art. 5º {first}\n§ 1º {second}\nI - {third};"
