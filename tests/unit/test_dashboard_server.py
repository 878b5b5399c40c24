"""The dashboard's web server: this machine only, token only, and pages in which nothing runs."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

import nbformat
import pytest
from typer.testing import CliRunner

from runner.cli.app import app
from runner.config_manager import load_config
from runner.tools import child_environment

ROOT = Path(__file__).parents[2]


def test_without_the_extra_the_command_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in {"voila", "jupyterlab"} else found(name)
    )
    for options, package in (([], "voila"), (["--lab"], "jupyterlab")):
        result = CliRunner().invoke(app, ["dashboard", *options])
        assert f"needs {package}: install it with `pip install 'ipywidgets" in str(result.exception)


def test_the_control_notebook_is_short_and_clean() -> None:
    notebook = nbformat.read(ROOT / "runner" / "dashboard" / "dashboard.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# nic-etl")
    assert len(notebook.cells) <= 6
    assert not any(cell.get("outputs") for cell in notebook.cells)


def test_the_processes_of_the_dashboard_never_see_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QUERY_STRING", "VOILA_REQUEST_URL", "JUPYTER_TOKEN"):
        monkeypatch.setenv(name, "token=abc")
    assert not [name for name, value in child_environment().items() if "abc" in value]
    assert child_environment()["PATH"] == os.environ["PATH"]


def test_a_port_that_is_taken_is_refused() -> None:
    server = pytest.importorskip("runner.dashboard.web_server", exc_type=ImportError)
    from runner.errors import ConfigurationError

    with socket.socket() as other:
        other.bind((server.ADDRESS, 0))
        other.listen()
        with pytest.raises(ConfigurationError, match="give another"):
            server.free_port(other.getsockname()[1])
    assert server.free_port(0) > 0


def test_the_command_hands_its_settings_to_the_kernel_and_announces_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = pytest.importorskip("runner.dashboard.web_server", exc_type=ImportError)
    lab = pytest.importorskip("runner.dashboard.lab_server", exc_type=ImportError)
    told: list[Any] = []

    def serve(outputs: Path, port: int, announce: Any, **_: Any) -> None:
        told.append((outputs, port, load_config().config))
        announce("http://127.0.0.1:1/?token=t")

    monkeypatch.setattr(server, "serve", serve)
    monkeypatch.setattr(lab, "serve_lab", serve)
    monkeypatch.setattr("runner.cli.dashboard._require", lambda _: None)
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.chdir(tmp_path)
    for name in ("NIC_ETL_PROFILE", "NIC_ETL_OUTPUTS_DIR", "NIC_ETL_SOURCE_PATH", "NIC_ETL_INCLUDE_STATUSES"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    (tmp_path / "mine.yaml").write_text("chunk_size: 91\n")
    options = [
        "--profile",
        "mine.yaml",
        "-p",
        "source_path=docs",
        "-p",
        "include_statuses=a,b",
        "-p",
        "outputs_dir=out",
    ]
    shown = CliRunner().invoke(app, ["dashboard", "--port", "7", *options]).output
    outputs, port, config = told[0]
    assert (outputs, port) == (tmp_path / "out", 7)
    assert (config.chunk_size, config.source_path, config.include_statuses) == (
        91,
        str(tmp_path / "docs"),
        ["a", "b"],
    )
    assert config.outputs == tmp_path / "out"
    assert "http://127.0.0.1:1/?token=t" in shown
    assert opened == ["http://127.0.0.1:1/?token=t"]
    CliRunner().invoke(app, ["dashboard", "--lab", "--no-browser"])
    assert len(told) == 2
    assert len(opened) == 1


def test_jupyterlab_is_asked_for_the_same_protection(tmp_path: Path) -> None:
    lab = pytest.importorskip("runner.dashboard.lab_server", exc_type=ImportError)
    line = " ".join(lab.lab_command(tmp_path, 5, Path("a.ipynb"), open_browser=False))
    assert "--ServerApp.ip=127.0.0.1" in line
    assert "web_server.TokenIdentity" in line
    assert "token=" not in line


async def _answers(application: Any, *requests: tuple[str, dict[str, str]]) -> list[Any]:
    """The answers of a web application to requests, given as address and headers."""
    from tornado.httpclient import AsyncHTTPClient
    from tornado.httpserver import HTTPServer
    from tornado.testing import bind_unused_port

    listening, port = bind_unused_port()
    http, client = HTTPServer(application), AsyncHTTPClient(force_instance=True)
    http.add_socket(listening)
    try:
        return [
            await client.fetch(
                f"http://127.0.0.1:{port}{path}", headers=headers, raise_error=False, follow_redirects=False
            )
            for path, headers in requests
        ]
    finally:
        client.close()
        http.stop()
        await http.close_all_connections()


def test_files_of_a_run_are_shown_to_whoever_has_the_token_and_cannot_run(
    outputs: Path, tmp_path: Path
) -> None:
    server = pytest.importorskip("runner.dashboard.web_server", exc_type=ImportError)
    from jinja2 import Environment, FileSystemLoader
    from jupyter_server.auth.authorizer import AllowAllAuthorizer
    from jupyter_server.serverapp import DEFAULT_TEMPLATE_PATH_LIST
    from tornado.web import Application

    run = outputs / "runs" / "20260301T120000.000Z-abcdef"
    run.mkdir(parents=True)
    (run / "report.html").write_text("<h1>Report</h1><script>alert(1)</script>")
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (run / "01_x.ipynb").write_text(json.dumps(notebook))
    (run / "02_broken.ipynb").write_text("{")
    (tmp_path / "secret.html").write_text("secret")
    (run / "03_link.ipynb").symlink_to(tmp_path / "secret.html")
    (run / "run.json").write_text("{}")
    (run / "report.json").write_text('{"a": 1}')
    identity = server.TokenIdentity(token="right-token")
    application = Application(
        [(server._RUN_FILE, server.RunFile, {"outputs": outputs})],
        identity_provider=identity,
        authorizer=AllowAllAuthorizer(identity_provider=identity),
        cookie_secret="secret",
        login_url="/login",
        base_url="/",
        headers=server._HEADERS,
        jinja2_env=Environment(loader=FileSystemLoader(DEFAULT_TEMPLATE_PATH_LIST), autoescape=True),
        log_function=lambda _: None,
    )
    place, right = f"/outputs/runs/{run.name}", "?token=right-token"
    head = {"Authorization": "token right-token"}
    cases: list[tuple[str, dict[str, str], int]] = [
        (f"{place}/report.html", {}, 302),
        (f"{place}/report.html?token=wrong", {}, 302),
        (f"{place}/report.html?token=", {}, 302),
        (f"{place}/report.html{right}", {}, 200),
        (f"{place}/report.html", head, 200),
        (f"{place}/01_x.ipynb{right}", {}, 200),
        (f"{place}/report.json{right}", {}, 200),
        (f"{place}/01_x.html{right}", {}, 200),
        (f"{place}/02_broken.ipynb{right}", {}, 404),
        (f"{place}/03_link.ipynb{right}", {}, 404),
        (f"{place}/04_none.ipynb{right}", {}, 404),
        (f"{place}/run.json{right}", {}, 404),
        (f"{place}/../../../secret.html{right}", {}, 404),
    ]
    answers = asyncio.run(_answers(application, *((path, headers) for path, headers, _ in cases)))
    assert [answer.code for answer in answers] == [code for _, _, code in cases]
    report = answers[3]
    assert b"<h1>Report</h1>" in report.body
    assert report.headers["Content-Security-Policy"].startswith("sandbox")
    assert "script-src" not in report.headers["Content-Security-Policy"]
    assert b"<title>01_x</title>" in answers[5].body
    assert answers[7].body == answers[5].body
    assert answers[6].headers["Content-Type"] == "application/json"


def test_only_the_token_lets_in() -> None:
    server = pytest.importorskip("runner.dashboard.web_server", exc_type=ImportError)
    identity = server.TokenIdentity(token="right-token")
    assert identity.auth_enabled
    for given in (None, "", "wrong", "right-toke", "right-token ", "é"):
        assert not identity._fits(given)
    assert identity._fits("right-token")
    assert not server.TokenIdentity(token="")._fits("")


def test_the_server_listens_here_only_serves_no_files_and_refuses_other_host_names(
    outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = pytest.importorskip("runner.dashboard.web_server", exc_type=ImportError)
    from runner.dashboard.frame import FILES_VARIABLE

    for name in (FILES_VARIABLE, "JUPYTER_PREFER_ENV_PATH"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(server.Voila, "start", lambda _: None)
    told: list[str] = []
    before = signal.getsignal(signal.SIGTERM)

    async def begin() -> Any:
        server.serve(outputs, 0, told.append)
        await asyncio.sleep(0.05)
        return server.Voila.instance()

    try:
        voila = asyncio.run(begin())
        assert voila.ip == "127.0.0.1"
        assert told == [f"http://127.0.0.1:{voila.port}/?token={voila.token}"]
        assert len(voila.token) > 40
        assert voila.identity_provider_class is server.TokenIdentity
        assert voila.voila_configuration.file_allowlist == []
        assert voila.tornado_settings["allow_remote_access"] is False
        assert "connect-src 'self'" in voila.tornado_settings["headers"]["Content-Security-Policy"]
    finally:
        server.Voila.clear_instance()
        signal.signal(signal.SIGTERM, before)


def test_jupyterlab_gets_the_token_by_the_environment_alone(
    outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = pytest.importorskip("runner.dashboard.lab_server", exc_type=ImportError)
    started: list[Any] = []
    monkeypatch.setattr(lab.os, "execve", lambda *given: started.append(given))
    told: list[str] = []
    lab.serve_lab(outputs, 0, told.append, open_browser=True)
    _, line, environment = started[0]
    token = environment["JUPYTER_TOKEN"]
    assert told[0].endswith(f"/lab/tree/dashboard/dashboard.ipynb?token={token}")
    assert token not in " ".join(line)
    assert "--no-browser" not in line


def test_a_page_of_the_notebook_folder_is_a_private_copy(outputs: Path) -> None:
    server = pytest.importorskip("runner.dashboard.web_server", exc_type=ImportError)
    copy = server.control_notebook(outputs)
    assert copy.parent == outputs / "dashboard"
    assert copy.stat().st_mode & 0o777 == 0o600
