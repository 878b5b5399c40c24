"""Follows a run that another process executes, by the events that it writes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.events import Event
from stagekit.base.plain_json import parse_json

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
    place = _last_start(path)
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
    lines = list(_lines_from(path, place))
    events = [event for line in lines if (event := _event(line)) is not None]
    return events, place + sum(map(len, lines))


def _last_start(path: Path) -> int:
    """Return where the events of the last start begin: a run that was resumed has several."""
    found = place = 0
    for line in _lines_from(path, 0):
        event = _event(line)
        if event is not None and event.kind == "run_started":
            found = place
        place += len(line)
    return found


def _lines_from(path: Path, place: int) -> Iterator[bytes]:
    """Yield the whole lines after a place; one that is still being written is left for later."""
    try:
        with path.open("rb") as file:
            file.seek(place)
            for line in file:
                if line.endswith(b"\n"):
                    yield line
    except FileNotFoundError:  # the run has only just begun
        return


def _event(line: bytes) -> Event | None:
    try:
        data: dict[str, Any] = parse_json(line)
        return Event(data.pop("kind"), data.pop("stage"), at=data.pop("at"), data=data)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # torn by a kill
