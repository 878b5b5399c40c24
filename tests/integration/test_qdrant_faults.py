"""Whatever befalls writing to a Qdrant server, in the end the collection holds what it should, once.

Each fault befalls a run that changes, adds and removes documents of a collection, through the unpatched
client over real HTTP.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient
from qdrant_client.models import StrictModeConfig

from stagekit import StageError
from stagekit.storage import (
    PointWriter,
    apply_change,
    compare,
    connect,
    create_collection,
    plan_changes,
    stored_points,
)
from tests.servers.qdrant_server import QdrantServer
from tests.unit.storage_rows import COLLECTION, IDENTITY, SOURCE, Corpus, create

pytestmark = pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")

KEY = "a-key-that-may-write"
WRITES = "PUT .*/points|POST .*/points/delete"
UPSERT = "PUT .*/points"
BATCH = 10


def corpus(version: int) -> Corpus:
    """Ten documents of six chunks; the second version changes four, drops one and adds one."""
    names = [f"d{number}" for number in range(10) if not (version == 2 and number == 9)]
    documents = {
        f"30-Aprovados/{name}.md": [
            f"{name} parte {part} texto {version if index % 2 and index < 8 else 1}"
            for part in range(4 if version == 2 and index == 3 else 6)
        ]
        for index, name in enumerate(names)
    }
    if version == 2:
        documents["30-Aprovados/novo.md"] = [f"novo parte {part}" for part in range(25)]
    return Corpus(documents)


class World:
    """A server whose collection holds the first version, and runs that want the second."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = QdrantServer(api_key=KEY, read_only_key="a-key-that-reads")

    def client(self, **options: Any) -> QdrantClient:
        return connect(self.server.url, self.folder, **{"retry_budget_s": 20} | options)

    def run(self, version: int = 2, parallel: int = 3, **options: Any) -> PointWriter:
        """Do what the storage notebook does; return the writer."""
        client = self.client(**options)
        try:
            plan = plan_changes(corpus(version).desired(), stored_points(client, COLLECTION, SOURCE))
            writer = PointWriter(
                client,
                COLLECTION,
                self.server.url,
                statuses={"approved"},
                batch_size=BATCH,
                parallel_requests=parallel,
            )
            with writer:
                for change in plan.changes:
                    apply_change(change, upsert=writer.upsert, delete=writer.delete)
            return writer
        finally:
            client.close()

    def differences(self, version: int = 2) -> list[Any]:
        client = self.client()
        try:
            return compare(client, COLLECTION, corpus(version).desired(), SOURCE)
        finally:
            client.close()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("QDRANT_API_KEY", KEY)
    world = World(tmp_path)
    with world.server:
        client = world.client()
        create(client)
        client.close()
        world.run(version=1)
        assert world.differences(1) == []
        world.server.log.clear()
        yield world


def sentence(world: World, **options: Any) -> str:
    with pytest.raises(StageError) as caught:
        world.run(**options)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert KEY not in text
    return text


def test_the_second_version_is_written_and_a_third_run_writes_nothing(world: World) -> None:
    writer = world.run()
    assert world.differences() == []
    assert (writer.written, writer.deleted) == (47, 30)
    world.server.log.clear()
    writer = world.run()
    assert (writer.written, writer.deleted) == (0, 0)
    assert world.server.writes() == []


# What passes while the run goes on


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("drop_before", {}),
        ("drop_after", {}),
        ("partial", {}),
        ("truncate", {}),
        ("html", {}),
        ("wait_timeout", {}),
        ("status", {"code": 408, "error": "Timeout: Operation 'upsert' timed out after 60s"}),
        ("status", {"code": 500, "error": "Service internal error: channel closed"}),
        ("status", {"code": 502, "body": b"<html>Bad gateway</html>"}),
        ("status", {"code": 503, "error": "Shard temporarily unavailable: recovering"}),
        ("status", {"code": 429, "error": "Rate limiting exceeded: Write rate limit exceeded"}),
        ("status", {"code": 429, "error": "Retry after 1s", "headers": {"Retry-After": "1"}}),
    ],
    ids=lambda value: str(value.get("code", "")) + "+" * len(value) if isinstance(value, dict) else value,
)
def test_a_fault_that_passes_is_not_noticed(world: World, kind: str, options: dict[str, Any]) -> None:
    for match in (UPSERT, "points/delete"):
        if kind != "partial" or match == UPSERT:
            world.server.faults.add(kind, match, times=2, **options)
    writer = world.run()
    assert world.differences() == []
    assert (writer.written, writer.deleted) == (47, 30)
    sent = [entry.points for entry in world.server.requests("PUT ")]
    assert len(sent) == 5 + 2  # five requests of up to ten points, two of them twice


def test_a_pause_that_the_server_asks_for_is_kept(world: World) -> None:
    world.server.faults.rate_limit(retry_after=1)
    begin = time.monotonic()
    world.run(parallel=1)
    assert time.monotonic() - begin >= 1
    assert world.differences() == []


def test_an_answer_that_comes_too_late_is_asked_for_again(world: World) -> None:
    world.server.faults.add("slow", UPSERT, times=2, seconds=1.6)
    world.run(timeout_s=1)
    assert world.differences() == []


