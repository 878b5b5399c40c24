"""Documents from a GitLab project, read through its API at one commit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gitlab.v4.objects import Project

from stagekit.artifacts.memo import digest
from stagekit.ingestion.gitlab.access_log import AccessLog
from stagekit.ingestion.gitlab.clients import Clients, Connect, ProgressBar
from stagekit.ingestion.gitlab.contents import STAGE, Contents, Workplace
from stagekit.ingestion.gitlab.errors import explained
from stagekit.ingestion.gitlab.history import Change, History, utc
from stagekit.ingestion.gitlab.listing import Entry, list_tree
from stagekit.ingestion.gitlab.patience import GitLabPatience
from stagekit.ingestion.gitlab.refs import resolve
from stagekit.ingestion.gitlab.settings import GitLabSettings
from stagekit.ingestion.gitlab.transport import Traffic, origin_of
from stagekit.ingestion.remote_url import project_of, public_url
from stagekit.ingestion.source import KIND_OF_MODE, FileHistory, FileKind, Snapshot, SourceFile, SourceTraits


class GitLabSource:
    """A GitLab project as a :class:`~stagekit.ingestion.source.Source`.

    What was read before is known by its blob id and not read again; the list of files and their history are
    remembered with the commit they belong to. So an unchanged project costs two or three requests.

    Args:
        settings: which project, and limits.
        connect: makes a python-gitlab client on a session; called once for each thread.
        branch: branch, tag or commit; empty means the project's default branch.
        folders: approved folders, to which walks through the history are narrowed.
        project: name of the project; empty means host and path.
        workplace: where downloads and what is remembered lie.
        progress: shows downloads, and why the run waits.

    Raises:
        StageError: if the project or the branch cannot be read; the sentence says what to check.
    """

    def __init__(
        self,
        settings: GitLabSettings,
        connect: Connect,
        branch: str,
        folders: Sequence[str],
        project: str,
        workplace: Workplace,
        progress: ProgressBar | None = None,
    ) -> None:
        self._place = workplace
        self._folder = folders[0] if len(folders) == 1 else ""
        patience = GitLabPatience(settings.retry_budget_s, notify=progress.start if progress else None)
        read_before = digest("gitlab-address", settings.url, settings.project)
        if workplace.memo.get_many([read_before]):
            patience.reached()  # the address is right: what is not there now is down
        self._traffic = Traffic(
            settings.url,
            AccessLog(workplace.outputs / "gitlab_access.jsonl", origin_of(settings.url)),
            patience,
            settings.connect_timeout_s,
            settings.read_timeout_s,
            settings.file_timeout_s,
            settings.ca_file,
        )
        self._clients = Clients(connect, self._traffic, settings.workers, progress)
        try:
            self._open(settings, branch, project, workplace)
        except BaseException:
            self._clients.close()
            raise
        workplace.memo.put(STAGE, read_before, {"commit": self._snapshot.commit})

    def _open(self, settings: GitLabSettings, branch: str, project: str, workplace: Workplace) -> None:
        with explained("the project", settings.project):
            self._project = self._clients.client().projects.get(settings.project)
        name, commit = resolve(self._project, branch, settings.project)
        self._contents = Contents(workplace, self._clients, self._project.id, commit["id"])
        self._files: list[SourceFile] | None = None
        self._snapshot = Snapshot(
            source="gitlab",
            project=self._stable_name(project, settings),
            repository_url=public_url(self._project.web_url),
            repository_branch=name,
            commit=commit["id"],
            commit_timestamp=utc(commit.get("committed_date")),
            warnings=tuple(self._warnings(settings)),
        )

    def snapshot(self) -> Snapshot:
        """Return the commit that is read."""
        return self._snapshot

    def traits(self) -> SourceTraits:
        """Return the project's number and its address."""
        return SourceTraits(address=project_of(self._project.web_url), gitlab_id=int(self._project.id))

    def files(self) -> list[SourceFile]:
        """Return every entry of the commit's tree, in the order of the paths; sizes are 0 until fetched.

        Raises:
            StageError: if the list cannot be shown to be complete.
        """
        if self._files is None:
            key = self._key("tree")
            known = self._place.memo.get_many([key]).get(key)
            if known is None or known["commit"] != self._snapshot.commit:
                entries, odd = list_tree(self._project, self._snapshot.commit)
                known = {"commit": self._snapshot.commit, "entries": _plain(entries), "odd": odd}
                self._place.memo.put(STAGE, key, known)
            self._snapshot = replace(self._snapshot, warnings=(*self._snapshot.warnings, *known["odd"]))
            self._files = [SourceFile(path, kind, blob, 0) for path, kind, blob in known["entries"]]
        return self._files

    def history(self, files: Iterable[SourceFile]) -> Mapping[str, FileHistory]:
        """Return who wrote and last changed each file, and when; only files that changed cost requests."""
        wanted = {file.path: file.blob_id for file in files}
        key = self._key("authorship")
        known = self._place.memo.get_many([key]).get(key) or {"commit": "", "files": {}}
        changes = {path: Change.from_plain(value) for path, value in known["files"].items()}
        history = History(self._project, self._snapshot.commit, self._folder, self._for_each)
        found = history.of(wanted, changes, known["commit"])
        state = {
            "commit": self._snapshot.commit,
            "files": {path: change.plain() for path, change in found.items()},
        }
        if state != known:
            self._place.memo.put(STAGE, key, state)
        head = FileHistory(self._snapshot.commit, self._snapshot.commit_timestamp, None, None)
        return {path: found[path].last if path in found else head for path in wanted}

    def fetch(self, files: Sequence[SourceFile], largest: int) -> Mapping[str, int]:
        """Download what of these files is not here yet, several at a time, and return sizes by path.

        Raises:
            StageError: if GitLab refuses, or does not answer for one file after the other.
        """
        return self._contents.fetch(files, largest)

    def read(self, file: SourceFile) -> bytes:
        """Return a file's bytes (of a link: the text that names its target), verified.

        Raises:
            ContentError: if GitLab does not have them.
        """
        if file.kind == FileKind.SYMLINK:
            return self._contents.link(file)
        return self._contents.read(file)

    def metrics(self) -> dict[str, float | int]:
        """Return what was asked, fetched, reused and waited for."""
        patience = self._traffic.patience
        return {
            **self._traffic.log.counters,
            **self._contents.counters,
            "retries": patience.retries,
            "waited_s": round(patience.lost_s, 1),
        }

    def close(self) -> None:
        """Close all connections, and drop the downloads that the artifact store has by now."""
        self._clients.close()
        self._contents.tidy()

    # The project

    def _stable_name(self, given: str, settings: GitLabSettings) -> str:
        """Return the name under which the project was first read: ids must survive when it is renamed."""
        now = project_of(self._project.web_url)
        key = digest("gitlab-project", origin_of(settings.url), self._project.id)
        first = self._place.memo.get_many([key]).get(key)
        if first is None:
            self._place.memo.put(STAGE, key, {"name": now})
        self._former = first["name"] if first and first["name"] != now and not given else ""
        return given or self._former or now

    def _warnings(self, settings: GitLabSettings) -> Iterable[str]:
        if self._project.archived:
            yield f"The GitLab project {settings.project} is archived: nobody can change it any more."
        if self._former:
            yield (
                f"The GitLab project was renamed; document ids still derive from {self._former}. "
                f"Set project to {self._former} so that this holds in another outputs folder too."
            )
        if settings.in_clear:
            yield "gitlab_url begins with http://: the token crosses the network unencrypted; use https://."

    def _key(self, what: str) -> str:
        # One entry for each branch, overwritten with each commit: what is remembered does not pile up.
        return digest(
            f"gitlab-{what}", self._snapshot.project, self._snapshot.repository_branch, self._folder
        )

    def _for_each(self, function: Callable[[Project, Any], Any], items: list[Any]) -> list[Any]:
        return list(self._clients.map(self._project.id, function, items))


def _plain(entries: list[Entry]) -> list[list[str]]:
    return sorted(
        [entry["path"], KIND_OF_MODE.get(entry["mode"], FileKind.OTHER), entry["id"]]
        for entry in entries
        if entry["type"] != "tree"
    )
