"""Which files of a snapshot are documents, with a reason for every file that is not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stagekit.errors import StageError
from stagekit.ingestion.content import ContentError
from stagekit.ingestion.links import LinkError, follow_link
from stagekit.ingestion.patterns import NO_PATTERNS, PathPatterns, below, is_within
from stagekit.ingestion.source import FileKind, SourceFile

Row = dict[str, Any]
_MEBIBYTE = 1024 * 1024
_EXTENSION = re.compile(r"[^\W_][\w.+-]*")
# Unicode's bidirectional controls make a name look like another one.
_MISLEADING = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}


@dataclass(frozen=True)
class Document:
    """A selected file."""

    entry: SourceFile  # where it lies in the tree
    content: SourceFile  # the file that holds its bytes: the same one, or the target of a symbolic link


@dataclass(frozen=True)
class Selection:
    """The documents, a row (path, category, reason) for every other file of the tree, and warnings."""

    documents: list[Document]
    ignored: list[Row]
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SelectionRules:
    """What a file must be to become a document."""

    folders: tuple[str, ...]  # approved folders without slashes at the ends; an empty text is the whole tree
    extensions: tuple[str, ...]  # in lower case, without the dot
    max_bytes: int  # largest size
    include: PathPatterns = NO_PATTERNS  # patterns of paths, of which one must match; none means all
    exclude: PathPatterns = NO_PATTERNS  # patterns of paths that are left out

    @classmethod
    def from_settings(
        cls,
        target_folder: Sequence[str] | str,
        include_extensions: Sequence[str] | str,
        max_file_size_mb: float,
        include_paths: Sequence[str] = (),
        exclude_paths: Sequence[str] = (),
    ) -> SelectionRules:
        """Check the settings of the stage and bring them into their one form.

        Raises:
            StageError: if one of them cannot be meant; the sentence names it.
        """
        folders = [target_folder] if isinstance(target_folder, str) else list(target_folder)
        cleaned = tuple(dict.fromkeys("" if f.strip("/") in ("", ".") else f.strip("/") for f in folders))
        if not cleaned or any(part in (".", "..") for folder in cleaned for part in folder.split("/")):
            raise StageError(
                f"target_folder is {target_folder!r}: name folders of the repository, like 30-Aprovados."
            )
        listed = include_extensions.split(",") if isinstance(include_extensions, str) else include_extensions
        extensions = tuple(dict.fromkeys(e.strip().removeprefix("*").lstrip(".").lower() for e in listed))
        if not extensions or not all(map(_EXTENSION.fullmatch, extensions)):
            raise StageError(
                f"include_extensions is {include_extensions!r}: name file types, with commas, like md,pdf."
            )
        if max_file_size_mb <= 0:
            raise StageError(f"max_file_size_mb is {max_file_size_mb}: give a size above 0, in MiB.")
        limit = int(max_file_size_mb * _MEBIBYTE)
        include, exclude = (PathPatterns.of(patterns) for patterns in (include_paths, exclude_paths))
        return cls(cleaned, extensions, limit, include, exclude)

    def folder_of(self, path: str) -> str | None:
        """Return the approved folder in which a path lies (the longest, if several do), or None."""
        inside = [folder for folder in self.folders if is_within(path, folder)]
        return max(inside, key=len, default=None)


def select(
    files: Iterable[SourceFile],
    rules: SelectionRules,
    read: Callable[[SourceFile], bytes],
    known_folders: Collection[str] = (),
) -> Selection:
    """Sort the files of a snapshot into documents and ignored ones.

    Args:
        files: every entry of the tree.
        rules: what makes a document.
        read: returns an entry's bytes; asked only for the links inside the approved folders.
        known_folders: approved folders that have held documents before; these may be empty by now.

    Raises:
        StageError: if another approved folder does not exist, or no pattern of ``include_paths`` matches
            anything.
    """
    tree = {file.path: file for file in files}
    _require_folders(tree, rules, known_folders)
    warnings = _unmatched_patterns(tree, rules)
    documents, ignored = [], []
    for path in sorted(tree):
        try:
            documents.append(_document(tree[path], rules, tree, read))
        except _LeftOut as verdict:
            ignored.append(ignored_row(path, verdict.category, verdict.reason))
    if not documents:
        warnings += _no_such_type(ignored, rules)
    return Selection(documents, ignored, warnings)


def left_out(file: SourceFile, rules: SelectionRules) -> str:
    """Return why a regular file is no document, as a sentence; empty if it is one."""
    try:
        _document(file, rules, {}, lambda _: b"")
    except _LeftOut as verdict:
        return verdict.reason
    return ""


def limited(selection: Selection, limit: int) -> Selection:
    """Return a selection of the first ``limit`` documents, in the order of the paths; 0 keeps all."""
    if not limit:
        return selection
    documents = sorted(selection.documents, key=lambda document: document.entry.path)
    rest = [
        ignored_row(
            document.entry.path, "beyond_limit", f"after the first {limit} documents (document_limit)"
        )
        for document in documents[limit:]
    ]
    ignored = sorted([*selection.ignored, *rest], key=lambda row: str(row["path"]))
    return Selection(documents[:limit], ignored, selection.warnings)


def measured(selection: Selection, sizes: Mapping[str, int], rules: SelectionRules) -> Selection:
    """Return a selection with the sizes, by path in bytes, that became known; too large ones go."""
    documents, ignored = [], list(selection.ignored)
    for document in selection.documents:
        content = replace(document.content, size=sizes[document.content.path])
        entry = content if document.entry.path == content.path else document.entry
        try:
            _check_size(content.size, rules)
            documents.append(Document(entry, content))
        except _LeftOut as verdict:
            ignored.append(ignored_row(entry.path, verdict.category, verdict.reason))
    return Selection(documents, sorted(ignored, key=lambda row: str(row["path"])), selection.warnings)


def extension_of(path: str) -> str:
    """Return a file name's extension in lower case, without the dot."""
    stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    return extension.lower() if dot and stem else ""


