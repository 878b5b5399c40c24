"""What every source of documents offers: one state of a repository, its files, history and bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

MOST_RENAMES = 20
"""How often a file is followed to a former name: more renames than a document has in its life."""


class FileKind:
    """What an entry of a tree is (a closed set of plain strings)."""

    FILE = "file"
    SYMLINK = "symlink"
    SUBMODULE = "submodule"
    OTHER = "other"


KIND_OF_MODE = {"100644": FileKind.FILE, "100755": FileKind.FILE, "100664": FileKind.FILE}
KIND_OF_MODE |= {"120000": FileKind.SYMLINK, "160000": FileKind.SUBMODULE}
"""What the modes of git's trees mean; others are FileKind.OTHER."""


@dataclass(frozen=True)
class Snapshot:
    """The one state of a source that a run reads."""

    source: str  # kind of source: ``gitlab``, ``git`` or ``folder``
    project: str  # stable name of the project, the same for every copy of it; document ids derive from it
    repository_url: str  # address without credentials
    repository_branch: str  # branch or tag, ``unversioned`` for a plain folder
    commit: str  # commit id; for a plain folder a 40-digit id of its content
    commit_timestamp: str | None  # RFC 3339, UTC; None where nothing is known
    warnings: tuple[str, ...] = ()  # sentences on what limits this snapshot


@dataclass(frozen=True)
class SourceTraits:
    """What a source is recognised by, however its address, its place or its branches change."""

    # digests of the path that it is read from, as it was given and with links resolved
    places: tuple[str, ...] = ()
    address: str = ""  # host and path of its repository, empty for one on this machine
    gitlab_id: int = 0  # number of its GitLab project, 0 if it is none
    roots: tuple[str, ...] = ()  # ids of the commits without parents; none where the history is not all there


@dataclass(frozen=True)
class SourceFile:
    """An entry of the snapshot's tree."""

    path: str  # relative, separated by ``/``; bytes that are not UTF-8 are surrogate escapes
    kind: str  # one of :class:`FileKind`
    # git's id of the content (for a symlink: of the text that names its target); empty where the source
    # could not or need not know it
    blob_id: str
    size: int  # bytes, 0 for what has no content, and where only :meth:`Source.fetch` finds it out


@dataclass(frozen=True)
class FileHistory:
    """Who wrote a file and when, and what changed it last."""

    commit: str  # last commit that touched the path
    timestamp: str | None  # when that was committed; RFC 3339, UTC
    # name of the author of the file's first commit, None where unknown. The file is followed to its
    # former names: nobody becomes the author of a text by approving, moving or correcting it
    author: str | None
    created: str | None  # when that first commit was committed; RFC 3339, UTC


class Source(Protocol):
    """A place that documents come from; everything is read at the one state that ``snapshot`` names."""

    def snapshot(self) -> Snapshot:
        """Return the state that all other methods read."""

    def traits(self) -> SourceTraits:
        """Return what the source is recognised by."""

    def files(self) -> list[SourceFile]:
        """Return every entry of the tree, approved or not, in the order of the paths."""

    def history(self, files: Iterable[SourceFile]) -> Mapping[str, FileHistory]:
        """Return the history of each of these files, by path, in one walk for all of them."""

    def fetch(self, files: Sequence[SourceFile], largest: int) -> Mapping[str, int]:
        """Bring the content of regular files within reach, of none above `largest` bytes; return sizes."""

    def metrics(self) -> Mapping[str, float | int]:
        """Return what reading has cost so far; empty where nothing is counted."""

    def read(self, file: SourceFile) -> bytes:
        """Return a file's bytes, which are those of its blob id.

        Raises:
            ContentError: if they are missing or others.
        """

    def close(self) -> None:
        """Give back what the source holds open; it can still be used, and opens it again."""
