"""Splits a run of the chain into phases, from what it left: events, executed notebooks, noted times.

Each stretch of time belongs to a phase by what the runner or the stage's cell did in it. What the hook of
``hooks/sitecustomize.py`` noted inside a stretch is taken out of it and counted on its own. Stages that ran
side by side count each for itself, so the phases may add up to more than the wall clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

PHASES = (
    "start-up", "listing", "converting", "chunking", "embedding", "enriching", "storing", "handing over",
    "checkpointing", "reading back", "exchange", "showing", "reporting",
)  # fmt: skip
_WORK = {
    "gitlab_ingestion": "listing",
    "document_processing": "converting",
    "text_chunking": "chunking",
    "embedding_generation": "embedding",
    "metadata_enrichment": "enriching",
    "qdrant_storage": "storing",
}


@dataclass(frozen=True)
class Noted:
    """One call that the hook noted: when, in which process, what for.

    ``begin`` and ``end`` are seconds since 1970, ``cpu`` are seconds of processor time.
    """

    begin: float
    end: float
    stage: str
    role: str
    group: str
    name: str
    process: str
    cpu: float = 0.0


@dataclass
class _Stretch:
    phase: str
    begin: float
    end: float
    stage: str  # its number, like "02"; empty for the runner


def read_notes(folder: Path) -> list[Noted]:
    """Return what the processes of a run noted; a line that a kill cut short is left out."""
    found = []
    for path in sorted(folder.glob("*.tsv")):
        for line in path.read_text().split("\n"):
            parts = line.split("\t")
            if len(parts) == 7:
                stage, role, group, name = parts[3:]
                begin, end, cpu = map(float, parts[:3])
                found.append(Noted(begin, end, stage, role, group, name, path.stem, cpu))
    return found


def noted_seconds(notes: Iterable[Noted]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return (seconds, processor seconds) by group, in it by process and function (``02 Memo.put``)."""
    sums: dict[str, dict[str, tuple[float, float]]] = {}
    for note in notes:
        where = note.role if note.role in {"runner", note.stage} else f"{note.stage} {note.role}"
        group, name = sums.setdefault(note.group, {}), f"{where} {note.name}"
        wall, cpu = group.get(name, (0.0, 0.0))
        group[name] = (round(wall + note.end - note.begin, 6), round(cpu + note.cpu, 6))
    return {
        group: {name: taken[name] for name in sorted(taken, key=lambda name: -taken[name][0])}
        for group, taken in sorted(sums.items())
    }


def chain_phases(run_dir: Path, begin: float, end: float, notes: Iterable[Noted] = ()) -> dict[str, float]:
    """Return seconds by phase.

    Args:
        run_dir: of the run, with its events and executed notebooks.
        begin: when the command was started, seconds since 1970.
        end: when it ended.
        notes: of the hook. Those of document workers are divided by their number, for they run side by side.
    """
    seconds = dict.fromkeys(PHASES, 0.0)
    stretches = _stretches(run_dir, begin, end)
    for stretch in stretches:
        seconds[stretch.phase] += stretch.end - stretch.begin
    notes = list(notes)
    workers = max(1, len({note.process for note in notes if note.role == "worker"}))
    for note in notes:
        taken = (note.end - note.begin) / (workers if note.role == "worker" else 1)
        home = next((s for s in stretches if s.stage == note.stage and s.begin <= note.begin < s.end), None)
        if note.role == "runner" or home is None:
            home = next((s for s in stretches if s.begin <= note.begin < s.end), None)
        if home is not None and home.phase != note.group:
            seconds[home.phase] -= taken
            seconds[note.group] += taken
    return {name: round(max(0.0, value), 3) for name, value in seconds.items()}


def _stretches(run_dir: Path, begin: float, end: float) -> list[_Stretch]:
    events = [json.loads(line) for line in (run_dir / "events.jsonl").read_text().splitlines() if line]
    marks = [event for event in events if event["kind"] in {"run_started", "stage_started", "run_finished"}]
    marks += [event for event in events if event["kind"] in {"stage_finished", "stage_carried_over"}]
    marks.sort(key=lambda event: event["at"])
    started = next((event["at"] for event in marks if event["kind"] == "run_started"), end)
    last = max(
        (e["at"] for e in marks if e["kind"] in {"stage_finished", "stage_carried_over"}), default=started
    )
    finished = next((event["at"] for event in marks if event["kind"] == "run_finished"), end)
    found = [_Stretch("start-up", begin, started, ""), _Stretch("reporting", last, finished, "")]
    found.append(
        _Stretch("start-up", finished, end, "")
    )  # imports of what ends a run, and the interpreter's end
    busy_until = started
    for mark in marks:
        if mark["kind"] == "stage_started":
            found += _of_stage(run_dir, events, mark)
        if mark["kind"] in {"stage_started", "stage_carried_over"} and mark["at"] > busy_until:
            # Between two stages the runner looks at what is known of the next one.
            found.append(_Stretch("reading back", busy_until, mark["at"], ""))
        if mark["kind"] in {"stage_finished", "stage_carried_over"}:
            busy_until = max(busy_until, mark["at"])
    return found


def _of_stage(run_dir: Path, events: list[dict[str, Any]], mark: dict[str, Any]) -> list[_Stretch]:
    name = mark["stage"]
    own = [event for event in events if event["stage"] == name and event["at"] >= mark["at"]]
    cells = [event for event in own if event["kind"] == "cell"]
    finished = next((event["at"] for event in own if event["kind"] == "stage_finished"), own[-1]["at"])
    number = str(list(_WORK).index(name) + 1).zfill(2)
    kinds = _kinds(next(run_dir.glob(f"{number}_*.ipynb")), _WORK[name])
    first = cells[0]["at"] if cells else finished
    found = [_Stretch("start-up", mark["at"], first, number)]  # the kernel, and papermill's own beginning
    for cell, after in zip(cells, [*cells[1:], {"at": finished}], strict=True):
        found.append(_Stretch(kinds[cell["number"] - 1], cell["at"], after["at"], number))
    return found


def _kinds(notebook: Path, work: str) -> list[str]:
    kinds = []
    for cell in nbformat.read(notebook, as_version=4).cells:  # type: ignore[no-untyped-call]
        if "display" in cell.metadata.get("tags", []):
            kinds.append("showing")
        elif "open_stage(" in cell.source:
            kinds.append("start-up")  # its imports
        elif "stage.finish()" in cell.source:
            kinds.append("checkpointing")  # and after it the notebook is saved and checked
        else:
            kinds.append(work)
    return kinds