class _LeftOut(Exception):  # noqa: N818 - a verdict
    def __init__(self, category: str, reason: str) -> None:
        super().__init__(reason)
        self.category = category
        self.reason = reason


def _document(
    entry: SourceFile,
    rules: SelectionRules,
    tree: Mapping[str, SourceFile],
    read: Callable[[SourceFile], bytes],
) -> Document:
    _check_path(entry.path)
    folder = rules.folder_of(entry.path)
    if folder is None:
        raise _LeftOut("outside_folder", f"outside of the approved folder ({', '.join(rules.folders)})")
    _check_name(below(entry.path, folder))
    if entry.kind == FileKind.SUBMODULE:
        raise _LeftOut("submodule", "a submodule: its files belong to another repository")
    if entry.kind == FileKind.OTHER:
        raise _LeftOut("special_file", "not a regular file")
    _check_patterns(entry.path, rules)
    content = entry
    if entry.kind == FileKind.SYMLINK:
        content = _target(entry, rules, tree, read)
    extension = extension_of(content.path)
    if extension not in rules.extensions:
        what = f"type .{extension}" if extension else "a name without an extension"
        raise _LeftOut("unsupported_type", f"{what} is not in include_extensions")
    _check_size(content.size, rules)
    return Document(entry, content)


def _check_patterns(path: str, rules: SelectionRules) -> None:
    excluding = rules.exclude.matching(path)
    if excluding:
        raise _LeftOut("excluded", f"the pattern {excluding[0]!r} of exclude_paths leaves it out")
    if rules.include and not rules.include.matching(path):
        raise _LeftOut("excluded", "no pattern of include_paths matches it")


def _check_size(size: int, rules: SelectionRules) -> None:
    if size > rules.max_bytes:
        found, limit = (f"{count / _MEBIBYTE:.1f} MiB" for count in (size, rules.max_bytes))
        raise _LeftOut("too_large", f"{found} is more than max_file_size_mb allows ({limit})")


