"""Looks at the vector store for ``nic-etl doctor``, with the client and the questions of a run."""

from __future__ import annotations

import contextlib
import email.utils
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stagekit.base.store_address import connection_options, server_url
from stagekit.errors import StageError

if TYPE_CHECKING:
    import httpx

Row = dict[str, Any]
_WAIT_S: Final = 3.0  # for what may pass; a run waits for retry_budget_s
_SKEW_S: Final = 60.0


def check_store(settings: Row, outputs: Path) -> list[Row]:
    """Return one row (check, ok, detail) a step, up to the first that fails; nothing is changed.

    A server is asked what a run asks before it writes, and then for the right to write, see
    :func:`stagekit.storage.collections.require_writable`.
    """
    from stagekit.storage import is_embedded  # the client library takes a second to import

    steps = _embedded(outputs) if is_embedded(settings["qdrant_url"]) else _server(settings, outputs)
    rows: list[Row] = []
    checks = ("store", "store clock", "store key", "store writing")
    try:
        for check, (ok, detail) in zip(checks, steps, strict=False):
            rows.append({"check": check, "ok": ok, "detail": detail})
    except StageError as error:
        rows.append({"check": checks[len(rows)], "ok": False, "detail": str(error)})
    return rows


def _server(settings: Row, outputs: Path) -> Iterator[tuple[bool, str]]:
    from stagekit.storage import (
        connect,
        physical_collections,
        qdrant_errors,
        require_writable,
        server_version,
        sources_of,
    )

    url, name = settings["qdrant_url"], settings["collection_name"]
    patience = {"retry_budget_s": min(_WAIT_S, settings["retry_budget_s"])}
    client = connect(url, outputs, **connection_options(settings) | patience)
    dates: list[str] = []
    client.http.client.add_middleware(_noting(dates))
    with contextlib.closing(client), qdrant_errors(url):
        version = server_version(client)
        if version:
            yield True, f"{server_url(url)}, Qdrant {version}"
        there = physical_collections(client, name)
        if not version:  # a proxy answers at the root, but lets the collections through
            yield True, f"{server_url(url)}, which does not tell its version"
        yield _clock(dates[-1] if dates else "")  # gRPC tells none
        served = [one.name for one in there if one.serving]
        sources = sources_of(client, served[0]) if served else set()
        yield True, f"collections of {name} that can be read: {len(there)}, sources in it: {len(sources)}"
        yield True, require_writable(client, name)


def _noting(dates: list[str]) -> Callable[..., httpx.Response]:
    """Return a middleware that notes what time the server tells with each answer."""

    def middleware(request: httpx.Request, send: Callable[..., httpx.Response]) -> httpx.Response:
        response = send(request)
        dates.append(response.headers.get("Date", ""))
        return response

    return middleware


def _clock(date: str) -> tuple[bool, str]:
    server_time = email.utils.parsedate_tz(date)
    if server_time is None:
        return True, "the store tells no time"
    skew = time.time() - email.utils.mktime_tz(server_time)
    direction = "ahead of" if skew > 0 else "behind"
    late = f"this machine's clock is {abs(skew):.0f} s {direction} the store's: let NTP set both"
    return (True, "as the store's") if abs(skew) <= _SKEW_S else (False, late)


def _embedded(outputs: Path) -> Iterator[tuple[bool, str]]:
    from stagekit.storage import EMBEDDED, connect, embedded_path

    folder = embedded_path(outputs)
    if not folder.exists():
        yield True, "embedded; the first run makes it"
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield False, f"the embedded store {folder} cannot be written: give its folder to the user of nic-etl"
        return
    with contextlib.closing(connect(EMBEDDED, outputs)) as client:
        yield True, f"embedded, collections: {len(client.get_collections().collections)}"
