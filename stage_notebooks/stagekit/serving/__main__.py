"""``python -m stagekit.serving``: what ``nic-etl serve`` becomes.

The environment variable ``NIC_ETL_SERVE`` holds the request as JSON: ``settings`` (see
:class:`~stagekit.serving.answers.Answers`), and either ``stdio``, or ``listening`` (descriptor of a listening
socket) and ``host_names``. The token stands in ``NIC_ETL_SERVE_TOKEN``.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from typing import Any

from stagekit.errors import StageError

REQUEST, TOKEN = "NIC_ETL_SERVE", "NIC_ETL_SERVE_TOKEN"


def main() -> int:
    """Serve until standard input ends (stdio) or a signal comes, and return the exit code."""
    # uvicorn raises the signal again that ended it: what is left behind is taken away all the same.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        _serve(json.loads(os.environ.pop(REQUEST)))
    except StageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _serve(request: dict[str, Any]) -> None:
    # Imported here, where Ctrl-C is understood: its address has been told already.
    from stagekit.base.paths import outputs_path
    from stagekit.serving.answers import Answers
    from stagekit.serving.local import answering

    answers = Answers(request["settings"])
    with answering(answers, outputs_path(str(request["settings"]["outputs_dir"]))):
        if request["stdio"]:
            from stagekit.serving.mcp import run_stdio

            run_stdio(answers)
        else:
            from stagekit.serving.web import application, serve_web

            app = application(answers, os.environ[TOKEN], request["host_names"])
            with socket.socket(fileno=request["listening"]) as listening:
                serve_web(app, listening)


if __name__ == "__main__":
    sys.exit(main())
