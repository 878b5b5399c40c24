"""Follows a run that another process executes, by the events that it writes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from runner.events import Event, rows_after

if TYPE_CHECKING:
    from runner.record.state_manager import StateManager


def follow(manager: StateManager, execution_id: str = "", poll: float = 0.3) -> Iterator[Event]:
    """Yield the events of a run (by default the last one) from its start, until it goes on no more.

    Args:
        manager: of the outputs folder.
        execution_id: id of the run, or the beginning of one.
        poll: seconds between two looks at the file.

    Raises:
        StateManagementError: if there is no such run.
    """
    run = manager.load_checkpoint(execution_id).execution_id
    path = manager.run_dir(run) / "events.jsonl"
    earlier, place = events_after(path, 0)
    starts = [number for number, event in enumerate(earlier) if event.kind == "run_started"]
    yield from earlier[starts[-1] if starts else 0 :]  # a run that was resumed has several
    while True:
        status = manager.effective_status(manager.load_checkpoint(run))  # asked before the last read
        events, place = events_after(path, place)
        yield from events
        if status != "running":
            return
        time.sleep(poll)


def events_after(path: Path, place: int) -> tuple[list[Event], int]:
    """Return the events that stand after a place of a run's events.jsonl, and the place behind them.

    Args:
        path: of the file; none yet is as good as an empty one.
        place: in bytes; 0 is its begin.
    """
    rows, behind = rows_after(path, place)
    whole = [row for row in rows if {"kind", "stage", "at"} <= row.keys()]
    return [Event(row.pop("kind"), row.pop("stage"), at=row.pop("at"), data=row) for row in whole], behind
