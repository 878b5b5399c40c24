"""The webhook of `nic-etl watch`, over real HTTP: only the right push of the right project wakes it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.errors import ConfigurationError
from runner.watch.webhook import Push, WebhookServer, parse_address, push_of, webhook_token

SECRET = "0123456789abcdef-of-the-webhook"
COMMIT = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7"


def delivery(**changed: Any) -> dict[str, Any]:
    """The body of a push event, as GitLab's documentation shows it, shortened."""
    project = {"id": 15, "path_with_namespace": "nic/Documentos", "default_branch": "main"}
    body = {"object_kind": "push", "ref": "refs/heads/main", "checkout_sha": COMMIT, "after": COMMIT}
    return body | {"project": project | changed.pop("project", {})} | changed


class Place:
    """A server, what it was given, and a client."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[str, Any]] = []
        self.well = True
        self.server = WebhookServer(("127.0.0.1", 0), self.judge, lambda: (self.well, {"state": "idle"}))
        self.server.start()

    def judge(self, event: str, payload: Any) -> Push:
        self.deliveries.append((event, payload))
        return push_of(event, payload, "nic/documentos", "")

    def call(
        self, method: str, path: str = "/", body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, Any]]:
        host, port = self.server.address.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        try:
            connection.request(
                method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
            )
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        finally:
            connection.close()

    def push(self, body: Any, *, token: str = SECRET, event: str = "Push Hook") -> tuple[int, dict[str, Any]]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.call("POST", "/", data, X_Gitlab_Token=token, X_Gitlab_Event=event)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("NIC_ETL_WEBHOOK_TOKEN", SECRET)
    place = Place()
    yield place
    place.server.close()


def test_a_push_to_the_branch_is_accepted(place: Place) -> None:
    assert place.push(delivery()) == (202, {"status": "accepted"})
    assert place.deliveries[0][0] == "Push Hook"


@pytest.mark.parametrize("token", ["", "wrong", SECRET[:-1], SECRET + "x", "ação"])
def test_a_wrong_token_is_told_nothing_and_its_body_is_not_looked_at(place: Place, token: str) -> None:
    status, told = place.push(b"{ not json", token=token.encode().decode("latin-1"))
    assert (status, told) == (401, {"error": "unauthorized"})
    assert not place.deliveries


def test_what_is_no_json_too_large_or_without_length_is_refused(place: Place) -> None:
    assert place.push(b"{ not json")[0] == 400
    assert place.push(b"[" * 100_000)[0] == 400
    headers = {"X_Gitlab_Token": SECRET, "X_Gitlab_Event": "Push Hook"}
    assert place.call("POST", "/", b"", Content_Length=str(10**9), **headers)[0] == 413
    assert place.call("POST", "/", b"", Transfer_Encoding="chunked", **headers)[0] == 411
    assert not place.deliveries


@pytest.mark.parametrize(
    ("event", "body", "why"),
    [
        ("Push Hook", delivery(project={"path_with_namespace": "nic/outro"}), "another project"),
        ("Push Hook", delivery(ref="refs/heads/rascunho"), "another branch"),
        ("Tag Push Hook", delivery(ref="refs/tags/v1"), "another branch"),
        ("Push Hook", delivery(ref="refs/tags/main"), "another branch"),
        ("Issue Hook", delivery(), "Issue Hook is no push"),
        ("", delivery(), "without X-Gitlab-Event"),
        ("Push Hook", [1, 2], "no project"),
        ("Push Hook", {"project": 5}, "no project"),
    ],
)
def test_what_does_not_concern_the_source_is_ignored_with_a_reason(
    place: Place, event: str, body: Any, why: str
) -> None:
    status, told = place.push(body, event=event)
    assert status == 202
    assert told["status"] == "ignored"
    assert why in told["reason"]


def test_project_and_branch_are_known_by_path_number_and_setting() -> None:
    assert push_of("Push Hook", delivery(), "NIC/documentos", "main") == Push(commit=COMMIT)
    assert push_of("Push Hook", delivery(), "15", "main") == Push(commit=COMMIT)
    assert push_of("Push Hook", delivery(ref="refs/heads/v2"), "15", "v2") == Push(commit=COMMIT)
    assert push_of("Tag Push Hook", delivery(ref="refs/tags/v2"), "15", "v2") == Push(commit=COMMIT)
    # A branch that was deleted is news, too: the run says so.
    assert push_of("Push Hook", delivery(checkout_sha=None, after="0" * 40), "15", "main") == Push()


def test_a_probe_learns_whether_all_is_well_without_a_token(place: Place) -> None:
    assert place.call("GET", "/health") == (200, {"state": "idle"})
    assert place.call("HEAD", "/health") == (200, {})
    place.well = False
    assert place.call("GET", "/health?x=1")[0] == 503
    assert place.call("GET", "/")[0] == 404


def test_dawdlers_do_not_keep_others_from_being_answered(place: Place) -> None:
    host, port = place.server.address.split(":")
    dawdlers = [socket.create_connection((host, int(port))) for _ in range(8)]
    try:
        for one in dawdlers:
            one.sendall(b"POST / HTTP/1.1\r\nX-Gitlab-Token: ")
        assert place.push(delivery())[0] == 202
    finally:
        for one in dawdlers:
            one.close()


def test_more_connections_than_it_serves_at_once_are_hung_up_on(place: Place) -> None:
    host, port = place.server.address.split(":")
    many = [socket.create_connection((host, int(port)), timeout=20) for _ in range(20)]
    try:
        assert many[-1].recv(1) == b""
    finally:
        for one in many:
            one.close()


def test_the_secret_may_be_exchanged_in_its_file_while_it_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    monkeypatch.setenv("NIC_ETL_WEBHOOK_TOKEN_FILE", str(file))
    place = Place()
    try:
        assert place.push(delivery())[0] == 202
        file.write_text("another-secret-of-this-webhook")
        assert place.push(delivery())[0] == 401
        assert place.push(delivery(), token="another-secret-of-this-webhook")[0] == 202
        file.unlink()
        status, told = place.push(delivery())
        assert status == 500
        assert str(tmp_path) not in json.dumps(told)
    finally:
        place.server.close()


def test_without_a_secret_that_is_hard_to_guess_it_does_not_listen(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not set.*openssl rand -hex 32"):
        webhook_token({})
    with pytest.raises(ConfigurationError, match="too short"):
        webhook_token({"NIC_ETL_WEBHOOK_TOKEN": "secret"})
    with pytest.raises(ConfigurationError, match="cannot be read"):
        webhook_token({"NIC_ETL_WEBHOOK_TOKEN_FILE": str(tmp_path / "none")})
    with pytest.raises(ConfigurationError, match="is not set"):
        WebhookServer(("127.0.0.1", 0), lambda *_: Push(), lambda: (True, {}))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("8080", ("127.0.0.1", 8080)),
        (":8080", ("127.0.0.1", 8080)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:9000", ("::1", 9000)),
        ("watch.example.org:9000", ("watch.example.org", 9000)),
    ],
)
def test_an_address_without_host_is_this_machine_only(text: str, meant: tuple[str, int]) -> None:
    assert parse_address(text) == meant


@pytest.mark.parametrize("text", ["", "localhost", "localhost:http", "localhost:70000"])
def test_what_is_no_address_is_said_with_an_example(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1:8080"):
        parse_address(text)


def test_a_port_in_use_is_said_in_a_sentence_and_other_addresses_are_known_as_open(place: Place) -> None:
    host, port = place.server.address.split(":")
    with pytest.raises(ConfigurationError, match="choose another port"):
        WebhookServer((host, int(port)), lambda *_: Push(), lambda: (True, {}))
    assert place.server.local
    for address, local in ((("0.0.0.0", 0), False), (("::1", 0), True)):
        server = WebhookServer(address, lambda *_: Push(), lambda: (True, {}))
        assert server.local is local
        assert (server.address.count("[") == 1) is (":" in address[0])
        server.close()
    assert threading.active_count() < 50
