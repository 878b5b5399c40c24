"""Answers this machine's user through a Unix socket: what the other commands ask first.

``python -m stagekit.serving.local`` reads one line of JSON from standard input (``outputs_dir`` and other
settings, see :class:`~stagekit.serving.answers.Answers`), writes ``ready``, and ends with its standard input:
so it never outlives whoever started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socketserver
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stagekit.base.files import atomic_write
from stagekit.base.paths import outputs_path
from stagekit.base.sockets.folder import socket_folder
from stagekit.base.sockets.warm_process import NOTE, WarmAnswer, code_identity, is_warm
from stagekit.serving.answers import Answers

_LONGEST_LINE = 2**20  # bytes of a request
_SOCKET = "/s"


@contextlib.contextmanager
def answering(answers: Answers, outputs: Path) -> Iterator[Path]:
    """Answer at a Unix socket while the context lasts, and leave a note of it in the outputs folder.

    The socket lies in a folder of its own that only this user may enter. Where another such process serves
    the outputs folder, that one is asked as before.

    Args:
        answers: the requests.
        outputs: the folder; where it cannot be written, nobody will find the socket.
    """
    folder = Path(socket_folder("ns-", longest=_SOCKET))
    address = f"{folder}{_SOCKET}"
    note = {"socket": address, "pid": os.getpid(), "code": code_identity()}
    try:
        with _Server(address, _Connection) as server:
            server.answers = answers
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
            thread.start()
            if not is_warm(outputs):
                with contextlib.suppress(OSError):
                    atomic_write(outputs / NOTE, json.dumps(note).encode())
            try:
                yield Path(address)
            finally:
                server.shutdown()
    finally:
        _withdraw(outputs / NOTE, address)
        shutil.rmtree(folder, ignore_errors=True)


def _withdraw(path: Path, address: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        if json.loads(path.read_text(encoding="utf-8"))["socket"] == address:
            path.unlink()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    answers: Answers


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        line = self.rfile.readline(_LONGEST_LINE)
        try:
            asked: Mapping[str, Any] = json.loads(line)
            tool, request = str(asked["tool"]), dict(asked["request"])
        except (ValueError, KeyError, TypeError):
            answer = WarmAnswer(2, error="The request is not one line of JSON with tool and request.")
        else:
            answer = self.server.answers.answer(tool, request)
        with contextlib.suppress(OSError):  # whoever asked is gone
            self.wfile.write(json.dumps(asdict(answer), ensure_ascii=False).encode() + b"\n")


def main() -> int:
    """Answer until standard input ends, and return the exit code."""
    settings: dict[str, Any] = json.loads(sys.stdin.readline())
    outputs = outputs_path(str(settings.get("outputs_dir", "")))
    with answering(Answers(settings), outputs):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