def _check_path(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise _LeftOut("unsafe_path", "its name is not UTF-8 text; rename it") from None
    if path.startswith("/") or path[1:3] in (":/", ":\\"):
        raise _LeftOut("unsafe_path", "its path is absolute")
    if any(part in ("", ".", "..") for part in path.replace("\\", "/").split("/")):
        raise _LeftOut("unsafe_path", "its path has segments like `..`, which lead out of the folder")
    plain = path.isascii() and path.isprintable()
    if not plain and any(unicodedata.category(sign) == "Cc" or sign in _MISLEADING for sign in path):
        raise _LeftOut("unsafe_path", "its name has control characters; rename it")


def _check_name(path: str) -> None:
    *folders, name = path.split("/")
    if name.startswith("~$") or (name.startswith(".~lock.") and name.endswith("#")):
        raise _LeftOut("lock_file", "a lock file that an office program left behind")
    hidden = next((part for part in [*folders, name] if part.startswith(".")), None)
    if hidden is not None:
        raise _LeftOut("hidden", f"hidden: the name {hidden!r} begins with a dot")


def _target(
    link: SourceFile,
    rules: SelectionRules,
    tree: Mapping[str, SourceFile],
    read: Callable[[SourceFile], bytes],
) -> SourceFile:
    try:
        target = follow_link(link, tree, read)
        folder = rules.folder_of(target.path)
        if folder is None:
            raise LinkError(f"its target {_shown(target.path)} lies outside of the approved folder")
        _check_path(target.path)
        _check_name(below(target.path, folder))
    except (LinkError, ContentError) as error:
        raise _LeftOut("symlink", f"a symbolic link that is not followed: {error}") from None
    except _LeftOut as verdict:
        reason = f"a symbolic link to a file that is left out itself ({verdict.reason})"
        raise _LeftOut("symlink", reason) from None
    return target


def _require_folders(
    tree: Mapping[str, SourceFile], rules: SelectionRules, known_folders: Collection[str]
) -> None:
    for folder in rules.folders:
        if folder and folder not in known_folders and not any(is_within(path, folder) for path in tree):
            top = sorted({_shown(path.split("/", 1)[0]) for path in tree if "/" in path})
            there = f"its top-level folders are {', '.join(top)}" if top else "it has no folders"
            raise StageError(
                f"The source holds no file under the folder {folder!r}; {there}: "
                "set target_folder to one that is there."
            )


def _unmatched_patterns(tree: Mapping[str, SourceFile], rules: SelectionRules) -> list[str]:
    """Say which patterns match no file of the approved folders: a slip that must not pass in silence."""
    if not rules.include and not rules.exclude:
        return []
    inside = [path for path in tree if rules.folder_of(path) is not None]
    unused = rules.include.unmatched(inside)
    if rules.include and len(unused) == len(rules.include.patterns):
        raise StageError(
            f"include_paths ({', '.join(unused)}) matches no file of the approved folders, so that every "
            "document would leave: name folders or files by their paths, like 30-Aprovados/atas."
        )
    found = [("include_paths", one) for one in unused]
    found += [("exclude_paths", one) for one in rules.exclude.unmatched(inside)]
    return [
        f"{setting}: the pattern {one!r} matches no file of the approved folders and has no effect; a path "
        "begins at the root of the repository, like 30-Aprovados/atas."
        for setting, one in found
    ]


def _no_such_type(ignored: Iterable[Row], rules: SelectionRules) -> list[str]:
    """Say that the files that could be documents are all of other types, if there are any."""
    others = {extension_of(row["path"]) for row in ignored if row["category"] == "unsupported_type"} - {""}
    if not others:
        return []
    wanted, there = ", ".join(rules.extensions), ", ".join(sorted(others))
    said = (
        f"include_extensions ({wanted}): nothing is served, the approved folders hold other types ({there})."
    )
    return [said]


def ignored_row(path: str, category: str, reason: str) -> Row:
    """Return what is said of a file that is no document."""
    return {"path": _shown(path), "category": category, "reason": reason}


def _shown(path: str) -> str:
    # Surrogates (bytes that are no UTF-8) can be stored neither as JSON nor in Parquet.
    text = re.sub("[\udc80-\udcff]", lambda sign: f"\\x{ord(sign[0]) - 0xDC00:02x}", path)
    return text.encode("utf-8", "backslashreplace").decode()
