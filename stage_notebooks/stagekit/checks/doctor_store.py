"""Looks at the vector store for ``nic-etl doctor``: reachable, open to writing, and of the same time."""

from __future__ import annotations

import email.utils
import json
import os
import ssl
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

from stagekit.base.network.authorities import trust_also
from stagekit.base.store_address import server_key, server_url
from stagekit.errors import StageError

__all__ = ["check_store"]

Row = dict[str, Any]
_WAIT_S: Final = 10.0
_SKEW_S: Final = 60.0


def check_store(settings: Row, outputs: Path) -> list[Row]:
    """Return one row (check, ok, detail) a step, up to the first that fails; nothing is changed.

    A server is asked for its version and collections, and to change none of its aliases: it checks the
    right to write before it looks at what is to be written.

    Args:
        settings: every setting of the pipeline by name.
        outputs: the outputs folder, which holds the embedded store.
    """
    if settings["qdrant_url"] == "embedded":
        return [_embedded(outputs / "qdrant")]
    rows: list[Row] = []
    try:
        server = _Server(settings)
        date = server.ask("GET", "/", rows, "store", _version)
        rows.append(_clock(date))
        server.ask("GET", "/collections", rows, "store key", _collections)
        server.ask("POST", "/collections/aliases", rows, "store writing", _written, {"actions": []})
    except StageError as error:
        steps = ("store", "store key", "store writing")
        step = next(step for step in steps if step not in {row["check"] for row in rows})
        rows.append({"check": step, "ok": False, "detail": str(error)})
    return rows


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Takes a redirect for a refusal: the key is for the server of the settings alone."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


class _Server:
    def __init__(self, settings: Row) -> None:
        self._url = server_url(settings["qdrant_url"])
        self._key = server_key()
        self._wait = min(_WAIT_S, float(settings["request_timeout_s"]))
        trust = trust_also(ssl.create_default_context(), settings["ca_file"])
        handlers = (urllib.request.HTTPSHandler(context=trust), _NoRedirect())
        self._opener = urllib.request.build_opener(*handlers)

    def ask(
        self, method: str, path: str, rows: list[Row], check: str, found: Any, body: Row | None = None
    ) -> str:
        """Add the row of a step and return the time that the server tells."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._url + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        if self._key:
            request.add_header("api-key", self._key)
        try:
            with self._opener.open(request, timeout=self._wait) as answer:
                rows.append({"check": check, "ok": True, "detail": found(self._url, json.load(answer))})
                return str(answer.headers.get("Date", ""))
        except urllib.error.HTTPError as error:
            error.close()
            raise StageError(self._refusal(error.code, path)) from None
        except (OSError, HTTPException) as error:
            raise StageError(
                f"qdrant_url: {self._url} does not answer ({_reason(error)}): start the server, or correct "
                "the address."
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StageError(
                f"qdrant_url: {self._url} answers, but not as Qdrant does: correct the address."
            ) from None

    def _refusal(self, code: int, path: str) -> str:
        if code == 401 or (code == 403 and not self._key):
            return f"{self._url} wants a key (status {code}): set QDRANT_API_KEY to one that may write."
        if code == 403:
            return f"{self._url} lets this key only read: set QDRANT_API_KEY to one that may write."
        return f"{self._url}{path} answers with status {code}: see to the server, or correct qdrant_url."


def _reason(error: BaseException) -> str:
    inner = getattr(error, "reason", None) or error
    return str(getattr(inner, "strerror", None) or inner or type(inner).__name__)


def _version(url: str, answer: Row) -> str:
    return f"{url}, {answer['title'].partition(' ')[0]} {answer['version']}"


def _collections(_: str, answer: Row) -> str:
    return f"{len(answer['result']['collections'])} collections can be read"


def _written(_: str, answer: Row) -> str:
    return f"allowed ({answer['status']})"


def _clock(date: str) -> Row:
    told = email.utils.parsedate_tz(date)
    if told is None:
        return {"check": "store clock", "ok": True, "detail": "the store tells no time"}
    skew = time.time() - email.utils.mktime_tz(told)
    direction = "ahead of" if skew > 0 else "behind"
    late = f"this machine's clock is {abs(skew):.0f} s {direction} the store's: let NTP set both"
    fine = abs(skew) <= _SKEW_S
    return {"check": "store clock", "ok": fine, "detail": "as the store's" if fine else late}


def _embedded(folder: Path) -> Row:
    if not folder.exists():
        return {"check": "store", "ok": True, "detail": "embedded; the first run makes it"}
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        detail = f"the embedded store {folder} cannot be written: give its folder to the user of nic-etl"
        return {"check": "store", "ok": False, "detail": detail}
    count = len(list(folder.glob("collections/*/collection.json")))
    return {"check": "store", "ok": True, "detail": f"embedded, collections: {count}"}
