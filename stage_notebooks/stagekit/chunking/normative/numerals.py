"""Reads the numerals of clauses: roman, arabic, letters and ordinal words."""

import re
from typing import Final

__all__ = ["from_letter", "from_roman", "from_word", "next_letter", "to_roman"]

_ROMAN = re.compile(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_VALUES: Final = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"),
    (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
_WORDS: Final = {
    word: number
    for number, words in enumerate(
        (
            "primeiro primeira", "segundo segunda", "terceiro terceira", "quarto quarta", "quinto quinta",
            "sexto sexta", "setimo setima", "oitavo oitava", "nono nona", "decimo decima",
        ),
        start=1,
    )
    for word in words.split()
}  # fmt: skip


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


def from_word(word: str) -> int:
    """Return the value of an ordinal in words, accents left out: "primeira" is 1; 0 for any other word."""
    return _WORDS.get(word.lower(), 0)
