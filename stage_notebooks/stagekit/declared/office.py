"""What Office and OpenDocument files say of themselves: core, custom and user-defined properties.

The parts of an Office Open XML package are found by their relationships (ECMA-376 part 2): a program may keep
its properties anywhere, and those that lie at the usual place need not be the ones in force.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final
from xml.etree import ElementTree

from stagekit.declared.dates import parse_timestamp
from stagekit.declared.property_values import keywords, present

_ODT: Final = b"application/vnd.oasis.opendocument"
_MAX_BYTES: Final = 1024 * 1024  # of a part with properties
_CORE: Final = "core-properties"
_CUSTOM: Final = "custom-properties"
_USUAL: Final = {_CORE: "docProps/core.xml", _CUSTOM: "docProps/custom.xml"}


def office_properties(content: bytes) -> dict[str, Any]:
    """Return the properties of a DOCX, PPTX, XLSX or ODT file as JSON values, without absent ones.

    What people added themselves stands under ``custom``, by its name.

    Raises:
        ValueError: if they cannot be read; the sentence says what is wrong.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {name.lower(): name for name in archive.namelist()}  # names of parts ignore case
            kind = _read(archive, "mimetype") if "mimetype" in parts else b""
            if kind.startswith(_ODT):
                return _opendocument(_parse(_read(archive, "meta.xml")))
            return _core(archive, parts) | present(custom=_custom(archive, parts))
    except ElementTree.ParseError as error:
        raise ValueError(f"their XML is damaged: {error}") from None
    except (KeyError, zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _core(archive: zipfile.ZipFile, parts: dict[str, str]) -> dict[str, Any]:
    said: dict[str, str] = {}
    for part in _targets(archive, parts, _CORE):
        for element in _parse(_read(archive, part)):
            said.setdefault(_local(element.tag), (element.text or "").strip())
    revision = said.get("revision", "")
    return present(
        title=said.get("title"),
        author=said.get("creator"),
        subject=said.get("subject"),
        keywords=keywords(said.get("keywords")),
        created=parse_timestamp(said.get("created")),
        modified=parse_timestamp(said.get("modified")),
        revision=int(revision) or None if revision.isascii() and revision.isdigit() else None,
        language=said.get("language"),
        content_status=said.get("contentStatus"),
        category=said.get("category"),
        version=said.get("version"),
        description=said.get("description"),
    )


def _custom(archive: zipfile.ZipFile, parts: dict[str, str]) -> dict[str, str]:
    return {
        element.get("name", ""): "".join(element.itertext()).strip()
        for part in _targets(archive, parts, _CUSTOM)
        for element in _parse(_read(archive, part))
        if element.get("name")
    }


def _opendocument(root: ElementTree.Element) -> dict[str, Any]:
    """The elements of meta.xml (OpenDocument 1.3 part 3, 4.3)."""
    said: dict[str, list[str]] = defaultdict(list)
    custom: dict[str, str] = {}
    for element in root.iter():
        said[_local(element.tag)].append(element.text or "")
        if _local(element.tag) == "user-defined":
            names = (value for name, value in element.attrib.items() if _local(name) == "name")
            custom[next(names, "")] = (element.text or "").strip()
    first = {name: values[0] for name, values in said.items()}
    return present(
        title=first.get("title"),
        author=first.get("initial-creator") or first.get("creator"),
        subject=first.get("subject"),
        keywords=keywords(";".join(said["keyword"])),
        created=parse_timestamp(first.get("creation-date")),
        modified=parse_timestamp(first.get("date")),
        language=first.get("language"),
        description=first.get("description"),
        custom=custom,
    )


def _targets(archive: zipfile.ZipFile, parts: dict[str, str], kind: str) -> Iterator[str]:
    """Yield the parts to which the package's relationships of a kind lead; the usual one without any."""
    found: list[str] = []
    if "_rels/.rels" in parts:
        found = [
            posixpath.normpath(relation.get("Target", "").lstrip("/")).lower()
            for relation in _parse(_read(archive, parts["_rels/.rels"]))
            if relation.get("Type", "").endswith(f"/{kind}") and relation.get("TargetMode") != "External"
        ]
    for name in dict.fromkeys(found or [_USUAL[kind].lower()]):
        if name in parts:
            yield parts[name]


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as part:
        data = part.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError(f"{name} is larger than properties are")
    return data


def _parse(data: bytes) -> ElementTree.Element:
    if re.search(b"<!(DOCTYPE|ENTITY)", data.replace(b"\0", b""), re.IGNORECASE):
        raise ValueError("their XML declares entities, which no Office program writes")
    return ElementTree.fromstring(data)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
