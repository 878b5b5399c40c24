"""``python -m stagekit.checks.doctor``: looks at source, models and store of the settings."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from stagekit.checks.doctor_cluster import check_cluster
from stagekit.checks.doctor_models import check_models
from stagekit.checks.doctor_store import check_store
from stagekit.errors import StageError
from stagekit.ingestion.opening import open_source

__all__ = ["check_source", "main"]

Row = dict[str, Any]


def check_source(settings: Row, outputs: Path) -> list[Row]:
    """Return one row (check, ok, detail) a step; GitLab is asked step by step, up to the first that fails.

    Args:
        settings: every setting of the pipeline by name.
        outputs: the outputs folder, which takes the record of accesses.
    """
    try:
        if settings["source"] == "gitlab":
            return _gitlab(settings, outputs)
        source = open_source(
            settings["source"],
            settings["source_path"],
            folders=settings["target_folder"],
            target_branch=settings["target_branch"],
            outputs=outputs,
        )
        snapshot = source.snapshot()
        source.close()
    except StageError as error:
        return [{"check": "source", "ok": False, "detail": str(error)}]
    found = f"{snapshot.project}, {snapshot.repository_branch} at {snapshot.commit[:12]}"
    return [{"check": "source", "ok": True, "detail": found}]


def _gitlab(settings: Row, outputs: Path) -> list[Row]:
    from stagekit.ingestion.gitlab.check import check_gitlab  # python-gitlab takes long to import
    from stagekit.ingestion.gitlab.settings import GitLabSettings

    wanted = GitLabSettings(
        url=settings["gitlab_url"],
        project=settings["gitlab_project"],
        ca_file=settings["ca_file"],
        read_timeout_s=settings["request_timeout_s"],
    )
    return check_gitlab(wanted, settings["target_branch"], settings["target_folder"], outputs)


def main() -> int:
    """Answer the request ``{"settings", "outputs_dir"}`` on standard input and return the exit code."""
    request = json.load(sys.stdin)
    settings, outputs = request["settings"], Path(request["outputs_dir"])
    rows = [
        *check_source(settings, outputs),
        *check_models(settings),
        *check_store(settings, outputs),
        *check_cluster(settings, outputs),
    ]
    json.dump(rows, sys.stdout, ensure_ascii=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
