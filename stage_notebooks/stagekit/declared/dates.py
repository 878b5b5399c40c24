"""Dates as people and programs write them, to RFC 3339 in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

__all__ = ["parse_day", "parse_timestamp", "pdf_timestamp"]

_DAY_FIRST = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})")
# PDF 32000-1, 7.9.4: D:YYYYMMDDHHmmSSOHH'mm'; programs leave parts out, the "D" and the colon among them.
_PDF = re.compile(
    r"D?:?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?\s*(?:([Zz+-])(?:(\d\d)'?(\d\d)?'?)?)?", re.ASCII
)


def parse_timestamp(value: Any) -> str | None:
    """Return ``YYYY-MM-DDTHH:MM:SSZ`` for a date or time, None where it cannot be read.

    Understands ISO 8601, the day-first dates of Brazil and Spain (31/12/2024) and PDF dates. A time
    without a zone is taken as UTC; fractions of a second are dropped.
    """
    return _in_utc(_parse(value))


def parse_day(value: Any) -> str | None:
    """Return ``YYYY-MM-DD`` as the author wrote it, not moved to UTC; None where it cannot be read."""
    moment = _parse(value)
    return moment.date().isoformat() if moment else None


def pdf_timestamp(text: str) -> str | None:
    """Return ``YYYY-MM-DDTHH:MM:SSZ`` for the date of a PDF's own dictionary; None where it is none."""
    match = _PDF.match(text.strip())
    try:
        return _in_utc(_pdf_date(match)) if match else None
    except ValueError:
        return None


def _parse(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        if match := _DAY_FIRST.fullmatch(text):
            day, month, year = map(int, match.groups())
            return datetime(year, month, day)
        if text.startswith("D:") and (match := _PDF.fullmatch(text)):
            return _pdf_date(match)
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _pdf_date(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    offset = timedelta(hours=int(zone_hours or 0), minutes=int(zone_minutes or 0))
    zone = timezone(-offset if sign == "-" else offset)
    return datetime(
        int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), 0, zone
    )


def _in_utc(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    except OverflowError:  # year 1 or 9999 with an offset
        return None
