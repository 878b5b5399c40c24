"""Measures a command with all that it starts: seconds, processor time, memory by the role of a process."""

from __future__ import annotations

import fcntl
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_RSS_EVERY_S = 0.2
# Reading the PSS walks the page tables, 60 ms for 2 GB: twice a second it took the chain's workers 6 % of two
# cores. So it may take this share of one core, and one more look whenever the RSS has grown by this much.
_PSS_SHARE = 0.02
_PSS_GROWTH = 1.03


@dataclass(frozen=True)
class Measured:
    """What one command took.

    Attributes:
        code: exit code.
        output: what it printed.
        errors: the end of what it wrote to stderr.
        begin: when it was started, seconds since 1970.
        wall_s: seconds from its start to its end, interpreter and imports included.
        cpu_s: seconds of processor time, user and system, of it and of all that it started; a process that
            was killed with its parent counts as it was last seen, at most 0.2 s before.
        peak_rss_mb: highest sum of resident memory over its processes; pages that forked processes share
            count once in each of them.
        peak_pss_mb: highest sum of proportional set sizes, in which a shared page counts once; 0 where the
            system does not tell. Looked at every few seconds, and whenever resident memory has grown.
        roles: highest resident memory by role; of several processes with one role, their sum.
        cpu_roles: seconds of processor time by role, of each process as it was last seen.
    """

    code: int
    output: str
    errors: str
    begin: float
    wall_s: float
    cpu_s: float
    peak_rss_mb: float
    peak_pss_mb: float
    roles: dict[str, float] = field(default_factory=dict)
    cpu_roles: dict[str, float] = field(default_factory=dict)


def measure(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, timeout_s: float = 3600
) -> Measured:
    """Run a command to its end and measure it.

    ``BENCH_LOCK`` in the environment is a file that is locked meanwhile, for machines where others measure
    too.

    Raises:
        TimeoutError: if it takes longer; it is ended then.
    """
    with (
        _alone(),
        (cwd / "bench-stdout").open("w+") as output,
        (cwd / "bench-stderr").open("w+") as errors,
    ):
        begin, clock = time.time(), time.monotonic()
        told = dict(env) | {"BENCH_BEGIN": repr(begin)}
        child = subprocess.Popen(command, env=told, cwd=cwd, stdout=output, stderr=errors)
        watcher = _Watcher(child.pid)
        watcher.start()
        ending = threading.Timer(timeout_s, child.kill)
        ending.start()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - clock
        child.returncode = os.waitstatus_to_exitcode(status)
        ending.cancel()
        watcher.finish()
        if wall > timeout_s:
            raise TimeoutError(f"{' '.join(command[:4])} … took longer than {timeout_s:g} s.")
        output.seek(0)
        errors.seek(0)
        said, complained = output.read(), errors.read()
    return Measured(
        child.returncode,
        said,
        complained[-2000:],
        begin,
        wall,
        # A process whose parent was killed is nobody's to wait for: it is in the samples only.
        max(usage.ru_utime + usage.ru_stime, sum(watcher.cpu_roles().values())),
        watcher.rss,
        watcher.pss,
        dict(watcher.roles),
        watcher.cpu_roles(),
    )


def role_of(command: Sequence[str], name: str) -> str:
    """Return what a process is to a run of the chain: by its arguments and its name in the process table.

    Kernels and document workers are forked from a server, and have its arguments and a name of their own:
    that of the notebook, and ``workers``.
    """
    if "stagekit.workers.main" in command or name.startswith("worker"):
        return "document workers"
    if "runner.kernels.fork_server" in command:
        return f"kernel {name[:2]}" if name[:2].isdigit() else "fork server"
    if any(Path(word).name == "bare_script.py" for word in command):
        return "script"
    return "runner" if "runner" in command else "other"


class _Watcher(threading.Thread):
    """Looks at a process and its descendants until it is told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._done = threading.Event()
        self.rss = self.pss = 0.0
        self.roles: Counter[str] = Counter()
        self._cpu: dict[int, tuple[str, float]] = {}

    def finish(self) -> None:
        self._done.set()
        self.join()

    def cpu_roles(self) -> dict[str, float]:
        sums: dict[str, float] = {}
        for role, seconds in self._cpu.values():
            sums[role] = round(sums.get(role, 0.0) + seconds, 2)
        return dict(sorted(sums.items()))

    def run(self) -> None:
        due = highest = 0.0
        while not self._done.wait(_RSS_EVERY_S):
            family = _family(self._pid)
            resident: Counter[str] = Counter()
            for process in family:
                try:
                    command, known = process.cmdline(), self._cpu.get(process.pid)
                    # One that has ended, and whose parent has not looked yet, has no arguments any more.
                    role = role_of(command, process.name()) if command or known is None else known[0]
                    resident[role] += process.memory_info().rss // 2**20
                    used = process.cpu_times()
                    self._cpu[process.pid] = (role, used.user + used.system)
                except psutil.Error:
                    continue
            for role, size in resident.items():
                self.roles[role] = max(self.roles[role], size)
            self.rss = max(self.rss, resident.total())
            if time.monotonic() >= due or resident.total() > _PSS_GROWTH * highest:
                highest = max(highest, resident.total())
                begin = time.thread_time()
                self.pss = max(self.pss, sum(_pss_mb(process.pid) for process in family))
                due = time.monotonic() + (time.thread_time() - begin) / _PSS_SHARE


@contextmanager
def _alone() -> Iterator[None]:
    path = os.environ.get("BENCH_LOCK")
    if not path:
        yield
        return
    with Path(path).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _family(pid: int) -> list[psutil.Process]:
    found = []
    with suppress(psutil.Error, OSError):
        first = psutil.Process(pid)
        found.append(first)
        # psutil's children(recursive=True) reads an entry of every process of the machine.
        threads = [] if not Path("/proc/self/task").is_dir() else list(Path(f"/proc/{pid}/task").iterdir())
        if not threads:
            return [first, *first.children(recursive=True)]
        for thread in threads:
            with suppress(OSError):
                for child in (thread / "children").read_text().split():
                    found += _family(int(child))
    return found


def _pss_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
