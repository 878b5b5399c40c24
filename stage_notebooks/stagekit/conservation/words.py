"""Brings words into the form in which texts from two readers are compared."""

from __future__ import annotations

import re
import unicodedata

SYMBOL_FONTS = frozenset({"symbol", "webdings", "wingdings", "wingdings 2", "wingdings 3", "zapfdingbats"})
"""Fonts in which letters show other signs, in small letters."""
# What stands around the number of a page: without the number it says nothing.
_PAGE_LINE = re.compile(
    r"(?:(?:p[áa]g(?:inas?|s)?|p|fls?|f|folhas?|hoja|sheet|pages?|pg|de|of|do|da|total)\b|[\W\d_])*",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")  # of a text without `_`: twice as fast as a class that leaves it out
# Begins with the hyphen, which is looked for faster than what stands before it.
_HYPHEN = re.compile(
    r"[-\u2010\u2011\u00ad\x02\ufffe](?<=[^\W_].)[-\u2010\u2011\u00ad\x02\ufffe]*\s*(?=[^\W_])", re.DOTALL
)
_ANY_HYPHEN = re.compile("[-\u2010\u2011\u00ad\x02\ufffe]")  # most texts have none, which is known sooner
_UNSEEN = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_CLAUSE_END = re.compile(r"(?<=[.;:!?])\s+")


def words_of(text: str) -> list[str]:
    """Return the words of a text in the form in which they are compared.

    Case, punctuation, ligatures, raised letters, soft and line-end hyphens, zero-width signs and the way in
    which accents are stored make no difference.
    """
    folded = text.casefold()
    if not text.isascii():
        folded = unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).casefold()
    joined = _HYPHEN.sub("", folded) if _ANY_HYPHEN.search(folded) else folded
    return _WORD.findall(joined.replace("_", " "))


def letters_of(text: str) -> str:
    """Return the letters and digits of a text as they are compared, without blanks and signs."""
    return "".join(words_of(text))


def is_page_line(text: str) -> bool:
    """Whether a line says nothing but on which page it stands; its numbers may be missing."""
    return _PAGE_LINE.fullmatch(text) is not None


def clauses_of(text: str) -> list[str]:
    """Return the parts of a text that end with a mark of punctuation and white space."""
    return _CLAUSE_END.split(text)
