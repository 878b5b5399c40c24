"""Promises of the collections: never mixed, never empty for readers, no source loses its points."""

import contextlib
import threading
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from qdrant_client import QdrantClient
from qdrant_client.models import (
    CreateAlias,
    CreateAliasOperation,
    Distance,
    PointStruct,
    SparseVector,
    VectorParams,
)

from stagekit import StageError
from stagekit.storage import (
    PAYLOAD_INDEXES,
    CollectionIdentity,
    CollectionSettings,
    check_collection,
    collections,
    compare,
    count_points,
    create_collection,
    drop_superseded,
    embedding_identity,
    finish_load,
    open_embedded,
    open_target,
    physical_collections,
    publish,
    require_vectors,
    require_writable,
    served_collection,
    verify_sample,
)
from stagekit.storage.version import require_metadata
from tests.servers.qdrant_server import QdrantServer
from tests.unit.storage_rows import (
    COLLECTION,
    DIMENSION,
    IDENTITY,
    SOURCE,
    Corpus,
    alter,
    create,
    reconcile,
    vector,
)

OTHER = CollectionIdentity("other-model@2", DIMENSION)
PATH = "30-Aprovados/a.md"
TEXTS = {PATH: ["prazo para recorrer", "quem decide o recurso", "férias de trinta dias"]}
SETTINGS = CollectionSettings()


@pytest.fixture(params=["embedded", "server"])
def store(request, tmp_path):
    """Return a store of each kind, the server's through the unpatched client."""
    if request.param == "embedded":
        client = open_embedded(tmp_path / "qdrant")
        yield client
        client.close()
        return
    with QdrantServer() as server:
        client = QdrantClient(url=server.url, check_compatibility=False)
        yield client
        client.close()


@pytest.fixture
def embedded(tmp_path):
    client = open_embedded(tmp_path / "qdrant")
    yield client
    client.close()


def run(client, identity=IDENTITY, texts=None, *, source=SOURCE, grace=24.0, points=0):
    """Do what the storage notebook does; return the target."""
    desired = Corpus(texts or TEXTS).desired()
    target = open_target(client, COLLECTION, identity, SETTINGS, points)
    reconcile(client, desired, name=target.name)
    finish_load(client, target, SETTINGS)
    expected = sum(len(document.fingerprints) for document in desired)
    verify_sample(client, target.name, desired, SOURCE, expected_points=expected).require()
    publish(client, target, COLLECTION, source)
    drop_superseded(client, COLLECTION, grace, keep=target.name)
    return target


def names(client):
    return [(one.name, one.serving, bool(one.superseded_at)) for one in physical_collections(client)]


FIRST, SECOND = IDENTITY.physical_name(COLLECTION), OTHER.physical_name(COLLECTION)


def test_readers_find_the_collection_under_its_alias(store):
    target = run(store)
    assert (target.name, target.served, target.created, target.switches) == (FIRST, "", True, False)
    assert served_collection(store, COLLECTION) == FIRST
    assert count_points(store, COLLECTION) == 3
    check_collection(store, COLLECTION, IDENTITY)
    again = run(store)
    assert (again.name, again.served, again.created) == (FIRST, FIRST, False)
    (one,) = physical_collections(store)
    assert (one.collection_name, one.points, one.fingerprint) == (COLLECTION, 3, IDENTITY.fingerprint)
    assert one.embedding_model == IDENTITY.embedding_model
    assert datetime.now(UTC) - datetime.fromisoformat(one.created_at) < timedelta(minutes=5)


def test_another_model_gets_a_collection_of_its_own_and_the_old_one_stays_a_while(store):
    run(store)
    target = run(store, OTHER)
    assert (target.name, target.served, target.switches) == (SECOND, FIRST, True)
    assert served_collection(store, COLLECTION) == SECOND
    assert names(store) == [(SECOND, True, False), (FIRST, False, True)]
    run(store, OTHER)
    assert names(store) == [(SECOND, True, False), (FIRST, False, True)]
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=25)).isoformat(timespec="seconds")
    store.update_collection(FIRST, metadata={"superseded_at": an_hour_ago})
    run(store, OTHER)
    assert names(store) == [(SECOND, True, False)]


def test_without_grace_the_old_collection_goes_at_once(store):
    run(store)
    run(store, OTHER, grace=0)
    assert names(store) == [(SECOND, True, False)]


