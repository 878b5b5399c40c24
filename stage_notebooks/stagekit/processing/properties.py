"""Reads what a document says about itself: the metadata of PDF, Office, OpenDocument and HTML files."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections import defaultdict
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

__all__ = ["docx_properties", "file_properties", "html_properties", "pdf_properties", "usable_title"]

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


def file_properties(content: bytes, file_format: str) -> dict[str, Any]:
    """Return the properties of an Office document (`docx`, `pptx`, `xlsx`, `odt`), without absent ones.

    Raises:
        Exception: What the libraries raise on malformed properties.
    """
    return _odt_properties(content) if file_format == "odt" else docx_properties(content)


def html_properties(text: str) -> dict[str, Any]:
    """Return what the head of an HTML page says about it as JSON values, without what is absent."""
    head = _Head()
    head.feed(text)
    said = head.said
    return _present(
        title=said["title"],
        author=said["author"] or said["dc.creator"],
        subject=said["description"],
        keywords=_keywords(said["keywords"]),
        created=_iso_date(said["date"] or said["dc.date"] or said["article:published_time"]),
        modified=_iso_date(said["last-modified"] or said["article:modified_time"]),
        language=said["lang"],
    )


def docx_properties(content: bytes) -> dict[str, Any]:
    """Return the core properties (ECMA-376 part 2) of a Word, PowerPoint or Excel file as JSON values."""
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
        category=core.category,
        version=core.version,
        description=core.comments,
    )


def _odt_properties(content: bytes) -> dict[str, Any]:
    """The elements of meta.xml (OpenDocument 1.3 part 3, 4.3)."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        root = ElementTree.fromstring(archive.read("meta.xml"))
    said: dict[str, list[str]] = defaultdict(list)
    for element in root.iter():
        said[element.tag.rpartition("}")[2]].append(element.text or "")
    first = {name: values[0] for name, values in said.items()}
    return _present(
        title=first.get("title"),
        author=first.get("initial-creator") or first.get("creator"),
        subject=first.get("subject"),
        keywords=_keywords(";".join(said["keyword"])),
        created=_iso_date(first.get("creation-date", "")),
        modified=_iso_date(first.get("date", "")),
        language=first.get("language"),
        description=first.get("description"),
    )


class _Head(HTMLParser):
    """Collects title, language and meta elements; what a page says twice counts the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, str] = defaultdict(str)
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._in_title = tag == "title" and not self.said["title"]
        if tag == "html":
            self.said["lang"] = values.get("lang", "")
        elif tag == "meta":
            name = (values.get("name") or values.get("property") or values.get("http-equiv") or "").lower()
            self.said[name] = self.said[name] or values.get("content", "")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.said["title"] += data

    def handle_endtag(self, tag: str) -> None:
        self._in_title = self._in_title and tag != "title"


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


def _iso_date(text: str) -> str | None:
    try:
        return _utc(dt.datetime.fromisoformat(text.strip()[:26]))
    except ValueError:
        return None


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
