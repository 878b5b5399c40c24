"""Opens the package of a Word file, gives its XML parts, and writes it anew with those that were changed."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from dataclasses import dataclass

from lxml import etree

from stagekit.processing.office.word.names import NAMESPACES, Element

_RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_WORD = NAMESPACES["w"]
_MAIN = "word/document.xml"
_STRICT = b"http://purl.oclc.org/ooxml/"
# ISO/IEC 29500 strict names its namespaces otherwise than Word does by itself; the elements are the same.
_STRICT_NAMES = (
    (re.compile(rb"http://purl\.oclc\.org/ooxml/officeDocument/relationships"),
     rb"http://schemas.openxmlformats.org/officeDocument/2006/relationships"),
    (re.compile(rb"http://purl\.oclc\.org/ooxml/officeDocument/(\w+)"),
     rb"http://schemas.openxmlformats.org/officeDocument/2006/\1"),
    (re.compile(rb"http://purl\.oclc\.org/ooxml/drawingml/(\w+)"),
     rb"http://schemas.openxmlformats.org/drawingml/2006/\1"),
    (re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/main"),
     rb"http://schemas.openxmlformats.org/\1/2006/main"),
)  # fmt: skip


_NO_ELEMENTS = (etree.Comment, etree.ProcessingInstruction)
_PARSER = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, collect_ids=False)


@dataclass(frozen=True)
class _Relation:
    kind: str
    target: str
    external: bool


class WordPackage:
    """The parts of a DOCX package (ECMA-376 part 2), which `check_package` has found to be harmless.

    No entity is resolved and nothing outside the package is opened.
    """

    def __init__(self, content: bytes) -> None:
        """Open a package.

        Raises:
            zipfile.BadZipFile: it is none.
        """
        self._content = content
        self._archive = zipfile.ZipFile(io.BytesIO(content))
        self._names = {name.lower(): name for name in self._archive.namelist()}
        self._roots: dict[str, Element] = {}
        self._replaced: dict[str, bytes] = {}
        self._relations: dict[str, dict[str, _Relation]] = {}
        self._changed: set[str] = set()
        self._taken: set[str] = set()
        self._normalise_strict()
        self.main = self.target_of("", "officeDocument") or _MAIN

    def has(self, name: str) -> bool:
        """Tell whether the package has a part; the case of its name counts nothing."""
        return name.lower() in self._names

    def read(self, name: str) -> bytes:
        """Return the bytes of a part; raise KeyError where the package has no such part."""
        own = self._names[name.lower()]
        return self._replaced[own] if own in self._replaced else self._archive.read(own)

    def root(self, name: str) -> Element:
        """Return the root element of an XML part, which may be changed in place.

        Raises:
            KeyError: the package has no such part.
            lxml.etree.XMLSyntaxError: it is no XML.
        """
        if name not in self._roots:
            root = etree.fromstring(self.read(name), _PARSER)
            if next(root.iter(*_NO_ELEMENTS), None) is not None:  # Docling takes each node for an element
                etree.strip_tags(root, *_NO_ELEMENTS)
                self.changed(name)
            if _WORD in root.nsmap.values() and root.nsmap.get("w") != _WORD:
                root = _with_usual_prefix(root)
                self.changed(name)
            self._roots[name] = root
        return self._roots[name]

    def take(self, name: str) -> bool:
        """Tell whether this is the first time that a part is taken into another: it is taken in once."""
        first = name not in self._taken
        self._taken.add(name)
        return first

    def changed(self, name: str) -> None:
        """Note that the root element of a part was changed."""
        self._changed.add(name)

    def targets_of(self, source: str, kind: str) -> list[str]:
        """Return the parts inside the package to which a part refers by a kind of relationship."""
        found = self._relations_of(source).values()
        return [one.target for one in found if one.kind == kind and not one.external and self.has(one.target)]

    def target_of(self, source: str, kind: str) -> str | None:
        """Return the first of these parts."""
        return next(iter(self.targets_of(source, kind)), None)

    def part_of(self, source: str, identifier: str | None) -> str | None:
        """Return the part inside the package that a part means by the identifier of a relationship."""
        found = self._relations_of(source).get(identifier or "")
        inside = found is not None and not found.external and self.has(found.target)
        return found.target if found is not None and inside else None

    def forget(self, source: str, *kinds: str) -> None:
        """Take the relationships of some kinds away from a part."""
        name = _relationships_name(source)
        if not self.has(name):
            return
        for relation in list(self.root(name).iter(_RELATIONSHIP)):
            if relation.get("Type", "").rpartition("/")[2] in kinds:
                self.root(name).remove(relation)
                self.changed(name)
        self._relations.pop(source, None)

    def content(self) -> bytes:
        """Return the package; the very bytes that it was opened from where no part was changed."""
        if not self._changed:
            return self._content
        written = {
            self._names[name.lower()]: etree.tostring(
                self.root(name), xml_declaration=True, encoding="UTF-8", standalone=True
            )
            for name in self._changed
        }
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as made:  # stored: it is read once, by the next line of the program
            for member in self._archive.infolist():
                own = member.filename
                made.writestr(zipfile.ZipInfo(own), written.get(own) or self.read(own))
        return stream.getvalue()

    def _relations_of(self, source: str) -> dict[str, _Relation]:
        if source not in self._relations:
            name = _relationships_name(source)
            found = self.root(name).iter(_RELATIONSHIP) if self.has(name) else ()
            folder = posixpath.dirname(source)
            self._relations[source] = {
                one.get("Id", ""): _Relation(
                    one.get("Type", "").rpartition("/")[2],
                    _inside(folder, one.get("Target", "")),
                    one.get("TargetMode") == "External",
                )
                for one in found
            }
        return self._relations[source]

    def _normalise_strict(self) -> None:
        root = self._names.get("_rels/.rels")
        if root is None or _STRICT not in self._archive.read(root):
            return
        for name in self._archive.namelist():
            if name.endswith((".xml", ".rels")):
                data = self._archive.read(name)
                for pattern, usual in _STRICT_NAMES:
                    data = pattern.sub(usual, data)
                self._replaced[name] = data


def _with_usual_prefix(root: Element) -> Element:
    """Return a root element whose namespace has the prefix `w`, without which Docling finds nothing in it."""
    others = {prefix: name for prefix, name in root.nsmap.items() if name != _WORD}
    made = etree.Element(root.tag, root.attrib, nsmap={**others, "w": _WORD})
    made[:] = list(root)
    etree.cleanup_namespaces(made, top_nsmap={"w": _WORD}, keep_ns_prefixes=[p for p in others if p])
    return made


def _relationships_name(source: str) -> str:
    folder, name = posixpath.split(source)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def _inside(folder: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(folder, target)) if target[:1] != "/" else target.lstrip("/")
