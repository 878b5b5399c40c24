"""Promises of ``nic-etl serve``: one warm process for MCP, HTTP and the command line, open to nobody else."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from stagekit.base.sockets.warm_process import ask_warm_process, is_warm
from tests.integration.conftest import NicEtl, SampleRun, copy_outputs

pytestmark = pytest.mark.slow
QUESTION = "prazo para comunicar um incidente de segurança"
ANSWER = "politica-de-seguranca-da-informacao.md"
TOKEN = "t" * 32
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True)
class Served:
    outputs: Path
    address: str
    process: subprocess.Popen[str]


def start(outputs: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "runner", "serve", *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "NIC_ETL_OUTPUTS_DIR": str(outputs), **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def served(sample_run: SampleRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    outputs = tmp_path_factory.mktemp("served") / "outputs"
    copy_outputs(sample_run.outputs, outputs)
    process = start(outputs, "--port", "0", NIC_ETL_SERVE_TOKEN=TOKEN)
    with process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Search: http://127.0.0.1:"), process.communicate()
        address = line.split()[1].removesuffix("/search?q=…")
        assert httpx.get(address, timeout=120).status_code == 401  # it waits until somebody can answer
        yield Served(outputs, address, process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
    assert not (outputs / "serve.json").exists()


def get(served: Served, place: str, headers: dict[str, str] = WITH_TOKEN, **query: Any) -> httpx.Response:
    return httpx.get(served.address + place, params=query, headers=headers, timeout=120)


def test_a_question_and_its_document_are_answered_as_json(served: Served) -> None:
    found = get(served, "/search", q=QUESTION, top=3, language="pt-BR").json()
    assert found["query"] == QUESTION
    assert found["warnings"] == []
    first = found["hits"][0]
    assert first["path"].endswith(ANSWER)
    told = get(served, "/document", path=first["path"]).json()["document"]
    assert told["title"] == first["title"]
    assert first["text"] in [passage["text"] for passage in told["passages"]]
    assert [passage["chunk_index"] for passage in told["passages"]] == list(range(len(told["passages"])))
    assert get(served, "/document", path=told["document_id"]).json()["document"] == told


@pytest.mark.parametrize(
    ("path", "query", "status", "said"),
    [
        ("/search", {"q": ""}, 400, "question is empty"),
        ("/search", {"q": "a", "top": "many"}, 400, "top is 'many'"),
        ("/search", {"q": "a", "langauge": "pt"}, 400, "language"),
        ("/search", {"q": "a", "created>": "ontem"}, 400, "Filter created>=ontem: write a date"),
        ("/search", {"q": "a", "per_document": "-1"}, 400, "per_document takes a whole number"),
        ("/search", {"q": "a", "mode": "best"}, 400, "mode is 'best'"),
        ("/document", {"path": "nowhere.md"}, 400, "no document nowhere.md"),
    ],
)
def test_what_is_wrong_is_said(
    served: Served, path: str, query: dict[str, str], status: int, said: str
) -> None:
    answer = get(served, path, **query)
    assert answer.status_code == status
    assert said in answer.json()["error"]


@pytest.mark.parametrize("path", ["/search?q=a", "/document?path=a", "/mcp", "/anything"])
def test_nobody_without_the_token_or_from_a_web_page_learns_anything(served: Served, path: str) -> None:
    assert get(served, path, headers={}).status_code == 401
    assert get(served, path, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert get(served, path, headers={**WITH_TOKEN, "Host": "pages.example"}).status_code == 421


def test_a_web_page_cannot_speak_the_protocol(served: Served) -> None:
    headers = {**WITH_TOKEN, "Origin": "https://pages.example", "Accept": "application/json"}
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert httpx.post(f"{served.address}/mcp", json=ping, headers=headers).status_code == 403


async def ask(target: Any) -> tuple[list[Any], Any, Any, Any]:
    async with Client(target) as client:
        tools = (await client.list_tools()).tools
        filters = {"language": ["pt"], "created": {">=": "2000"}}
        found = await client.call_tool("search", {"query": QUESTION, "filters": filters, "per_document": 1})
        path = found.structured_content["hits"][0]["path"]
        whole = await client.call_tool("document", {"path": path})
        wrong = await client.call_tool("document", {"path": "nowhere.md"})
    return tools, found, whole, wrong


def check(tools: list[Any], found: Any, whole: Any, wrong: Any) -> None:
    assert [tool.name for tool in tools] == ["search", "document"]
    assert all(tool.annotations.read_only_hint for tool in tools)
    paths = [hit["path"] for hit in found.structured_content["hits"]]
    assert paths[0].endswith(ANSWER)
    assert len(paths) == len(set(paths))
    assert whole.structured_content["document"]["passages"]
    assert wrong.is_error
    assert "no document nowhere.md" in wrong.content[0].text


def test_an_llm_application_asks_over_http(served: Served) -> None:
    async def over_http() -> Any:
        async with httpx2.AsyncClient(headers=WITH_TOKEN, timeout=120) as client:
            return await ask(streamable_http_client(f"{served.address}/mcp", http_client=client))

    check(*asyncio.run(over_http()))


def test_an_llm_application_asks_over_standard_streams(served: Served) -> None:
    environment = {"NIC_ETL_OUTPUTS_DIR": str(served.outputs), "PATH": os.environ["PATH"]}
    if "NIC_ETL_MODELS_DIR" in os.environ:
        environment["NIC_ETL_MODELS_DIR"] = os.environ["NIC_ETL_MODELS_DIR"]
    parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "runner", "serve", "--stdio"], env=environment
    )
    check(*asyncio.run(ask(parameters)))


def test_the_command_line_asks_it_too(served: Served, nic_etl: NicEtl) -> None:
    assert is_warm(served.outputs)
    told = nic_etl(served.outputs, "search", QUESTION, "--json", NIC_ETL_MODELS_DIR="/nowhere")
    assert told.returncode == 0, told.stderr  # it has no model of its own
    assert json.loads(told.stdout)[0]["path"].endswith(ANSWER)
    wrong = nic_etl(served.outputs, "search", QUESTION, "--filter", "langauge=pt")
    assert wrong.returncode == 2
    assert "language" in wrong.stderr


def test_the_dashboard_asks_it_without_starting_a_process(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ipywidgets", reason="needs the extra dashboard")
    from runner.dashboard.workspace import CommandFailedError, Workspace

    workspace = Workspace.open("local", {"outputs_dir": served.outputs})
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    assert workspace.search(QUESTION, top=1).hits[0]["path"].endswith(ANSWER)
    workspace.settings["collection_name"] = "other"
    with pytest.raises(CommandFailedError, match="no collection other"):
        workspace.search(QUESTION, top=1)


def test_its_socket_takes_one_line_of_json_and_names_what_is_wrong(served: Served) -> None:
    note = json.loads((served.outputs / "serve.json").read_text())
    assert Path(note["socket"]).parent.stat().st_mode & 0o77 == 0
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(note["socket"])
        connection.sendall(b"hello\n")
        assert "one line of JSON" in json.loads(connection.makefile().readline())["error"]
    for tool, request, said in (
        ("os.system", {}, "no tool os.system"),
        ("stagekit.search.query", {"question": "a", "speed": 3}, "does not fit"),
        ("stagekit.search.query", {"question": "a", "collection_name": "other"}, "no collection other"),
    ):
        told = ask_warm_process(served.outputs, tool, request)
        assert told is not None
        assert said in told.error


def test_a_process_of_another_version_is_not_asked(served: Served, tmp_path: Path) -> None:
    note = json.loads((served.outputs / "serve.json").read_text())
    (tmp_path / "serve.json").write_text(json.dumps(note | {"code": "0.0.1"}))
    assert not is_warm(tmp_path)
    assert ask_warm_process(tmp_path, "stagekit.search.query", {}) is None


def test_a_port_that_is_taken_and_an_open_server_are_refused(served: Served, nic_etl: NicEtl) -> None:
    port = served.address.rpartition(":")[2]
    taken = nic_etl(served.outputs, "serve", "--port", port)
    assert taken.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in taken.stderr
    assert is_warm(served.outputs)  # the first one is asked still
    for environment, options in (
        ({}, ()),
        ({"NIC_ETL_SERVE_TOKEN": TOKEN}, ()),
        ({}, ("--host-name", "nic")),
    ):
        opened = nic_etl(served.outputs, "serve", "--host", "0.0.0.0", *options, **environment)
        assert opened.returncode == 2
        assert "can be reached from other machines" in opened.stderr


def test_without_a_token_of_ones_own_a_new_one_is_shown_once(served: Served, tmp_path: Path) -> None:
    with start(tmp_path / "outputs", "--port", "0") as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[1].removesuffix("/search?q=…")
        token = process.stdout.readline().split()[4]
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.get(f"{address}/search?q=a", headers=headers, timeout=60)
        assert answer.status_code == 503
        assert "run `nic-etl run` first" in answer.json()["error"]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
