"""Opens the parts of an Office package: their XML, and the relations between them."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote
from xml.etree import ElementTree

Element = ElementTree.Element


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation of a part: the last word of its type, and the name of the part that it leads to."""

    type: str
    target: str


class Package:
    """A ZIP package, whose size and entities have been checked before (`check_package`).

    Raises:
        ValueError: the package, or a part that is asked for, cannot be read.
    """

    def __init__(self, content: bytes) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except zipfile.BadZipFile as error:
            raise ValueError(str(error)) from None
        self._names = {name.lower().lstrip("/"): name for name in self._archive.namelist()}

    def bytes(self, part: str) -> bytes | None:
        """Return a part, or None where there is none of that name."""
        name = self._names.get(part.lower().lstrip("/"))
        if name is None:
            return None
        try:
            return self._archive.read(name)
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
            raise ValueError(f"{part}: {error}") from None

    def root(self, part: str, *names: str) -> Element | None:
        """Return the root element of a part, None where there is none.

        A part that has none of the names that are looked for, in any case, is not parsed, and None.
        """
        content = self.bytes(part)
        if content is None:
            return None
        if names and not _has_any(content.lower(), names):
            return None
        try:
            return ElementTree.fromstring(content)
        except ElementTree.ParseError as error:
            raise ValueError(f"{part}: {error}") from None

    def relations(self, part: str) -> dict[str, Relation]:
        """Return what a part is related to inside the package, by the relation's id."""
        folder, name = posixpath.split(part)
        root = self.root(posixpath.join(folder, "_rels", f"{name}.rels"))
        found = {}
        for element in root if root is not None else ():
            if element.get("TargetMode") != "External":
                target = unquote(element.get("Target", ""))
                path = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
                found[element.get("Id", "")] = Relation(element.get("Type", "").rsplit("/", 1)[-1], path)
        return found

    def main_part(self, usual: str) -> tuple[str, Element]:
        """Return the part that the package's own relations call its document, or the usual one, and its root.

        Raises:
            ValueError: there is no such part.
        """
        relations = self.relations("").values()
        name = next((found.target for found in relations if found.type == "officeDocument"), usual)
        root = self.root(name)
        if root is None:
            raise ValueError(f"{name}: there is no such part")
        return name, root


def _has_any(content: bytes, names: Iterable[str]) -> bool:
    """Whether an XML part in small letters has one of some names, in whatever encoding it is."""
    forms = ("utf-16-le", "utf-16-be") if b"\0" in content[:4] else ("utf-8",)  # the first sign is `<`
    return any(name.lower().encode(form) in content for name in names for form in forms)


@lru_cache(maxsize=4096)
def local_name(tag: str) -> str:
    """Return a tag without its namespace; the transitional and the strict one differ in nothing else."""
    return tag.rpartition("}")[2]


def attribute(element: Element, name: str) -> str | None:
    """Return an attribute by its name without namespace."""
    found = element.get(name)
    if found is None:
        found = next((value for key, value in element.items() if local_name(key) == name), None)
    return found


def is_on(element: Element) -> bool:
    """Whether a switch of Office Open XML is on: it is there, and does not say otherwise."""
    return (attribute(element, "val") or "1").lower() not in {"0", "false", "off", "none"}
