"""Writes a number in the formats in which Word counts lists, chapters and notes (ST_NumberFormat)."""

from __future__ import annotations

from stagekit.processing.text.list_markers import list_number

_MOST_LETTERS = 780  # "zzz…", thirty times: as far as Word itself counts in letters
_MOST_ZEROS = 9
_CHICAGO = "*†‡§"
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"

_CARDINALS = (
    "zero", "um", "dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove", "dez", "onze", "doze",
    "treze", "quatorze", "quinze", "dezesseis", "dezessete", "dezoito", "dezenove",
)  # fmt: skip
_TENS = ("", "", "vinte", "trinta", "quarenta", "cinquenta", "sessenta", "setenta", "oitenta", "noventa")
_ORDINAL_UNITS = (
    "", "primeiro", "segundo", "terceiro", "quarto", "quinto", "sexto", "sétimo", "oitavo", "nono",
)  # fmt: skip
_ORDINAL_TENS = (
    "", "décimo", "vigésimo", "trigésimo", "quadragésimo", "quinquagésimo", "sexagésimo", "septuagésimo",
    "octogésimo", "nonagésimo",
)  # fmt: skip


def format_number(number: int, style: str, language: str = "pt", pattern: str = "") -> str:
    """Return a number as Word shows it.

    Args:
        number: the count.
        style: a value of `w:numFmt`, such as `upperRoman`; an unknown one counts in digits.
        language: of the document, two letters: ordinals are written in it. Words are written in Portuguese.
        pattern: of the style `custom`, such as "001, 002, 003, ...".
    """
    if style in ("none", "bullet"):
        return ""
    if style == "custom":
        return str(number).zfill(min(len(pattern.partition(",")[0].strip()), _MOST_ZEROS))
    if style == "decimalZero":
        return f"{number:02d}"
    if style in ("upperRoman", "lowerRoman") and 0 < number < 4000:
        return list_number(number, "I" if style == "upperRoman" else "i")
    if style in ("upperLetter", "lowerLetter") and 0 < number <= _MOST_LETTERS:
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter.upper() if style == "upperLetter" else letter
    if style == "ordinal":
        return _ordinal(number, language)
    if style == "cardinalText" and language == "pt" and 0 <= number < 100:
        return _cardinal_words(number).capitalize()
    if style == "ordinalText" and language == "pt" and 0 < number < 100:
        return " ".join(filter(None, (_ORDINAL_TENS[number // 10], _ORDINAL_UNITS[number % 10]))).capitalize()
    if style == "numberInDash":
        return f"- {number} -"
    if style == "chicago" and 0 < number <= _MOST_LETTERS:
        return _CHICAGO[(number - 1) % 4] * ((number - 1) // 4 + 1)
    if style.startswith("decimalEnclosedCircle") and 0 < number <= len(_CIRCLED):
        return _CIRCLED[number - 1]
    return str(number)


def _ordinal(number: int, language: str) -> str:
    if language == "en":
        teens = number % 100 in (11, 12, 13)
        return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
    return f"{number}.º" if language == "es" else f"{number}º"


def _cardinal_words(number: int) -> str:
    if number < len(_CARDINALS):
        return _CARDINALS[number]
    tens, units = divmod(number, 10)
    return f"{_TENS[tens]} e {_CARDINALS[units]}" if units else _TENS[tens]
