"""``nic-etl serve``: questions over MCP and HTTP, from one process that keeps the model loaded."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from typing import Annotated, Any, NoReturn

import typer

from runner.cli.common import Profile, Setting, read_config
from runner.cli.search import search_request
from runner.errors import ConfigurationError
from stagekit.base.imports.extras import install_command

__all__ = ["serve"]

_PORT = 8867
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TOKEN = "NIC_ETL_SERVE_TOKEN"


def serve(
    profile: Profile = None,
    parameter: Setting = None,
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
    config = read_config(profile, parameter)
    names = list(host_name or [])
    if not stdio and host not in _LOOPBACK:
        given = os.environ.get(_TOKEN) or os.environ.get(f"{_TOKEN}_FILE")
        if not given or not names:
            raise ConfigurationError(
                f"--host {host} can be reached from other machines: set {_TOKEN} to 32 random "
                "characters or more, name the server with --host-name, and put a proxy with TLS before it."
            )
    request = {
        "settings": search_request(config),
        "stdio": stdio,
        "host": host,
        "port": port,
        "host_names": names,
    }
    _become(request)


def _require() -> None:
    if any(importlib.util.find_spec(name) is None for name in ("mcp", "uvicorn")):
        raise ConfigurationError(f"nic-etl serve needs mcp and uvicorn: run `{install_command('serve')}`.")


def _become(request: dict[str, Any]) -> NoReturn:
    # This process is replaced: signals and standard streams need nobody in between.
    environment = {**os.environ, "NIC_ETL_SERVE": json.dumps(request), "TOKENIZERS_PARALLELISM": "false"}
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "stagekit.serving"], environment)
