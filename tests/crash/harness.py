"""One kill after the other: start, kill, resume, compare with a run that nobody killed."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.crash.chain import (
    Points,
    Workplace,
    altered_artifacts,
    checkpoint_faults,
    differences,
    is_worker,
    left_processes,
    processes,
    read_points,
)

STAGES = (
    "gitlab_ingestion", "document_processing", "text_chunking", "embedding_generation", "metadata_enrichment",
    "qdrant_storage",
)  # fmt: skip


@dataclass(frozen=True)
class Kill:
    """When and whom to kill.

    Attributes:
        begin: the state to start from, a key of the matrix's prepared states.
        point: a named point, see ``hooks/sitecustomize.py``; empty for a moment of chance.
        victim: ``runner``, ``kernel`` or ``worker`` (a process of stage 02), for a moment of chance.
        stage: in which stage, for a moment of chance.
        after: seconds after the stage's start, for a moment of chance.
    """

    begin: str
    point: str = ""
    victim: str = "runner"
    stage: str = ""
    after: float = 0.0

    def __str__(self) -> str:
        where = self.point or f"{self.victim} {self.after:.2f} s into {self.stage}"
        return f"{self.begin:<11} {where}"


@dataclass(frozen=True)
class Verdict:
    """What came of a kill: whether it was carried out, and what is wrong after the recovery."""

    struck: bool
    faults: list[str]
    seconds: float


def interrupt(place: Workplace, kill: Kill) -> bool:
    """Start a run (or continue the one that broke off), kill as told, and tell whether somebody was."""
    command = _command(place)
    if kill.point:
        mark = place.outputs.parent / "killed"
        mark.unlink(missing_ok=True)
        process = place.start(command, "--quiet", kill_at=kill.point, mark=mark)
        _wait(process)
        return mark.exists()
    process = place.start(command, "--quiet")
    struck = _kill_by_chance(place, process, kill)
    _wait(process)
    return struck


def recover(place: Workplace) -> list[str]:
    """Continue what broke off until it is done, as a user would, and return what is wrong about it."""
    done = place.call(_command(place), "--quiet")
    if done.returncode == 0:
        return []
    return [f"the recovery ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}"]


def whole(place: Workplace, wanted: Points) -> list[str]:
    """Return what is wrong with an outputs folder whose last run is done."""
    faults = [f"process left: {process}" for process in left_processes(place.outputs)]
    faults += [f"artifact {name} is damaged" for name in altered_artifacts(place.outputs)]
    faults += checkpoint_faults(place.outputs)
    faults += [f"note left: {note.name}" for note in (place.outputs / "kernels").glob("*.json")]
    found = differences(read_points(place.outputs), wanted)
    return faults + found[:5] + ([f"and {len(found) - 5} points more"] if len(found) > 5 else [])


def strike(kill: Kill, prepared: Workplace, folder: Path, wanted: Points) -> Verdict:
    """Kill once in a copy of a prepared state, recover, compare."""
    begin = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    place = Workplace(folder / "outputs", prepared.settings)
    if prepared.outputs.exists():
        shutil.copytree(prepared.outputs, place.outputs, symlinks=True)
    struck = interrupt(place, kill)
    faults = recover(place)
    if not faults:
        faults = whole(place, wanted)
    return Verdict(struck, faults, time.monotonic() - begin)


def chance_kills(seed: int, count: int, durations: dict[str, float], begins: dict[str, str]) -> list[Kill]:
    """Return kills at pseudo-random moments, spread over the stages and over runner, kernel and workers.

    Args:
        seed: of the choice.
        count: how many.
        durations: seconds that each stage took in an uninterrupted run.
        begins: the prepared state from which each stage is reached soonest.
    """
    chance = random.Random(seed)
    kills = []
    for number in range(count):
        stage = STAGES[number % len(STAGES)]
        after = chance.uniform(0, 0.8 * durations[stage])  # the next run may be quicker
        victims = ("runner", "kernel", "worker") if stage == "document_processing" else ("runner", "kernel")
        victim = victims[number // len(STAGES) % len(victims)]
        kills.append(Kill(begins[stage], victim=victim, stage=stage, after=after))
    return kills


def _command(place: Workplace) -> str:
    try:
        return "run" if place.record()["status"] in {"success", "partial"} else "resume"
    except ValueError:  # there is no run yet, or its record was not finished
        return "run"


def _wait(process: Any) -> None:
    try:
        process.wait(timeout=600)
    except BaseException:
        process.kill()
        process.wait()
        raise


def _kill_by_chance(place: Workplace, process: Any, kill: Kill) -> bool:
    known = set(place.outputs.glob("runs/*/events.jsonl"))
    size = sum(path.stat().st_size for path in known)
    while process.poll() is None and not any(
        event.get("kind") == "stage_started" and event.get("stage") == kill.stage
        for event in _events_after(place, size)
    ):
        time.sleep(0.02)
    end = time.monotonic() + kill.after
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    while process.poll() is None:
        victim = process.pid if kill.victim == "runner" else _process_of(place, kill)
        if victim is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(victim).send_signal(signal.SIGKILL)
                return True
        time.sleep(0.02)
    return False


def _events_after(place: Workplace, size: int) -> Iterator[dict[str, Any]]:
    """Yield the events of all runs but for the first ``size`` bytes, which were there before."""
    for path in sorted(place.outputs.glob("runs/*/events.jsonl")):
        data = path.read_bytes()
        new, size = data[size:], max(0, size - len(data))
        for line in new.splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue


def _process_of(place: Workplace, kill: Kill) -> int | None:
    """Return the kernel of the stage, or one of its workers."""
    for process in processes(place.outputs):
        try:
            # A kernel carries the name of its notebook, cut to 15 letters.
            named = process.name()[3:] == kill.stage[:12]
            found = is_worker(process) if kill.victim == "worker" else named
            if found:
                return process.pid
        except psutil.Error:
            continue
    return None
