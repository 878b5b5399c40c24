"""Looks at the shared artifact store and at the Dask cluster, where they are set.

``nic-etl doctor`` asks with the other checks; before a run that may need the cluster the runner asks by
``python -m stagekit.checks.doctor_cluster``, and says the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stagekit.artifacts.store import artifacts_url, open_store
from stagekit.cluster.admission import admission, require_access
from stagekit.cluster.client import connected
from stagekit.errors import StageError

Row = dict[str, Any]


def check_cluster(settings: Row, outputs_dir: str | Path) -> list[Row]:
    """Return one row (check, ok, detail) for the artifact store and one for the cluster.

    Small artifacts are written, read and deleted, from here and by each worker.
    """
    rows = []
    url = os.environ.get("NIC_ETL_ARTIFACTS_URL", "")
    if url:
        rows.append(_told("artifact store", lambda: _store(url)))
    if settings.get("dask_scheduler"):
        rows.append(_told("cluster", lambda: _workers(settings, Path(outputs_dir))))
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
    """Return how many workers can do the work of both stages, and why others cannot."""
    address = settings["dask_scheduler"]
    store = open_store(artifacts_url(outputs))
    model = {"name": settings["embedding_model"], "revision": settings["model_revision"]}
    asked = [("conversion_facts", settings), ("embedding_facts", model)]
    alike, notes = None, dict[str, None]()
    with connected(address) as client:
        for facts, argument in asked:
            with admission(client, store, f"stagekit.cluster.facts:{facts}", [argument]) as admitted:
                alike = admitted.alike if alike is None else alike & admitted.alike
                notes |= dict.fromkeys(admitted.notes)
    return " ".join([f"{address}, workers like this machine: {len(alike or ())}", *notes])


tool = check_cluster
