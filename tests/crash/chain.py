"""Runs the command line on generated documents and reads back what a run left."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

HOOKS = Path(__file__).parent / "hooks"
# Requests of two points: a kill between two of them finds the work half done.
SETTINGS = {
    "project": "nictest", "device": "cpu", "chunk_size": "60", "chunk_overlap": "10",
    "upsert_batch_size": "2",
}  # fmt: skip
# What tells when a point was made, and the fingerprint that covers it.
_OF_THE_MOMENT = ("processing_timestamp", "point_fingerprint")

Points = dict[str, tuple["np.ndarray[Any, Any]", dict[str, Any]]]
"""Dense vector and payload by point id; the payload's vector_key tells of the sparse vector too."""


@dataclass(frozen=True)
class Workplace:
    """An outputs folder with the settings that its runs are started with."""

    outputs: Path
    settings: Mapping[str, object] = field(default_factory=dict)

    def arguments(self, *command: str, **settings: object) -> list[str]:
        """Return a command with the settings, those given here last."""
        chosen = {**SETTINGS, **self.settings, **settings}
        given = [part for name, value in chosen.items() for part in ("-p", f"{name}={value}")]
        return [sys.executable, "-m", "runner", *command, *given]

    def environment(self, kill_at: str = "", mark: Path | None = None) -> dict[str, str]:
        """Return the environment of a command; with a kill point, that of one which will be killed."""
        # Whoever runs the tests may have settings of their own.
        of_machine = {"NIC_ETL_MODELS_DIR", "NIC_ETL_BFLOAT16"}
        env = {n: v for n, v in os.environ.items() if not n.startswith("NIC_ETL_") or n in of_machine}
        env |= {"NIC_ETL_OUTPUTS_DIR": str(self.outputs), "NO_COLOR": "1"}
        if kill_at and mark is not None:
            path = [str(HOOKS), *filter(None, [os.environ.get("PYTHONPATH")])]
            env |= {"NICTEST_KILL_AT": kill_at, "NICTEST_KILL_MARK": str(mark)}
            env["PYTHONPATH"] = os.pathsep.join(path)
        return env

    def start(self, *command: str, kill_at: str = "", mark: Path | None = None, **settings: object) -> Any:
        """Start a command in a process of its own; its words go to ``command.log`` beside the outputs."""
        with (self.outputs.parent / "command.log").open("ab") as log:
            return subprocess.Popen(
                self.arguments(*command, **settings),
                env=self.environment(kill_at, mark),
                cwd=self.outputs.parent,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def call(self, *command: str, **settings: object) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.arguments(*command, **settings),
            env=self.environment(),
            cwd=self.outputs.parent,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )

    def run(self, *flags: str, **settings: object) -> tuple[int, dict[str, Any], dict[str, Any]]:
        """Run the chain: exit code, summary, and the run's record (``run.json``).

        Raises:
            AssertionError: if there is no summary; it holds what the command said.
        """
        done = self.call("run", "--json", *flags, **settings)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout), self.record()

    def record(self) -> dict[str, Any]:
        """Return the record of the last run."""
        last = max(self.outputs.glob("runs/*/run.json"))
        record: dict[str, Any] = json.loads(last.read_text(encoding="utf-8"))
        return record


def executed(record: Mapping[str, Any]) -> dict[str, int]:
    """Return how many documents each executed stage processed itself; carried-over stages are left out."""
    return {
        name: stage["result"]["success_count"] - stage["result"]["unchanged_count"]
        for name, stage in record["stages"].items()
        if stage["status"] != "skipped" and stage["result"]
    }


def read_points(outputs: Path, collection: str = "nic_documents") -> Points:
    """Return the embedded collection: vector and payload by point id, without what tells when it was made."""
    from stagekit.storage import open_embedded

    client = open_embedded(outputs / "qdrant")
    try:
        records, _ = client.scroll(collection, limit=1_000_000, with_payload=True, with_vectors=True)
    finally:
        client.close()
    return {
        str(record.id): (
            np.asarray(dict(record.vector or {})["dense"], np.float32),  # type: ignore[arg-type]
            {name: value for name, value in (record.payload or {}).items() if name not in _OF_THE_MOMENT},
        )
        for record in records
    }


def differences(found: Points, wanted: Points) -> list[str]:
    """Return one sentence for each point that is missing, superfluous or other than wanted."""
    said = [f"point {point} is missing" for point in wanted.keys() - found.keys()]
    said += [f"point {point} is superfluous" for point in found.keys() - wanted.keys()]
    for point in wanted.keys() & found.keys():
        (vector, payload), (other, others) = found[point], wanted[point]
        if not np.array_equal(vector, other):
            said.append(f"point {point} has another vector")
        if payload != others:
            names = sorted(n for n in payload.keys() | others.keys() if payload.get(n) != others.get(n))
            said.append(f"point {point} differs in {', '.join(names)}")
    return sorted(said)


def altered_artifacts(outputs: Path) -> list[str]:
    """Return the artifacts without the sha256 of their name; half-written files carry another name."""
    return [
        path.name
        for path in sorted((outputs / "artifacts").glob("sha256/*/*"))
        if not re.fullmatch(r"\.[0-9a-f]{64}\S*\.tmp", path.name)
        and hashlib.sha256(path.read_bytes()).hexdigest() != path.name.partition(".")[0]
    ]


def checkpoint_faults(outputs: Path) -> list[str]:
    """Return what is wrong with the last run's notebooks, products, and the artifacts of each document."""
    from runner.record.manifests import read_manifests
    from runner.record.state_manager import StateManager
    from stagekit.contract import artifact_refs

    manager = StateManager(outputs)
    said = []
    for name, checkpoint in manager.load_checkpoint().stages.items():
        said += [f"{name}: {fault}" for fault in manager.faults(checkpoint)]
        for manifest in read_manifests(manager.store, manager.absolute(checkpoint.notebook)):
            refs = artifact_refs(list(manifest.rows))
            said += [f"{name}: {ref.uri} cannot be read" for ref in refs if not manager.store.verify(ref)]
    return said


def processes(outputs: Path) -> list[psutil.Process]:
    """Return the living processes that work for an outputs folder: runner, kernels, workers."""
    found = []
    for process in psutil.process_iter():
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid()
            if alive and process.environ().get("NIC_ETL_OUTPUTS_DIR") == str(outputs):
                found.append(process)
        except psutil.Error:
            continue
    return found


def is_worker(process: psutil.Process) -> bool:
    """Tell whether a process works on documents: a program of its own, or a fork that carries the name."""
    return process.name() == "worker" or "stagekit.workers.main" in process.cmdline()


def left_processes(outputs: Path, patience: float = 10.0) -> list[str]:
    """Return the processes that still work for an outputs folder, after waiting for them to end."""
    end = time.monotonic() + patience
    while found := processes(outputs):
        if time.monotonic() > end:
            return [str(process) for process in found]
        time.sleep(0.2)
    return []


def remembered(outputs: Path, stage: str) -> int:
    """Return how many documents' outcomes a stage has on disk."""
    connection = sqlite3.connect(outputs / "memo.sqlite", timeout=60)
    try:
        return int(connection.execute("SELECT count(*) FROM memo WHERE stage = ?", (stage,)).fetchone()[0])
    finally:
        connection.close()
