"""A Dask cluster of real processes on this machine: a scheduler, and workers that can be killed.

    with DaskCluster(tmp_path) as cluster:
        cluster.start_worker()
        cluster.address   # tcp://127.0.0.1:…

Everything that it started is gone when it ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from distributed import Client, LocalCluster

from stagekit.artifacts.store import ArtifactStore
from stagekit.cluster.likeness import Likeness, facts_of, keyed_digest

_ROOT = Path(__file__).parents[2]
_WAIT_S = 60.0


def cluster_here(threads: int, workers: int = 1) -> LocalCluster:
    """Return a cluster whose workers, of so many threads each, live in this process."""
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=threads,
        processes=False,
        protocol="tcp",
        dashboard_address="127.0.0.1:0",
    )


def likeness_here(
    store: ArtifactStore, facts: str = "stagekit.cluster.facts:conversion_facts", *arguments: object
) -> Likeness:
    """Return what an order carries that this process gives."""
    key = os.urandom(32)
    given = list(arguments) or [{}]
    ref = store.put("key", key, "application/octet-stream").model_dump()
    return Likeness(facts, given, store.url, ref, keyed_digest(key, facts_of(facts, key, given)))


@dataclass
class DaskCluster:
    """A scheduler and its workers, which write their logs into ``folder``.

    Attributes:
        folder: an empty or new folder.
        environment: of all processes, beside this process's own.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return str(json.loads((self.folder / "scheduler.json").read_text())["address"])

    def start_worker(self, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker of one thread; without ``--nanny`` it stays dead when it is killed."""
        name = f"worker{len(self.workers)}"
        given = options or ("--no-nanny",)
        command = ["worker", self.address, "--name", name, "--nthreads", "1", "--host", "127.0.0.1", *given]
        command += ["--no-dashboard", "--local-directory", str(self.folder / name)]
        self.workers.append(self._start(name, command, environment))
        return self.workers[-1]

    def wait_for_workers(self, count: int) -> None:
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=_WAIT_S)

    def end(self, worker: subprocess.Popen[bytes]) -> None:
        """Kill a worker, and wait until the scheduler knows."""
        worker.kill()
        worker.wait()
        with Client(self.address, set_as_default=False) as client:
            while client.nthreads():
                time.sleep(0.05)

    def kill_scheduler(self) -> None:
        self._scheduler.kill()
        self._scheduler.wait()

    def tasks(self) -> list[str]:
        """Return the names of the tasks that the scheduler knows."""
        with Client(self.address, set_as_default=False) as client:
            found: list[str] = client.run_on_scheduler(_task_names)
            return found

    def __enter__(self) -> DaskCluster:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "scheduler.json"
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        self._scheduler = self._start("scheduler", ["scheduler", *options], {})
        end = time.monotonic() + _WAIT_S
        while not file.exists():
            assert time.monotonic() < end
            assert self._scheduler.poll() is None, (self.folder / "scheduler.log").read_text()
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in [*self.workers, self._scheduler]:
            # Each leads a group of its own, in which its nanny's worker is as well.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _start(self, name: str, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        path = os.pathsep.join([str(_ROOT), str(_ROOT / "stage_notebooks"), os.environ.get("PYTHONPATH", "")])
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *command],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": path, **self.environment, **environment},
                start_new_session=True,
            )


def _task_names(dask_scheduler: object) -> list[str]:
    return [str(name) for name in dask_scheduler.tasks]  # type: ignore[attr-defined]
