"""Serves the control notebook with Voilà: to this machine only, and only to whoever has the token.

Voilà 0.5 by itself asks for no token, compares one with ``==``, serves pictures below its root to anybody and
accepts any host name; each of these is set otherwise here.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from tornado.ioloop import IOLoop
from voila.app import Voila

from runner.dashboard.frame import FILES_VARIABLE
from runner.dashboard.jupyter_seams import add_address
from runner.dashboard.login_page import LoginPage
from runner.errors import ConfigurationError
from runner.report.notebook_page import notebook_page
from runner.wording import _, language
from stagekit.base.files import atomic_write
from stagekit.base.paths import make_private_dir

ADDRESS = "127.0.0.1"
_FILES = "/outputs/"
_RUN_FILE = r"/outputs/(runs/[0-9TZ.a-f-]+/(?:report\.(?:html|json)|\d\d_\w+\.(?:html|ipynb)))"
_SEALED = "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_OWN = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _OWN,
    "Referrer-Policy": "no-referrer",  # the token stands in the address
    "X-Content-Type-Options": "nosniff",
}


class TokenIdentity(IdentityProvider):
    """Lets in who has the token; compares it in a time that tells nothing about it."""

    def __init__(self, **settings: Any) -> None:
        # Voilà names a page of its own, which says neither what this is nor where the token is found.
        super().__init__(**settings | {"login_handler_class": LoginPage})

    @property
    def auth_enabled(self) -> bool:
        """There is no way to switch the token off."""
        return True

    async def get_user_token(self, handler: web.RequestHandler) -> User | None:
        """Return a user if the request has the token, in its address or its Authorization header."""
        given = self.get_token(handler)
        return self.generate_anonymous_user(handler) if self._fits(given) else None

    def process_login_form(self, handler: web.RequestHandler) -> User | None:
        """Return a user if the login page was given the token."""
        given = handler.get_argument("password", default="")
        return self.generate_anonymous_user(handler) if self._fits(given) else None

    def _fits(self, given: str | None) -> bool:
        token = str(self.token)
        return bool(token) and hmac.compare_digest((given or "").encode(), token.encode())


class RunFile(JupyterHandler):
    """Shows a run's report or an executed notebook, as a page in which nothing can run."""

    def initialize(self, outputs: Path) -> None:
        """Take the outputs folder."""
        self._outputs = outputs

    @web.authenticated
    def get(self, name: str) -> None:
        """Send the file."""
        path = self._outputs / name
        if path.stem != "report":
            path = path.with_suffix(".ipynb")  # its page is made anew: the file may be older, or missing
        if not path.is_file() or not path.resolve().is_relative_to(self._outputs.resolve()):
            raise web.HTTPError(404)
        try:
            data = path.read_bytes()
            text = notebook_page(data, path.stem) if path.suffix == ".ipynb" else data.decode()
        except ValueError:
            raise web.HTTPError(404) from None
        kind = "application/json" if path.suffix == ".json" else "text/html; charset=utf-8"
        self.set_header("Content-Type", kind)
        self.set_header("Content-Security-Policy", _SEALED)
        self.finish(text)


def serve(outputs: Path, port: int, announce: Callable[[str], None]) -> None:
    """Serve the dashboard until it is interrupted.

    Args:
        outputs: the folder of runs; the kernels learn it from the environment.
        port: to listen on; 0: a free one.
        announce: is given the address with the token as soon as the server can answer.

    Raises:
        ConfigurationError: if the port is taken.
    """
    token, chosen = secrets.token_urlsafe(32), free_port(port)
    os.environ[FILES_VARIABLE] = _FILES
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # the kernel of this Python, not one that a user registered
    notebook = control_notebook(outputs)
    application: Any = Voila.instance()
    application.initialize([str(notebook), "--no-browser"])
    application.root_dir, application.notebook_path = str(notebook.parent), str(notebook)
    application.ip, application.port, application.port_retries = ADDRESS, chosen, 0
    application.token, application.log_level = token, "ERROR"
    application.identity_provider_class = TokenIdentity
    application.tornado_settings = {
        "headers": _HEADERS,
        "allow_remote_access": False,  # a host name that is not local is refused: no DNS rebinding
        "ws_ping_timeout": 30_000,  # as the interval, which it must not exceed
        "log_function": lambda _request: None,  # addresses hold the token
    }
    settings = application.voila_configuration
    settings.file_allowlist, settings.file_denylist = [], [".*"]
    application.config.HTMLExporter.language_code = language().partition("-")[0]  # ISO 639-1
    application.config.KernelManager.transport = "ipc"  # no port for the kernels
    add_address(application, _RUN_FILE, RunFile, {"outputs": outputs})
    kernels = application.config.MappingKernelManager  # a browser that was killed could not say goodbye
    kernels.cull_idle_timeout = 900
    kernels.cull_interval = 60
    kernels.cull_connected = False
    address = f"http://{ADDRESS}:{chosen}/?token={token}"
    IOLoop.current().add_callback(announce, address)  # once it listens
    application.start()


def control_notebook(outputs: Path) -> Path:
    """Copy the control notebook below the outputs folder, in words of the language, and return the copy."""
    folder = make_private_dir(outputs / "dashboard")
    target = folder / "dashboard.ipynb"
    notebook = json.loads(Path(__file__).with_name("dashboard.ipynb").read_text(encoding="utf-8"))
    opening = _(
        "Start and follow runs, see which documents need attention, search. A run is a process of its own: "
        "it goes on when this page is closed."
    )
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = f"# nic-etl\n\n{opening}"
    atomic_write(target, json.dumps(notebook, ensure_ascii=False, indent=1).encode())
    return target


def free_port(port: int) -> int:
    """Return the port if it is free, or any free one for 0.

    Raises:
        ConfigurationError: if it is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise ConfigurationError(
                f"--port {port} cannot be used ({error.strerror}); give another, or 0 for any free one."
            ) from None
        return int(probe.getsockname()[1])
