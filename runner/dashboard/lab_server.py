"""Opens the control notebook in JupyterLab: to this machine only, and only to whoever has the token."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from runner.dashboard.frame import FILES_VARIABLE
from runner.dashboard.web_server import ADDRESS, control_notebook, free_port


def lab_command(outputs: Path, port: int, page: Path, *, open_browser: bool) -> list[str]:
    """Return the command that starts JupyterLab on the outputs folder."""
    return [
        sys.executable, "-m", "jupyterlab", *([] if open_browser else ["--no-browser"]),
        f"--ServerApp.ip={ADDRESS}", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
        "--ServerApp.identity_provider_class=runner.dashboard.web_server.TokenIdentity",
        f"--ServerApp.root_dir={outputs}", f"--LabApp.default_url=/lab/tree/{page}",
        "--ServerApp.log_level=WARN",
    ]  # fmt: skip


def serve_lab(outputs: Path, port: int, announce: Callable[[str], None], *, open_browser: bool) -> None:
    """Become a JupyterLab server, until it is interrupted; this does not return.

    Args:
        outputs: the folder of runs; the kernels learn it from the environment.
        port: to listen on; 0: a free one.
        announce: is given the address with the token.
        open_browser: let JupyterLab open it as soon as it can answer.

    Raises:
        ConfigurationError: if the port is taken.
    """
    token, chosen = secrets.token_urlsafe(32), free_port(port)
    notebook = control_notebook(outputs)
    page = notebook.relative_to(outputs)
    environment = os.environ | {"JUPYTER_TOKEN": token, FILES_VARIABLE: "/lab/tree/"}
    announce(f"http://{ADDRESS}:{chosen}/lab/tree/{page}?token={token}")
    # In place of this process, so that signals reach it and it ends its kernels in order.
    os.execve(sys.executable, lab_command(outputs, chosen, page, open_browser=open_browser), environment)
