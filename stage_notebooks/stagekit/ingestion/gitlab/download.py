"""Brings the bytes of blobs from GitLab to disk, each verified against the id under which it was listed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
from gitlab.exceptions import GitlabError
from gitlab.v4.objects import Project

from stagekit.base.network.patience import Transient
from stagekit.ingestion.content import ContentError, algorithm_of, file_blob_id
from stagekit.ingestion.gitlab.errors import explained, status_of
from stagekit.ingestion.gitlab.faults import fault_of
from stagekit.ingestion.gitlab.patience import GitLabUnavailable
from stagekit.ingestion.gitlab.transport import BodyTooLarge, BodyTooSlow, GitLabSession
from stagekit.ingestion.lfs import LARGEST_POINTER, LfsPointer, lfs_pointer
from stagekit.ingestion.source import SourceFile

_CHUNK = 1 << 18


@dataclass(frozen=True)
class Content:
    """What is known of a blob's content."""

    size: int  # bytes; of an LFS file those of the object, not of the pointer
    sha256: str  # of the bytes; empty where they were not fetched because they are too many
    lfs: bool = False  # whether the blob is an LFS pointer


class _Mismatch(Transient):
    """Bytes that are not those that were promised: tried again, like a fault of the network."""


def download(project: Project, file: SourceFile, commit: str, target: Path, largest: int) -> Content:
    """Fetch a file's content to ``target``, of an LFS file the object.

    Args:
        project: of a client whose session is a :class:`GitLabSession`.
        file: entry of the tree at ``commit``.
        commit: id of the commit.
        target: where the bytes go; it appears only when they are complete and verified.
        largest: bytes above which nothing is fetched.

    Raises:
        ContentError: if this content cannot be had, whatever other files do.
        GitLabUnavailable: if GitLab does not answer.
        StageError: if GitLab refuses.
    """
    session = project.manager.gitlab.session
    assert isinstance(session, GitLabSession)
    work = _Download(project, session, file, commit, target.with_name(f"{target.name}.part"))
    try:
        content = work.run(largest)
        if content.sha256:
            work.part.replace(target)
        return content
    except BodyTooSlow:
        seconds = session.traffic.total_timeout_s
        raise ContentError(
            f"{file.path!r} did not arrive from GitLab within gitlab_file_timeout_s ({seconds:g} s); "
            "raise it if the connection is slow."
        ) from None
    except GitlabError as error:
        if status_of(error) == 404:
            raise ContentError(work.lost()) from None
        with explained(f"the file {file.path!r}", project):
            raise
    finally:
        work.part.unlink(missing_ok=True)


class _Download:
    def __init__(
        self, project: Project, session: GitLabSession, file: SourceFile, commit: str, part: Path
    ) -> None:
        self.part = part
        self._project = project
        self._session = session
        self._file = file
        self._commit = commit
        self._pointer: LfsPointer | None = None

    def run(self, largest: int) -> Content:
        try:
            size, sha256 = self._fetch(self._blob, largest)
        except BodyTooLarge:
            return Content(self._size_on_server(largest), "")
        self._pointer = pointer = lfs_pointer(self.part.read_bytes()) if size < LARGEST_POINTER else None
        if pointer is None:
            return Content(size, sha256)
        if pointer.size > largest:
            return Content(pointer.size, "", lfs=True)
        try:
            self._fetch(self._object, pointer.size)
        except BodyTooLarge:
            raise ContentError(self._others()) from None
        return Content(pointer.size, pointer.oid, lfs=True)

    def lost(self) -> str:
        """Say that the server does not have what its tree names."""
        if self._pointer:
            return (
                f"GitLab lacks the LFS object of {self._file.path!r}; push it: `git lfs push --all origin`."
            )
        return (
            f"GitLab lists {self._file.path!r} but does not have its content; run `git fsck` on the server."
        )

    def _fetch(self, ask: Callable[[], Iterator[bytes]], largest: int) -> tuple[int, str]:
        try:
            return self._session.traffic.patience.call(lambda: self._attempt(ask, largest))
        except GitLabUnavailable as verdict:
            if isinstance(verdict.__cause__, _Mismatch):
                raise ContentError(self._others()) from None
            raise

    def _attempt(self, ask: Callable[[], Iterator[bytes]], largest: int) -> tuple[int, str]:
        """Return size and sha256 of the bytes, which are in the partial file."""
        sha256 = hashlib.sha256()
        size = 0
        try:
            with self._session.limit(largest), os.fdopen(_private(self.part), "wb") as part:
                for block in ask():
                    part.write(block)
                    sha256.update(block)
                    size += len(block)
        except requests.RequestException as error:
            raise fault_of(error, self._session.traffic.url) from None
        found, pointer = sha256.hexdigest(), self._pointer
        if not ((found, size) == (pointer.oid, pointer.size) if pointer else self._is_blob()):
            raise _Mismatch(self._others())
        return size, found

    def _is_blob(self) -> bool:
        # What is hashed begins with the length, which neither the tree nor a compressed answer tells
        # beforehand, so the bytes are read once more.
        wanted = self._file.blob_id
        return file_blob_id(self.part, algorithm_of(wanted)) == wanted

    def _blob(self) -> Iterator[bytes]:
        # Both streamed and iterator: with one of them alone python-gitlab holds the whole body in memory.
        return self._project.repository_raw_blob(
            self._file.blob_id, streamed=True, iterator=True, chunk_size=_CHUNK
        )

    def _object(self) -> Iterator[bytes]:
        return self._project.files.raw(
            self._file.path, ref=self._commit, lfs=True, streamed=True, iterator=True, chunk_size=_CHUNK
        )

    def _size_on_server(self, largest: int) -> int:
        """Ask for the true size of what looks too large: a body without end is no large file."""
        facts = self._project.files.head(self._file.path, ref=self._commit)
        size = int(facts.get("X-Gitlab-Size") or 0)
        if size <= largest:
            raise ContentError(
                f"GitLab sent more bytes for {self._file.path!r} than the file has ({size}); run again."
            )
        return size

    def _others(self) -> str:
        promise = "its LFS pointer names" if self._pointer else f"it listed ({self._file.blob_id[:12]})"
        return f"GitLab sent other bytes for {self._file.path!r} than {promise}"


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
