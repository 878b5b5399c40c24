"""What a program can expect of its surroundings and sometimes lacks: streams, a folder, places for caches."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import tempfile
from pathlib import Path

from stagekit.base.redaction import SECRET_VARIABLES

# They name files or folders, and every process that a run starts reads them.
_PATHS = (*(f"{name}_FILE" for name in SECRET_VARIABLES), "NIC_ETL_MODELS_DIR")

# XDG Base Directory Specification; Matplotlib and the caches of models go by it.
_CACHES = {"XDG_CACHE_HOME": "~/.cache", "XDG_CONFIG_HOME": "~/.config"}


def open_streams() -> None:
    """Make the standard streams such that nothing depends on whether somebody reads them.

    Those that whoever started the process has closed, as daemons do, lead nowhere: otherwise the next files
    that are opened would get their numbers, and a child would write into these.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        raw = open(number, "wb", closefd=False) if stream is None else stream.buffer  # noqa: SIM115
        encoding, errors = (stream.encoding, stream.errors) if stream else ("utf-8", "backslashreplace")
        line = stream is not None and stream.line_buffering
        setattr(sys, name, PatientStream(raw, encoding, errors, line_buffering=line))


class PatientStream(io.TextIOWrapper):
    """A standard stream whose reader may go away, or whose disk may be full: the work goes on without it.

    Attributes:
        lost: why it could not be written to any more; empty while it can, and where nobody reads any more.
    """

    lost: str = ""

    def write(self, text: str, /) -> int:
        """Write a text, or drop it."""
        try:
            return super().write(text)
        except OSError as error:
            self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered, or drop it."""
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        if error.errno != errno.EPIPE:  # `| head` has read all that it wants
            self.lost = error.strerror or type(error).__name__
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())  # what is still in the buffers goes there, too
        os.close(nowhere)


def missing_folder() -> str:
    """Return a sentence if the current folder was removed, which nothing relative can be found from."""
    try:
        os.getcwd()  # noqa: PTH109 - Path.cwd() is the same call
    except FileNotFoundError:
        return (
            "The working directory does not exist any more: `cd` to another one and give the command again."
        )
    return ""


def place_caches() -> None:
    """Let caches go to a private folder for temporary files where the home folder cannot be written to.

    Service accounts have homes that do not exist; what libraries keep there can be made again.
    """
    missing = [
        name for name, usual in _CACHES.items() if not _can_be_made(Path(os.environ.get(name) or usual))
    ]
    if missing:
        folder = _private_folder()
        os.environ.update({name: str(folder) for name in missing})


def fix_paths() -> None:
    """Let the paths in the environment mean for all processes what they mean here.

    A kernel has a working folder of its own, and cron and systemd pass `~` on as it stands.
    """
    for name in _PATHS:
        if value := os.environ.get(name):
            os.environ[name] = str(Path(value).expanduser().absolute())


def _can_be_made(folder: Path) -> bool:
    try:
        place = folder.expanduser()
    except RuntimeError:  # no home is known at all
        return False
    there = next((path for path in (place, *place.parents) if os.path.lexists(path)), Path("/"))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _private_folder() -> Path:
    """Return the user's folder for temporary files: the same one each time, unless somebody else made it."""
    folder = Path(tempfile.gettempdir(), f"nic-etl-{os.geteuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="nic-etl-"))
    own = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not facts.st_mode & 0o077
    return folder if own else Path(tempfile.mkdtemp(prefix="nic-etl-"))
