"""Promises of the artifact store in S3, over real HTTP: the same as of a folder, and told when it is away."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from s3fs import S3FileSystem

from runner.config_manager import PipelineConfig
from runner.errors import StateManagementError
from runner.record.state_manager import StateManager
from runner.upkeep.backup import create_backup, restore_backup
from runner.upkeep.prune import apply_prune, plan_prune
from stagekit.artifacts.store import ArtifactStore, artifacts_url, open_store
from stagekit.checks.doctor_cluster import check_cluster
from stagekit.checks.preflight import preflight
from stagekit.errors import ArtifactError
from tests.servers.s3_server import S3Fault, S3Server
from tests.unit.operations_runs import Shouting


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with S3Server() as started:
        yield started


@pytest.fixture
def url(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = f"bucket-{uuid.uuid4().hex[:8]}"
    server.make_bucket(bucket)
    server.faults.clear()
    server.log.clear()
    S3FileSystem.clear_instance_cache()  # an instance keeps the credentials with which it was made
    yield f"s3://{bucket}/prefix"
    S3FileSystem.clear_instance_cache()


@pytest.fixture
def shouting(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shouting:
    monkeypatch.setenv("NIC_ETL_ARTIFACTS_URL", url)
    return Shouting(tmp_path, monkeypatch.setenv)


def addresses(store: ArtifactStore) -> list[str]:
    return [uri for uri, _, _ in store.entries()]


def problems(**settings: Any) -> list[str]:
    return preflight(PipelineConfig(**settings).model_dump(mode="json"))


# The store


def test_what_is_stored_is_read_elsewhere_and_stored_once(url: str, server: S3Server) -> None:
    store = open_store(url)
    ref = store.put_table("chunks", pa.table({"text": ["ação"]}))
    assert open_store(url).read_table(ref).to_pylist() == [{"text": "ação"}]
    assert open_store(url).put_table("chunks", pa.table({"text": ["ação"]})) == ref
    assert addresses(store) == [ref.uri]
    assert not store.local
    assert len(server.requests("PUT")) == 1  # under its own name at once: S3 shows no half objects


def test_a_look_is_never_answered_from_a_listing_of_before(url: str) -> None:
    here, there = open_store(url), open_store(url)
    assert addresses(here) == []
    ref = there.put("a", b"content", "text/plain")
    assert here.present(ref)
    assert addresses(here) == [ref.uri]
    assert here.missing({ref.uri: ref.bytes}) == set()
    S3FileSystem().rm_file(f"{url}/{ref.uri}")
    assert not here.present(ref)
    assert addresses(here) == []
    assert here.missing({ref.uri: ref.bytes}) == {ref.uri}


def test_altered_and_missing_objects_are_noticed(url: str) -> None:
    store = open_store(url)
    ref = store.put("chunks", b"good", "text/plain")
    S3FileSystem().pipe_file(f"{url}/{ref.uri}", b"evil")
    with pytest.raises(ArtifactError, match="was altered"):
        store.read(ref)
    assert store.put("chunks", b"good", "text/plain") == ref
    assert store.read(ref) == b"good"
    store.forget_lost(())  # it has been made again
    store.delete(ref.uri)
    store.delete(ref.uri)
    with pytest.raises(ArtifactError, match="is missing from the store"):
        store.read(ref)


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("method", ["PUT", "GET", "HEAD"])
def test_a_store_that_stumbles_is_asked_again(url: str, server: S3Server, method: str, status: int) -> None:
    store = open_store(url)
    server.faults.append(S3Fault(method, status, times=2))
    ref = store.put("a", b"content", "text/plain")
    assert store.read(ref) == b"content"
    assert [entry[2] for entry in server.requests(method)].count(status) == 2


# Told in one sentence


def test_a_missing_bucket_is_told(url: str) -> None:
    store = open_store("s3://there-is-none/prefix")
    with pytest.raises(ArtifactError, match=r"there-is-none/prefix cannot be written to \(.*bucket does"):
        store.put("a", b"1", "text/plain")


def test_missing_credentials_are_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ArtifactError, match=r"Unable to locate credentials\): see that NIC_ETL_"):
        open_store(url).put("a", b"1", "text/plain")


def test_a_refusal_is_told_without_the_secret(url: str, server: S3Server) -> None:
    server.faults.append(S3Fault("HEAD", 403, times=9))
    with pytest.raises(ArtifactError, match=r"cannot be read \(PermissionError: ") as caught:
        open_store(url).put("a", b"1", "text/plain")
    assert "testing-secret-key" not in str(caught.value)


def test_a_kind_of_store_that_is_not_installed_is_told() -> None:
    with pytest.raises(ArtifactError, match=r"nothing://x cannot be opened \(ValueError: Protocol not known"):
        open_store("nothing://x")


def test_a_store_that_cannot_be_used_is_told_before_a_run(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NIC_ETL_ARTIFACTS_URL", url)
    assert problems() == []
    assert addresses(open_store(url)) == []  # nothing is left of the attempt
    [row] = check_cluster({}, tmp_path)
    assert row == {"check": "artifact store", "ok": True, "detail": f"{url} can be read and written"}

    monkeypatch.setenv("NIC_ETL_ARTIFACTS_URL", "s3://there-is-none")
    [said] = problems()
    assert "s3://there-is-none" in said
    [row] = check_cluster({}, tmp_path)
    assert (row["check"], row["ok"], row["detail"]) == ("artifact store", False, said)

    monkeypatch.setenv("NIC_ETL_ARTIFACTS_URL", "nothing://x")
    with pytest.raises(StateManagementError, match=r"^The artifact store nothing://x cannot be opened"):
        StateManager(tmp_path / "outputs")


# What operations do with it


def test_runs_backup_restore_and_prune_work_on_s3(
    shouting: Shouting, url: str, server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = shouting.manager
    state = shouting.run({"a.md": "good morning", "b.md": "and good night"})
    assert manager.store.url == artifacts_url(manager.outputs) == url
    assert not (manager.outputs / "artifacts").exists()
    shouting.worked.clear()
    assert shouting.manifest(shouting.run({"a.md": "good morning", "b.md": "and good night"}))
    assert shouting.worked == []  # what the memo knows is looked up in the bucket

    report = create_backup(manager, str(tmp_path / "backup"))
    server.make_bucket("second-bucket")
    monkeypatch.setenv("NIC_ETL_ARTIFACTS_URL", "s3://second-bucket")
    moved = StateManager(tmp_path / "elsewhere")
    assert restore_backup(moved, str(tmp_path / "backup")).files == report.files
    assert addresses(moved.store) == addresses(manager.store)
    assert moved.faults(moved.load_checkpoint().stages["shout"]) == []

    orphan = moved.store.put("orphan", b"nobody's", "text/plain")
    time.sleep(1.1)  # S3 tells the time of an object in whole seconds
    plan = plan_prune(moved, grace=0)
    assert plan.artifacts == [orphan.uri]
    apply_prune(moved, plan)
    assert orphan.uri not in addresses(moved.store)
    assert moved.load_checkpoint().execution_id != state.execution_id
    assert moved.faults(moved.load_checkpoint().stages["shout"]) == []


def test_a_backup_can_lie_in_s3(shouting: Shouting, server: S3Server, tmp_path: Path) -> None:
    server.make_bucket("backups")
    shouting.run({"a.md": "good morning"})
    assert create_backup(shouting.manager, "s3://backups/nic-etl").damaged == []
    moved = StateManager(tmp_path / "elsewhere")
    restore_backup(moved, "s3://backups/nic-etl")
    assert moved.execution_ids() == shouting.manager.execution_ids()
