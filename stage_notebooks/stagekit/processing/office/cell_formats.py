"""Writes the value of a spreadsheet's cell as its number format shows it, in Brazilian notation.

A workbook stores `0.125`, `45726` and `1234.5`; its reader sees `12,5%`, `10/03/2025` and `R$ 1.234,50`.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[\$(?P<currency>[^\]-]*)(?:-[^\]]*)?\]|\[(?P<bracket>[^\]]*)\]'
    r"|_.|\*.|(?P<digits>[#0?][#0?,.]*(?:[eE][+-]0+)?)|(?P<sign>.)"
)
_DATE_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[\$[^\]]*\]|\[(?P<elapsed>h+|m+|s+)\]|\[[^\]]*\]|_.|\*.'
    r"|(?P<half>AM/PM|A/P)|(?P<part>y+|m+|d+|h+|s+(?:\.0+)?)|(?P<sign>.)",
    re.IGNORECASE,
)
_ENGLISH = re.compile(r"\[\$[^\]]*-(?:409|809|C09|1009)\]", re.IGNORECASE)
# Excel shows these two as the short date of the machine, whatever the file says.
_SHORT_DATES = {"mm-dd-yy": "dd/mm/yyyy", "m/d/yy h:mm": "dd/mm/yyyy hh:mm", "m/d/yy": "dd/mm/yyyy"}
_MONTHS = ("janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro",
           "outubro", "novembro", "dezembro")  # fmt: skip
_DAYS = ("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo")
_SIGNIFICANT = 11  # digits that Excel shows of a number without a format


def shown_value(value: Any, number_format: str) -> str:
    """Return what a cell shows of a value, as openpyxl reads it, in a number format such as `0.0%`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "VERDADEIRO" if value else "FALSO"
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        return _moment(value, _SHORT_DATES.get(number_format.lower(), number_format))
    if isinstance(value, int | float):
        return _number(Decimal(repr(value)), number_format)
    return str(value)


def _sections(number_format: str) -> list[str]:
    return re.findall(r'((?:"[^"]*"|\\.|\[[^\]]*\]|[^;"\\])*)(?:;|$)', number_format) or [""]


def _number(value: Decimal, number_format: str) -> str:
    if not value.is_finite():
        return str(value)
    sections = [*_sections(number_format)]
    if sections and sections[-1] == "" and len(sections) > number_format.count(";") + 1:
        sections.pop()  # what the pattern finds behind the end
    conditional = any(re.search(r"\[[<>=]", section) for section in sections)
    if number_format.lower() in ("general", "@", "") or conditional:
        return _general(value)
    chosen, magnitude = sections[0], value
    if value < 0 and len(sections) > 1:
        chosen, magnitude = sections[1], -value
    elif value == 0 and len(sections) > 2:  # the third is that of zero
        chosen = sections[2]
    return _filled(magnitude, chosen)


def _filled(value: Decimal, section: str) -> str:
    tokens = list(_TOKEN.finditer(section))
    patterns = [token["digits"] for token in tokens if token["digits"]]
    masked = len(patterns) > 1 and not any(token["sign"] == "/" for token in tokens)
    if (len(patterns) > 1 and not masked) or "general" in section.lower():  # a fraction
        return _general(value)
    scaled = value.scaleb(2 * sum(token["sign"] == "%" for token in tokens))
    english = bool(_ENGLISH.search(section))
    groups = [_digits(abs(scaled), pattern, english=english) for pattern in patterns]
    groups = _masked(scaled, patterns) if masked else groups
    parts = [groups.pop(0) if token["digits"] else _literal(token) for token in tokens]
    text = re.sub(r"\s+", " ", "".join(parts)).strip()
    return f"-{text}" if scaled < 0 and any(sign.isdigit() for sign in text) else text


def _literal(token: re.Match[str]) -> str:
    if token["currency"]:
        return f"{token['currency']} "  # apart from its amount, as people write it
    if token[0].startswith("*"):
        return " "  # what fills the cell stands between two texts
    return next((token[name] for name in ("quoted", "escaped", "sign") if token[name]), "")


def _masked(value: Decimal, patterns: list[str]) -> list[str]:
    """Return the digits of a number for each group of a mask such as `000"."000"-"00`."""
    sizes = [len(re.sub("[^#0?]", "", pattern)) for pattern in patterns]
    digits = f"{abs(value).quantize(Decimal(1), ROUND_HALF_UP):f}".zfill(sum(sizes))
    groups: list[str] = []
    for size in reversed(sizes[1:]):
        digits, group = digits[:-size], digits[-size:]
        groups.insert(0, group)
    return [digits, *groups]


