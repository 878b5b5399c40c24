"""Dates as people and programs write them, in the one form in which they are stored and found by range.

A day is ``YYYY-MM-DD``, a moment RFC 3339 in UTC: Qdrant's datetime range finds both.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from stagekit.declared.written_dates import WrittenDate, read_written_date

# PDF 32000-1, 7.9.4: D:YYYYMMDDHHmmSSOHH'mm'; programs leave parts out, the "D" and the colon among them.
_PDF = re.compile(
    r"D?:?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?\s*(?:([Zz+-])(?:(\d\d)'?(\d\d)?'?)?)?", re.ASCII
)


def parse_timestamp(value: Any, language: str = "") -> str | None:
    """Return ``YYYY-MM-DDTHH:MM:SSZ`` for a date or time, None where it cannot be read.

    Understands ISO 8601, PDF dates, and what people write, see
    :func:`stagekit.declared.written_dates.read_written_date`. A time without a zone is taken as UTC;
    fractions of a second are dropped; of a month or year alone the first day is meant.

    Args:
        value: a text, or a number or date as YAML reads it.
        language: BCP 47 tag of the document, which tells day and month apart.
    """
    found = read_date(value, language)
    return _in_utc(found.moment) if found else None


def parse_day(value: Any, language: str = "") -> str | None:
    """Return ``YYYY-MM-DD`` as the author wrote it, not moved to UTC; None where it cannot be read.

    Arguments are those of :func:`parse_timestamp`.
    """
    found = read_date(value, language)
    return found.moment.date().isoformat() if found else None


def parse_last_day(value: Any, language: str = "") -> str | None:
    """Return the day as :func:`parse_day` does, but of a month or year alone the last one."""
    found = read_date(value, language)
    return found.last_day.isoformat() if found else None


def pdf_timestamp(text: str) -> str | None:
    """Return ``YYYY-MM-DDTHH:MM:SSZ`` for the date of a PDF's own dictionary; None where it is none."""
    match = _PDF.match(text.strip())
    found = _pdf_date(match[0]) if match else None
    return _in_utc(found.moment) if found else None


def read_date(value: Any, language: str = "") -> WrittenDate | None:
    """Return the date that a value is, None where it is none.

    Arguments are those of :func:`parse_timestamp`.
    """
    if isinstance(value, datetime):
        return WrittenDate(value, value.date(), timed=True)
    if isinstance(value, date):
        return WrittenDate(datetime.combine(value, time()), value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    if text.startswith("D:"):
        return _pdf_date(text)
    return read_written_date(text, language)


def _pdf_date(text: str) -> WrittenDate | None:
    match = _PDF.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    offset = timedelta(hours=int(zone_hours or 0), minutes=int(zone_minutes or 0))
    try:
        moment = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=timezone(-offset if sign == "-" else offset),
        )
    except ValueError:
        return None
    return WrittenDate(moment, moment.date(), timed=hour is not None)


def _in_utc(moment: datetime) -> str | None:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    except OverflowError:  # year 1 or 9999 with an offset
        return None
