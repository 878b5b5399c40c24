"""A test server for Qdrant's REST interface: real HTTP for the unpatched client, with faults on demand.

    with QdrantServer(api_key="...") as server:
        client = QdrantClient(url=server.url, api_key="...")
        server.faults.add("drop_after", "PUT .*/points", times=1)

As a program it serves until it is stopped, and prints its address:
``python -m tests.servers.qdrant_server [PORT]`` (key: ``$QDRANT_API_KEY``).
"""

from __future__ import annotations

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
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import ValidationError
from pydantic_core import from_json

from tests.servers.faults import LOGIN_PAGE, Fault, QdrantFaults
from tests.servers.qdrant_engine import Engine
from tests.servers.qdrant_errors import Refused, bad_input, bad_json
from tests.servers.qdrant_routes import Request, Route, route_of

_WRITES = ("PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Logged:
    """One request as the server saw it; status 0 where the connection was reset."""

    method: str
    target: str
    headers: dict[str, str]
    status: int
    bytes: int
    points: int  # of an upsert or a delete by id


class QdrantServer:
    """Qdrant's REST interface on 127.0.0.1, over data that survives :meth:`stop` and :meth:`start`.

    Args:
        api_key: that every request must bring; empty for none.
        read_only_key: that may only read.
        scoped_key: that may read and write one collection, and manage none.
        scope: the name of that collection.
        prefix: path below which the interface lies, as behind a proxy.
        tls: context of a server certificate; None for plain HTTP.
        port: to listen on; 0 for a free one.
    """

    __test__ = False

    def __init__(
        self,
        api_key: str = "",
        read_only_key: str = "",
        scoped_key: str = "",
        scope: str = "",
        prefix: str = "",
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.engine = Engine()
        self.faults = QdrantFaults()
        self.log: list[Logged] = []
        self.api_key, self.read_only_key, self.prefix = api_key, read_only_key, prefix
        self.scoped_key, self.scope = scoped_key, scope
        self.max_request_bytes = 32 * 1024 * 1024
        self._tls, self._port = tls, port
        self._http: _HttpServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}{self.prefix}"

    @property
    def running(self) -> bool:
        return self._http is not None

    def start(self) -> None:
        handler = type("BoundHandler", (_Handler,), {"host": self})
        self._http = _HttpServer(("127.0.0.1", self._port), handler)
        self._port = self._http.server_port
        if self._tls is not None:
            self._http.socket = self._tls.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the server as a crash does: requests under way lose their connection."""
        if self._http is None or self._thread is None:
            return
        http, self._http = self._http, None
        http.shutdown()
        http.server_close()
        self._thread.join()

    def __enter__(self) -> QdrantServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def requests(self, part: str = "") -> list[Logged]:
        """Return the logged requests whose method and target contain ``part``."""
        return [entry for entry in self.log if part in f"{entry.method} {entry.target}"]

    def writes(self) -> list[Logged]:
        """Return the logged requests that change something."""
        changes = ("/points/delete", "/collections/aliases")
        paths = [(entry, urlsplit(entry.target).path) for entry in self.log]
        return [
            e for e, path in paths if e.method in _WRITES or (e.method == "POST" and path.endswith(changes))
        ]

    def answer(self, handler: _Handler) -> None:
        """Answer one request, as the faults say."""
        parts = urlsplit(handler.path)
        size = int(handler.headers.get("Content-Length") or 0)
        raw = handler.rfile.read(size)
        try:
            route, names = self._admit(handler, parts.path)
            request = Request(dict(parse_qsl(parts.query)), self._body(raw))
        except Refused as refusal:
            handler.refuse(refusal, size)
            return
        handler.points = len(request.body.get("points") or []) if route.access == "write" else 0
        fault = self.faults.take(f"{handler.command} {handler.path}", request.body)
        if not self.running or (fault is not None and fault.kind == "drop_before"):
            handler.reset(size)
        elif fault is None or not self._instead(handler, fault, size):
            self._carry_out(handler, route, request, names, fault, size)

    def _admit(self, handler: _Handler, path: str) -> tuple[Route, dict[str, str]]:
        if not path.startswith(self.prefix):
            raise Refused(404, "404 page not found", plain=True)
        route, names = route_of(handler.command, path.removeprefix(self.prefix) or "/")
        if not self.api_key or route.access == "none":
            return route, names
        bearer = (handler.headers.get("Authorization") or "").removeprefix("Bearer ")
        key = handler.headers.get("api-key") or bearer
        if not key:
            raise Refused(401, "Must provide an API key or an Authorization bearer token", plain=True)
        if key not in {self.api_key, self.read_only_key, self.scoped_key} - {""}:
            raise Refused(401, "Invalid API key or JWT", plain=True)
        if key == self.scoped_key and names.get("name", self.scope) != self.scope:
            raise Refused(403, f"Forbidden: Access to collection {names['name']} is required")
        allowed = {"read", "write"} if key == self.scoped_key else {"read"}
        if key != self.api_key and route.access not in allowed:
            what = {"manage": "Global manage access is required"}.get(route.access)
            what = what or f"Write access to collection {names.get('name')} is required"
            raise Refused(403, f"Forbidden: {what}")
        return route, names

    def _body(self, raw: bytes) -> dict[str, Any]:
        if len(raw) > self.max_request_bytes:
            limit = self.max_request_bytes
            said = f"JSON payload ({len(raw)} bytes) is larger than allowed (limit: {limit} bytes)."
            raise Refused(400, said)
        try:
            return from_json(raw) if raw else {}
        except ValueError as error:
            raise bad_json(str(error)) from None

    def _instead(self, handler: _Handler, fault: Fault, size: int) -> bool:
        """Answer in the place of the server; return whether that was done."""
        options = fault.options
        if fault.kind == "status" and "body" in options:
            handler.send(options["code"], options["body"], "text/plain", size, options.get("headers", {}))
        elif fault.kind == "status":
            handler.refuse(Refused(options["code"], options["error"]), size, options.get("headers", {}))
        elif fault.kind == "html":
            handler.send(200, LOGIN_PAGE, "text/html; charset=utf-8", size)
        return fault.kind in {"status", "html"}

    def _carry_out(
        self,
        handler: _Handler,
        route: Route,
        request: Request,
        names: dict[str, str],
        fault: Fault | None,
        size: int,
    ) -> None:
        kind = fault.kind if fault is not None else ""
        request.half = kind == "partial"
        if kind == "wait_timeout":
            request.query["wait"] = "false"
        try:
            with self.engine.lock:
                result = route.action(self.engine, request, names)
        except Refused as refusal:
            handler.refuse(refusal, size)
            return
        except ValidationError as error:
            handler.refuse(bad_json(str(error.errors()[0]["msg"])), size)
            return
        except ValueError as error:
            handler.refuse(bad_input(str(error)), size)
            return
        if kind == "partial":
            handler.refuse(Refused(500, "Service internal error: a shard failed"), size)
        elif kind == "drop_after" or not self.running:
            handler.reset(size)
        else:
            self._succeed(handler, result, fault, size)

    def _succeed(self, handler: _Handler, result: Any, fault: Fault | None, size: int) -> None:
        kind = fault.kind if fault is not None else ""
        if kind == "wait_timeout":
            result = {**result, "status": "wait_timeout"}
        if fault is not None and kind == "slow":
            time.sleep(fault.options["seconds"])
        answer = {"result": result, "status": "ok", "time": 0.0003}
        body = json.dumps(result if isinstance(result, dict) and "title" in result else answer).encode()
        if isinstance(result, str):
            handler.send(200, result.encode(), "text/plain", size)
        else:
            handler.send(
                200, body[: len(body) // 2] if kind == "truncate" else body, "application/json", size
            )


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: clients of tests hang up in the middle of answers on purpose."""


class _Handler(BaseHTTPRequestHandler):
    """One connection; ``host`` is set where the class is bound."""

    host: QdrantServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    points = 0

    def do_GET(self) -> None:
        self.points = 0
        try:
            self.host.answer(self)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - names that http.server looks for

    def send(
        self, status: int, body: bytes, kind: str, size: int, headers: dict[str, str] | None = None
    ) -> None:
        self._log(status, size)
        self.send_response_only(status)
        given = {"Content-Type": kind, "Content-Length": str(len(body))} | (headers or {})
        for name, value in given.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def refuse(self, refusal: Refused, size: int, headers: dict[str, str] | None = None) -> None:
        if refusal.plain:
            self.send(refusal.status, refusal.text.encode(), "text/plain; charset=utf-8", size, headers)
            return
        body = json.dumps({"status": {"error": refusal.text}, "time": 0.0}).encode()
        self.send(refusal.status, body, "application/json", size, headers)

    def reset(self, size: int) -> None:
        self._log(0, size)
        # SO_LINGER of 0 seconds: close() sends a reset instead of an orderly end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _log(self, status: int, size: int) -> None:
        headers = dict(self.headers.items())
        self.host.log.append(Logged(self.command, self.path, headers, status, size, self.points))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Print nothing; the host keeps the log."""


def main() -> None:
    """Serve until the process ends."""
    port = int(sys.argv[1]) if sys.argv[1:] else 0
    with QdrantServer(api_key=os.environ.get("QDRANT_API_KEY", ""), port=port) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
