"""Tells the ordinal sign from the degree sign in text from OCR, which sees a small ring in both.

Laws are full of ordinals (`art. 5º`, `nº 8.112`); a degree stands before C, F or K, in a coordinate, or where
the words before it speak of an angle. The gap behind an ordinal is narrow, and often not seen: `29ªreunião`.
"""

from __future__ import annotations

import re

_RING = re.compile(r"(\d|\b[nN])(\.?)( ?)[°º˚]")
_SCALE = re.compile(r" ?[CFK]\b")
_COORDINATE = re.compile(r" ?\d{1,2} ?['′´’]|[NSWLEO]\b")
_ANGLE = re.compile(
    r"(ângulos?|inclina\w+|rotaç\w+|gira\w*|latitude|longitude|azimute|temperatura|angles?|turned?|rotated?)"
    r"\W+(?:\w+\W+){0,3}\d*$",
    re.IGNORECASE,
)
_GLUED = re.compile(r"(?<!\w)(\d{1,4}[ºª])(?=[^\W\d_ºª]{3})")  # `1ºs` and `2ªs` are plurals
_LONGEST_ORDINAL = 2  # digits; 180° and 360° are angles


def with_ordinals(text: str) -> str:
    """Return a line of text with `º` after numbers and `n`, `°` for degrees, and a space behind `29ª`."""
    return _GLUED.sub(r"\1 ", _RING.sub(lambda found: _written(found, text), text))


def _written(found: re.Match[str], text: str) -> str:
    before, dot, gap = found.groups()
    if before.isdigit() and _is_degree(text[: found.end(1)], text[found.end() :]):
        return f"{before}{dot}{gap}°"
    return f"{before}{dot}º"


def _is_degree(before: str, behind: str) -> bool:
    digits = len(before) - len(before.rstrip("0123456789"))
    return (
        digits > _LONGEST_ORDINAL
        or bool(_SCALE.match(behind))
        or bool(_COORDINATE.match(behind))
        or bool(_ANGLE.search(before))
    )
