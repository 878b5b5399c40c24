"""Promises about PyArrow in our processes: no pandas comes along, and data frames are still to be had."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

STAGEKIT = Path(__file__).parents[2] / "stage_notebooks"
SCRIPT = """
import json, sys
from stagekit.artifacts.tables import decode_rows, encode_rows
table = encode_rows([{"a": 1, "b": ["x"]}, {"a": None, "b": []}])
rows = decode_rows(table)
without = "pandas" not in sys.modules
print(json.dumps({"rows": rows, "without": without, "frame": list(table.to_pandas().columns)}))
"""


def test_rows_become_tables_without_pandas_and_data_frames_can_be_asked_for() -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=STAGEKIT, capture_output=True, text=True, check=True, timeout=60
    )
    said = json.loads(run.stdout)
    assert said == {
        "rows": [{"a": 1, "b": ["x"]}, {"a": None, "b": []}],
        "without": True,
        "frame": ["a", "b"],
    }


def test_a_process_that_has_pandas_keeps_it() -> None:
    script = (
        "import pandas; from stagekit.base.imports.arrow import leave_pandas_out as leave_out; leave_out()\n"
    )
    script += "import pyarrow as pa\n"
    script += "print(pa.array(pandas.Series([1, 2])).type)"
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=STAGEKIT, capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "int64"
