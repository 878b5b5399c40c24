"""Says in which ways a spreadsheet may show a number: rounded, as a percentage, as a date or time."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

_MOST_DECIMALS = 6
_EPOCHS = (datetime(1899, 12, 30), datetime(1904, 1, 1))
_LAST_DAY = 2958465  # 31 December 9999
_DATES = ("%d %m %Y", "%Y %m %d", "%m %d %Y", "%d %m %y", "%m %Y", "%Y")
_TIMES = ("%H %M", "%H %M %S", "%I %M", "%H")


def number_readings(value: str) -> tuple[str, ...]:
    """Return the ways in which a number may be shown, as words of digits; none for what is no number.

    The format of the cell is not looked at: what may be shown is all that any format makes of the number.
    Those that say most stand first: a 0 is found somewhere in every sheet, and 87.500,50 is not.
    """
    try:
        number = Decimal(value)
    except InvalidOperation:
        return {"1": ("true", "verdadeiro"), "0": ("false", "falso")}.get(value, ())
    if not number.is_finite() or abs(number.adjusted()) > 20:
        return ()
    found = []
    for shown in (number, number * 100):
        for decimals in range(_MOST_DECIMALS, -1, -1):
            rounded = f"{abs(shown):.{decimals}f}"
            found += [rounded, f"{abs(shown):,.{decimals}f}", rounded.rstrip("0")]
    found += {"1": ["true", "verdadeiro"], "0": ["false", "falso"]}.get(value, [])
    shown_ways = dict.fromkeys(text for text in [*found, *_moments(number)] if text)
    return tuple(sorted(shown_ways, key=lambda text: -sum(map(str.isdigit, text))))


def _moments(number: Decimal) -> list[str]:
    if not 0 <= number <= _LAST_DAY:
        return []
    found = []
    for epoch in _EPOCHS:
        try:
            moment = epoch + timedelta(seconds=round(float(number) * 86400))
        except OverflowError:
            continue
        days = [moment.strftime(form) for form in _DATES]
        hours = [moment.strftime(form) for form in _TIMES]
        found += days + [f"{day} {hour}" for day in days for hour in hours] + hours
        found += [_plain(text) for text in days]
    return found


def _plain(text: str) -> str:
    """Return a date without leading zeros."""
    return " ".join(part.lstrip("0") or "0" for part in text.split())
