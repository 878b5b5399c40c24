"""The audit log: one line for each thing that was done, chained so that an altered line shows.

``audit.jsonl`` holds JSON lines; ``previous`` of a line is the SHA-256 of the bytes of the line before it.
``audit.head`` holds that of the last line, so that lines cut off at the end show too. A file of more than
:data:`ROTATE_BYTES` is set aside as ``audit-N.jsonl``, and the chain goes on in a new one. The chain shows
careless or partial changes; whoever may write the folder can write a whole new chain, unless the head is kept
somewhere else (``nic-etl audit verify`` prints it).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from runner.models import now
from runner.terminal import json_line
from stagekit.base.disk_faults import named_in_errors
from stagekit.base.files import atomic_write
from stagekit.base.locks import lock, still_named, user_name
from stagekit.base.plain_json import parse_json

ROTATE_BYTES = 16 * 2**20
_START = "0" * 64
_SET_ASIDE = re.compile(r"audit-(\d+)\.jsonl")


@dataclass(frozen=True)
class AuditReport:
    """What a look at the whole log found.

    Attributes:
        lines: how many there are.
        head: SHA-256 of the last line.
        fault: the first line that is not as it was written, in a sentence; empty if all are.
        broken_off: lines that a killed process did not finish; they are no fault.
    """

    lines: int
    head: str
    fault: str = ""
    broken_off: tuple[str, ...] = ()


class AuditLog:
    """The audit log of an outputs folder."""

    def __init__(self, outputs: Path) -> None:
        self._folder = outputs
        self._file = outputs / "audit.jsonl"
        self._head = outputs / "audit.head"

    def append(self, what: str, details: dict[str, Any]) -> None:
        """Add a line that says who did what, where and when."""
        with named_in_errors(self._file), self._locked() as file:
            previous = _last_line(file)
            if previous is not None and not previous.endswith(b"\n"):
                file.write(b"\n")  # a process was killed while it wrote
            chained = self._head_of_last_file() if previous is None else _digest(previous)
            entry = {"at": now().isoformat(), "user": user_name(), "host": socket.gethostname(), "what": what}
            line = json_line(entry | details | {"previous": chained}).encode()
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
            atomic_write(self._head, _digest(line).encode())
            if file.tell() > ROTATE_BYTES:
                number = max(self._set_aside(), default=0) + 1
                self._file.rename(self._folder / f"audit-{number}.jsonl")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        while True:
            with os.fdopen(os.open(self._file, flags, 0o600), "r+b") as file:
                lock(file)
                if still_named(file, self._file):  # whoever held it before may have set this very file aside
                    yield file
                    return

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield the lines that can be read, oldest first."""
        for _, raw in self._lines():
            entry = _parsed(raw)
            if entry is not None and _is_moment(entry.get("at")):
                yield entry

    def verify(self) -> AuditReport:
        """Follow the chain from the first line to the last, and compare its end with ``audit.head``."""
        count, last = 0, _START
        chained, head_found = False, False
        head = self._noted_head()
        broken: list[str] = []
        for place, raw in self._lines():
            count += 1
            entry = _parsed(raw)
            if entry is None:
                broken.append(place)
            elif "previous" in entry or chained:
                if entry.get("previous") != last:
                    return AuditReport(count, last, _fault(place, entry), tuple(broken))
                chained = True
            last = _digest(raw)
            head_found = head_found or last == head
        # A process that was killed between line and head has left the head behind, never ahead.
        whole = head_found or not (chained or head)
        fault = "" if whole else "Lines were altered or removed at the end of audit.jsonl, or audit.head was."
        return AuditReport(count, last, fault, tuple(broken))

    def _noted_head(self) -> str:
        try:
            return self._head.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def _lines(self) -> Iterator[tuple[str, bytes]]:
        for path in [*self._set_aside().values(), self._file]:
            try:
                with path.open("rb") as file:
                    for number, raw in enumerate(file, start=1):
                        yield f"line {number} of {path.name}", raw.rstrip(b"\n")
            except FileNotFoundError:
                continue

    def _set_aside(self) -> dict[int, Path]:
        """Return the former files by number, oldest first."""
        named = ((path, _SET_ASIDE.fullmatch(path.name)) for path in self._folder.glob("audit-*.jsonl"))
        return dict(sorted((int(found[1]), path) for path, found in named if found))

    def _head_of_last_file(self) -> str:
        earlier = self._set_aside()
        if not earlier:
            return _START
        with earlier[max(earlier)].open("rb") as file:
            return _digest(_last_line(file) or b"")


def _last_line(file: IO[bytes]) -> bytes | None:
    """Return the last line with its line end, if it has one; None if the file is empty."""
    end = file.seek(0, os.SEEK_END)
    if not end:
        return None
    data, start = b"", end
    while start and b"\n" not in data[:-1]:
        size = min(start, 4096)
        start = file.seek(start - size)
        data = file.read(size) + data
    file.seek(0, os.SEEK_END)
    return data[data.rfind(b"\n", 0, -1) + 1 :]


def _digest(line: bytes) -> str:
    return hashlib.sha256(line.rstrip(b"\n")).hexdigest()


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        entry = parse_json(raw)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _is_moment(text: Any) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _fault(place: str, entry: dict[str, Any]) -> str:
    what = f"{entry.get('what', 'an entry')!s:.80} of {entry.get('at', 'an unknown time')!s:.40}"
    return (
        f"The chain breaks at {place} ({what}): it, or what stood before it, was altered, moved or removed."
    )
