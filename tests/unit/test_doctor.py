"""The doctor: a source that is there is named, one that is not is explained, and all of it comes as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from runner.config_manager import PipelineConfig
from stagekit.checks.doctor_source import check_source


def test_the_bundled_sample_is_well(tmp_path: Path) -> None:
    rows = check_source(PipelineConfig().model_dump(mode="json"), tmp_path)
    assert [(row["check"], row["ok"]) for row in rows] == [("source", True)]
    assert rows[0]["detail"].startswith("sample_repository, unversioned at ")
    assert ", files of the approved folders: " in rows[0]["detail"]
    assert not (tmp_path / "memo.sqlite").exists()  # the first run decides under which key it is


def test_the_tool_answers_in_json(tmp_path: Path) -> None:
    request = {"settings": PipelineConfig().model_dump(mode="json"), "outputs_dir": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "stagekit.tools", "stagekit.checks.doctor"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    )
    rows = json.loads(done.stdout)
    assert [row["check"] for row in rows] == [
        "source",
        "embedding model",
        "layout model",
        "OCR models",
        "store",
    ]
    assert all(row["ok"] for row in rows)