def test_a_server_that_restarts_in_mid_run_is_waited_for(world: World) -> None:
    def restart() -> None:
        world.server.stop()
        timer.start()

    timer = threading.Timer(0.7, world.server.start)
    world.server.faults.add("run", UPSERT, times=1, skip=2, action=restart)
    writer = world.run()
    timer.join()
    assert world.differences() == []
    assert writer.written == 47


def test_reads_are_repeated_as_well(world: World) -> None:
    for match in ("scroll", "POST .*/points$", "/count"):
        world.server.faults.add("drop_before", match, times=1)
        world.server.faults.add("truncate", match, times=1)
    world.run()
    assert world.differences() == []


def test_a_collection_whose_creation_was_not_acknowledged_is_there(world: World) -> None:
    world.server.faults.add("drop_after", "PUT /collections/again", times=1)
    client = world.client()
    create(client, "again")
    assert client.count("again").count == 0
    with pytest.raises(Exception, match="already exists"):
        create(client, "again")  # a second creation on purpose is still refused
    client.close()


# What ends the run, and the next run completes it


def full_disk(world: World) -> None:
    world.server.faults.disk_full(WRITES)


def lost_right(world: World) -> None:
    said = "Forbidden: Write access to collection c is required"
    world.server.faults.add("status", WRITES, code=403, error=said, skip=2)


def revoked(world: World) -> None:
    world.server.faults.add("status", WRITES, code=401, body=b"Invalid API key or JWT", skip=2)


def too_large(world: World) -> None:
    world.server.faults.add("status", UPSERT, code=413, body=b"413 Request Entity Too Large", skip=1)


def gone_collection(world: World) -> None:
    world.server.faults.add("status", UPSERT, code=404, error="Not found: Collection", skip=3)


def wrong_input(world: World) -> None:
    world.server.faults.add("status", UPSERT, code=400, error="Wrong input: Vector dimension error", skip=3)


def sign_in_page(world: World) -> None:
    world.server.faults.add("html", WRITES, skip=2)


def lasting_503(world: World) -> None:
    world.server.faults.add("status", WRITES, code=503, error="Shard temporarily unavailable", skip=3)


def lasting_500(world: World) -> None:
    world.server.faults.add("status", UPSERT, code=500, error="Service internal error: panic", skip=2)


def half_batches(world: World) -> None:
    world.server.faults.add("partial", UPSERT, skip=2)


@pytest.mark.parametrize(
    ("fault", "said", "most"),
    [
        (full_disk, "no room left .*make room on the server's disk and run again", 3),
        (lost_right, "does not let this key write .*set the environment variable QDRANT_API_KEY", 5),
        (revoked, "refuses the key .*set the environment variable QDRANT_API_KEY", 5),
        (too_large, "takes no request of this size .*lower upsert_batch_size", 4),
        (gone_collection, "answered HTTP 404: Not found: Collection", 6),
        (wrong_input, "answered HTTP 400: Wrong input: Vector dimension error", 6),
        (sign_in_page, "did not answer as Qdrant does .*run again", 20),
        (lasting_503, "answered HTTP 503.*did not pass.*run again, it continues", 40),
        (lasting_500, "answered HTTP 500.*did not pass.*run again, it continues", 20),
        (half_batches, "answered HTTP 500.*did not pass.*run again, it continues", 20),
    ],
)
def test_a_fault_that_stays_is_said_and_the_next_run_completes_the_work(
    world: World, fault: Callable[[World], None], said: str, most: int
) -> None:
    fault(world)
    text = sentence(world, retry_budget_s=1)
    assert re.search(said, text), text
    stored = sum(e.points for e in world.server.requests("PUT ") if e.status == 200)
    if fault is not sign_in_page:
        assert f"Of this run, {stored} points are stored and 0 deleted." in text
    assert len(world.server.writes()) <= most  # what cannot pass is not asked again
    world.server.faults.clear()
    world.run()
    assert world.differences() == []


def test_a_server_that_stays_away_is_said_and_the_next_run_completes_the_work(world: World) -> None:
    world.server.faults.add("run", UPSERT, times=1, skip=2, action=world.server.stop)
    assert "did not pass" in sentence(world, retry_budget_s=1)
    assert "cannot be reached" in sentence(world)  # at once: this run has never reached it
    world.server.start()
    world.run()
    assert world.differences() == []


def test_a_key_that_only_reads_is_said_before_anything_is_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", "a-key-that-reads")
    assert "does not let this key write" in sentence(world)
    assert world.differences(1) == []


# Order


def test_no_old_point_goes_before_the_new_ones_of_all_documents_are_confirmed(world: World) -> None:
    world.server.faults.add("slow", UPSERT, times=3, seconds=0.3)
    world.server.faults.add("drop_after", UPSERT, times=2)
    world.run(parallel=4)
    order = ["PUT" if e.method == "PUT" else "delete" for e in world.server.writes() if e.status == 200]
    assert order == ["PUT"] * 5 + ["delete"] * 3


# Strict mode


def test_a_server_in_strict_mode_is_served_as_well(world: World) -> None:
    strict = {"enabled": True, "unindexed_filtering_retrieve": False, "unindexed_filtering_update": False}
    client = world.client()
    client.delete_collection(COLLECTION)
    create_collection(client, COLLECTION, IDENTITY)
    client.update_collection(COLLECTION, strict_mode_config=StrictModeConfig(**strict))
    client.close()
    for version in (1, 2):
        world.run(version)
        assert world.differences(version) == []
