"""Opens the source for ``nic-etl doctor`` as stage 01 does, and says how far it came in GitLab."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stagekit.artifacts.known_sources import documents_of, known_sources
from stagekit.artifacts.memo import Memo
from stagekit.artifacts.store import ArtifactStore, outputs_store
from stagekit.errors import StageError
from stagekit.ingestion import Approval, SelectionRules, gitlab_token, identify, open_source, select
from stagekit.ingestion.folder_source import UNVERSIONED

if TYPE_CHECKING:
    import gitlab

    from stagekit.ingestion.gitlab.transport import GitLabSession

Row = dict[str, Any]
_RULES: Final = ("target_folder", "include_extensions", "max_file_size_mb", "include_paths", "exclude_paths")
_APPROVAL: Final = ("include_statuses", "status_words", "include_expired", "today")
_WAIT_S: Final = 3.0  # for what may pass; a run waits for retry_budget_s


def check_source(settings: Row, outputs: Path) -> list[Row]:
    """Return rows (check, ok, detail): steps to a GitLab project, and whether stage 01 can read the source.

    What decides is what stage 01 does: its state, whose source it is, and its list of files. No document is
    read; of a GitLab project the list is remembered, as a run would, and the accesses are recorded.
    """
    try:
        found, wrong = _opened(settings, outputs), ""
    except (StageError, OSError) as error:
        found, wrong = "", str(error)
    rows = _steps(settings, outputs) if settings["source"] == "gitlab" else []
    failed = next((place for place, row in enumerate(rows) if not row["ok"]), None)
    if not wrong:  # a step that a run does without, such as the version of a server behind a firewall
        return [row | {"ok": True} for row in rows] + [{"check": "source", "ok": True, "detail": found}]
    if failed is None:
        return [*rows, {"check": "source", "ok": False, "detail": wrong}]
    return [*rows[:failed], rows[failed] | {"detail": wrong}]


def _steps(settings: Row, outputs: Path) -> list[Row]:
    from stagekit.ingestion.gitlab.check import check_gitlab  # python-gitlab takes long to import
    from stagekit.ingestion.gitlab.settings import GitLabSettings

    try:
        known = GitLabSettings(
            settings["gitlab_url"],
            settings["gitlab_project"],
            settings["ca_file"],
            read_timeout_s=settings["request_timeout_s"],
        )
    except StageError:
        return []
    return check_gitlab(known, settings["target_branch"], outputs)


@dataclass
class _Workplace:
    """What stage 01 has of a stage."""

    outputs: Path
    store: ArtifactStore
    memo: Memo


@contextlib.contextmanager
def _workplace(outputs: Path) -> Iterator[_Workplace]:
    memo = outputs / "memo.sqlite"
    with contextlib.ExitStack() as stack:
        if not memo.exists():  # it is for a run to begin it, in clear or under its key
            memo = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nic-etl-")), memo.name)
        yield _Workplace(outputs, outputs_store(outputs), stack.enter_context(Memo(memo)))


def _opened(settings: Row, outputs: Path) -> str:
    """Do what the first cells of stage 01 do, and return what was found."""

    def connect(session: GitLabSession) -> gitlab.Gitlab:
        import gitlab

        return gitlab.Gitlab(settings["gitlab_url"], session=session, **gitlab_token())  # type: ignore[arg-type]

    rules = SelectionRules.from_settings(*(settings[name] for name in _RULES))
    Approval.from_settings(*(settings[name] for name in _APPROVAL))
    with _workplace(outputs) as place:
        source = open_source(
            settings["source"],
            settings["source_path"],
            folders=rules.folders,
            target_branch=settings["target_branch"],
            project=settings["project"],
            outputs=outputs,
            workplace=place,
            connect=connect,
            gitlab={
                "url": settings["gitlab_url"],
                "project": settings["gitlab_project"],
                "ca_file": settings["ca_file"],
                "read_timeout_s": settings["request_timeout_s"],
                "file_timeout_s": settings["gitlab_file_timeout_s"],
                "retry_budget_s": min(_WAIT_S, settings["retry_budget_s"]),
            },
        )
        with contextlib.closing(source):
            stored = partial(documents_of, store=place.store)
            identity = identify(source, settings["project"], known_sources(outputs), stored)
            selection = select(source.files(), rules, source.read, identity.folders)
            snapshot = source.snapshot()
    project, commit, count = snapshot.project, snapshot.commit[:12], len(selection.documents)
    if snapshot.repository_branch == UNVERSIONED:
        return f"{project}, unversioned at {commit}, files of the approved folders: {count}"
    branch = snapshot.repository_branch
    return f"{project}, {branch} at {commit}, files of the approved folders: {count}"
