"""Patterns of paths, as people write them: for a file, or for a folder with all that is in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import cache
from typing import Final


@dataclass(frozen=True)
class PathPatterns:
    """The patterns of one setting.

    A pattern is a path from the root of the repository, in which `*` stands for anything, slashes too. One
    without a slash is a name, which matches wherever it stands. A pattern that matches a folder means what is
    in it. Composed and decomposed letters (macOS) are the same.
    """

    patterns: tuple[str, ...] = ()

    @classmethod
    def of(cls, patterns: Sequence[str] | str) -> PathPatterns:
        """Return the patterns of a setting, a list or one text."""
        listed = (patterns,) if isinstance(patterns, str) else patterns
        return cls(tuple(dict.fromkeys(one for one in listed if _clean(one))))

    def __bool__(self) -> bool:
        return bool(self.patterns)

    def matching(self, path: str) -> list[str]:
        """Return those patterns that match a path or a folder above it."""
        places = _places(path)
        return [one for one in self.patterns if _matches(_clean(one), places)]

    def unmatched(self, paths: Iterable[str]) -> list[str]:
        """Return those patterns that match none of the paths; each counts, whatever the others match."""
        left = list(self.patterns)
        for path in paths:
            if not left:
                break
            places = _places(path)
            left = [one for one in left if not _matches(_clean(one), places)]
        return left


NO_PATTERNS: Final = PathPatterns()


def is_within(path: str, folder: str) -> bool:
    """Tell whether a path lies in a folder; every path lies in the empty one."""
    return not folder or _same(path).startswith(f"{_same(folder)}/")


def below(path: str, folder: str) -> str:
    """Return the part of a path below a folder in which it lies."""
    depth = folder.count("/") + 1 if folder else 0
    return "/".join(path.split("/")[depth:])


def _places(path: str) -> list[str]:
    """Return the path and the folders above it, the outermost first."""
    parts = _same(path).split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def _matches(pattern: str, places: Sequence[str]) -> bool:
    if pattern in places:  # brackets in a name that was meant as it is written
        return True
    found = _expression(pattern)
    names = () if "/" in pattern else (place.rpartition("/")[2] for place in places)
    return any(found.match(place) for place in (*places, *names))


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))


@cache
def _clean(pattern: str) -> str:
    return _same(pattern.strip()).removeprefix("./").strip("/")


def _same(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)
