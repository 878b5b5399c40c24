"""What no input may bring about: another file opened, code executed, a process, endless time or memory."""

from __future__ import annotations

import os
import resource
import signal
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

from runner.errors import PipelineOrchestrationError
from stagekit.errors import StageError

__all__ = ["SECONDS", "Violation", "allowed", "watched"]

SECONDS = 10.0  # of processor time, for one reader
_MEGABYTES = 600  # that the process may grow by
_ROOT = Path(__file__).resolve().parents[2]
# Libraries load their own files when they are first used.
_CODE = tuple(
    {str(_ROOT), sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), "/usr/share", "/proc", "/sys"}
)
_FORBIDDEN = (
    "os.system", "os.exec", "os.fork", "os.posix_spawn", "pty.spawn", "pickle.find_class",
    "socket.connect", "webbrowser.open",
)  # fmt: skip
_OPENING = {
    "open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink",
    "sqlite3.connect",
}  # fmt: skip
_PROGRAMS = {"git", "uname"}  # they tell on what the readers run


class Violation(AssertionError):  # noqa: N818 - no error of the program: what a test reports
    """A reader did what none may do with any input."""


class TooSlow(BaseException):
    """Raised by the alarm; no reader catches it."""


@dataclass
class _Watch:
    """What the audit hook compares with; one hook serves all watches, for none can be removed."""

    folder: str = ""
    seen: list[str] = field(default_factory=list)
    installed: bool = False


_WATCH = _Watch()


def allowed(error: BaseException) -> str:
    """Return what is wrong with an error as an answer to a user; empty if nothing is."""
    if not isinstance(error, StageError | PipelineOrchestrationError):
        trace = "".join(traceback.format_exception(error)[-12:])
        return f"{type(error).__name__} is none of the project's errors\n{trace[-4000:]}"
    text = str(error)
    if not 15 <= len(text) <= 2000:
        return f"the sentence has {len(text)} characters: {text[:200]!r}"
    if "\n" in text or "Traceback" in text:
        return f"more than a sentence: {text[:400]!r}"
    return ""


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    """Let nothing be opened but files of this folder and of the program itself, and end what takes too long.

    Raises:
        Violation: if something else was opened or executed, or time or memory were too little.
    """
    _install()
    _WATCH.folder, _WATCH.seen = str(folder.resolve()), []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    former = signal.signal(signal.SIGPROF, _too_slow)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    except TooSlow:
        raise Violation(f"not finished after {SECONDS:g} s of processor time") from None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, former)
        _WATCH.folder = ""
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    if _WATCH.seen:
        raise Violation(f"it did what it must not: {'; '.join(dict.fromkeys(_WATCH.seen))}")
    if grown > _MEGABYTES:
        raise Violation(f"the process grew by {grown:.0f} MB")


def _install() -> None:
    if not _WATCH.installed:
        _WATCH.installed = True
        sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if not _WATCH.folder:
        return
    if event in _OPENING:
        _check_path(event, arguments[1 if event == "os.symlink" else 0])
    elif event == "subprocess.Popen" and arguments[0] not in _PROGRAMS:
        _WATCH.seen.append(f"{event} {arguments!r:.200}")
    elif event == "exec" and isinstance(arguments[0], CodeType):
        _check_code(arguments[0].co_filename)
    elif event.startswith(_FORBIDDEN):
        _WATCH.seen.append(f"{event} {arguments!r:.200}")


def _check_path(event: str, given: Any) -> None:
    if not isinstance(given, str | bytes | os.PathLike):
        return  # a descriptor that is open already
    text = os.fsdecode(given)
    if not text or text == ":memory:" or text.startswith("/dev/"):
        return
    path = os.path.realpath(text)
    if not path.startswith((_WATCH.folder, *_CODE)):
        _WATCH.seen.append(f"{event} {path}")


def _check_code(filename: str) -> None:
    # Classes of dataclasses and enumerations, and templates, are made of code when they are first used.
    if not filename.startswith((*_CODE, "<frozen", "<string>", "<template>", "<attrs")):
        _WATCH.seen.append(f"exec {filename}")


def _too_slow(_: int, __: object) -> None:
    raise TooSlow
