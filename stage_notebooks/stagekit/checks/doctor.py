"""``python -m stagekit.checks.doctor``: looks at source, models and store of the settings."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from stagekit.checks.doctor_cluster import check_cluster
from stagekit.checks.doctor_models import check_models
from stagekit.checks.doctor_source import check_source
from stagekit.checks.doctor_store import check_store

__all__ = ["look", "main"]

Row = dict[str, Any]


def look(settings: Row, outputs: Path) -> list[Row]:
    """Return one row (check, ok, detail) for each thing outside that a run would ask, in the words of a run.

    Args:
        settings: every setting of the pipeline by name.
        outputs: the outputs folder.
    """
    return [
        *check_source(settings, outputs),
        *check_models(settings),
        *check_store(settings, outputs),
        *check_cluster(settings, outputs),
    ]


def main() -> int:
    """Answer the request ``{"settings", "outputs_dir"}`` on standard input and return the exit code."""
    request = json.load(sys.stdin)
    json.dump(look(request["settings"], Path(request["outputs_dir"])), sys.stdout, ensure_ascii=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
