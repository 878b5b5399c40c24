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
    """A clause of a norm: `text[start:end]`, label and own text, without the clauses below it."""

    address: Address  # its place in the norm
    # the groupings that it stands in (Título, Capítulo …), outermost first; not part of an article's
    # address
    within: Address
    start: int  # where its label begins
    text_start: int  # where its own text begins
    end: int  # where the next clause begins, or what is no part of the norm
    inline: bool  # the label stands within a line
    quoted: bool  # it belongs to another norm that this one quotes to amend it

    @property
    def level(self) -> Level:
        """Return the level of the clause itself."""
        return self.address[-1].level
