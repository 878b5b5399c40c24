"""From when to when a document is in force, by its own words; what has expired is told on a given day."""

from __future__ import annotations

from datetime import date
from functools import partial

from stagekit.declared.dates import parse_day, parse_last_day
from stagekit.declared.fields import DeclaredFields
from stagekit.errors import StageError

__all__ = ["has_expired", "resolve_day", "validity"]


def validity(fields: DeclaredFields, language: str = "") -> tuple[str | None, str | None]:
    """Return the first and the last day, ``YYYY-MM-DD``; None where it is not said.

    What is in force until a month or year is so until its last day. A last day that is not after the first
    is left out, with a warning in ``fields``.

    Args:
        fields: what the document says of itself.
        language: BCP 47 tag of the document, see :func:`stagekit.declared.written_dates.read_written_date`.
    """
    first = fields.read("effective_date", partial(parse_day, language=language))
    last = fields.read("expiration_date", partial(parse_last_day, language=language))
    if first and last and last <= first:
        fields.warnings.append(f"expiration_date {last} is not after effective_date {first}: left out")
        last = None
    return first, last


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
