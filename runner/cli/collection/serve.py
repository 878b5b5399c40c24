"""``nic-etl serve``: questions over MCP and HTTP, from one process that keeps the model loaded."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

import typer

from runner.cli.call import Configured
from runner.errors import ConfigurationError
from runner.search.asking import search_request
from runner.wording import _
from stagekit.base.imports.extras import install_command
from stagekit.base.secret_files import secret_from_file
from stagekit.errors import StageError

_PORT = 8867
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TOKEN = "NIC_ETL_SERVE_TOKEN"


def serve(
    call: Configured,
    stdio: Annotated[
        bool,
        typer.Option("--stdio", help="Speak MCP on standard input and output, as desktop applications ask."),
    ] = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="To listen on; 0: any free one.")] = _PORT,
    host_name: Annotated[
        list[str] | None, typer.Option(help="A name by which clients reach it; may be repeated.")
    ] = None,
) -> None:
    """Answer questions of applications, as MCP and as GET /search, until Ctrl-C.

    It only reads. Each request needs the token: the one in NIC_ETL_SERVE_TOKEN,
    else a new one, which is printed. While it runs, nic-etl search and the
    dashboard ask it, too, and need not load the model.

    Example: nic-etl serve --profile production
    """
    _require()
    config = call.config
    names = list(host_name or [])
    if not stdio and host not in _LOOPBACK:
        given = os.environ.get(_TOKEN) or os.environ.get(f"{_TOKEN}_FILE")
        if not given or not names:
            raise ConfigurationError(
                f"--host {host} can be reached from other machines: set {_TOKEN} to 32 random "
                "characters or more, name the server with --host-name, and put a proxy with TLS before it."
            )
    request: dict[str, Any] = {"settings": search_request(config), "stdio": stdio, "host_names": names}
    if stdio:
        _become(request)
    token = _token()
    with _listening_socket(host, port) as listening:
        os.set_inheritable(listening.fileno(), True)
        own = token or secrets.token_urlsafe(32)
        _announce(listening, "" if token else own)
        _become(request | {"listening": listening.fileno()}, {_TOKEN: own})


def _require() -> None:
    if any(importlib.util.find_spec(name) is None for name in ("mcp", "uvicorn")):
        raise ConfigurationError(f"nic-etl serve needs mcp and uvicorn: run `{install_command('serve')}`.")


def _token() -> str:
    if file := os.environ.get(f"{_TOKEN}_FILE"):
        try:
            return secret_from_file(f"{_TOKEN}_FILE", file, "token")
        except StageError as error:
            raise ConfigurationError(str(error)) from None
    return os.environ.get(_TOKEN, "").strip()


def _listening_socket(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(
            f"nic-etl serve cannot listen on {host}:{port} ({error.strerror or error}): choose another "
            "--port, 0 for any free one."
        ) from None


def _announce(listening: socket.socket, new_token: str) -> None:
    host, port = listening.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    lines = [_("Search: {address}/search?q=…   MCP: {address}/mcp", address=address)]
    if new_token:
        lines.append(_("Token of this time: {token} (set {name} to keep one)", token=new_token, name=_TOKEN))
    lines.append(_("Ctrl-C ends it."))
    sys.stdout.write("\n".join(lines) + "\n")


def _become(request: dict[str, Any], more: Mapping[str, str] | None = None) -> NoReturn:
    # This process is replaced: signals and standard streams need nobody in between.
    environment = {**os.environ, **(more or {}), "NIC_ETL_SERVE": json.dumps(request)}
    sys.stdout.flush()
    os.execve(
        sys.executable,
        [sys.executable, "-m", "stagekit.serving"],
        environment | {"TOKENIZERS_PARALLELISM": "false"},
    )
