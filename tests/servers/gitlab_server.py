"""A test server for GitLab's REST v4: real git repositories over real HTTP, with faults that tests switch on.

    with GitLabServer() as server:
        server.add_project("nic/documentos", repository)
        token = server.add_token("glpat-...")
        gitlab.Gitlab(server.url, oauth_token=token.value)

As a program it serves one repository until it is stopped, and prints its address:
``python -m tests.servers.gitlab_server REPOSITORY [PROJECT]`` (token: ``$GITLAB_TOKEN``).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tests.servers.faults import GITLAB, LOGIN_PAGE, Fault, FaultBoard
from tests.servers.gitlab_access import Refused, Token, allow, identify, not_found
from tests.servers.gitlab_git import GitRepository
from tests.servers.gitlab_routes import Answer, Project, Request, answer, route_of

_API = "/api/v4/"


@dataclass(frozen=True)
class Logged:
    """One request as the server saw it."""

    method: str
    target: str
    headers: dict[str, str]
    status: int


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: clients of tests hang up in the middle of answers on purpose."""


class TestHost:
    """A server on 127.0.0.1 that logs what it was asked; ``respond`` makes the answers."""

    __test__ = False

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.log: list[Logged] = []
        self._http = _HttpServer(("127.0.0.1", 0), _handler(self))
        self._tls = tls
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._http.server_port}"

    def respond(self, handler: Handler) -> None:
        raise NotImplementedError

    def requests(self, part: str = "") -> list[str]:
        """Return method and target of the logged requests that contain ``part``."""
        lines = [f"{entry.method} {entry.target}" for entry in self.log]
        return [line for line in lines if part in line]

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class OtherHost(TestHost):
    """Another host, such as object storage or a sign-in page: answers every request with ``body``."""

    __test__ = False

    def __init__(self, body: bytes = b"", content_type: str = "application/octet-stream") -> None:
        super().__init__()
        self.body = body
        self.content_type = content_type

    def respond(self, handler: Handler) -> None:
        handler.send(200, self.body, self.content_type, {})


class GitLabServer(TestHost):
    """GitLab's REST v4 for the projects and tokens that were added."""

    __test__ = False

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.projects: list[Project] = []
        self.tokens: dict[str, Token] = {}
        self.faults = FaultBoard(GITLAB)
        self.external_url = ""  # what the server believes its own address to be
        self.moved: dict[str, str] = {}  # a project's former path -> its path now
        self.version = "18.5.1-ee"

    def add_project(self, path: str, repository: Path, number: int = 0, **settings: Any) -> Project:
        project = Project(number or len(self.projects) + 101, path, GitRepository(repository), **settings)
        self.projects.append(project)
        return project

    def add_token(self, value: str, **settings: Any) -> Token:
        self.tokens[value] = token = Token(value, **settings)
        return token

    def __exit__(self, *details: Any) -> None:
        super().__exit__(*details)
        for project in self.projects:
            project.repository.close()

    def respond(self, handler: Handler) -> None:
        fault = self.faults.take(handler.path)
        if fault is not None and fault.kind == "expire_tokens":
            for token in self.tokens.values():
                token.expired = True
        if fault is not None and _instead(handler, fault):
            return
        try:
            result = self._answer(handler)
        except Refused as refusal:
            result = Answer(refusal.body, status=refusal.status, headers=refusal.headers)
        body, content_type = result.payload()
        if result.data is not None and result.status == 200:  # as Rack::ETag and Rack::ConditionalGet do
            result.headers["ETag"] = f'W/"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
            if handler.headers.get("If-None-Match") == result.headers["ETag"]:
                handler.send(304, b"", content_type, {"ETag": result.headers["ETag"]}, length=0)
                return
        if fault is not None and fault.kind == "strip_link":
            result.headers.pop("Link", None)
        if fault is not None and _damaged(handler, fault, body, content_type, result):
            return
        handler.send(result.status, body, content_type, result.headers)

    def _answer(self, handler: Handler) -> Answer:
        parts = urlsplit(handler.path)
        if not parts.path.startswith(_API):
            return Answer(body=LOGIN_PAGE, content_type="text/html; charset=utf-8")
        segments = [unquote(segment) for segment in parts.path.removeprefix(_API).split("/")]
        web = self.external_url or self.url
        request = Request(
            segments, dict(parse_qsl(parts.query, keep_blank_values=True)), f"{web}{_API}".rstrip("/"), web
        )
        request.token = identify(handler.headers, self.tokens)  # type: ignore[arg-type]
        if segments[0] != "projects":
            return self._instance(segments, request.token)
        rest = segments[2:]
        route = route_of(rest)
        if not route or len(segments) < 2:
            raise Refused(404, {"error": "404 Not Found"})
        if segments[1] in self.moved:
            old = parts.path.removeprefix(_API).split("/")[1]
            target = handler.path.replace(old, quote(self.moved[segments[1]], safe=""), 1)
            said = f"This resource has been moved permanently to {target}".encode()
            return Answer(body=said, status=301, headers={"Location": f"{web}{target}"})
        project = next((p for p in self.projects if segments[1] in (str(p.number), p.path)), None)
        allow(request.token, project.visibility if project else "private", route)
        if project is None:
            raise not_found("Project")
        return answer(project, route, rest, request)

    def _instance(self, segments: list[str], token: Token | None) -> Answer:
        if segments not in (["version"], ["user"], ["personal_access_tokens", "self"]):
            raise Refused(404, {"error": "404 Not Found"})
        if token is None or token.kind == "job":
            raise Refused(401, {"message": "401 Unauthorized"})
        if segments == ["version"]:
            return Answer({"version": self.version, "revision": "0d6a1b2c3d4"})
        if segments == ["user"]:
            allow(token, "public", "user")
            return Answer({"id": 7, "username": "leitora", "name": "Leitora", "state": "active"})
        facts = {"id": 9, "name": "nic-etl", "revoked": False, "active": True, "user_id": 7}
        return Answer({**facts, "scopes": list(token.scopes), "expires_at": "2027-01-31"})


