"""Writes the number of a list item as it is shown: decimal, letters, Roman."""

from __future__ import annotations

_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
          (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
_LETTERS = frozenset({"a", "lower-alpha", "lower-latin"})
_CAPITALS = frozenset({"A", "upper-alpha", "upper-latin"})
_LARGEST_ROMAN = 3999


def list_number(number: int, style: str) -> str:
    """Return a number in a style of lists.

    Args:
        number: Of the item, from its list's start.
        style: `1`, `a`, `A`, `i`, `I` as HTML and OpenDocument name it, or a name of CSS (`lower-roman`).
            Numbers that a style has no signs for, and unknown styles, are decimal.
    """
    if style in _LETTERS | _CAPITALS and number > 0:
        letters = ""
        while number:
            number, place = divmod(number - 1, 26)
            letters = chr(ord("a") + place) + letters
        return letters if style in _LETTERS else letters.upper()
    if style in ("i", "I", "lower-roman", "upper-roman") and 0 < number <= _LARGEST_ROMAN:
        roman = ""
        for value, sign in _ROMAN:
            roman += sign * (number // value)
            number %= value
        return roman if style in ("i", "lower-roman") else roman.upper()
    if style == "decimal-leading-zero" or style.startswith("01"):  # "01, 02, 03, ...", as LibreOffice has it
        return f"{number:02}"
    return str(number)
