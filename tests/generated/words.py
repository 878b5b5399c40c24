"""Words for generated documents, none of which stands twice, and what becomes of them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

_SYLLABLES = [a + b for a in "bcdfglmnprstv" for b in ("a", "e", "i", "o", "u", "ão", "é", "ei")]


@dataclass(frozen=True)
class Generated:
    """A document: its bytes and name, the words that it shows, and those that nobody sees."""

    content: bytes
    name: str
    shown: frozenset[str]
    unseen: frozenset[str]
    optional: frozenset[str]


@dataclass
class Writer:
    """Chance, and the words given out so far."""

    seed: int
    chance: random.Random = field(init=False)
    shown: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)
    optional: set[str] = field(default_factory=set)
    _count: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def word(self, kind: str = "shown") -> str:
        """Return a new word; `kind` is `shown`, `unseen` or `optional` (it may arrive or not)."""
        self._count += 1
        tail, number = "", self._count
        for _ in range(2):
            number, digit = divmod(number, len(_SYLLABLES))
            tail += _SYLLABLES[digit]
        word = f"qua{self.chance.choice(_SYLLABLES)}{tail}x"
        getattr(self, kind).add(word)
        return word

    def phrase(self, kind: str = "shown", most: int = 6) -> str:
        """Return some new words, at times with a capital and a full stop."""
        words = " ".join(self.word(kind) for _ in range(self.chance.randint(1, most)))
        return f"{words.capitalize()}." if self.chance.random() < 0.3 else words

    def often(self, share: float) -> bool:
        """Return True with this likelihood."""
        return self.chance.random() < share

    def done(self, content: bytes, name: str) -> Generated:
        """Return the document."""
        return Generated(
            content, name, frozenset(self.shown), frozenset(self.unseen), frozenset(self.optional)
        )
