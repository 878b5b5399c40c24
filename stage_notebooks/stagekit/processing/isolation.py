"""Shuts the ways out of the process while a stranger's document is converted: network and programs.

The libraries are set up not to follow what a document refers to. This holds where one of them does it all the
same, or learns to in its next version (Docling hands drawings to LibreOffice where that is installed, in a
session of its own that no limit reaches). It is a net under Python code, not a sandbox: native code of a
library is not watched, see SECURITY.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import PurePath
from typing import Any

PROGRAMS = frozenset({"tesseract"})
_NETWORK = frozenset(
    {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"}
)
_STARTS = frozenset({"os.system", "os.exec", "os.posix_spawn", "os.startfile"})
_shut = {"network": 0, "programs": 0}  # the hook watches all threads: Docling's pipeline has several


@contextmanager
def isolated() -> Iterator[None]:
    """Refuse connections, name look-ups, and programs other than Tesseract, in all threads of the process.

    What is refused raises PermissionError at the caller.
    """
    _watch()
    with _changed("network", 1), _changed("programs", 1):
        yield


@contextmanager
def with_network() -> Iterator[None]:
    """Allow connections inside :func:`isolated`: models may be fetched, with no document in hand."""
    with _changed("network", -1):
        yield


@contextmanager
def _changed(what: str, step: int) -> Iterator[None]:
    _shut[what] += step
    try:
        yield
    finally:
        _shut[what] -= step


@lru_cache(maxsize=1)
def _watch() -> None:
    sys.addaudithook(_audit)  # for the life of the process: there is no way to take one back


# Inside an audit hook Python switches tracing off, and with it the measurement of coverage.
def _audit(event: str, arguments: tuple[Any, ...]) -> None:  # pragma: no cover
    if _shut["network"] > 0 and event in _NETWORK and not _is_local(event, arguments):
        raise PermissionError(f"A document must not reach the network ({event}).")
    if _shut["programs"] > 0:
        if event in _STARTS:
            raise PermissionError(f"A document must not start a program ({event}).")
        if event == "subprocess.Popen" and _program(arguments) not in PROGRAMS:
            raise PermissionError(f"A document must not start a program ({_program(arguments)}).")


def _is_local(event: str, arguments: tuple[Any, ...]) -> bool:  # pragma: no cover
    # The address of a Unix socket is a path; that of every other family is a tuple.
    return event.startswith("socket.connect") and isinstance(arguments[1], str | bytes)


def _program(arguments: tuple[Any, ...]) -> str:  # pragma: no cover
    executable, words = arguments[0], arguments[1]
    first = words if isinstance(words, str) else next(iter(words), "")
    return PurePath(str(executable or first)).name