def test_going_back_takes_up_the_collection_that_is_still_there(store):
    run(store)
    run(store, OTHER)
    changed = {PATH: ["tudo novo"]}
    target = run(store, IDENTITY, changed)
    assert (target.name, target.created) == (FIRST, False)
    assert names(store) == [(FIRST, True, False), (SECOND, False, True)]
    assert compare(store, COLLECTION, Corpus(changed).desired(), SOURCE) == []


def test_a_build_that_broke_off_leaves_the_old_one_serving_and_is_continued(store):
    run(store)
    target = open_target(store, COLLECTION, OTHER, SETTINGS)
    (document,) = Corpus(TEXTS).desired()
    one, *_ = document.points()
    store.upsert(
        target.name, points=[PointStruct(id=one.id, vector={"dense": one.vector}, payload=one.payload)]
    )
    assert served_collection(store, COLLECTION) == FIRST
    assert count_points(store, COLLECTION) == 3
    again = open_target(store, COLLECTION, OTHER, SETTINGS)
    assert (again.name, again.created) == (SECOND, False)
    report, _ = reconcile(store, [document], name=again.name)
    assert report[0]["unchanged"] == 1
    assert publish(store, again, COLLECTION, SOURCE)
    assert served_collection(store, COLLECTION) == SECOND


def test_a_build_that_was_given_up_is_dropped_after_the_grace_too(store):
    run(store)
    open_target(store, COLLECTION, OTHER, SETTINGS)
    assert drop_superseded(store, COLLECTION, 24) == []
    assert names(store) == [(FIRST, True, False), (SECOND, False, True)]
    assert drop_superseded(store, COLLECTION, 0) == [SECOND]


def foreign(number):
    payload = {"source_id": "other-source", "file_path": f"{number}.md"}
    return PointStruct(
        id=str(uuid.UUID(int=number)), vector={"dense": vector(f"x {number}").tolist()}, payload=payload
    )


def test_the_points_of_another_source_are_never_left_behind(store):
    run(store)
    store.upsert(COLLECTION, points=[foreign(1), foreign(2)])
    with pytest.raises(StageError, match=r"also holds points of other-source, .*own collection_name"):
        run(store, OTHER)
    assert served_collection(store, COLLECTION) == FIRST
    assert count_points(store, COLLECTION, "other-source") == 2
    # The other source runs with the same model: now both are there, and the alias moves.
    target = open_target(store, COLLECTION, OTHER, SETTINGS)
    store.upsert(target.name, points=[foreign(1), foreign(2)])
    assert publish(store, target, COLLECTION, "other-source")
    assert served_collection(store, COLLECTION) == SECOND
    assert count_points(store, COLLECTION) == 5


def test_a_collection_that_is_not_ours_is_neither_written_nor_replaced(store):
    store.create_collection(COLLECTION, vectors_config={"v": VectorParams(size=3, distance=Distance.DOT)})
    with pytest.raises(StageError, match=r"not made by nic-etl, and nothing was written: choose another"):
        open_target(store, COLLECTION, IDENTITY, SETTINGS)
    assert [one.name for one in store.get_collections().collections] == [COLLECTION]


def test_a_collection_of_an_earlier_version_serves_until_the_new_one_takes_its_name(store):
    create(store)  # of ours, under the name itself
    reconcile(store, Corpus(TEXTS).desired())
    target = open_target(store, COLLECTION, IDENTITY, SETTINGS)
    assert (target.served, target.switches) == (COLLECTION, True)
    assert count_points(store, COLLECTION) == 3
    run(store)
    assert served_collection(store, COLLECTION) == FIRST
    assert names(store) == [(FIRST, True, False)]


@pytest.mark.parametrize(
    ("size", "distance", "metadata", "said"),
    [
        (16, Distance.COSINE, IDENTITY.metadata(), r"test-model@1 \(dense, 16 dimensions"),
        (DIMENSION, Distance.DOT, IDENTITY.metadata(), "Dot"),
        (DIMENSION, Distance.COSINE, {"embedding_model": "other@2"}, "vectors of other@2"),
        (DIMENSION, Distance.COSINE, None, "vectors of an unknown model"),
    ],
)
def test_what_has_other_vectors_than_its_name_says_is_refused(size, distance, metadata, said):
    client = QdrantClient(":memory:")
    vectors = {"dense": VectorParams(size=size, distance=distance)}
    client.create_collection(FIRST, vectors_config=vectors, metadata=metadata)
    with pytest.raises(StageError, match=said) as caught:
        open_target(client, COLLECTION, IDENTITY, SETTINGS)
    assert "choose another collection_name" in str(caught.value)
    client.close()


