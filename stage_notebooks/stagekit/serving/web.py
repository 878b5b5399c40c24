"""Serves questions over HTTP: plain ``GET``, and the Model Context Protocol at ``/mcp``.

Every address asks for the token, and a request must name a host that is known: pages in a browser, which can
reach this machine, know neither.
"""

from __future__ import annotations

import hmac
import socket
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from stagekit.serving.answers import Answers
from stagekit.serving.mcp import mcp_server

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_STATUS = {0: 200, 2: 400}  # of an exit code; any other is the store's fault: 503
_OWN = frozenset({"q", "top", "mode", "per_document"})
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def application(answers: Answers, token: str, hosts: Sequence[str] = ()) -> ASGIApp:
    """Return the ASGI application.

    ``GET /search?q=…&top=5&mode=hybrid&per_document=2&status=approved``: a JSON object with ``query``,
    ``hits`` and ``warnings``; any other parameter is a filter, also ``created>=2024``.
    ``GET /document?path=…``: ``document`` and ``warnings``. Errors are a JSON object with ``error``: 400 the
    request is wrong, 401 no or a wrong token, 421 another host, 503 the store cannot answer.

    Args:
        answers: the requests.
        token: that each request has as ``Authorization: Bearer …``.
        hosts: names by which the server may be addressed, beside the loopback ones.
    """
    known = [*LOOPBACK, *hosts]
    names = [form for host in known for form in (host, f"{host}:*")]
    security = TransportSecuritySettings(
        allowed_hosts=names,
        allowed_origins=[f"{scheme}://{name}" for scheme in ("http", "https") for name in names],
    )
    app = mcp_server(answers).streamable_http_app(
        json_response=True, stateless_http=True, transport_security=security
    )
    app.router.routes += [
        Route("/search", partial(_search, answers)),
        Route("/document", partial(_document, answers)),
    ]
    return _Guard(app, token, known)


async def _search(answers: Answers, request: Request) -> JSONResponse:
    given = request.query_params
    top = given.get("top", "5")
    if not top.isdecimal() or not 1 <= int(top) <= 100:
        return _told({"error": f"top is {top!r}: write a number from 1 to 100."}, 400)
    wanted = {
        "question": given.get("q", ""),
        "top": int(top),
        "mode": given.get("mode", ""),
        "filters": _filters(given),
    }
    if "per_document" in given:
        if not given["per_document"].isdecimal():
            return _told({"error": "per_document takes a whole number, 0 for all."}, 400)
        wanted["passages_per_document"] = int(given["per_document"])
    echo = {"query": wanted["question"]}
    return await _answered(answers, "stagekit.search.query", wanted, "hits", echo)


def _filters(given: QueryParams) -> dict[str, dict[str, list[str]]]:
    """Return the filters of an address; of ``created>=2024`` the name ends with the first sign."""
    filters: dict[str, dict[str, list[str]]] = {}
    for name, value in given.multi_items():
        if name not in _OWN:
            field = name.rstrip("<>")
            filters.setdefault(field, {}).setdefault(f"{name[len(field) :]}=", []).append(value)
    return filters


async def _document(answers: Answers, request: Request) -> JSONResponse:
    wanted = {"path": request.query_params.get("path", "")}
    return await _answered(answers, "stagekit.serving.document", wanted, "document", {})


class _Guard:
    """Lets a request through that has the token and names a known host."""

    def __init__(self, app: ASGIApp, token: str, hosts: Sequence[str]) -> None:
        self._app = app
        self._token = f"Bearer {token}".encode()
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # the application's own start and end
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if _without_port(headers.get("host", "")) not in self._hosts:
            refused = _told(
                {"error": "This server is not known by that name: see nic-etl serve --host-name."}, 421
            )
        elif not hmac.compare_digest(headers.get("authorization", "").encode(), self._token):
            refused = _told({"error": "Give the token as `Authorization: Bearer …`."}, 401)
            refused.headers["WWW-Authenticate"] = "Bearer"
        else:
            await self._app(scope, receive, send)
            return
        await refused(scope, receive, send)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


async def _answered(
    answers: Answers, tool: str, request: dict[str, Any], name: str, echo: dict[str, Any]
) -> JSONResponse:
    found = await anyio.to_thread.run_sync(partial(answers.answer, tool, request))
    if found.exit_code:
        return _told({"error": found.error}, _STATUS.get(found.exit_code, 503))
    return _told({**echo, name: found.answer, "warnings": list(found.warnings)}, 200)


def _told(content: dict[str, Any], status: int) -> JSONResponse:
    return JSONResponse(content, status_code=status, headers=_HEADERS)


def serve_web(app: ASGIApp, listening: socket.socket) -> None:
    """Serve :func:`application` on a socket that listens already, until a signal ends it."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listening])
