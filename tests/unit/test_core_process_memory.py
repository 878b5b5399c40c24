"""Promises about processes: a whole family is weighed, one that is gone weighs nothing, and is not alive."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stagekit.base.processes import process_memory
from stagekit.base.processes.liveness import is_alive
from stagekit.base.processes.process_memory import family_resident_mb, resident_mb, share_one_heap

HOLD = "import sys; held = bytearray(60 * 2**20); print('ready', flush=True); sys.stdin.read()"
HEAPS = """
import ctypes, threading
libc = ctypes.CDLL(None)
together = threading.Barrier(4)
def allocate():
    together.wait()
    ctypes.create_string_buffer(1000)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fdopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, file)
libc.fflush(file)
"""
FAMILY = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"


@pytest.fixture
def family() -> Iterator[subprocess.Popen[bytes]]:
    """A process whose child holds 60 MB."""
    process = subprocess.Popen(
        [sys.executable, "-c", FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        yield process
        process.stdin.close()


def test_children_are_weighed_with_their_parent(family: subprocess.Popen[bytes]) -> None:
    assert resident_mb(family.pid) < 60 < family_resident_mb(family.pid)


def test_it_is_the_same_without_linux_lists_of_children(
    family: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(pid: int) -> Iterator[int]:
        raise FileNotFoundError(Path("/proc", str(pid)))

    direct = family_resident_mb(family.pid)
    monkeypatch.setattr(process_memory, "_children", unknown)
    assert family_resident_mb(family.pid) == pytest.approx(direct, rel=0.05)


def test_a_process_that_is_gone_weighs_nothing() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert family_resident_mb(process.pid) == 0.0


def test_this_process_weighs_what_psutil_says() -> None:
    assert resident_mb(os.getpid()) == pytest.approx(psutil.Process().memory_info().rss / 2**20, rel=0.05)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives threads heaps of their own")
def test_threads_share_one_heap_if_asked_to() -> None:
    # Without the settings of a container, in which one heap may be the rule.
    untuned = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_TUNABLES"))}

    def heaps(first: str) -> int:
        program = [sys.executable, "-c", f"{first}\n{HEAPS}"]
        told = subprocess.run(program, capture_output=True, text=True, check=True, env=untuned)
        return told.stdout.count("<heap nr=")

    assert heaps("") > 1
    assert heaps("from stagekit.base.processes.process_memory import share_one_heap; share_one_heap()") == 1
    share_one_heap()  # and nothing is wrong with being asked twice


@pytest.mark.skipif(platform.system() != "Linux", reason="zombies are those of Linux")
def test_a_process_is_alive_until_it_ends_whether_or_not_somebody_has_asked_for_its_end() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    assert is_alive(child.pid)
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
    assert not is_alive(child.pid)
    child.wait()
    assert not is_alive(child.pid)
