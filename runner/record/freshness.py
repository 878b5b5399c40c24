"""Tells how long ago the collection was in step with its source, and which results are behind others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from runner.models import now
from runner.wording import _, moment, ngettext
from stagekit.contract import ExecutionStatus

if TYPE_CHECKING:
    from runner.record.state_manager import StateManager

_LAST_STAGE = "qdrant_storage"
_SKEW = timedelta(minutes=5)  # by which clocks differ, or are put right


@dataclass(frozen=True)
class Freshness:
    """When the collection was last in step.

    Attributes:
        execution_id: of the last run that ended well; empty if there was none.
        since: when that run looked at the source, which is when it began.
        age: time since then; None if there was none, or if by the clock that run has not begun yet.
        fresh: whether the age is within the limit.
    """

    execution_id: str
    since: datetime | None
    age: timedelta | None
    fresh: bool

    def sentence(self, limit: timedelta) -> str:
        """Say it for a person."""
        if self.since is not None and self.age is None:
            return _(
                "How old the collection is cannot be told: by the clock, run {run} begins at {begin}; "
                "`nic-etl run` mends that.",
                run=self.execution_id,
                begin=moment(self.since),
            )
        if self.age is None:
            return _(
                "The collection was never in step: no run has ended with success yet; start `nic-etl run`."
            )
        known = {"age": in_words(self.age), "run": self.execution_id}
        if self.fresh:
            return _("The collection was last in step {age} ago (run {run}).", **known)
        return _(
            "The collection was last in step {age} ago (run {run}), longer than the {limit} allowed.",
            **known,
            limit=in_words(limit),
        )


def freshness(manager: StateManager, limit: timedelta) -> Freshness:
    """Look for the last run that brought the collection in step with its source.

    Runs in test mode write another collection, and a run with failed or stale documents left some behind:
    neither counts.
    """
    for run in manager.newest_states(trials=False):
        if run.status is ExecutionStatus.SUCCESS and _LAST_STAGE in run.stages:
            age = now() - run.start_timestamp
            if age < -_SKEW:  # the clock was ahead then: it would be fresh for ever
                return Freshness(run.execution_id, run.start_timestamp, None, fresh=False)
            age = max(timedelta(0), age)
            return Freshness(run.execution_id, run.start_timestamp, age, age <= limit)
    return Freshness("", None, None, fresh=False)


def outdated_stages(
    manager: StateManager, stage_name: str, readers: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Return the stages whose results in force were made from an earlier result of a stage.

    Args:
        manager: the record of all runs.
        stage_name: the stage.
        readers: the stages that read it, directly or not, in the order of the chain, with what each reads.
    """
    latest = manager.last_checkpoint(stage_name)
    if latest is None or latest[1].result is None:
        return []
    made = {f"input:{stage_name}.{name}": ref.sha256 for name, ref in latest[1].result.artifacts.items()}
    stale: list[str] = []
    for name, reads in readers.items():
        found = manager.last_checkpoint(name)
        used = found[1].fingerprint if found else {}
        direct = any(key in used and used[key] != value for key, value in made.items())
        if direct or set(stale) & set(reads):
            stale.append(name)
    return stale


def in_words(age: timedelta) -> str:
    """Return a duration in its largest fitting unit."""
    seconds = age.total_seconds()
    if seconds < 120 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 72 * 3600:
        return f"{seconds / 3600:.0f} h"
    days = round(seconds / 86400)
    return ngettext("{count} day", "{count} days", days, count=days)
