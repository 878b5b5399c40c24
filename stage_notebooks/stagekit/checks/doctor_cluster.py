"""Looks at the shared artifact store and at the Dask cluster for ``nic-etl doctor``, where they are set."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stagekit.artifacts.store import artifacts_url, open_store
from stagekit.cluster.check import require_access, require_alike
from stagekit.cluster.client import connected
from stagekit.errors import StageError

__all__ = ["check_cluster"]

Row = dict[str, Any]


def check_cluster(settings: Row, outputs: Path) -> list[Row]:
    """Return one row (check, ok, detail) for the artifact store and one for the cluster.

    Small artifacts are written, read and deleted, from here and by each worker.

    Args:
        settings: every setting of the pipeline by name.
        outputs: the outputs folder, which holds the artifacts where no other place is set.
    """
    rows = []
    url = os.environ.get("NIC_ETL_ARTIFACTS_URL", "")
    if url:
        rows.append(_told("artifact store", lambda: _store(url)))
    if settings.get("dask_scheduler"):
        rows.append(_told("cluster", lambda: _workers(settings, outputs)))
    return rows


def _told(check: str, look: Callable[[], str]) -> Row:
    try:
        return {"check": check, "ok": True, "detail": look()}
    except (StageError, OSError) as error:
        return {"check": check, "ok": False, "detail": str(error)}


def _store(url: str) -> str:
    store = open_store(url)
    require_access(store)
    return f"{store.url} can be read and written"


def _workers(settings: Row, outputs: Path) -> str:
    address = settings["dask_scheduler"]
    store = open_store(artifacts_url(outputs))
    with connected(address) as client:
        require_alike(client, store, "stagekit.cluster.facts:conversion_facts", [secrets.token_hex(8)])
        model = [settings["embedding_model"], settings["model_revision"]]
        count = require_alike(client, store, "stagekit.cluster.facts:embedding_facts", model)
    return f"{address}, workers like this machine: {count}"