def _digits(value: Decimal, pattern: str, *, english: bool) -> str:
    mantissa, _, exponent = re.sub("[eE]", "E", pattern).partition("E")
    whole, _, fraction = mantissa.partition(".")
    thousands = "," in whole.strip(",")
    scale = len(mantissa) - len(mantissa.rstrip(","))
    most, least = len(re.sub("[^#0?]", "", fraction)), fraction.count("0")
    if exponent:
        return _localized(f"{value:.{most}E}", english=english)
    value = value.scaleb(-3 * scale).quantize(Decimal(1).scaleb(-most), ROUND_HALF_UP)
    own_whole, _, own_fraction = f"{value:f}".partition(".")
    own_fraction = own_fraction[:least] + own_fraction[least:].rstrip("0")
    own_whole = own_whole.zfill(whole.count("0")) if own_whole != "0" or "0" in whole else ""
    if thousands:
        own_whole = re.sub(r"(?<=\d)(?=(?:\d{3})+$)", ",", own_whole)
    return _localized(f"{own_whole}.{own_fraction}" if own_fraction else own_whole, english=english)


def _general(value: Decimal) -> str:
    rounded = value.normalize() if value == value.to_integral() else round_to_digits(value)
    return _localized(f"{rounded:f}", english=False)


def round_to_digits(value: Decimal) -> Decimal:
    """Return a number with the digits that Excel shows of it where no format says more."""
    places = max(0, _SIGNIFICANT - 1 - max(value.adjusted(), 0))
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return rounded.normalize() if rounded else value


def _localized(text: str, *, english: bool) -> str:
    return text if english else text.translate(str.maketrans(".,", ",."))


def _moment(value: dt.date | dt.time | dt.timedelta, number_format: str) -> str:
    section = _sections(number_format)[0]
    if isinstance(value, dt.timedelta):
        return _duration(value)
    if section.lower() in ("general", "@", "") or not re.search("[ymdhs]", section, re.IGNORECASE):
        section = "hh:mm" if isinstance(value, dt.time) else "dd/mm/yyyy"
    half = bool(re.search("AM/PM|A/P", section, re.IGNORECASE))
    parts: list[str] = []
    tokens = list(_DATE_TOKEN.finditer(section))
    named = [(token["part"] or "").lower() for token in tokens]
    for at, token in enumerate(tokens):
        part = named[at]
        if part.startswith("m") and _is_minute(named, at):
            part = part.replace("m", "n")
        if part:
            parts.append(_part(value, part, half=half))
        elif token["half"]:
            parts.append(f"{value:%p}" if isinstance(value, dt.datetime | dt.time) else "")
        else:
            parts.append(next((token[name] for name in ("quoted", "escaped", "sign") if token[name]), ""))
    return re.sub(r"\s+", " ", "".join(parts)).strip(" ;@")


def _is_minute(parts: list[str], at: int) -> bool:
    """Tell the `m` of minutes, which stands behind hours or before seconds, from that of months."""
    before = next((part for part in reversed(parts[:at]) if part), "")
    behind = next((part for part in parts[at + 1 :] if part), "")
    return len(parts[at]) <= 2 and (before.startswith("h") or behind.startswith("s"))


def _part(value: dt.date | dt.time, part: str, *, half: bool) -> str:
    kind, size = part[0], len(part)
    if kind in "ymd" and isinstance(value, dt.date):
        if kind == "y":
            return f"{value.year:04}" if size > 2 else f"{value.year % 100:02}"
        number, names = (value.month, _MONTHS) if kind == "m" else (value.day, _DAYS)
        if size > 2:  # a name, or its first three letters
            name = names[number - 1] if kind == "m" else names[value.weekday()]
            return name[:3] if size == 3 else name
        return f"{number:0{size}}"
    if kind in "hns" and isinstance(value, dt.datetime | dt.time):
        hour = (value.hour + 11) % 12 + 1 if half else value.hour
        number = {"h": hour, "n": value.minute, "s": value.second}[kind]
        return f"{number:0{min(size, 2)}}"
    return ""


def _duration(value: dt.timedelta) -> str:
    seconds = int(value.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
