"""Which request of the REST interface means what, and what a key must allow for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.servers.qdrant_engine import Engine
from tests.servers.qdrant_errors import Refused


@dataclass
class Request:
    """A request's parts as a route needs them."""

    query: dict[str, str]
    body: dict[str, Any] = field(default_factory=dict)
    half: bool = False  # of an upsert, only the first half is applied

    @property
    def wait(self) -> bool:
        """Whether the writer wants to wait until the write is visible; the server's default is not to."""
        return self.query.get("wait") == "true"


Action = Callable[[Engine, Request, dict[str, str]], Any]


@dataclass(frozen=True)
class Route:
    """One request: its method, its path as a pattern, the access it needs, and what it does."""

    method: str
    pattern: str
    access: str  # none, read, write, manage
    action: Action

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the names in the path, or None."""
        found = re.fullmatch(self.pattern, path) if method == self.method else None
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None


# ruff: noqa: ARG005 - each action is given the engine, the request, and the names in its path
_C = "/collections/(?P<name>[^/]+)"
_P = f"{_C}/points"
_ROUTES = [
    Route("GET", "/", "none", lambda e, r, n: e.about()),
    Route("GET", "/(healthz|readyz|livez)", "none", lambda *_: "healthz check passed"),
    Route("GET", "/collections", "read", lambda e, r, n: e.list_collections()),
    Route("GET", "/aliases", "read", lambda e, r, n: e.list_aliases()),
    Route("POST", "/collections/aliases", "manage", lambda e, r, n: e.change_aliases(r.body)),
    Route("GET", f"{_C}/exists", "read", lambda e, r, n: e.exists(**n)),
    Route("GET", f"{_C}/aliases", "read", lambda e, r, n: e.list_aliases(**n)),
    Route("GET", _C, "read", lambda e, r, n: e.info(**n)),
    Route("PUT", _C, "manage", lambda e, r, n: e.create(**n, body=r.body)),
    Route("PATCH", _C, "manage", lambda e, r, n: e.update(**n, body=r.body)),
    Route("DELETE", _C, "manage", lambda e, r, n: e.drop(**n)),
    Route("PUT", f"{_C}/index", "write", lambda e, r, n: e.create_index(**n, body=r.body)),
    Route("DELETE", f"{_C}/index/(?P<field>[^/]+)", "write", lambda e, r, n: e.drop_index(**n)),
    Route("PUT", _P, "write", lambda e, r, n: e.upsert(**n, body=r.body, wait=r.wait, half=r.half)),
    Route("POST", f"{_P}/delete", "write", lambda e, r, n: e.delete(**n, body=r.body, wait=r.wait)),
    Route("POST", _P, "read", lambda e, r, n: e.retrieve(**n, body=r.body)),
    Route("POST", f"{_P}/scroll", "read", lambda e, r, n: e.scroll(**n, body=r.body)),
    Route("POST", f"{_P}/count", "read", lambda e, r, n: e.count(**n, body=r.body)),
    Route("POST", f"{_C}/facet", "read", lambda e, r, n: e.facet(**n, body=r.body)),
    Route("POST", f"{_P}/query", "read", lambda e, r, n: e.query(**n, body=r.body)),
    Route("POST", f"{_P}/query/batch", "read", lambda e, r, n: e.query_batch(**n, body=r.body)),
]


def route_of(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """Return the route of a request and the names in its path.

    Raises:
        Refused: if there is none.
    """
    for route in _ROUTES:
        names = route.match(method, path)
        if names is not None:
            return route, names
    raise Refused(404, "", plain=True)
