"""Tells whether the collection is as the last run left it, without a kernel or the client library."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stagekit.base.network.authorities import trust_also
from stagekit.base.store_address import server_key, server_url
from stagekit.errors import StageError

Settings = dict[str, Any]
_TIMEOUT = 10.0
_EXPECTED = (OSError, ValueError, KeyError, TypeError, AttributeError, StageError)


def store_state(settings: Settings, outputs: Path) -> str | None:
    """Return a mark of the collection that readers see, or None where only the stage itself can tell.

    The mark is another one after every session that wrote to the collection, when files of the embedded store
    are gone, when on a server the number of points differs or what the collection says of itself, which each
    write changes, and when the alias leads elsewhere. There is none while a replaced collection waits to be
    dropped whose time has come.
    """
    try:
        if settings["qdrant_url"].strip().lower() == "embedded":
            return _embedded(outputs / "qdrant", settings)
        return _Server(settings).state()
    except _EXPECTED:
        return None


def _embedded(folder: Path, settings: Settings) -> str | None:
    alias = settings["collection_name"]
    name = json.loads((folder / "aliases.json").read_text(encoding="utf-8"))[alias]
    collections = folder / "collections"
    others = [one for one in collections.iterdir() if _of_alias(one.name, alias) and one.name != name]
    for other in others:
        entry = json.loads((other / "collection.json").read_text(encoding="utf-8"))
        if _due(entry["request"].get("metadata", {}), settings):
            return None
    state = hashlib.sha256((collections / name / "collection.json").read_bytes())
    # Opening the store changes its write-ahead log, its journals, and the times of files, but no other names.
    shard = collections / name / "shard"
    for path in sorted(str(file.relative_to(shard)) for file in _files(shard)):
        state.update(f"\0{path}".encode(errors="surrogateescape"))
    return f"{name} {state.hexdigest()}"


def _files(shard: Path) -> Iterator[Path]:
    files = (shard / "segments").rglob("*")
    return (file for file in files if file.is_file() and not file.name.endswith("_journal.dat"))


def _of_alias(name: str, alias: str) -> bool:
    return re.fullmatch(rf"{re.escape(alias)}__[0-9a-f]{{12}}", name) is not None


def _due(metadata: dict[str, Any], settings: Settings) -> bool:
    moment = metadata.get("superseded_at")
    if not moment:
        return False
    grace = timedelta(hours=settings.get("collection_grace_hours", 24))
    return datetime.fromisoformat(moment) + grace <= datetime.now(UTC)


class _Server:
    """A Qdrant server, asked over REST."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._root = server_url(settings["qdrant_url"])
        self._key = server_key()
        ca_file = settings.get("ca_file")
        self._trust = trust_also(ssl.create_default_context(), ca_file) if ca_file else None

    def state(self) -> str | None:
        alias = self._settings["collection_name"]
        place = f"/collections/{quote(alias, safe='')}"
        count = int(self._ask(f"{place}/points/count", {"exact": True})["count"])
        served = self._ask(place)["config"].get("metadata") or {}
        for one in self._ask("/collections")["collections"]:
            if _of_alias(one["name"], alias):
                other = (
                    self._ask(f"/collections/{quote(one['name'], safe='')}")["config"].get("metadata") or {}
                )
                if other.get("fingerprint") != served.get("fingerprint") and _due(other, self._settings):
                    return None
        said = hashlib.sha256(json.dumps(served, sort_keys=True).encode()).hexdigest()
        return f"{count} points of {served.get('fingerprint')}, {said}"

    def _ask(self, path: str, body: Any = None) -> Any:
        import urllib.request  # only a server needs it: a run of an embedded collection starts without

        headers = {"Content-Type": "application/json"} | ({"api-key": self._key} if self._key else {})
        request = urllib.request.Request(  # the scheme is checked by server_url
            self._root + path, data=json.dumps(body).encode() if body else None, headers=headers
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT, context=self._trust) as answer:
            return json.load(answer)["result"]
