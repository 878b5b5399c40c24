"""What every test gets: an environment without the settings and secrets of whoever runs the tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from runner.wording import choose_language
from stagekit.base.imports.absent import without_packages
from stagekit.base.inference.processor import BFLOAT16_VARIABLE
from stagekit.base.redaction import SECRET_VARIABLES

with without_packages("rfc3987_syntax"):  # two seconds of each process, for a format that no schema here has
    import jsonschema  # noqa: F401

_KEPT = {"NIC_ETL_MODELS_DIR", BFLOAT16_VARIABLE}
# Promises about values, not about the speed of the machine that happens to test them.
settings.register_profile("nic-etl", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nic-etl")


def pytest_configure() -> None:
    """Compute alike on all processors; take Ctrl-C even where a shell started the tests in its background.

    With `NIC_ETL_BFLOAT16=on` in the environment the tests run in bfloat16 where the processor has it.
    """
    os.environ.setdefault(BFLOAT16_VARIABLE, "off")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: at the end no process waits for another one's last long test."""
    items.sort(key=lambda item: (item.get_closest_marker("slow") is None, "integration" not in item.nodeid))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    choose_language("")
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name, "").startswith("pt"):  # tests read English, whoever runs them
            monkeypatch.setenv(name, "C.UTF-8")
    for name in list(os.environ):
        secret = name.removesuffix("_FILE") in SECRET_VARIABLES
        if secret or (name.startswith("NIC_ETL_") and name not in _KEPT):
            monkeypatch.delenv(name)
    yield
    choose_language("")


@pytest.fixture
def outputs(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "outputs"
    yield folder
    assert not list(folder.glob("kernels/*.json")), "a kernel was left behind"
