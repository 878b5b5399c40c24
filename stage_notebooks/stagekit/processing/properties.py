"""Reads what a document says about itself: PDF metadata and the core properties of a Word document."""

from __future__ import annotations

import datetime as dt
import io
import re
from typing import Any

__all__ = ["docx_properties", "pdf_properties", "usable_title"]

_PDF_DATE = re.compile(r"^D?:?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?\s*(?:(Z)|([+-])(\d\d)'?(\d\d)?'?)?")
_MADE_BY_PROGRAM = re.compile(
    r"^(microsoft (word|powerpoint|excel) ?-|untitled|sem t[íi]tulo|\(anonymous\)|\(unspecified\)"
    r"|documento? ?\d*$|word document|slide \d+$|layout \d+$|python-docx)"
    r"|\.(docx?|pdf|odt|indd|tex|dvi|md|html?|pptx?|txt|qxd)$",
    re.IGNORECASE,
)


def usable_title(title: str | None) -> str | None:
    """Return a title unless it is empty or a program wrote it (`Microsoft Word - x.docx`, `untitled`)."""
    text = " ".join((title or "").split())
    return None if len(text) < 2 or _MADE_BY_PROGRAM.search(text) else text


def pdf_properties(metadata: dict[str, str], language: str = "") -> dict[str, Any]:
    """Return the properties of a PDF as JSON values; absent ones are left out.

    Args:
        metadata: The document information dictionary, as pypdfium2 gives it.
        language: The catalogue's `Lang` entry.
    """
    return _present(
        title=metadata.get("Title"),
        author=metadata.get("Author"),
        subject=metadata.get("Subject"),
        keywords=_keywords(metadata.get("Keywords")),
        created=_pdf_date(metadata.get("CreationDate", "")),
        modified=_pdf_date(metadata.get("ModDate", "")),
        language=language,
    )


def docx_properties(content: bytes) -> dict[str, Any]:
    """Return a Word document's core properties (ECMA-376 part 2) as JSON values, without absent ones."""
    from docx.opc.package import OpcPackage

    core = OpcPackage.open(io.BytesIO(content)).core_properties
    return _present(
        title=core.title,
        author=core.author,
        subject=core.subject,
        keywords=_keywords(core.keywords),
        created=_utc(core.created),
        modified=_utc(core.modified),
        revision=core.revision or None,
        language=core.language,
        content_status=core.content_status,
    )


def _present(**values: Any) -> dict[str, Any]:
    cleaned = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    return {name: value for name, value in cleaned.items() if value not in (None, "", [])}


def _keywords(text: str | None) -> list[str]:
    parts = re.split(r"[;,]", text or "")
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _utc(moment: dt.datetime | None) -> str | None:
    if moment is None:
        return None
    moment = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _pdf_date(text: str) -> str | None:
    """Convert a PDF date (ISO 32000-1, 7.9.4) to UTC; None where it is none."""
    match = _PDF_DATE.match(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second = (
        int(part) if part else default
        for part, default in zip(match.groups()[:6], (1, 1, 1, 0, 0, 0), strict=True)
    )
    sign, hours, minutes = match.group(8), int(match.group(9) or 0), int(match.group(10) or 0)
    try:
        offset = dt.timedelta(hours=hours, minutes=minutes) * (-1 if sign == "-" else 1)
        zone = dt.timezone(offset) if sign else dt.UTC
        return _utc(dt.datetime(year, month, day, hour, minute, second, tzinfo=zone))
    except (ValueError, OverflowError):
        return None
