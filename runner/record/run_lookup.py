"""Finds the run that holds a stage's result, from the runs' own records: newest first, each read once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from runner.models import ExecutionMode
from stagekit.contract import ExecutionStatus

__all__ = ["USABLE", "RunLookup", "digest_of"]

USABLE = frozenset({ExecutionStatus.SUCCESS, ExecutionStatus.PARTIAL})
"""How a stage ends whose result can be used."""


class _Checkpoint(BaseModel):
    status: ExecutionStatus
    fingerprint: dict[str, str] = {}
    carried_from: str = ""


class _Record(BaseModel):
    """What of a record is needed to find its checkpoints: the whole one takes three times as long to read."""

    mode: ExecutionMode
    stages: dict[str, _Checkpoint]


@dataclass(frozen=True, slots=True)
class _Stage:
    carried_from: str
    digest: str  # of its fingerprint; empty where nothing came of it that can be used


@dataclass(frozen=True, slots=True)
class _Run:
    trial: bool
    stages: dict[str, _Stage]


class RunLookup:
    """Answers from the records below a folder ``runs/``; what other processes write there is seen.

    A run that carried a stage over names the run that executed it, so that a long row of runs with nothing
    to do is not walked through.
    """

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._known: dict[str, tuple[tuple[int, int, int], _Run | None]] = {}

    def holders(self, stage: str, digest: str = "", *, trials: bool = True) -> Iterator[str]:
        """Yield the ids of the runs that made a usable result of a stage, the one in use first.

        Args:
            stage: its name.
            digest: of the fingerprint that the result must have; empty for any.
            trials: whether a run in test mode counts.
        """
        told: set[str] = set()
        for execution_id, run in self._newest_first():
            found = run.stages.get(stage)
            if found is None or (run.trial and not trials):
                continue
            holder = found.carried_from or execution_id
            if holder not in told:
                told.add(holder)
                made = self._digest(holder, stage)
                if made and made == (digest or made):
                    yield holder

    def last_attempt(self, stage: str) -> str:
        """Return the id of the newest run that executed a stage, however that ended; empty if none did.

        Where the newest one carried it over, that is the run it names: it looked for a later attempt itself.
        """
        for execution_id, run in self._newest_first():
            if (found := run.stages.get(stage)) is not None:
                return found.carried_from or execution_id
        return ""

    def _newest_first(self) -> Iterator[tuple[str, _Run]]:
        with os.scandir(self._runs) as entries:
            names = sorted((entry.name for entry in entries), reverse=True)
        for execution_id in names:
            if (run := self._run(execution_id)) is not None:
                yield execution_id, run

    def _digest(self, execution_id: str, stage: str) -> str:
        run = self._run(execution_id)
        found = run.stages.get(stage) if run is not None else None
        return found.digest if found is not None else ""

    def _run(self, execution_id: str) -> _Run | None:
        path = f"{self._runs}/{execution_id}/run.json"
        try:
            entry = os.stat(path)  # noqa: PTH116 - hundreds of them, and a Path takes three times as long
        except OSError:
            return None
        version = (entry.st_mtime_ns, entry.st_ino, entry.st_size)
        known = self._known.get(execution_id)
        if known is None or known[0] != version:
            known = self._known[execution_id] = version, _read(Path(path))
        return known[1]


def _read(path: Path) -> _Run | None:
    try:
        record = _Record.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None  # `nic-etl history` lists it as damaged
    stages = {
        name: _Stage(done.carried_from, digest_of(done.fingerprint) if done.status in USABLE else "")
        for name, done in record.stages.items()
    }
    return _Run(record.mode is ExecutionMode.TEST, stages)


def digest_of(fingerprint: dict[str, str]) -> str:
    """Return the sha256 of a stage's fingerprint."""
    return hashlib.sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()
