"""Promises of the settings of a collection: one that exists gets them, or says that it cannot."""

from __future__ import annotations

import pytest
from qdrant_client import QdrantClient

from stagekit.storage import CollectionSettings, open_embedded, open_target
from tests.servers.qdrant_server import QdrantServer
from tests.unit.storage_rows import COLLECTION, IDENTITY

BEFORE = CollectionSettings()
AFTER = CollectionSettings(
    hnsw_m=32, quantization="scalar", on_disk_payload=False, on_disk_vectors=True, replication_factor=2
)


@pytest.fixture
def server():
    with QdrantServer() as server:
        yield server


@pytest.fixture
def client(server):
    client = QdrantClient(url=server.url, check_compatibility=False)
    yield client
    client.close()


def config(client):
    return client.get_collection(IDENTITY.physical_name(COLLECTION)).config


def test_a_collection_on_a_server_gets_the_settings_and_loses_them_again(client):
    open_target(client, COLLECTION, IDENTITY, BEFORE)
    assert open_target(client, COLLECTION, IDENTITY, AFTER).unapplied == ()
    found = config(client)
    assert (found.hnsw_config.m, found.hnsw_config.ef_construct) == (32, BEFORE.hnsw_ef_construct)
    assert found.quantization_config.scalar.always_ram
    assert (found.params.on_disk_payload, found.params.replication_factor) == (False, 2)
    assert found.params.vectors["dense"].on_disk
    assert open_target(client, COLLECTION, IDENTITY, BEFORE).unapplied == ()
    found = config(client)
    assert (found.hnsw_config.m, found.quantization_config) == (16, None)


def test_settings_that_are_as_they_were_send_nothing(client, server):
    for settings in (BEFORE, AFTER):
        open_target(client, COLLECTION, IDENTITY, settings)
    server.log.clear()
    open_target(client, COLLECTION, IDENTITY, AFTER)
    assert {entry.method for entry in server.log} == {"GET"}


def test_the_number_of_shards_is_told_to_be_that_of_the_beginning(client):
    open_target(client, COLLECTION, IDENTITY, BEFORE)
    wanted = BEFORE.model_copy(update={"shard_number": 3})
    assert open_target(client, COLLECTION, IDENTITY, wanted).unapplied == ("shard_number",)


def test_the_embedded_store_says_which_settings_come_too_late(tmp_path):
    store = open_embedded(tmp_path / "qdrant")
    open_target(store, COLLECTION, IDENTITY, BEFORE)
    assert open_target(store, COLLECTION, IDENTITY, BEFORE).unapplied == ()
    cluster = BEFORE.model_copy(update={"shard_number": 3, "replication_factor": 2, "indexing_threshold": 1})
    assert open_target(store, COLLECTION, IDENTITY, cluster).unapplied == ()  # they mean nothing there
    told = open_target(store, COLLECTION, IDENTITY, AFTER).unapplied
    assert set(told) == {"hnsw_m", "quantization", "on_disk_payload", "on_disk_vectors"}
    store.close()
