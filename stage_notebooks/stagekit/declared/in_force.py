"""From when to when a document is in force, by its own words; what has expired is told on a given day."""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from typing import Any, Final

from stagekit.declared.dates import parse_day, parse_last_day
from stagekit.declared.fields import DeclaredFields
from stagekit.errors import StageError

_TO = r"(?:at[ée](?:\s+o\s+dia)?|hasta(?:\s+el(?:\s+d[ií]a)?)?|until)"
_UNTIL: Final = re.compile(rf"{_TO}\s+", re.IGNORECASE)
_SINCE: Final = re.compile(r"^(?:de|desde|a partir de|from)\s+", re.IGNORECASE)
_BETWEEN: Final = re.compile(rf"\s+(?:a|ao|al|to|through|{_TO})\s+|\s+[–—-]\s+|/(?=\d{{4}}-)", re.IGNORECASE)
_LONGEST: Final = 120  # characters; what is longer is prose


def validity(fields: DeclaredFields, language: str = "") -> tuple[str | None, str | None]:
    """Return the first and the last day, ``YYYY-MM-DD``; None where it is not said.

    What is in force until a month or year is so until its last day. Either field may say both days
    ("01/01/2020 a 31/12/2020"), or the other one ("vigência: até 31/12/2020"). A last day that is not after
    the first is left out, with a warning in ``fields``.

    Args:
        fields: what the document says of itself.
        language: BCP 47 tag of the document, see :func:`stagekit.declared.written_dates.read_written_date`.
    """
    nothing = (None, None)
    first, until = fields.read("effective_date", partial(_begin_or_span, language=language)) or nothing
    since, last = fields.read("expiration_date", partial(_end_or_span, language=language)) or nothing
    first, last = first or since, last or until
    if first and last and last <= first:
        fields.warnings.append(f"expiration_date {last} is not after effective_date {first}: left out")
        last = None
    return first, last


_Span = tuple[str | None, str | None]  # first and last day


def _begin_or_span(value: Any, language: str) -> _Span | None:
    day = parse_day(value, language)
    return (day, None) if day else _span(value, language)


def _end_or_span(value: Any, language: str) -> _Span | None:
    day = parse_last_day(value, language)
    return (None, day) if day else _span(value, language)


def _span(value: Any, language: str) -> _Span | None:
    """Return what a text such as "desde 2020", "até 31/12/2020", "2020 a 2022" says; None for any other."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    text = value.strip()
    if (until := _UNTIL.match(text)) and (last := parse_last_day(text[until.end() :], language)):
        return None, last
    text = _SINCE.sub("", text)
    if text != value.strip() and (first := parse_day(text, language)):
        return first, None
    for between in _BETWEEN.finditer(text):
        first = parse_day(text[: between.start()], language)
        last = parse_last_day(text[between.end() :], language)
        if first and last:
            return first, last
    return None


def has_expired(expiration_date: str | None, day: str) -> bool:
    """Tell whether a document's last day has passed; on the day itself it is still in force."""
    return expiration_date is not None and expiration_date < day


def resolve_day(today: str) -> str:
    """Return the day of the setting ``today``, ``YYYY-MM-DD``; empty means this machine's.

    Raises:
        StageError: if it is no day.
    """
    try:
        return date.fromisoformat(today).isoformat() if today else date.today().isoformat()
    except ValueError:
        raise StageError(f"today is {today!r}: write a day as YYYY-MM-DD, or leave it empty.") from None
