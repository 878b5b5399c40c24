"""Promises of the look at a cluster before work: what would fail or differ is one sentence, at once."""

from __future__ import annotations

import os
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster

from runner.config_manager import PipelineConfig
from runner.errors import ConfigurationError
from stagekit import StageError
from stagekit.artifacts.store import ArtifactStore, open_store
from stagekit.checks.doctor_cluster import check_cluster
from stagekit.checks.preflight import preflight
from stagekit.cluster import admission as cluster_admission
from stagekit.cluster import client as cluster
from stagekit.cluster.admission import admission
from stagekit.cluster.client import connected
from stagekit.cluster.facts import conversion_facts
from tests.servers.dask_cluster import DaskCluster, cluster_here

FACTS = "stagekit.cluster.facts:conversion_facts"
_BLOCKER = """
import sys
class Blocker:
    def find_spec(self, name, *_):
        if name.partition(".")[0] == "stagekit":
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Blocker())
"""


@pytest.fixture(scope="module")
def here() -> Iterator[LocalCluster]:
    with cluster_here(1) as started:
        yield started


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with DaskCluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return open_store(tmp_path / "artifacts")


def refused(address: str, store: ArtifactStore, facts: str = FACTS) -> str:
    with (
        pytest.raises(StageError) as caught,
        connected(address) as client,
        admission(client, store, facts, [{}]),
    ):
        pass
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    return said


def in_worker(*_: Any) -> dict[str, str]:
    return {"kind of process": "worker" if _is_worker() else "client"}


def fails_in_worker(*_: Any) -> dict[str, str]:
    if _is_worker():
        raise RuntimeError("no memory left")
    return {}


def _is_worker() -> bool:
    return threading.current_thread() is not threading.main_thread()


def test_workers_that_are_alike_are_counted_and_nothing_is_left_behind(
    here: LocalCluster, store: ArtifactStore, tmp_path: Path
) -> None:
    with connected(here.scheduler_address) as client, admission(client, store, FACTS, [{}]) as admitted:
        assert (len(admitted.alike), admitted.notes) == (1, [])
    assert list(store.entries()) == []


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.3)
    with pytest.raises(StageError, match=r"no scheduler can be reached at tcp://127\.0\.0\.1:9 \("):
        connected("tcp://127.0.0.1:9").__enter__()


def test_dask_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(StageError, match=r"Dask is not installed: pip install 'distributed>="):
        connected("tcp://127.0.0.1:9").__enter__()
    monkeypatch.setattr("stagekit.checks.preflight.find_spec", lambda _: None)
    [said] = preflight(PipelineConfig(dask_scheduler="tcp://host:8786").model_dump(mode="json"))
    assert "pip install 'distributed>=" in said


@pytest.mark.parametrize("address", ["host:8786", "http://host", "tcp://user:password@host:8786"])
def test_an_address_of_another_form_is_a_wrong_setting(address: str) -> None:
    with pytest.raises((ConfigurationError, ValueError)):
        PipelineConfig(dask_scheduler=address)


def test_a_cluster_without_workers_is_told(monkeypatch: pytest.MonkeyPatch, store: ArtifactStore) -> None:
    monkeypatch.setattr(cluster_admission, "_FIRST_WORKER_S", 0.3)
    with LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0", protocol="tcp") as empty:
        assert "has no workers: start one on each machine" in refused(empty.scheduler_address, store)


def test_a_difference_is_named_with_both_values(here: LocalCluster, store: ArtifactStore) -> None:
    said = refused(here.scheduler_address, store, f"{__name__}:in_worker")
    assert "differs from this machine in kind of process (worker there, client here)" in said


def test_a_worker_that_breaks_is_told(here: LocalCluster, store: ArtifactStore) -> None:
    said = refused(here.scheduler_address, store, f"{__name__}:fails_in_worker")
    assert "does not answer (no memory left)" in said


def test_a_store_that_a_worker_does_not_share_is_told(
    here: LocalCluster, store: ArtifactStore, tmp_path: Path
) -> None:
    store.url = str(tmp_path / "elsewhere")
    said = refused(here.scheduler_address, store)
    assert "is not ready (Artifact key (sha256/" in said
    assert "has to be the same place there, and open to this worker" in said


def test_passwords_are_compared_and_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    without = conversion_facts(b"key", {})
    monkeypatch.setenv("NIC_ETL_PDF_PASSWORDS", "secret one\nsecret two")
    facts = conversion_facts(b"key", {})
    assert facts == conversion_facts(b"key", {})
    assert [name for name in facts if facts[name] != without[name]] == ["NIC_ETL_PDF_PASSWORDS"]
    assert facts != conversion_facts(b"another key", {})
    assert "secret" not in str(facts)


def test_a_store_with_credentials_in_its_address_is_refused(here: LocalCluster) -> None:
    store = open_store(f"memory://{uuid.uuid4().hex}")
    store.url = "ftp://user:password@host/artifacts"
    said = refused(here.scheduler_address, store)
    assert "holds a user name or password" in said
    assert "password@" not in said


def test_the_doctor_looks_at_the_cluster(
    here: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = here.scheduler_address
    settings = PipelineConfig(dask_scheduler=address).model_dump(mode="json")
    assert check_cluster(settings, tmp_path) == [
        {"check": "cluster", "ok": True, "detail": f"{address}, workers like this machine: 1"}
    ]
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.3)
    [row] = check_cluster(settings | {"dask_scheduler": "tcp://127.0.0.1:9"}, tmp_path)
    assert (row["check"], row["ok"]) == ("cluster", False)
    assert check_cluster(settings | {"dask_scheduler": ""}, tmp_path) == []


def test_slow_a_worker_without_the_package_is_told(
    there: DaskCluster, store: ArtifactStore, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(_BLOCKER)
    worker = there.start_worker(PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    there.wait_for_workers(1)
    said = refused(there.address, store)
    there.end(worker)
    assert "cannot load nic-etl (No module named 'stagekit" in said
    assert "install the same version there" in said


def test_slow_a_store_that_workers_do_not_share_is_told(
    there: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = there.start_worker()
    there.wait_for_workers(1)
    said = refused(there.address, open_store(f"memory://{uuid.uuid4().hex}"))
    assert "is not ready (Artifact key (sha256/" in said
    assert "is missing from the store; memory://" in said

    class Elsewhere(ArtifactStore):
        def present(self, ref: Any) -> bool:
            return ref is None

    said = refused(there.address, Elsewhere(tmp_path / "artifacts"))
    there.end(worker)
    assert "let NIC_ETL_ARTIFACTS_URL name a place that all machines share" in said
