"""Makes lost state again: links, memo and vectors, from the runs' records and their executed notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runner.models import Checkpoint
from runner.record.manifests import Manifest, read_manifests
from runner.record.state_manager import StateManager
from runner.tools import run_tool
from stagekit.artifacts.manifest import last_good, remembered
from stagekit.artifacts.memo import Memo
from stagekit.contract import artifact_refs

_EMBEDDING, _PART = "embedding_generation", "embeddings"


@dataclass(frozen=True)
class Rebuilt:
    """What was made again, and from how many runs: links in ``latest/``, outcomes and last good ones."""

    runs: int
    latest: int
    outcomes: int
    last_good: int


def rebuild_state(manager: StateManager) -> Rebuilt:
    """Make ``latest/`` and ``memo.sqlite`` again from ``outputs/runs``.

    What the memo still knows stays as it is. The caller holds the lock.
    """
    outcomes, good = _rebuild_memo(manager)
    readable = sum(record.status != "damaged" for record in manager.get_execution_history())
    return Rebuilt(readable, _rebuild_latest(manager), outcomes, good)


def _rebuild_latest(manager: StateManager) -> int:
    links = 0
    for _, checkpoint in manager.in_force().values():
        if manager.absolute(checkpoint.notebook).is_file():
            manager.set_latest(manager.absolute(checkpoint.notebook))
            links += 1
    return links


def _rebuild_memo(manager: StateManager) -> tuple[int, int]:
    outcomes = good = 0
    seen: set[str] = set()
    with Memo(manager.outputs / "memo.sqlite") as memo:
        for checkpoint in _checkpoints(manager):
            for manifest in read_manifests(manager.store, manager.absolute(checkpoint.notebook), seen):
                outcomes += _put_outcomes(memo, manifest, withdrawn=bool(checkpoint.withdrawn))
                good += _put_last_good(memo, manifest)
    return outcomes, good


def rebuild_vectors(manager: StateManager) -> int:
    """Make ``vectors.sqlite`` again from the documents' parts of all runs, and return how many were put back.

    What is still kept stays as it is; the vectors of a part that is gone or altered are made by the next run.

    Raises:
        StateManagementError: if they cannot be written.
    """
    parts: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    for checkpoint in _checkpoints(manager):
        if checkpoint.stage == _EMBEDDING:
            for manifest in read_manifests(manager.store, manager.absolute(checkpoint.notebook), seen):
                for ref in artifact_refs([row.get(_PART) for row in manifest.rows]):
                    parts[ref.uri] = ref.model_dump(mode="json")
    if not parts:
        return 0
    request = {"outputs": str(manager.outputs), "parts": list(parts.values())}
    return int(run_tool("stagekit.tools.vector_rebuild", request))


def _put_outcomes(memo: Memo, manifest: Manifest, *, withdrawn: bool) -> int:
    found = {key: value for row in manifest.rows for key, value in remembered(row, manifest.metadata)}
    if withdrawn:  # its verdicts were forgotten on purpose
        found = {key: value for key, value in found.items() if value["status"] != "rejected"}
    known = memo.get_many(found)
    missing = [(manifest.stage, key, value) for key, value in found.items() if key not in known]
    memo.put_many(missing)
    return len(missing)


def _put_last_good(memo: Memo, manifest: Manifest) -> int:
    if not manifest.metadata["last_good"]:
        return 0
    # A stale row holds the last good version, too: the manifest that it was made in may be pruned.
    rows = [
        (str(row["document_id"]), last_good(row))
        for row in manifest.rows
        if row["status"] in {"ok", "stale"} and memo.last_good(manifest.stage, row["document_id"]) is None
    ]
    memo.remember_good(manifest.stage, rows)
    return len(rows)


def _checkpoints(manager: StateManager) -> Iterator[Checkpoint]:
    """Yield the checkpoints that have a notebook, whose first word on a document counts.

    Those in force come first, then those of the other runs, newest first: a setting that was tried and taken
    back has left newer ones. Trials come last.
    """
    yield from (checkpoint for _, checkpoint in manager.in_force().values())
    for state in sorted(manager.newest_states(), key=lambda state: state.trial):  # a stable order
        yield from (checkpoint for checkpoint in state.stages.values() if checkpoint.notebook)
