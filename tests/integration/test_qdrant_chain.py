"""The chain against a Qdrant server: everything arrives, nothing is written twice, faults do not last."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.integration.conftest import NicEtl, SampleRun
from tests.servers.qdrant_server import Logged, QdrantServer

pytestmark = pytest.mark.slow

KEY = "a-key-of-the-chain"
Run = Callable[..., "CompletedProcess[str]"]


@pytest.fixture
def server() -> Iterator[QdrantServer]:
    with QdrantServer(api_key=KEY, prefix="/vectors") as running:
        yield running


@pytest.fixture
def etl(server: QdrantServer, sample_copy: SampleRun, nic_etl: NicEtl) -> Run:
    settings = {"NIC_ETL_QDRANT_URL": server.url, "QDRANT_API_KEY": KEY, "NIC_ETL_QDRANT_RETRY_BUDGET_S": "5"}

    def run(*arguments: str, **more: str) -> CompletedProcess[str]:
        return nic_etl(sample_copy.outputs, *arguments, **(settings | more))

    return run


def points(server: QdrantServer) -> list[Logged]:
    """The requests that write or delete points, and what else changes collections but their notes."""
    return [entry for entry in server.writes() if "/index" not in entry.target and entry.method != "PATCH"]


def told(done: CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stdout + done.stderr
    return json.loads(done.stdout)


def test_a_server_that_is_old_or_full_is_told_and_one_that_is_well_is_filled_once_and_then_left_alone(
    server: QdrantServer, etl: Run, sample_copy: SampleRun, tmp_path: Path
) -> None:
    server.engine.version = "1.12.6"
    old = (
        "is version 1.12.6, and nic-etl needs version 1.16 or newer; nothing was written: upgrade the server"
    )
    for command in (("run",), ("search", "férias"), ("verify",)):
        refused = etl(*command)
        assert refused.returncode == 1
        assert old in " ".join((refused.stdout + refused.stderr).split())
    assert server.writes() == []
    server.engine.version = "1.19.0"

    server.faults.disk_full()
    (tmp_path / "key").write_text(KEY)
    by_file = {"QDRANT_API_KEY": "", "QDRANT_API_KEY_FILE": str(tmp_path / "key")}
    failed = etl("run", "-p", "max_retries=0", **by_file)
    assert failed.returncode == 1
    text = " ".join((failed.stdout + failed.stderr).split())
    assert "has no room left" in text
    assert "No space left on device" in text
    server.faults.clear()

    server.faults.add("drop_after", "PUT .*/points", times=1)
    server.faults.add("status", "/count", times=1, code=503, error="Shard temporarily unavailable")
    first = told(etl("run", "--json"))
    total = sample_copy.summary["points"]["total"]
    assert first["status"] == "success"
    assert first["points"]["upserted"] == first["points"]["total"] == total
    started = [stage["name"] for stage in first["stages"] if stage["status"] != "skipped"]
    assert started == ["qdrant_storage"]
    assert points(server)

    server.log.clear()
    assert told(etl("run", "--json"))["points"]["upserted"] == 0
    assert [entry.target for entry in server.writes()] == []

    again = told(etl("rerun", "qdrant_storage", "--json"))
    assert (again["points"]["upserted"], again["points"]["unchanged"]) == (0, total)
    assert [f"{entry.method} {entry.target}" for entry in points(server)] == []

    report = told(etl("verify", "--json"))
    assert (report["points"], report["missing"], report["altered"], report["superfluous"]) == (total, 0, 0, 0)
    assert told(etl("search", "férias", "--json"))
