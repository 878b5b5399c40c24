"""What every test gets: an environment without the settings and secrets of whoever runs the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.redaction import SECRET_VARIABLES

_KEPT = {"NIC_ETL_MODELS_DIR"}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        secret = name.removesuffix("_FILE") in SECRET_VARIABLES
        if secret or (name.startswith("NIC_ETL_") and name not in _KEPT):
            monkeypatch.delenv(name)


@pytest.fixture
def outputs(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "outputs"
    yield folder
    assert not list(folder.glob("kernels/*.json")), "a kernel was left behind"
