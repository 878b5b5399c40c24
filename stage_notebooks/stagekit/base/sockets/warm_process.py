"""Asks the process that keeps a model warm, where one serves an outputs folder.

A note in the outputs folder says where its Unix socket is; only the user who started it can connect. Question
and answer are one line of JSON each. Whoever finds no such process, or one of another version, starts a
process of its own: nothing depends on it.
"""

from __future__ import annotations

import json
import socket
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

NOTE = "serve.json"
"""The note's name in the outputs folder."""

_CONNECT = 2.0  # seconds; it listens on this machine, or it is gone
_ANSWER = 300.0  # seconds: the first question loads the model


@dataclass(frozen=True, slots=True)
class WarmAnswer:
    """What became of a request."""

    exit_code: int  # as of the process that would have been started otherwise: 0 is answered
    answer: Any = None  # plain JSON; None if it was not answered
    error: str = ""  # one sentence, if it was not answered
    warnings: tuple[str, ...] = ()  # sentences for whoever asked


def code_identity() -> str:
    """Return what two processes must share to give the same answers: version, place and Python."""
    return f"{version('nic-etl')} {Path(__file__).resolve().parents[2]} {sys.version_info[:3]}"


def ask_warm_process(outputs: Path, tool: str, request: dict[str, Any]) -> WarmAnswer | None:
    """Return the answer of the process that serves an outputs folder; None if there is none to be asked.

    Args:
        outputs: the folder.
        tool: name of what to call, as in :func:`runner.tools.run_tool`.
        request: its arguments, plain JSON.
    """
    line = json.dumps({"tool": tool, "request": request}).encode() + b"\n"
    try:
        with _connected(outputs) as connection:
            connection.settimeout(_ANSWER)
            connection.sendall(line)
            with connection.makefile("rb") as stream:
                row = json.loads(stream.readline())
        return WarmAnswer(
            int(row["exit_code"]), row.get("answer"), str(row.get("error", "")), tuple(row["warnings"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # there is none, or it ends just now


def is_warm(outputs: Path) -> bool:
    """Tell whether a process serves an outputs folder that :func:`ask_warm_process` would ask."""
    try:
        _connected(outputs).close()
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def _connected(outputs: Path) -> socket.socket:
    note = json.loads((outputs / NOTE).read_text(encoding="utf-8"))
    if note["code"] != code_identity():
        raise ValueError("another version of nic-etl")
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(_CONNECT)
        connection.connect(str(note["socket"]))
    except BaseException:
        connection.close()
        raise
    return connection