def test_vectors_without_a_name_or_a_sparse_part_are_refused_too():
    client = QdrantClient(":memory:")
    client.create_collection("plain", vectors_config=VectorParams(size=4, distance=Distance.COSINE))
    with pytest.raises(StageError, match=r"without a name, 4 dimensions"):
        check_collection(client, "plain", IDENTITY)
    client.create_collection("none", vectors_config={})
    with pytest.raises(StageError, match=r"0 dimensions, no distance"):
        check_collection(client, "none", IDENTITY)
    create(client)
    hybrid = CollectionIdentity(IDENTITY.embedding_model, DIMENSION, sparse="bm25-1")
    with pytest.raises(StageError, match=r"sparse: none\), this run .* sparse: bm25-1"):
        check_collection(client, COLLECTION, hybrid)
    client.close()


def test_what_makes_another_collection_and_what_does_not():
    same = CollectionIdentity(IDENTITY.embedding_model, DIMENSION)
    assert same.fingerprint == IDENTITY.fingerprint
    others = [
        CollectionIdentity("m@2", DIMENSION),
        CollectionIdentity(IDENTITY.embedding_model, 16),
        CollectionIdentity(IDENTITY.embedding_model, DIMENSION, chunk_size=300),
        CollectionIdentity(IDENTITY.embedding_model, DIMENSION, chunk_overlap=30),
        CollectionIdentity(IDENTITY.embedding_model, DIMENSION, chunker_version="99"),
        CollectionIdentity(IDENTITY.embedding_model, DIMENSION, schema_version="2.0"),
        CollectionIdentity(IDENTITY.embedding_model, DIMENSION, sparse="bm25-1"),
    ]
    assert len({one.fingerprint for one in [IDENTITY, *others]}) == 8
    assert f"{COLLECTION}__{IDENTITY.fingerprint[:12]}" == FIRST


def test_indexes_and_settings_are_there_before_the_first_point():
    settings = CollectionSettings(
        hnsw_m=24, hnsw_ef_construct=300, full_scan_threshold=5000, indexing_threshold=30_000,
        quantization="scalar", on_disk_payload=False, on_disk_vectors=True, shard_number=2,
        replication_factor=2, write_consistency_factor=2,
    )  # fmt: skip
    with QdrantServer() as server:
        client = QdrantClient(url=server.url, check_compatibility=False)
        open_target(client, COLLECTION, IDENTITY, settings)
        info = client.get_collection(FIRST)
        client.close()
    assert set(info.payload_schema) == set(PAYLOAD_INDEXES)
    config = info.config
    assert (config.hnsw_config.m, config.hnsw_config.ef_construct) == (24, 300)
    assert config.hnsw_config.full_scan_threshold == 5000
    assert config.optimizer_config.indexing_threshold == 30_000
    assert config.params.vectors["dense"].on_disk
    assert not config.params.on_disk_payload
    assert (config.params.shard_number, config.params.replication_factor) == (2, 2)
    assert config.params.write_consistency_factor == 2
    assert config.quantization_config.scalar.type == "int8"


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"hnswm": 3}, "qdrant_collection has no key 'hnswm': did you mean 'hnsw_m'?"),
        ({"hnsw_m": 2}, "qdrant_collection.hnsw_m is 2: Input should be greater than or equal to 4."),
        ("hnsw_m", "qdrant_collection is 'hnsw_m': write a mapping, such as {hnsw_m: 32}."),
    ],
)
def test_a_notebook_that_is_opened_by_hand_says_what_is_wrong_with_the_mapping(mapping, said):
    with pytest.raises(StageError) as caught:
        CollectionSettings.of(mapping)
    assert str(caught.value) == said
    assert CollectionSettings.of({"hnsw_m": 32}) == CollectionSettings(hnsw_m=32)


