"""Writing points: requests of the right size and number, in the right order, and patience that has an end."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from qdrant_client.models import (
    Distance,
    PointStruct,
    SparseVector,
    SparseVectorParams,
    UpdateResult,
    UpdateStatus,
    VectorParams,
)

from stagekit import StageError
from stagekit.base.network.patience import Transient
from stagekit.storage import PointWriter, connect
from stagekit.storage.patience import QdrantPatience
from stagekit.storage.writing import point_bytes
from tests.servers.qdrant_server import QdrantServer

SIZE = 32
UPSERT = "PUT .*/points"


def point(number, text="texto", **payload):
    dense = [((number * 37 + index * 11) % 100 - 49.5) / 7 for index in range(SIZE)]
    sparse = SparseVector(indices=[number, number + 1000], values=[1.25, 0.123456])
    return PointStruct(
        id=number,
        vector={"dense": dense, "sparse": sparse},
        payload={"text": text, "status": "approved", **payload},
    )


def create(client):
    client.create_collection(
        "c",
        vectors_config={"dense": VectorParams(size=SIZE, distance=Distance.COSINE)},
        sparse_vectors_config={"sparse": SparseVectorParams()},
    )


class World:
    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.client = connect(server.url, folder, retry_budget_s=20)
        create(self.client)
        server.log.clear()

    def writer(self, **options):
        return PointWriter(self.client, "c", self.server.url, **{"statuses": {"approved"}} | options)

    def sizes(self):
        return [entry.points for entry in self.server.requests("PUT ")]


@pytest.fixture
def world(tmp_path):
    with QdrantServer() as server:
        world = World(server, tmp_path)
        yield world
        world.client.close()


def test_requests_are_filled_across_documents(world):
    with world.writer(batch_size=10) as writer:
        for document in range(7):
            writer.upsert(point(document * 100 + chunk) for chunk in range(4))
    assert sorted(world.sizes()) == [8, 10, 10]
    assert writer.written == world.client.count("c").count == 28


def test_no_request_grows_beyond_its_bytes(world):
    most = 20_000
    with world.writer(max_bytes=most) as writer:
        writer.upsert(point(number, "ã" * 2000) for number in range(12))
        writer.upsert([point(99, "x" * 2 * most)])  # larger than that by itself: it goes alone
    entries = [entry for entry in world.server.requests("PUT ") if entry.points > 1]
    assert sum(world.sizes()) == 13
    assert max(entry.bytes for entry in entries) <= 1.1 * most
    assert max(entry.points for entry in entries) == 4


@pytest.mark.parametrize("text", ["", "ação e reação " * 60])
def test_the_bytes_of_a_point_are_estimated_well(text):
    made = point(5, text)
    real = len(made.model_dump_json())
    assert 0.9 * real <= point_bytes(made) <= 1.7 * real
    plain = PointStruct(id=1, vector=[0.12345678901234567] * 8)
    assert point_bytes(plain) == pytest.approx(len(json.dumps(plain.vector)), rel=0.2)


def test_as_many_requests_are_in_flight_as_are_allowed(world):
    together = threading.Barrier(3, timeout=20)  # passes only where three come at the same time
    world.server.faults.add("run", UPSERT, times=3, action=together.wait)
    with world.writer(batch_size=1, parallel_requests=3) as writer:
        writer.upsert(map(point, range(9)))
    assert writer.written == 9
    assert not together.broken


def test_the_embedded_store_gets_one_request_after_the_other(tmp_path):
    client = connect("embedded", tmp_path)
    create(client)
    upsert, threads = client.upsert, []

    def watched(*arguments, **options):
        threads.append(threading.current_thread())
        return upsert(*arguments, **options)

    client.upsert = watched
    with PointWriter(client, "c", "embedded", statuses={"approved"}, batch_size=2) as writer:
        writer.upsert(map(point, range(5)))
        writer.delete([1, 2])
    assert set(threads) == {threading.main_thread()}
    assert (len(threads), writer.written, writer.deleted, client.count("c").count) == (3, 5, 2, 3)
    with (
        pytest.raises(StageError),
        PointWriter(client, "nowhere", "embedded", statuses={"approved"}) as writer,
    ):
        writer.upsert([point(1)])
    with pytest.raises(ZeroDivisionError), PointWriter(client, "c", "embedded", statuses={"approved"}):
        raise ZeroDivisionError
    client.close()


def write_and_delete(client):
    with PointWriter(client, "c", "embedded", statuses={"approved"}) as writer:
        writer.upsert([point(1)])
        writer.delete([2])


def test_what_was_only_taken_note_of_is_not_taken_for_written(tmp_path, monkeypatch):
    client = connect("embedded", tmp_path)
    create(client)
    noted = UpdateResult(operation_id=1, status=UpdateStatus.ACKNOWLEDGED)
    for name in ("upsert", "delete"):
        with monkeypatch.context() as patch:
            patch.setattr(client, name, lambda *_, **__: noted)
            with pytest.raises(StageError, match="did not finish it in time"):
                write_and_delete(client)
    client.close()


def test_many_deletions_do_not_wait_for_the_end_but_for_the_new_points(world):
    with world.writer(batch_size=2) as writer:
        writer.upsert([point(500)])
        writer.delete(range(31))
        assert world.server.writes() == []
        writer.delete([31])
        assert world.sizes() == [1]
    order = [entry.method for entry in world.server.writes()]
    assert order == ["PUT"] + ["POST"] * 16
    assert writer.deleted == 32


def test_a_cell_that_is_run_again_after_an_error_is_as_patient_as_before(world):
    world.client.count("c")
    world.server.faults.add("status", UPSERT, times=1, code=403, error="Forbidden: Write access")
    for fault in ({"code": 503}, {"code": 502}):
        world.server.faults.add("status", UPSERT, times=1, error="busy", **fault)
    with pytest.raises(StageError, match="does not let this key write"), world.writer() as writer:
        writer.upsert([point(1)])
    with world.writer() as writer:
        writer.upsert([point(1)])
    assert writer.written == 1


def test_nothing_to_write_asks_for_nothing(world):
    with world.writer() as writer:
        writer.upsert([])
        writer.delete([])
    assert world.server.log == []


def test_whoever_watches_is_told_why_the_run_waits(world):
    world.client.count("c")
    world.server.faults.rate_limit(retry_after=3)
    told = []
    with world.writer(notify=told.append) as writer:
        writer.upsert([point(1)])
    assert set(told) == {f"waiting for Qdrant at {world.server.url}"}
    assert writer.written == 1


def test_an_error_elsewhere_gives_up_at_once(world):
    world.client.count("c")
    world.server.faults.rate_limit(times=-1, retry_after=9)

    def interrupted():
        with world.writer(batch_size=1) as writer:
            writer.upsert(map(point, range(3)))
            while not world.server.requests("PUT "):
                time.sleep(0.01)
            raise KeyboardInterrupt

    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - begin < 6
    assert world.client.count("c").count == 0


def test_an_error_in_our_own_code_is_not_hidden(world):
    world.client.upsert = lambda *_, **__: 1 // 0
    with pytest.raises(ZeroDivisionError), world.writer() as writer:
        writer.upsert([point(1)])


# Patience


def failing(times, fault):
    tries = iter([fault] * times)

    def call():
        if fault := next(tries, None):
            raise fault
        return "done"

    return call


def reached(budget_s):
    patience = QdrantPatience("http://h:1", budget_s)
    patience.call(lambda: None)
    return patience


def test_the_budget_is_of_all_requests_together_and_waits_side_by_side_count_once():
    patience = reached(30)
    gate = threading.Barrier(4, timeout=10)

    def request():
        gate.wait()
        assert patience.call(failing(1, Transient("is busy", wait_s=0.5))) == "done"

    threads = [threading.Thread(target=request) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert patience.retries == 4
    assert 0.5 <= patience.lost_s < 1.5  # and not 2 s
    patience = reached(0.6)
    patience.call(failing(1, Transient("is busy", wait_s=0.4)))
    with pytest.raises(StageError, match=r"is busy, and it did not pass \(1 retries, 0 s\)"):
        patience.call(failing(1, Transient("is busy", wait_s=0.4)))


def test_no_budget_means_one_try():
    with pytest.raises(StageError, match="did not pass"):
        reached(0).call(failing(1, Transient("is busy")))


def test_a_pause_is_kept_up_to_a_minute(monkeypatch):
    slept = []
    patience = reached(300)
    monkeypatch.setattr(patience._stopped, "wait", slept.append)
    patience.call(failing(1, Transient("is busy", wait_s=3600)))
    assert slept == [60]


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_pause_may_be_asked_for_in_seconds_or_until_a_moment(world, form):
    world.client.count("c")
    moment = datetime.now(UTC) + timedelta(seconds=2)
    pause = "1" if form == "seconds" else format_datetime(moment, usegmt=True)
    world.server.faults.add("status", UPSERT, times=1, code=503, error="x", headers={"Retry-After": pause})
    begin = time.monotonic()
    with world.writer() as writer:
        writer.upsert([point(1)])
    assert writer.written == 1
    assert time.monotonic() - begin >= 0.9


@pytest.mark.parametrize("payload", [{"status": "draft"}, {"status": None}, {}])
def test_no_point_is_written_whose_status_is_not_served(world, payload):
    wrong = point(3)
    wrong.payload = {"file_path": "30-Aprovados/minuta.md"} | payload
    said = r"30-Aprovados/minuta\.md has status .* include_statuses"
    with pytest.raises(StageError, match=said), world.writer() as writer:
        writer.upsert([wrong])
    assert not world.sizes()
    with world.writer(statuses={"approved", "draft"}) as writer:
        writer.upsert([point(4, status="draft")])
    assert writer.written == 1
