"""Documents that cannot be used as they are: listed with their remedy, and tried again on demand.

An unusable content is remembered as rejected and not tried again on each run. ``retry`` forgets that verdict,
for the case that it was ours that was wrong: a password was missing, a converter has been repaired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runner.errors import StateManagementError
from runner.record.manifests import read_manifests
from runner.record.run_lookup import digest_of
from runner.record.state_manager import StateManager
from stagekit.artifacts.memo import Memo


@dataclass(frozen=True)
class QuarantinedDocument:
    """A document whose content was found unusable.

    Attributes:
        path: of the document.
        stage: that rejected it.
        category: one stable word.
        message: why.
        remedy: what its author can do.
        since: when it was found (RFC 3339, UTC).
        execution_id: of the run that found it, empty if that is not known any more.
        user: who had started that run.
        served: whether an earlier version of it is still in the collection.
        memo_key: under which the verdict is remembered.
    """

    path: str
    stage: str
    category: str
    message: str
    remedy: str
    since: str
    execution_id: str
    user: str
    served: bool
    memo_key: str


def list_quarantine(manager: StateManager) -> list[QuarantinedDocument]:
    """Return the documents of the results in force whose verdict is still remembered, by path."""
    starts = _audited_runs(manager)
    found = [
        _described(stage, row, starts)
        for _, checkpoint in manager.in_force().values()
        for manifest in read_manifests(manager.store, manager.absolute(checkpoint.notebook))
        for stage, row in ((manifest.stage, row) for row in manifest.rows)
        if row.get("status") == "rejected" or row.get("refused")
    ]
    with Memo(manager.outputs / "memo.sqlite") as memo:
        known = memo.get_many(document.memo_key for document in found)
    return sorted((one for one in found if one.memo_key in known), key=lambda one: (one.path, one.stage))


def retry_quarantine(manager: StateManager, paths: Sequence[str] = ()) -> list[QuarantinedDocument]:
    """Forget the verdict on documents (by default on all), so that the next run tries them again.

    The caller holds the lock. The checkpoints in which the verdict stands are withdrawn first: whatever is
    killed in between, the documents stay listed or are tried again.

    Returns:
        the documents that will be tried again.

    Raises:
        StateManagementError: if a path is not in quarantine; nothing is forgotten then.
    """
    listed = list_quarantine(manager)
    unknown = sorted(set(paths) - {document.path for document in listed})
    if unknown:
        raise StateManagementError(
            f"{unknown[0]} is not in quarantine: `nic-etl quarantine list` shows the documents that are.",
            exit_code=2,
        )
    chosen = [document for document in listed if not paths or document.path in paths]
    for stage in dict.fromkeys(document.stage for document in chosen):
        names = ", ".join(document.path for document in chosen if document.stage == stage)
        _withdraw(manager, stage, f"to be tried again: {names}")
    with Memo(manager.outputs / "memo.sqlite") as memo:
        memo.forget({document.memo_key for document in chosen})
    if chosen:
        manager.audit("quarantine_retry", {"paths": [document.path for document in chosen]})
    return chosen


def _described(stage: str, row: dict[str, Any], starts: list[dict[str, Any]]) -> QuarantinedDocument:
    verdict = row.get("refused") or row
    since = str(verdict["produced_at"])
    run = _run_at(since, starts)
    reason = {name: str(row[name] or "") for name in ("category", "message", "remedy")}
    return QuarantinedDocument(
        path=str(row["path"]),
        stage=stage,
        since=since,
        execution_id=str(run.get("execution_id", "")),
        user=str(run.get("user", "")),
        served=row["status"] == "stale",
        memo_key=str(verdict["memo_key"]),
        **reason,
    )


def _audited_runs(manager: StateManager) -> list[dict[str, Any]]:
    """Return the starts of runs from the audit log, oldest first, with ``ended`` where they have ended."""
    starts: list[dict[str, Any]] = []
    for line in manager.audit_log.entries():
        if line.get("what") == "run_started":
            starts.append(line)
        elif line.get("what") == "run_finished" and starts:
            starts[-1].setdefault("ended", line["at"])  # one run at a time
    return starts


def _run_at(moment: str, starts: list[dict[str, Any]]) -> dict[str, Any]:
    # Verdicts are dated to the second: the start of a run is compared without its fraction.
    at = datetime.fromisoformat(moment)
    for start in reversed(starts):
        if datetime.fromisoformat(start["at"]).replace(microsecond=0) <= at:
            ended = start.get("ended")
            return start if ended is None or at <= datetime.fromisoformat(ended) else {}
    return {}


def _withdraw(manager: StateManager, stage: str, reason: str) -> None:
    """Let every checkpoint of a stage that equals its newest one count as not whole."""
    last = manager.last_checkpoint(stage)
    if last is None:
        return
    digest = digest_of(last[1].fingerprint)
    for state in manager.newest_states():
        checkpoint = state.stages.get(stage)
        if checkpoint is not None and digest_of(checkpoint.fingerprint) == digest:
            checkpoint.withdrawn = reason
            manager.save_checkpoint(state)
