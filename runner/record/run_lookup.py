"""Finds the run that holds a stage's result, from the runs' own records: newest first, each read once.

What is in force for a stage is what the newest run executed or carried over: a setting that was tried and
taken back leaves the older result in force. Real runs and trials never answer for each other.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from runner.models import ExecutionMode, upgraded_record
from stagekit.contract import ExecutionStatus

USABLE = frozenset({ExecutionStatus.SUCCESS, ExecutionStatus.PARTIAL})
"""How a stage ends whose result can be used."""


def digest_of(fingerprint: dict[str, str]) -> str:
    """Return the sha256 of a stage's fingerprint."""
    return hashlib.sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()


# Fingerprints are long, and hundreds of records are kept.
_Digest = Annotated[str, BeforeValidator(digest_of)]


class _Stage(BaseModel):
    status: ExecutionStatus
    carried_from: str = ""
    digest: _Digest = Field({}, alias="fingerprint", validate_default=True)

    @property
    def usable(self) -> bool:
        return self.status in USABLE or bool(self.carried_from)


class _Run(BaseModel):
    """What of a record is needed to find its checkpoints: the whole one takes three times as long to read."""

    mode: ExecutionMode
    sequence: int = 0
    stages: dict[str, _Stage]

    @model_validator(mode="before")
    @classmethod
    def _as_it_is_now(cls, record: Any) -> Any:
        return upgraded_record(record) if isinstance(record, dict) else record

    @property
    def trial(self) -> bool:
        return self.mode is ExecutionMode.TEST


class RunLookup:
    """Answers from the records below a folder ``runs/``; what other processes write there is seen.

    A run that carried a stage over names the run that executed it, so that a long row of runs with nothing
    to do is not walked through.
    """

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._known: dict[str, tuple[tuple[int, int, int], _Run | None]] = {}

    def last_sequence(self) -> int:
        """Return the sequence number of the newest run whose record can be read, 0 if there is none."""
        return next((run.sequence for _, run in self._newest_first()), 0)

    def stages(self) -> list[str]:
        """Return the names of the stages that real runs have recorded."""
        return sorted({name for _, run in self._newest_first(trials=False) for name in run.stages})

    def holders(self, stage: str, digest: str = "", *, trials: bool = False) -> Iterator[tuple[str, str]]:
        """Yield the runs that made a usable result of a stage, the one in force first, each once.

        Args:
            stage: its name.
            digest: of the fingerprint that the result must have; empty for any.
            trials: look among the trials, in place of the real runs.

        Yields:
            the id of the run that made it, and of the run in whose record it stands: the same, or, where the
            first one is gone, one that carried it over and has the notebook, too.
        """
        told: set[str] = set()
        for execution_id, run in self._newest_first(trials=trials):
            found = run.stages.get(stage)
            if found is None:
                continue
            maker = found.carried_from or execution_id
            if maker not in told:
                told.add(maker)
                own = self._run(maker)
                result = own.stages.get(stage) if own else None
                holder = maker if result else execution_id
                result = result or found
                if result.usable and result.digest == (digest or result.digest):
                    yield maker, holder

    def last_attempt(self, stage: str, *, trials: bool = False) -> str:
        """Return the id of the newest run that executed a stage, however that ended; empty if none did.

        Where the newest one carried it over, that is the run it names: it looked for a later attempt itself.
        """
        for execution_id, run in self._newest_first(trials=trials):
            if (found := run.stages.get(stage)) is not None:
                return found.carried_from or execution_id
        return ""

    def _newest_first(self, *, trials: bool | None = None) -> Iterator[tuple[str, _Run]]:
        # An id sorts after all that were there when it was made, so that theirs is the order of the sequence
        # numbers: to sort by those would mean to read every record.
        with os.scandir(self._runs) as entries:
            names = sorted((entry.name for entry in entries), reverse=True)
        for execution_id in names:
            run = self._run(execution_id)
            if run is not None and trials in {None, run.trial}:
                yield execution_id, run

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
        return _Run.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None  # `nic-etl history` lists it as damaged
