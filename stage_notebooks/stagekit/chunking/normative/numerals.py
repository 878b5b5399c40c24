"""Reads the numerals of clauses: roman, arabic, letters and ordinal words."""

import re
from typing import Final

_ROMAN = re.compile(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_VALUES: Final = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"),
    (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
_WORDS: Final = {
    f"{stem}{ending}": number
    for number, stems in {
        1: "primeir primer", 2: "segund", 3: "terceir tercer", 4: "quart cuart", 5: "quint", 6: "sext",
        7: "setim septim", 8: "oitav octav", 9: "non noven", 10: "decim", 11: "undecim", 12: "duodecim",
        20: "vigesim", 30: "trigesim", 40: "quadragesim cuadragesim", 50: "quinquagesim quincuagesim",
        60: "sexagesim", 70: "septuagesim", 80: "octogesim", 90: "nonagesim",
    }.items()
    for stem in stems.split()
    for ending in "oa"
}  # fmt: skip
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
ORDINAL_WORDS: Final = rf"(?:{_WORD})(?:[ -]?(?:{_WORD}))?"
"""A pattern of ordinals in words, accents left out, in small letters: "primeira", "vigésimo terceiro"."""


def from_roman(numeral: str) -> int:
    """Return the value of a roman numeral in capitals; 0 where it is none (CIVIL has its letters only)."""
    if not numeral or not _ROMAN.fullmatch(numeral):
        return 0
    value, rest = 0, numeral
    for worth, sign in _VALUES:
        while rest.startswith(sign):
            value, rest = value + worth, rest[len(sign) :]
    return value


def to_roman(number: int) -> str:
    """Return a positive number as a roman numeral."""
    signs = []
    for worth, sign in _VALUES:
        signs.append(sign * (number // worth))
        number %= worth
    return "".join(signs)


def from_letter(letters: str) -> int:
    """Return the place of an alínea: a is 1, z is 26, aa is 27; 0 for other letters."""
    if len(letters) == 2 and letters[0] != letters[1]:
        return 0
    place = ord(letters[0]) - 96
    return place + 26 * (len(letters) - 1) if 1 <= place <= 26 and len(letters) <= 2 else 0


def next_letter(number: int) -> set[int]:
    """Return the alíneas that may follow one; old texts leave out k, w and y."""
    skipped = {11, 23, 25}
    following = {number + 1}
    if number + 1 in skipped:
        following.add(number + 2)
    return following


def from_word(words: str) -> int:
    """Return the value of an ordinal in words, accents left out; 0 for anything else.

    "primeira" is 1, "décimo primeiro" and "décimo-primeiro" are 11.
    """
    folded = words.lower()
    if not re.fullmatch(ORDINAL_WORDS, folded):
        return 0
    return sum(_WORDS[word] for word in re.findall(_WORD, folded))
