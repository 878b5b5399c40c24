"""Refuses a Qdrant server that is too old for what is asked of it, before anything is written."""

from __future__ import annotations

import json
import re
from typing import Final

from qdrant_client import QdrantClient
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException

from stagekit.errors import StageError
from stagekit.storage.patience import patience_of

NEEDED: Final = (1, 16)
"""The first version that keeps metadata with a collection, https://github.com/qdrant/qdrant/pull/7123."""


def server_version(client: QdrantClient) -> str:
    """Return what a server says its version is; empty for the embedded store, and where none is told.

    It is asked once. Whoever answers in Qdrant's place at its root (a proxy that lets only the collections
    through) tells no version, and a server that is away is told of by the first request that needs it.
    """
    if patience_of(client) is None:
        return ""
    try:
        root = client.http.service_api.root()
    except (ApiException, QdrantException, json.JSONDecodeError):
        return ""
    named = root is not None and "qdrant" in root.title.lower()
    return root.version if named else ""


def require_version(client: QdrantClient) -> None:
    """Refuse a server that says to be older than :data:`NEEDED`.

    Raises:
        StageError: if it is; what is no number (``dev``) is not refused.
    """
    found = server_version(client)
    numbers = re.match(r"v?(\d+)\.(\d+)", found)
    if numbers and (int(numbers[1]), int(numbers[2])) < NEEDED:
        raise _too_old(client, f"is version {found}")


def require_metadata(client: QdrantClient, name: str) -> None:
    """Drop a collection that was just created, and is empty, if the server did not keep its metadata.

    Raises:
        StageError: if so: it is too old, and its version could not be asked.
    """
    if not client.get_collection(name).config.metadata:
        client.delete_collection(name)
        raise _too_old(client, "does not keep what is written on a collection")


def _too_old(client: QdrantClient, found: str) -> StageError:
    patience = patience_of(client)
    where = f"Qdrant at {patience.where}" if patience else "The store"
    needed = ".".join(map(str, NEEDED))
    return StageError(
        f"{where} {found}, and nic-etl needs version {needed} or newer; nothing was written: upgrade the "
        "server, one minor version after another, or set qdrant_url to one that is new enough."
    )
