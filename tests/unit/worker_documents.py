"""What the document workers of the tests run: a function that does to its process what a document says."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from stagekit import ArtifactError, DocumentOutput, DocumentRejected, StageError

Row = dict[str, Any]


def open_misbehaving(
    settings: Row, *, read: Callable[[Row], bytes], threads: int
) -> Callable[[Row], DocumentOutput]:
    """Return a function whose behaviour is the document's text; ``settings["folder"]`` takes its traces."""
    folder = Path(settings["folder"])

    def process(row: Row) -> DocumentOutput:
        word, _, argument = str(row["text"]).partition(" ")
        with (folder / "asked").open("a") as asked:
            asked.write(f"{row['path']} {os.getpid()}\n")
        behave = BEHAVIOURS.get(word)
        found = behave(argument, folder) if behave else None
        content = read(row["content"]).decode() if "content" in row else word
        return DocumentOutput(
            {"found": found, "threads": [threads, int(os.environ["OMP_NUM_THREADS"])], "pid": os.getpid()}
            if settings.get("tell")
            else {"length": len(content)},
            {"words": pa.table({"word": content.upper().split()})},
            {"markdown": (content.encode(), "text/markdown")},
        )

    return process


def refusing_factory(settings: Row, *, read: Callable[[Row], bytes], threads: int) -> None:
    raise StageError("ocr_engine is 'abc': choose another.")


def broken_factory(settings: Row, *, read: Callable[[Row], bytes], threads: int) -> None:
    raise ImportError("no converter here")


def _exit(argument: str, folder: Path) -> None:
    os._exit(int(argument or 3))


def _segfault(argument: str, folder: Path) -> None:
    ctypes.string_at(0)


def _crash_once(argument: str, folder: Path) -> None:
    marker = folder / f"crashed {argument}"
    if not marker.exists():
        marker.touch()
        os._exit(3)


def _exit_later(argument: str, folder: Path) -> None:
    threading.Timer(float(argument), os._exit, [3]).start()


def _exit_before_child(argument: str, folder: Path) -> None:
    """Crash, and leave a copy of the process that holds whatever it held."""
    if os.fork():
        os._exit(3)
    time.sleep(600)


def _kill_parent(argument: str, folder: Path) -> None:
    """Kill the process that this one works for, as a machine does that runs out of memory."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)


def _crash_parent_once(argument: str, folder: Path) -> None:
    """Kill the process that this one came from, and go with it."""
    marker = folder / "killed the parent"
    if not marker.exists():
        marker.touch()
        os.kill(os.getppid(), signal.SIGKILL)
        os._exit(3)


def _sleep(argument: str, folder: Path) -> None:
    time.sleep(float(argument or 600))


def _child(argument: str, folder: Path) -> None:
    """Start a program, as Tesseract is, and wait for it."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (folder / "child").write_text(str(child.pid))
    child.wait()


def _swell(argument: str, folder: Path) -> None:
    hoard = []
    for _ in range(200):
        hoard.append(bytearray(os.urandom(1) * 10 * 2**20))
        time.sleep(0.02)


_LEAKED: list[bytearray] = []


def _leak(argument: str, folder: Path) -> None:
    _LEAKED.append(bytearray(b"x" * (int(argument) * 2**20)))


def _reject(argument: str, folder: Path) -> None:
    raise DocumentRejected("encrypted", "it has a password", "upload it without one")


def _raise(argument: str, folder: Path) -> None:
    raise RuntimeError("the converter gave up\nwith a long trace")


def _unreachable(argument: str, folder: Path) -> None:
    raise StageError("qdrant_url: nobody answers.")


def _altered(argument: str, folder: Path) -> None:
    raise ArtifactError("Artifact content was altered.")


def _chatter(argument: str, folder: Path) -> None:
    print("chatter on stdout", flush=True)
    os.write(2, b"chatter on stderr\n")


BEHAVIOURS: dict[str, Callable[[str, Path], Any]] = {
    "exit": _exit,
    "segfault": _segfault,
    "crash-once": _crash_once,
    "exit-later": _exit_later,
    "exit-before-child": _exit_before_child,
    "kill-parent": _kill_parent,
    "crash-parent-once": _crash_parent_once,
    "sleep": _sleep,
    "child": _child,
    "swell": _swell,
    "leak": _leak,
    "reject": _reject,
    "raise": _raise,
    "unreachable": _unreachable,
    "altered": _altered,
    "chatter": _chatter,
}
