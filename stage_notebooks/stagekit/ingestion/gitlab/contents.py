"""Which contents of a GitLab project are here already, and the download of those that are not."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

from gitlab.v4.objects import Project

from stagekit.artifacts.memo import Memo, digest
from stagekit.artifacts.store import ArtifactStore
from stagekit.base.paths import make_private_dir
from stagekit.contract import ArtifactRef
from stagekit.errors import ArtifactError
from stagekit.ingestion.content import ContentError, verified
from stagekit.ingestion.gitlab.clients import Clients
from stagekit.ingestion.gitlab.download import Content, download
from stagekit.ingestion.gitlab.patience import GitLabUnavailable
from stagekit.ingestion.source import SourceFile

STAGE = "gitlab_ingestion"
_LARGEST_LINK = 8192
_LARGEST_UNASKED = 1 << 30
_FAILURES_ALONE = 5  # so many files in a row cannot be at fault themselves


class Workplace(Protocol):
    """What of a :class:`~stagekit.stage.stage.Stage` the source keeps its things in."""

    outputs: Path
    store: ArtifactStore
    memo: Memo


class Contents:
    """The contents of blobs of a project, by blob id; LFS files are asked for at a commit.

    A download goes to a file of its own under ``outputs/gitlab_downloads`` and is remembered with its size
    and sha256 when it is complete; a run that was interrupted goes on with the next file. From the sha256
    the content is found in the artifact store later on.
    """

    def __init__(self, workplace: Workplace, clients: Clients, project: int, commit: str) -> None:
        self.counters = {"downloads": 0, "downloaded_bytes": 0, "reused": 0}
        self._place = workplace
        self._clients = clients
        self._project = project
        self._commit = commit
        self._folder = make_private_dir(workplace.outputs / "gitlab_downloads")
        self._lock = threading.Lock()
        self._problems: dict[str, Exception] = {}
        self._fetched = False

    def fetch(self, files: Sequence[SourceFile], largest: int) -> Mapping[str, int]:
        """Download what is not here yet; return sizes by path (0 where the content cannot be had).

        Raises:
            StageError: if GitLab refuses, or does not answer for one file after the other.
        """
        self._fetched = True
        known = self._known({file.blob_id for file in files})
        here = {blob for blob, content in known.items() if self._done(blob, content, largest)}
        self.counters["reused"] += len(here)
        missing = list({file.blob_id: file for file in files if file.blob_id not in here}.values())
        if self._clients.progress:
            self._clients.progress.total += len(missing)
        in_a_row = 0
        with closing(self._download(missing, largest)) as results:
            for file, result in zip(missing, results, strict=True):
                if isinstance(result, Content):
                    known[file.blob_id] = result
                    in_a_row = 0
                    continue
                known.pop(file.blob_id, None)
                self._problems[file.blob_id] = result
                in_a_row += isinstance(result, GitLabUnavailable)
                if in_a_row >= _FAILURES_ALONE:
                    raise result
        return {file.path: known[file.blob_id].size if file.blob_id in known else 0 for file in files}

    def read(self, file: SourceFile) -> bytes:
        """Return the bytes of a file that was fetched, verified.

        Raises:
            ContentError: if they could not be had.
        """
        content = self._known({file.blob_id}).get(file.blob_id)
        if content and content.sha256:
            try:
                return self._here(file, content)
            except (ArtifactError, OSError, ContentError):
                (self._folder / file.blob_id).unlink(missing_ok=True)  # damaged here: fetched again below
        if file.blob_id not in self._problems:
            project = self._clients.project(self._project)
            largest = content.size if content else _LARGEST_UNASKED
            content = download(project, file, self._commit, self._folder / file.blob_id, largest)
            self._remember(file.blob_id, content)
            return self._here(file, content)
        raise ContentError(str(self._problems[file.blob_id]))

    def link(self, file: SourceFile) -> bytes:
        """Return the text of a symbolic link.

        Raises:
            ContentError: if it is too long for a path, or cannot be had.
        """
        key = digest("gitlab-link", file.blob_id)
        if known := self._place.memo.get_many([key]):
            return bytes.fromhex(known[key]["target"])
        target = self._folder / f"{file.blob_id}.link"
        project = self._clients.project(self._project)
        if not download(project, file, self._commit, target, _LARGEST_LINK).sha256:
            raise ContentError(f"the target of {file.path!r} is no path")
        data = target.read_bytes()
        target.unlink()
        self._place.memo.put(STAGE, key, {"target": data.hex()})
        return data

    def tidy(self) -> None:
        """Delete the downloads that the artifact store holds by now, and what an aborted run left behind.

        Whoever fetched nothing leaves them alone: they may be those of a run that goes on.
        """
        if not self._fetched:
            return
        files = list(self._folder.iterdir())
        known = self._known({path.name for path in files})
        for path in files:
            if path.name not in known or self._stored(known[path.name]):
                path.unlink(missing_ok=True)

    def _here(self, file: SourceFile, content: Content) -> bytes:
        spooled = self._folder / file.blob_id
        if not spooled.exists():
            return self._place.store.read(_ref(content))
        data = spooled.read_bytes()
        if content.lfs and hashlib.sha256(data).hexdigest() == content.sha256:
            return data
        return verified(data, file.blob_id, file.path)

    def _download(self, files: list[SourceFile], largest: int) -> Generator[Content | Exception, None, None]:
        def task(project: Project, file: SourceFile) -> Content | Exception:
            try:
                content = download(project, file, self._commit, self._folder / file.blob_id, largest)
            except (ContentError, GitLabUnavailable) as problem:
                return problem
            self._remember(file.blob_id, content)
            return content

        return self._clients.map(self._project, task, files, count=True)

    def _remember(self, blob: str, content: Content) -> None:
        self._place.memo.put(STAGE, _key(blob), vars(content))
        with self._lock:
            self.counters["downloads"] += bool(content.sha256)
            self.counters["downloaded_bytes"] += content.size if content.sha256 else 0

    def _known(self, blobs: set[str]) -> dict[str, Content]:
        keys = {_key(blob): blob for blob in blobs}
        return {keys[key]: Content(**value) for key, value in self._place.memo.get_many(keys).items()}

    def _done(self, blob: str, content: Content, largest: int) -> bool:
        """Tell whether nothing is left to fetch: it is here, or too large now as before."""
        here = bool(content.sha256) and ((self._folder / blob).exists() or self._stored(content))
        return here or content.size > largest

    def _stored(self, content: Content) -> bool:
        return bool(content.sha256) and self._place.store.present(_ref(content))


def _key(blob: str) -> str:
    return digest("gitlab-content", blob)


def _ref(content: Content) -> ArtifactRef:
    return ArtifactRef(
        name="content",
        uri=f"sha256/{content.sha256[:2]}/{content.sha256}",
        sha256=content.sha256,
        media_type="application/octet-stream",
        bytes=content.size,
    )
