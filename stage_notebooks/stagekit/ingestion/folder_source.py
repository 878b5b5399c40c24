"""Documents from a plain folder, described as a repository would describe them."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from stagekit.errors import StageError
from stagekit.ingestion.content import ContentError, blob_id, file_blob_id, open_regular, verified
from stagekit.ingestion.folder_state import same_folder
from stagekit.ingestion.patterns import is_within
from stagekit.ingestion.remote_url import place_digests
from stagekit.ingestion.source import FileHistory, FileKind, Snapshot, SourceFile, SourceTraits

UNVERSIONED = "unversioned"
_COMMIT_DIGITS = 40


class FolderSource:
    """A plain folder as a :class:`~stagekit.ingestion.source.Source`.

    Only files of the approved folders are read; the others are listed without a blob id. Links are never
    followed here. A file's "commit" is an id of its path and content, so that it changes with the file only.

    Args:
        root: the folder.
        branch: as the user set it; a folder has none, so anything but empty gives a warning.
        folders: approved folders; empty text means the whole of ``root``.
        project: name of the project; empty means the folder's name.
        outputs: the outputs folder, which is not listed where it lies in ``root``.
    """

    def __init__(
        self,
        root: Path,
        branch: str,
        folders: Sequence[str],
        project: str = "",
        outputs: Path | None = None,
    ) -> None:
        self._outputs = outputs
        self._places = place_digests(root)
        self._root = root.resolve()
        self._folders = folders
        self._times: dict[str, float] = {}
        self._files = sorted(self._walk(), key=lambda file: file.path)
        approved = [file for file in self._files if self._approved(file.path)]
        state = hashlib.sha256()
        for file in approved:
            state.update(os.fsencode(file.path) + b"\0" + file.blob_id.encode() + b"\n")
        warning = (
            f"{self._root} is a plain folder and has no branches: target_branch {branch!r} has no effect."
        )
        self._snapshot = Snapshot(
            source="folder",
            project=project or self._root.name or "folder",
            repository_url=f"file:{project or self._root.name or 'folder'}",
            repository_branch=UNVERSIONED,
            commit=state.hexdigest()[:_COMMIT_DIGITS],
            commit_timestamp=_utc(max((self._times[file.path] for file in approved), default=None)),
            warnings=(warning,) if branch not in ("", UNVERSIONED) else (),
        )

    def snapshot(self) -> Snapshot:
        """Return the state of the folder when it was opened."""
        return self._snapshot

    def traits(self) -> SourceTraits:
        """Return where the folder lies."""
        return SourceTraits(places=self._places)

    def files(self) -> list[SourceFile]:
        """Return every file, in the order of the paths; a nested ``.git`` counts as one."""
        return self._files

    def history(self, files: Iterable[SourceFile]) -> Mapping[str, FileHistory]:
        """Return what the file system knows of each file: when it was last modified."""
        known = {}
        for file in files:
            time = _utc(self._times[file.path])
            identity = hashlib.sha256(os.fsencode(file.path) + b"\0" + file.blob_id.encode()).hexdigest()
            known[file.path] = FileHistory(identity[:_COMMIT_DIGITS], time, None, time)
        return known

    def fetch(self, files: Sequence[SourceFile], largest: int) -> Mapping[str, int]:  # noqa: ARG002
        """Return the sizes; everything is here already."""
        return {file.path: file.size for file in files}

    def metrics(self) -> Mapping[str, float | int]:
        """Return nothing: reading a folder costs nothing that is worth counting."""
        return {}

    def read(self, file: SourceFile) -> bytes:
        """Return a file's bytes (of a link: the text that names its target), verified against its blob id.

        Raises:
            ContentError: if the file is gone, unreadable, or was changed since it was listed.
        """
        try:
            return verified(self._content(file.path, file.kind), file.blob_id, file.path)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ContentError(f"{file.path!r} cannot be read ({reason}); check its permissions.") from error

    def close(self) -> None:
        """Do nothing: no file is held open."""

    def _walk(self) -> Iterator[SourceFile]:
        for folder, subfolders, names in os.walk(self._root, onerror=_cannot_list):
            if ".git" in subfolders:
                subfolders.remove(".git")
                names.append(".git")
            outputs = self._outputs
            if outputs is not None:
                subfolders[:] = [one for one in subfolders if not same_folder(Path(folder, one), outputs)]
            # os.walk counts links to folders among the folders, and does not enter them.
            links = [name for name in subfolders if Path(folder, name).is_symlink()]
            for name in [*names, *links]:
                path = Path(folder, name)
                yield self._describe(path, path.relative_to(self._root).as_posix())

    def _describe(self, path: Path, name: str) -> SourceFile:
        facts = path.lstat()
        self._times[name] = facts.st_mtime
        kind = FileKind.OTHER
        if stat.S_ISREG(facts.st_mode):
            kind = FileKind.FILE
        elif stat.S_ISLNK(facts.st_mode):
            kind = FileKind.SYMLINK
        identity = ""
        if kind != FileKind.OTHER and self._approved(name):
            try:
                identity = blob_id(self._content(name, kind)) if kind != FileKind.FILE else file_blob_id(path)
            except OSError:  # read() says why, for this one document
                identity = ""
        return SourceFile(name, kind, identity, facts.st_size if kind == FileKind.FILE else 0)

    def _content(self, name: str, kind: str) -> bytes:
        path = self._root / name
        if kind == FileKind.SYMLINK:
            return os.fsencode(path.readlink())
        with open_regular(path) as file:
            return file.read()

    def _approved(self, name: str) -> bool:
        return any(is_within(name, folder) for folder in self._folders)


def _cannot_list(error: OSError) -> None:
    # A folder that cannot be listed must not look like a folder whose documents were deleted.
    reason = error.strerror or type(error).__name__
    raise StageError(f"The folder {error.filename} cannot be listed ({reason}); check its permissions.")


def _utc(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
