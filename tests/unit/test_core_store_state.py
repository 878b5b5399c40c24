"""Promises of the look at the store: what changed it is seen, what did not is not, and doubt is no answer."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from qdrant_client import QdrantClient

from stagekit.checks.outside import outside_state
from stagekit.checks.store_state import store_state
from stagekit.storage import CollectionSettings, begin_writing, open_embedded, open_target, publish
from tests.servers.gitlab_tls import private_ca
from tests.servers.qdrant_server import QdrantServer
from tests.unit.storage_files import leave_store
from tests.unit.storage_rows import COLLECTION, IDENTITY, SOURCE, Corpus, alter, reconcile

SETTINGS = {"qdrant_url": "embedded", "collection_name": COLLECTION, "collection_grace_hours": 24}
OTHER = f"{COLLECTION}__ba9876543210"


def ago(hours):
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="seconds")


def test_the_embedded_store_is_as_it_was_until_a_session_wrote_to_it(tmp_path):
    assert store_state(SETTINGS, tmp_path) is None
    store = open_embedded(tmp_path / "qdrant")
    target = open_target(store, COLLECTION, IDENTITY, CollectionSettings())
    reconcile(store, Corpus({"a.md": ["um", "dois"]}).desired(), name=target.name)
    publish(store, target, COLLECTION, SOURCE)
    store.close()
    before = outside_state("store", SETTINGS, tmp_path)
    assert before is not None

    store = open_embedded(tmp_path / "qdrant")
    (point,) = store.scroll(COLLECTION, limit=1)[0]
    store.query_points(COLLECTION, query=[1.0] * 8, using="dense")
    store.close()
    assert store_state(SETTINGS, tmp_path) == before  # whoever only reads changes nothing

    store = open_embedded(tmp_path / "qdrant")
    alter(store, point.id, {"title": "by hand"})
    store.close()
    assert store_state(SETTINGS, tmp_path) not in {None, before}


def test_a_file_that_is_gone_or_another_alias_is_seen(tmp_path):
    folder = leave_store(tmp_path)
    before = store_state(SETTINGS, tmp_path)
    assert before == store_state(SETTINGS, tmp_path)
    (folder / "shard" / "segments" / "s1" / "page_0.dat").unlink()
    assert store_state(SETTINGS, tmp_path) not in {None, before}
    leave_store(tmp_path, physical=OTHER)
    changed = store_state(SETTINGS, tmp_path)
    (tmp_path / "qdrant" / "aliases.json").write_text(json.dumps({COLLECTION: OTHER}))
    assert store_state(SETTINGS, tmp_path) not in {None, changed}
    assert store_state(SETTINGS | {"collection_name": "another"}, tmp_path) is None


def test_another_alias_of_the_store_is_none_of_ours(tmp_path):
    leave_store(tmp_path)
    before = store_state(SETTINGS, tmp_path)
    leave_store(tmp_path, physical=f"{COLLECTION}_test__ba9876543210", superseded_at=ago(1000))
    assert store_state(SETTINGS, tmp_path) == before


@pytest.mark.parametrize(("hours", "due"), [(1, False), (25, True)])
def test_a_replaced_collection_whose_time_has_come_calls_for_the_stage(tmp_path, hours, due):
    leave_store(tmp_path)
    leave_store(tmp_path, physical=OTHER, superseded_at=ago(hours))
    assert (store_state(SETTINGS, tmp_path) is None) == due


@pytest.fixture
def server():
    with QdrantServer() as running:
        yield running


def of(server, **more):
    return SETTINGS | {"qdrant_url": server.url} | more


def fill(server):
    client = QdrantClient(url=server.url, check_compatibility=False)
    target = open_target(client, COLLECTION, IDENTITY, CollectionSettings())
    reconcile(client, Corpus({"a.md": ["um", "dois"]}).desired(), name=target.name)
    publish(client, target, COLLECTION, SOURCE)
    return client


def test_a_server_is_asked_for_its_points_and_what_they_are(server, tmp_path):
    assert store_state(of(server), tmp_path) is None
    client = fill(server)
    before = store_state(of(server), tmp_path)
    assert before is not None
    assert before.startswith(f"2 points of {IDENTITY.fingerprint}, ")
    begin_writing(client, IDENTITY.physical_name(COLLECTION), SOURCE, "1" * 32)
    written = store_state(of(server), tmp_path)
    assert written not in {None, before}  # as many points, but by another write than the one that is known
    assert written.startswith("2 points of ")
    (point,) = client.scroll(COLLECTION, limit=1)[0]
    client.delete(COLLECTION, points_selector=[point.id])
    assert store_state(of(server), tmp_path).startswith("1 points of ")
    client.close()


@pytest.mark.parametrize(("hours", "due"), [(1, False), (25, True)])
def test_a_server_keeps_a_replaced_collection_for_its_time_too(server, tmp_path, hours, due):
    client = fill(server)
    client.create_collection(OTHER, vectors_config={}, metadata={"superseded_at": ago(hours)})
    client.create_collection(f"{COLLECTION}__nothex", vectors_config={})
    client.close()
    assert (store_state(of(server), tmp_path) is None) == due


def test_a_key_a_prefix_and_a_private_authority_are_used(tmp_path, monkeypatch):
    authority, context = private_ca(tmp_path)
    monkeypatch.setenv("QDRANT_API_KEY", "hush")
    with QdrantServer(api_key="hush", prefix="/vectors", tls=context) as server:
        settings = of(server, ca_file=str(authority))
        assert store_state(settings, tmp_path) is None  # there is no collection
        assert [(entry.status, entry.target) for entry in server.log] == [
            (404, f"/vectors/collections/{COLLECTION}/points/count")
        ]
        assert store_state(of(server), tmp_path) is None  # not trusted
        assert len(server.log) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 403, "body": b"{}"},
        {"code": 200, "body": b"hello"},
        {"code": 200, "body": b'{"result": null}'},
    ],
)
def test_a_server_that_does_not_answer_plainly_has_no_answer(server, tmp_path, answer):
    fill(server).close()
    server.faults.add("status", "/count", **answer)
    assert store_state(of(server), tmp_path) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "no address"])
def test_a_server_that_is_away_has_no_answer(tmp_path, url):
    assert store_state(SETTINGS | {"qdrant_url": url}, tmp_path) is None
