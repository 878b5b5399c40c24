"""What the reading of a norm starts from and what it finds: lines, and clauses with their places."""

from dataclasses import dataclass
from typing import Literal

from stagekit.chunking.normative.address import Address, Level

LineKind = Literal["text", "heading", "row"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the text: `text[start:end]`; where `opens_block`, a paragraph or item begins with it."""

    start: int
    end: int
    kind: LineKind = "text"
    opens_block: bool = True


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of a norm: `text[start:end]`, label and own text, without the clauses below it.

    Attributes:
        address: Its place in the norm.
        within: The groupings that it stands in (Título, Capítulo …), outermost first; not part of an
            article's address.
        start: Where its label begins.
        text_start: Where its own text begins.
        end: Where the next clause begins, or what is no part of the norm.
        inline: The label stands within a line.
        quoted: It belongs to another norm that this one quotes to amend it.
    """

    address: Address
    within: Address
    start: int
    text_start: int
    end: int
    inline: bool
    quoted: bool

    @property
    def level(self) -> Level:
        """Return the level of the clause itself."""
        return self.address[-1].level
