"""The doctor and the store: reachable, writable and of the same time, or a sentence that says why not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig
from stagekit.checks.doctor_store import check_store
from stagekit.storage import connect
from tests.servers.qdrant_server import QdrantServer
from tests.unit.storage_rows import create

pytestmark = pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")

Row = dict[str, Any]


def rows(tmp_path: Path, **settings: Any) -> list[Row]:
    return check_store(PipelineConfig(**settings).model_dump(mode="json"), tmp_path)


def states(found: list[Row]) -> list[tuple[str, bool]]:
    return [(row["check"], row["ok"]) for row in found]


@pytest.fixture
def server() -> Iterator[QdrantServer]:
    with QdrantServer(api_key="may-write", read_only_key="may-read") as started:
        yield started


def test_a_server_that_is_well_is_named_with_its_version(
    tmp_path: Path, server: QdrantServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", "may-write")
    found = rows(tmp_path, qdrant_url=server.url)
    assert states(found) == [
        ("store", True), ("store clock", True), ("store key", True), ("store writing", True),
    ]  # fmt: skip
    assert found[0]["detail"] == f"{server.url}, Qdrant 1.19.0"
    assert found[2]["detail"] == "collections of nic_documents that can be read: 0, sources in it: 0"
    assert server.engine.list_aliases()["aliases"] == []


# Servers that are something else

Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def other() -> Iterator[Callable[[Answer], str]]:
    """Start an HTTP server that answers as it is told, and return its address."""
    started: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def log_message(self, *_: object) -> None:
                return

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        started.append((http, thread))
        return f"http://127.0.0.1:{http.server_address[1]}"

    yield start
    for http, thread in started:
        http.shutdown()
        http.server_close()
        thread.join()


def page(request: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    request.send_response_only(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def test_a_key_is_not_carried_to_where_a_server_points(
    tmp_path: Path, other: Callable[[Answer], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", "hush-hush")
    seen: list[str] = []
    elsewhere = other(lambda request: seen.append(request.path))
    [row] = rows(tmp_path, qdrant_url=other(lambda request: page(request, 302, Location=elsewhere)))
    assert "leads elsewhere (HTTP 302), where the key is not sent: correct qdrant_url" in row["detail"]
    assert seen == []


@pytest.mark.parametrize(
    ("date", "ok", "said"),
    [
        (formatdate(0, usegmt=True), False, "s ahead of the store's: let NTP set both"),
        (formatdate(4e9, usegmt=True), False, "s behind the store's"),
        ("", True, "the store tells no time"),
    ],
)
def test_a_clock_that_is_off_is_told(
    tmp_path: Path, other: Callable[[Answer], str], date: str, ok: bool, said: str
) -> None:
    headers = {"Date": date} if date else {}
    answers = {"/": {"title": "qdrant - vector search engine", "version": "1.19.0"}}
    answers["/aliases"] = {"result": {"aliases": []}}
    answers["/collections"] = {"result": {"collections": []}}

    def answer(request: BaseHTTPRequestHandler) -> None:
        page(request, 200, json.dumps(answers[request.path]).encode(), **headers)

    row = rows(tmp_path, qdrant_url=other(answer))[1]
    assert (row["check"], row["ok"]) == ("store clock", ok)
    assert said in row["detail"]


# The embedded store


def test_the_embedded_store_is_counted_or_awaited(tmp_path: Path) -> None:
    assert rows(tmp_path) == [{"check": "store", "ok": True, "detail": "embedded; the first run makes it"}]
    client = connect("embedded", tmp_path)
    create(client)
    client.close()
    assert rows(tmp_path)[0]["detail"] == "embedded, collections: 1"


def test_an_embedded_store_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "qdrant").mkdir()
    monkeypatch.setattr("os.access", lambda *_: False)  # the tests may run as root, who may do anything
    [row] = rows(tmp_path)
    assert not row["ok"]
    assert "cannot be written" in row["detail"]
