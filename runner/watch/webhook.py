"""A small HTTP server that GitLab's push webhook wakes a watch through, and that answers probes.

GitLab sends the secret in ``X-Gitlab-Token`` and the kind in ``X-Gitlab-Event``, and wants an answer within
ten seconds (https://docs.gitlab.com/user/project/integrations/webhooks/, …/webhook_events/): every delivery
is answered at once, and what follows from it happens elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from runner.errors import ConfigurationError
from stagekit.base.plain_json import parse_json
from stagekit.base.secret_files import secret_from_file
from stagekit.errors import StageError

__all__ = ["TOKEN_VARIABLE", "Push", "WebhookServer", "parse_address", "push_of", "webhook_token"]

TOKEN_VARIABLE = "NIC_ETL_WEBHOOK_TOKEN"
_SHORTEST_TOKEN = 16
_LARGEST_BODY = 25 * 1024 * 1024  # GitLab's own limit
_DRAINED = 64 * 1024
_TIMEOUT_S = 10.0
_CONNECTIONS = 16  # at once; more are hung up on
_EVENTS = {"Push Hook": "refs/heads/", "Tag Push Hook": "refs/tags/"}
_GONE = "0" * 40

Row = dict[str, Any]


@dataclass(frozen=True)
class Push:
    """What a delivery is about: why it is ignored (empty if it is not), and the commit that was pushed."""

    ignored: str = ""
    commit: str = ""


def webhook_token(environment: Mapping[str, str] | None = None) -> str:
    """Return the secret that GitLab has to send, from the variable or the file that ``…_FILE`` names.

    Raises:
        ConfigurationError: if there is none, it cannot be read, or it is easily guessed.
    """
    env = os.environ if environment is None else environment
    file = f"{TOKEN_VARIABLE}_FILE"
    try:
        value = env.get(TOKEN_VARIABLE, "").strip()
        if not value and env.get(file, "").strip():
            value = secret_from_file(file, env[file], "token")
    except StageError as error:
        raise ConfigurationError(str(error)) from None
    if len(value) < _SHORTEST_TOKEN:
        fault = "is too short" if value else "is not set"
        raise ConfigurationError(
            f"--webhook: {TOKEN_VARIABLE} {fault}: make a secret of at least {_SHORTEST_TOKEN} characters "
            f"(`openssl rand -hex 32`), set {TOKEN_VARIABLE} or {file} to it, and give GitLab the same one."
        )
    return value


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``, ``[::1]:8080`` or ``8080``, which listens on this machine only.

    Raises:
        ConfigurationError: if it is none of these.
    """
    host, _, port = text.strip().rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise ConfigurationError(f"--webhook is {text!r}: give HOST:PORT, for example 127.0.0.1:8080.")
    return host.strip("[]") or "127.0.0.1", int(port)


def push_of(event: str, payload: Any, project: str, branch: str) -> Push:
    """Judge a delivery.

    Args:
        event: its ``X-Gitlab-Event``.
        payload: its body.
        project: setting ``gitlab_project``, a path or a number.
        branch: setting ``target_branch``; empty means the project's default branch.
    """
    if event not in _EVENTS:
        return Push(ignored=f"{event or 'a delivery without X-Gitlab-Event'} is no push")
    about = payload.get("project") if isinstance(payload, dict) else None
    if not isinstance(about, dict):
        return Push(ignored="it names no project")
    names = {str(about.get("path_with_namespace", "")).lower(), str(about.get("id", ""))}
    if project.lower() not in names - {""}:
        return Push(ignored="it is of another project")
    prefix = _EVENTS[event]
    wanted = branch or str(about.get("default_branch") or "")
    if payload.get("ref") != f"{prefix}{wanted}":
        return Push(ignored="it is of another branch")
    commit = str(payload.get("checkout_sha") or payload.get("after") or "")
    return Push(commit="" if commit == _GONE else commit)


class WebhookServer:
    """Listens while it is open; each connection has its own thread and little time.

    Args:
        address: host and port; port 0 takes a free one.
        judge: is given the event's name and the payload of a delivery with the right token.
        health: returns whether all is well, and what to tell a probe.
    """

    def __init__(
        self,
        address: tuple[str, int],
        judge: Callable[[str, Any], Push],
        health: Callable[[], tuple[bool, Row]],
    ) -> None:
        webhook_token()
        handler = type(
            "BoundHandler", (_Handler,), {"judge": staticmethod(judge), "health": staticmethod(health)}
        )
        try:
            self._http = _Server(address, handler)
        except OSError as error:
            raise ConfigurationError(
                f"--webhook: {address[0]}:{address[1]} cannot be listened on ({error.strerror}); "
                "choose another port."
            ) from None
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.2,), daemon=True)

    @property
    def address(self) -> str:
        """Host and port that it listens on."""
        host, port = self._http.server_address[:2]
        return f"[{host!s}]:{port}" if ":" in str(host) else f"{host!s}:{port}"

    @property
    def local(self) -> bool:
        """Whether only programs of this machine can connect."""
        host = str(self._http.server_address[0])
        return host.startswith("127.") or host == "::1"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Hang up."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # whoever dawdles does not hold up the end

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._room = threading.BoundedSemaphore(_CONNECTIONS)
        if ":" in address[0]:
            import socket

            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever hangs up in the middle has nobody to be told about."""


class _Handler(BaseHTTPRequestHandler):
    judge: Callable[[str, Any], Push]
    health: Callable[[], tuple[bool, Row]]
    timeout = _TIMEOUT_S
    server_version = "nic-etl"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/health":
            return self._answer(404, {"error": "not found"})
        well, told = self.health()
        return self._answer(200 if well else 503, told)

    do_HEAD = do_GET  # noqa: N815 - a name that http.server looks for

    def do_POST(self) -> None:
        self._answer(*self._delivery())

    def _delivery(self) -> tuple[int, Row]:
        length = self.headers.get("Content-Length", "")
        try:
            wanted = webhook_token()
        except ConfigurationError:
            return 500, {"error": "the secret of this webhook cannot be read"}
        if not _same(self.headers.get("X-Gitlab-Token", ""), wanted):
            self._drain(length)
            return 401, {"error": "unauthorized"}
        if not length.isdigit():
            return 411, {"error": "give a Content-Length"}
        if int(length) > _LARGEST_BODY:
            return 413, {"error": "too large"}
        try:
            payload = parse_json(self.rfile.read(int(length)))
        except ValueError:
            return 400, {"error": "the body is not JSON"}
        push = self.judge(self.headers.get("X-Gitlab-Event", ""), payload)
        return 202, {"status": "ignored", "reason": push.ignored} if push.ignored else {"status": "accepted"}

    def _drain(self, length: str) -> None:
        # Hanging up on what was not read resets the connection, and the answer would be lost.
        if length.isdigit():
            self.rfile.read(min(int(length), _DRAINED))

    def _answer(self, status: int, told: Row) -> None:
        body = json.dumps(told).encode()
        self.close_connection = True
        with suppress(OSError):  # whoever asked is gone
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Print nothing: the watch tells what a delivery led to."""


def _same(one: str, other: str) -> bool:
    # Digests are of equal length, so that the time says nothing about the length either.
    pair = (hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest() for text in (one, other))
    return hmac.compare_digest(*pair)