def threshold(client, name):
    return client.get_collection(name).config.optimizer_config.indexing_threshold


def test_a_large_first_load_builds_its_graph_once_at_the_end(store):
    assert (SETTINGS.hnsw_m, SETTINGS.hnsw_ef_construct) == (16, 200)
    target = open_target(store, COLLECTION, IDENTITY, SETTINGS, collections.BULK_POINTS + 1)
    assert threshold(store, target.name) == 0
    # The run breaks off; the next one ends the bulk load, however few points it still writes.
    run(store)
    assert threshold(store, target.name) == SETTINGS.indexing_threshold
    assert count_points(store, COLLECTION) == 3


def test_the_graph_is_waited_for(monkeypatch):
    with QdrantServer() as server:
        client = QdrantClient(url=server.url, check_compatibility=False)
        target = open_target(client, COLLECTION, IDENTITY, SETTINGS, collections.BULK_POINTS + 1)
        seen = iter(["yellow", "yellow", "green"])
        inner = client.get_collection

        def get_collection(name):
            info = inner(name)
            changed = threshold_of(info) == SETTINGS.indexing_threshold
            return info.model_copy(update={"status": next(seen)}) if changed else info

        monkeypatch.setattr(client, "get_collection", get_collection)
        monkeypatch.setattr(collections.time, "sleep", lambda _: None)
        finish_load(client, target, SETTINGS)
        assert list(seen) == []
        client.close()


def threshold_of(info):
    return info.config.optimizer_config.indexing_threshold


def test_a_collection_without_its_indexes_gets_them_on_the_next_run(embedded):
    create(embedded, FIRST)  # killed before the indexes were made
    target = open_target(embedded, COLLECTION, IDENTITY, SETTINGS)
    assert {"source_id", "document_id", "language"} <= embedded.get_collection(
        target.name
    ).payload_schema.keys()


def with_sparse(corpus, words):
    """Add a sparse vector to each chunk of a corpus."""
    for (path, name), table in corpus.parts.items():
        if name == "embeddings":
            chosen = [words[: index + 1] for index in range(len(table))]
            indices = pa.array(chosen, pa.list_(pa.uint32()))
            values = pa.array([[0.5] * len(one) for one in chosen], pa.list_(pa.float32()))
            wider = table.append_column("sparse_indices", indices)
            corpus.parts[path, name] = wider.append_column("sparse_values", values)
    return corpus


HYBRID = CollectionIdentity(IDENTITY.embedding_model, DIMENSION, sparse="bm25-1")


def hybrid(words):
    from stagekit.storage import desired_documents

    corpus = with_sparse(Corpus(TEXTS), words)
    return desired_documents(corpus.payloads, corpus.embeddings, corpus.parts.__getitem__, HYBRID)


def test_sparse_vectors_are_stored_compared_and_found(store):
    desired = hybrid([3, 5, 8])
    create_collection(store, "h", HYBRID)
    reconcile(store, desired, name="h")
    assert compare(store, "h", desired, SOURCE) == []
    best = store.query_points("h", query=SparseVector(indices=[8], values=[1.0]), using="sparse").points
    assert len(best) == 1
    victim = str(best[0].id)
    (record,) = store.retrieve("h", ids=[victim], with_vectors=True)
    alter(store, victim, vector=record.vector["dense"], name="h")  # the sparse part is gone
    (difference,) = compare(store, "h", desired, SOURCE)
    assert (difference.kind, difference.point_id, difference.detail) == (
        "vector",
        victim,
        "in its sparse part",
    )


def test_a_changed_sparse_vector_changes_the_fingerprint():
    (one,), (same,), (other,) = hybrid([3, 5, 8]), hybrid([3, 5, 8]), hybrid([4, 5, 8])
    assert one.fingerprints == same.fingerprints
    assert not set(one.fingerprints.values()) & set(other.fingerprints.values())
    (dense,) = Corpus(TEXTS).desired()
    assert not set(one.fingerprints.values()) & set(dense.fingerprints.values())


def test_a_text_without_words_has_no_sparse_vector(embedded):
    create_collection(embedded, "h", HYBRID)
    desired = hybrid([])
    reconcile(embedded, desired, name="h")
    assert compare(embedded, "h", desired, SOURCE) == []