class Handler(BaseHTTPRequestHandler):
    """One connection; ``host`` is set by the class that :func:`_handler` makes."""

    host: TestHost
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        try:
            self.host.respond(self)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    do_HEAD = do_GET  # noqa: N815 - names that http.server looks for

    def send(
        self, status: int, body: bytes, content_type: str, headers: dict[str, str], length: int = -1
    ) -> None:
        self.begin(
            status, content_type, headers | {"Content-Length": str(len(body) if length < 0 else length)}
        )
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def begin(self, status: int, content_type: str, headers: dict[str, str]) -> None:
        self.host.log.append(Logged(self.command, self.path, dict(self.headers.items()), status))
        self.send_response_only(status)
        self.send_header("Server", "nginx")
        if "Date" not in headers:
            self.send_header("Date", self.date_time_string())
        for name, value in ({"Content-Type": content_type} | headers).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Print nothing; the host keeps the log."""


def _handler(host: TestHost) -> type[Handler]:
    return type("BoundHandler", (Handler,), {"host": host})


def _instead(handler: Handler, fault: Fault) -> bool:
    """Answer in the place of the server; return whether that was done."""
    options = fault.options
    if fault.kind == "reset":
        handler.host.log.append(Logged(handler.command, handler.path, dict(handler.headers.items()), 0))
        # SO_LINGER of 0 seconds: close() sends a reset instead of an orderly end.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True
        handler.connection.close()
    elif fault.kind == "html_login":
        handler.send(200, LOGIN_PAGE, "text/html; charset=utf-8", {})
    elif fault.kind == "redirect":
        handler.send(302, b"", "text/html", {"Location": options["to"]})
    elif fault.kind == "rate_limit":
        headers = {"Retry-After": str(options["retry_after"])} if "retry_after" in options else {}
        said = {"message": {"error": "This endpoint has been requested too many times. Try again later."}}
        if options.get("json"):
            handler.send(429, json.dumps(said).encode(), "application/json", headers)
        else:
            handler.send(429, b"Retry later\n", "text/plain", headers)
    elif fault.kind == "status":
        body = options.get("body", b"<html><body>502 Whoops, GitLab is taking too much time</body></html>")
        kind = "application/json" if body[:1] == b"{" else "text/html"
        handler.send(options["code"], body, kind, options.get("headers", {}))
    elif fault.kind == "stall":
        time.sleep(options["seconds"])
        return False
    elif fault.kind == "endless":
        handler.begin(200, "application/octet-stream", {"Connection": "close"})
        handler.close_connection = True
        while True:
            handler.wfile.write(b"x" * 65536)
    else:
        return False
    return True


def _damaged(handler: Handler, fault: Fault, body: bytes, content_type: str, result: Answer) -> bool:
    """Send a damaged form of the true answer; return whether that was done."""
    half = body[: len(body) // 2]
    if fault.kind == "truncate":
        handler.send(result.status, half, content_type, result.headers, length=len(body))
        handler.close_connection = True
    elif fault.kind == "shorten":
        handler.send(result.status, half, content_type, result.headers)
    elif fault.kind == "corrupt":
        handler.send(result.status, bytes(sign ^ 1 for sign in body), content_type, result.headers)
    elif fault.kind == "slow":
        handler.begin(result.status, content_type, result.headers | {"Content-Length": str(len(body))})
        for sign in body:
            handler.wfile.write(bytes([sign]))
            handler.wfile.flush()
            time.sleep(fault.options["seconds"])
    else:
        return False
    return True


def main(arguments: list[str]) -> None:
    """Serve one repository until the process is stopped."""
    with GitLabServer() as server:
        server.add_project(arguments[1] if len(arguments) > 1 else "nic/documentos", Path(arguments[0]))
        server.add_token(os.environ.get("GITLAB_TOKEN", "glpat-test-server-token"))
        print(server.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
