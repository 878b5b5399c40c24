"""Numbers and moments as people of a language write them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from runner.wording.ui_language import language

_SWAPPED: Final = str.maketrans(",.", ".,")
_ISO: Final = "%Y-%m-%d"
_DAYS: Final = {"pt-BR": "%d/%m/%Y"}


def decimal(text: str) -> str:
    """Return a formatted number with the decimal sign of the language."""
    return text.replace(".", ",") if language() == "pt-BR" else text


def number(value: float | None, digits: int = 0) -> str:
    """Return a number with thousands separated by thin spaces, which is read alike in every language."""
    return "—" if value is None else decimal(f"{value:,.{digits}f}".replace(",", "\u202f"))


def grouped(value: float, digits: int = 0) -> str:
    """Return a number with thousands separated as the language does it: for texts without thin spaces."""
    text = f"{value:,.{digits}f}"
    return text.translate(_SWAPPED) if language() == "pt-BR" else text


def day(value: str) -> str:
    """Return a day that is stored as ``YYYY-MM-DD``; what is no day, as it is."""
    try:
        return date.fromisoformat(value).strftime(_DAYS.get(language(), _ISO))
    except ValueError:
        return value


def moment(value: datetime | None, *, seconds: bool = False) -> str:
    """Return a moment to the minute, or to the second, in UTC."""
    form = _DAYS.get(language(), _ISO)
    return value.astimezone(UTC).strftime(f"{form} %H:%M{':%S' if seconds else ''} UTC") if value else "—"


def spoken(seconds: float) -> str:
    """Return a time span as people say it: 8 s, 4 min, 2 h 05 min."""
    whole = max(0, round(seconds))
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"
