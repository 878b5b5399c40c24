"""Files in a folder or below any fsspec URL, and in one sentence what went wrong there."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import fsspec

from stagekit.base.disk_faults import disk_fault
from stagekit.base.files import atomic_write, is_local, move_file, remove_file
from stagekit.base.redaction import Redactor, secret_values
from stagekit.errors import ArtifactError

# Here a PUT shows whole objects only, and what was listed once must not be believed later.
_OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"})


class Place:
    """Files by name (``sha256/ab/…``) below one folder or URL; a write shows the whole file or none.

    Every method raises :class:`ArtifactError` where the client library of a remote store raises whatever it
    has; errors of a folder, and ``FileNotFoundError`` of either, are left as they are.
    """

    def __init__(self, root: str | Path) -> None:
        self.url = str(root)  # as it was given
        objects = self.url.partition("://")[0] in _OBJECT_STORES
        with self._explained("opened"):
            self._fs, base = fsspec.core.url_to_fs(
                self.url, **({"use_listings_cache": False} if objects else {})
            )
        self._root = base.rstrip("/")
        self.local = is_local(self._fs)  # whether it is a folder of this machine
        self._renames = not objects

    @property
    def folder(self) -> Path:
        """The folder, of a place that is one."""
        return Path(self._root)

    def path(self, name: str) -> str:
        """Return the path of a file as the file system has it."""
        return f"{self._root}/{name}"

    def size(self, name: str) -> int | None:
        """Return the bytes of a file; None where there is none, or the store does not say.

        Raises:
            OSError: if it cannot be told.
        """
        with self._explained("read"):
            size = self._fs.size(self.path(name))
        return None if size is None else int(size)

    def local_size(self, name: str) -> int | None:
        """Return the same of a folder, at the least cost; None where it cannot be told."""
        try:
            return os.stat(self.path(name)).st_size  # noqa: PTH116 - by the hundred thousand; a Path costs more
        except OSError:
            return None

    def exists(self, name: str) -> bool:
        """Tell whether there is a file, or a folder, of that name."""
        with self._explained("read"):
            return bool(self._fs.exists(self.path(name)))

    def read(self, name: str) -> bytes:
        """Return the bytes of a file; raise FileNotFoundError if there is none."""
        with self._explained("read"):
            data: bytes = self._fs.cat_file(self.path(name))
        return data

    def write(self, name: str, data: bytes, *, sync: bool = True) -> None:
        """Write a file; in a folder without ``sync`` a loss of power may take it within some seconds."""
        if self.local:
            atomic_write(Path(self.path(name)), data, sync=sync)
            return
        with self._explained("written to", absent=True):
            if self._renames:
                temporary = f"{self.path(name)}.{uuid.uuid4().hex}.tmp"
                self._fs.pipe_file(temporary, data)
                move_file(self._fs, temporary, self.path(name))
            else:
                self._fs.pipe_file(self.path(name), data)

    def note(self, name: str, *, moved_from: str = "") -> None:
        """Leave an empty file of that name unless there is one, or move another file there."""
        if self.local:
            Path(self.path(name)).parent.mkdir(mode=0o700, exist_ok=True)
        with self._explained("written to"):
            if moved_from:
                move_file(self._fs, self.path(moved_from), self.path(name))
            elif not self._fs.exists(self.path(name)):
                self._fs.pipe_file(self.path(name), b"")

    def remove(self, name: str) -> None:
        """Remove a file, or a folder in its place; one that is not there is no error."""
        with contextlib.suppress(FileNotFoundError), self._explained("written to"):
            remove_file(self._fs, self.path(name))

    def delete(self, name: str) -> None:
        """Delete a file and nothing else; one that is not there is no error."""
        with contextlib.suppress(FileNotFoundError), self._explained("written to"):
            self._fs.rm_file(self.path(name))

    def names(self, folder: str) -> list[str]:
        """Return the names of what lies in a folder; of one that is not there, none."""
        try:
            with self._explained("listed"):
                paths = self._fs.ls(self.path(folder), detail=False)
        except FileNotFoundError:
            return []
        return [str(path).rstrip("/").rpartition("/")[2] for path in paths]

    def entries(self, folder: str) -> Iterator[tuple[str, int, float]]:
        """Yield every file below a folder: path, bytes, when it was last written (seconds since 1970)."""
        with self._explained("listed"):
            found = self._fs.find(self.path(folder).rstrip("/"), detail=True, withdirs=False)
        for path, details in found.items():
            when = details.get("mtime") or details.get("created") or details.get("LastModified") or 0.0
            when = when.timestamp() if isinstance(when, datetime) else float(when)
            yield path, int(details["size"]), when

    def sync(self, name: str) -> None:
        """Wait until a file is on the disk; other stores than folders see to that themselves.

        Raises:
            ArtifactError: if the disk does not take it.
        """
        if not self.local:
            return
        try:
            descriptor = os.open(self.path(name), os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            if fault := disk_fault(error, self.folder):
                raise ArtifactError(fault) from None
            raise ArtifactError(
                f"Artifact {name} cannot be written to {self.url} ({error.strerror}): "
                "see that the disk is whole and has room, and run the stage again."
            ) from None

    @contextlib.contextmanager
    def _explained(self, doing: str, *, absent: bool = False) -> Iterator[None]:
        """Make one sentence of what a remote store throws; each client library has errors of its own kind.

        A missing file is left to the caller, unless ``absent``: then nothing but the place can be missing.
        """
        try:
            yield
        except Exception as error:
            here = self.url.partition("://")[0] in {"file", "local"} or "://" not in self.url
            if here or (isinstance(error, FileNotFoundError) and not absent):
                raise
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:300].rstrip(".: ")
            raise ArtifactError(
                Redactor(secret_values())(
                    f"The artifact store {self.url} cannot be {doing} ({reason}): see that "
                    "NIC_ETL_ARTIFACTS_URL and the credentials in the environment are right, and that the "
                    "store can be reached."
                )
            ) from None
