"""Looks at source, models and store of the settings, for ``nic-etl doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stagekit.checks.doctor_cluster import check_cluster
from stagekit.checks.doctor_models import check_models
from stagekit.checks.doctor_source import check_source
from stagekit.checks.doctor_store import check_store

Row = dict[str, Any]


def look(settings: Row, outputs_dir: str) -> list[Row]:
    """Return one row (check, ok, detail) for each thing outside that a run would ask, in its words."""
    outputs = Path(outputs_dir)
    return [
        *check_source(settings, outputs),
        *check_models(settings),
        *check_store(settings, outputs),
        *check_cluster(settings, outputs),
    ]


tool = look