def test_the_kind_of_sparse_vectors_belongs_to_the_identity():
    from stagekit.storage import desired_documents

    row = {"embedding_model": "m@1", "vector_dimension": 8, "sparse_version": "bm25-1"}
    assert embedding_identity([row, row]).sparse == "bm25-1"
    with pytest.raises(StageError, match=r"m@1 \(8 dimensions, bm25-1\)"):
        embedding_identity([row, row | {"sparse_version": ""}])
    corpus = Corpus(TEXTS)
    with pytest.raises(StageError, match="has no sparse vectors: run embedding_generation again"):
        desired_documents(corpus.payloads, corpus.embeddings, corpus.parts.__getitem__, HYBRID)


def test_a_point_that_its_own_vector_does_not_find_is_told(embedded):
    desired = Corpus({PATH: [f"texto {n} sobre {n * n}" for n in range(14)]}).desired()
    create(embedded)
    reconcile(embedded, desired)
    victim = sorted(desired[0].fingerprints)[0]
    alter(embedded, victim, vector=[-one for one in next(iter(desired[0].points({victim}))).vector])
    found = verify_sample(embedded, COLLECTION, desired, SOURCE, expected_points=14).differences
    assert {(one.kind, one.point_id) for one in found} == {("vector", victim), ("search", victim)}


def test_readers_see_no_gap_and_no_mixture_while_another_model_takes_over(store):
    """A thread asks the alias all the time, from the first point of the new collection to the last drop."""
    texts = {f"30-Aprovados/{n}.md": [f"texto {n} parte {k}" for k in range(8)] for n in range(12)}
    run(store, IDENTITY, texts)
    faults, seen, stop = [], Counter(), threading.Event()

    def read():
        while not stop.is_set():
            try:
                found = store.query_points(
                    COLLECTION, query=vector("texto 3").tolist(), using="dense", limit=96
                )
                models = {point.payload["embedding_model"] for point in found.points}
                seen[len(found.points), *models] += 1
            except BaseException as error:
                faults.append(error)
            time.sleep(0.02)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        desired = [document_of_other_model(document) for document in Corpus(texts).desired()]
        target = open_target(store, COLLECTION, OTHER, SETTINGS)
        for document in desired:
            reconcile(store, [document], in_source=[other.document_id for other in desired], name=target.name)
        finish_load(store, target, SETTINGS)
        publish(store, target, COLLECTION, SOURCE)
        time.sleep(0.2)
        drop_superseded(store, COLLECTION, 0, keep=target.name)
        time.sleep(0.2)
    finally:
        stop.set()
        reader.join()
    assert faults == []
    assert set(seen) == {(96, IDENTITY.embedding_model), (96, OTHER.embedding_model)}


def document_of_other_model(document):
    """Return the document with vectors of the other model's name in its payloads."""
    from dataclasses import replace

    def load():
        for point in document.load():
            yield replace(point, payload=point.payload | {"embedding_model": OTHER.embedding_model})

    return replace(document, load=load)


def test_what_a_run_may_write_is_asked_without_a_change(embedded):
    assert require_writable(embedded, COLLECTION) == "collections and aliases may be changed"
    with pytest.raises(StageError, match="there is no collection yet"):
        require_vectors(embedded, COLLECTION, [])
    require_vectors(embedded, COLLECTION, [{}])
    create(embedded, "early")
    assert require_writable(embedded, "early") == "early may be changed"
    made = CreateAlias(collection_name="early", alias_name=COLLECTION)
    embedded.update_collection_aliases([CreateAliasOperation(create_alias=made)])
    require_vectors(embedded, COLLECTION, [])
    with contextlib.closing(open_embedded(embedded._path, read_only=True)) as reader:
        with pytest.raises(StageError, match="opened to be read"):
            require_writable(reader, COLLECTION)
        with pytest.raises(StageError, match="opened to be read"):
            require_writable(reader, "nobody")


def test_a_collection_that_does_not_keep_its_metadata_is_dropped_at_once(embedded):
    vectors = {"dense": VectorParams(size=DIMENSION, distance=Distance.COSINE)}
    embedded.create_collection("new", vectors_config=vectors)
    with pytest.raises(StageError, match=r"does not keep what is written on a collection, .* 1\.16 or newer"):
        require_metadata(embedded, "new")
    assert not embedded.collection_exists("new")
