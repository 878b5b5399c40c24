"""``python -m stagekit.serving``: what ``nic-etl serve`` becomes.

The environment variable ``NIC_ETL_SERVE`` holds the request as JSON: ``settings`` (see
:class:`~stagekit.serving.answers.Answers`), and either ``stdio`` or ``host``, ``port``, ``host_names``. The
token stands in ``NIC_ETL_SERVE_TOKEN``; where it does not, one is made and shown, once.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
from typing import Any

from stagekit.base.paths import outputs_path
from stagekit.base.secret_files import secret_from_file
from stagekit.errors import StageError
from stagekit.serving.answers import Answers
from stagekit.serving.local import answering

__all__ = ["main"]

REQUEST, TOKEN = "NIC_ETL_SERVE", "NIC_ETL_SERVE_TOKEN"


def main() -> int:
    """Serve until standard input ends (stdio) or a signal comes, and return the exit code."""
    # uvicorn raises the signal again that ended it: what is left behind is taken away all the same.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    request: dict[str, Any] = json.loads(os.environ.pop(REQUEST))
    answers = Answers(request["settings"])
    outputs = outputs_path(str(request["settings"]["outputs_dir"]))
    try:
        with answering(answers, outputs):
            if request["stdio"]:
                from stagekit.serving.mcp import run_stdio

                run_stdio(answers)
            else:
                _serve(answers, request)
    except StageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _serve(answers: Answers, request: dict[str, Any]) -> None:
    from stagekit.serving.web import application, listening_socket, serve_web

    token = _token()
    shown = token or secrets.token_urlsafe(32)
    app = application(answers, shown, request["host_names"])
    with listening_socket(request["host"], request["port"]) as listening:
        host, port = listening.getsockname()[:2]
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        sys.stdout.write(f"Search: {address}/search?q=…   MCP: {address}/mcp\n")
        if not token:
            sys.stdout.write(f"Token of this time: {shown} (set {TOKEN} to keep one)\n")
        sys.stdout.write("Ctrl-C ends it.\n")
        sys.stdout.flush()
        serve_web(app, listening)


def _token() -> str:
    if file := os.environ.get(f"{TOKEN}_FILE"):
        return secret_from_file(f"{TOKEN}_FILE", file, "token")
    return os.environ.get(TOKEN, "").strip()


if __name__ == "__main__":
    sys.exit(main())
