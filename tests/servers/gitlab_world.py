"""A repository, the GitLab test server in front of it, and a reader: what tests of the source share."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gitlab

from stagekit import ingestion
from stagekit.artifacts.memo import Memo
from stagekit.artifacts.store import ArtifactStore
from tests.servers.gitlab_routes import Project
from tests.servers.gitlab_server import GitLabServer

APPROVED = "30-Aprovados"
PROJECT = "nic/sub grupo/documentos"
TOKEN = "glpat-segredo-de-teste_0123456789"


class Repository:
    """A git repository in a folder; each commit has the next hour's date."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        self.hour = 0
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main", *options)
        self.git("config", "user.email", "ana@exemplo.example")
        self.git("config", "core.symlinks", "true")

    def git(self, *arguments: str, stdin: bytes | None = None) -> str:
        date = f"2024-03-{1 + self.hour // 24:02d}T{self.hour % 24:02d}:00:00-03:00"
        done = subprocess.run(
            ["git", "-C", str(self.path), *arguments],
            check=True,
            capture_output=True,
            input=stdin,
            env=os.environ | {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date},
        )
        return done.stdout.decode().strip()

    def write(self, files: dict[str, str | bytes], folder: str = APPROVED) -> None:
        for name, content in files.items():
            path = self.path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(
        self,
        files: dict[str, str | bytes] | None = None,
        *,
        author: str = "Ana Souza",
        folder: str = APPROVED,
    ) -> str:
        self.write(files or {}, folder)
        self.git("add", "-A")
        self.hour += 1
        self.git("-c", f"user.name={author}", "commit", "-q", "--allow-empty", "-m", "mudança")
        return self.git("rev-parse", "HEAD")


@dataclass
class Place:
    """Where a stage would keep its things."""

    outputs: Path
    store: ArtifactStore = field(init=False)
    memo: Memo = field(init=False)

    def __post_init__(self) -> None:
        self.outputs.mkdir(exist_ok=True)
        self.store = ArtifactStore(self.outputs / "artifacts")
        self.memo = Memo(self.outputs / "memo.sqlite")


@dataclass
class Reading:
    """What one run of the stage read."""

    snapshot: ingestion.Snapshot
    rows: dict[str, dict[str, Any]]
    contents: dict[str, bytes]
    failed: dict[str, str]
    ignored: dict[str, str]
    metrics: dict[str, float | int]
    requests: list[str]


class Bar:
    """A progress bar that remembers what it was told."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self.said: list[str] = []

    def start(self, *names: str) -> None:
        self.said += names

    def advance(self, count: int = 1) -> None:
        self.done += count


class World:
    """A server with one project, and the reader of the stage in front of it."""

    def __init__(self, folder: Path, server: GitLabServer, repository: Repository, **project: Any) -> None:
        self.folder = folder
        self.server = server
        self.repository = repository
        self.project: Project = server.add_project(PROJECT, repository.path, **project)
        self.token = server.add_token(TOKEN)
        self.bar = Bar()

    def connect(self, session: Any) -> gitlab.Gitlab:
        return gitlab.Gitlab(
            session.traffic.url,
            session=session,
            **ingestion.gitlab_token(),  # type: ignore[arg-type]
        )

    def open(
        self, place: Place, *, branch: str = "", folder: str = APPROVED, **settings: Any
    ) -> ingestion.Source:
        values = {"url": self.server.url, "project": PROJECT, "retry_budget_s": 20.0} | settings
        return ingestion.open_source(
            "gitlab",
            "",
            folders=[folder],
            target_branch=branch,
            gitlab=values,
            connect=self.connect,
            workplace=place,
            progress=self.bar,
        )

    def read(
        self,
        *,
        outputs: str = "outputs",
        branch: str = "",
        folder: str = APPROVED,
        max_mb: float = 1,
        **settings: Any,
    ) -> Reading:
        """Do what the notebook does."""
        before = len(self.server.log)
        place = Place(self.folder / outputs)
        try:
            source = self.open(place, branch=branch, folder=folder, **settings)
            try:
                return self._read(place, source, folder, max_mb, before)
            finally:
                source.close()
        finally:
            place.memo.close()

    def _read(
        self, place: Place, source: ingestion.Source, folder: str, max_mb: float, before: int
    ) -> Reading:
        rules = ingestion.SelectionRules.from_settings([folder], ["md", "pdf", "txt"], max_mb)
        selection = ingestion.select(source.files(), rules, source.read)
        sizes = source.fetch([document.content for document in selection.documents], rules.max_bytes)
        selection = ingestion.measured(selection, sizes, rules)
        rows = ingestion.document_rows(source, selection.documents)
        contents, failed = {}, {}
        for document in selection.documents:
            name = document.entry.path.removeprefix(f"{folder}/")
            try:
                contents[name] = source.read(document.content)
                place.store.put("content", contents[name], "application/octet-stream")
            except ingestion.ContentError as error:
                failed[name] = str(error)
        return Reading(
            source.snapshot(),
            {row["path"].removeprefix(f"{folder}/"): row for row in rows},
            contents,
            failed,
            {row["path"].removeprefix(f"{folder}/"): row["category"] for row in selection.ignored},
            dict(source.metrics()),
            [f"{entry.method} {entry.target}" for entry in self.server.log[before:]],
        )
