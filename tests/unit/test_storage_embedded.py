"""Promises of the embedded store: a server's answers, what is acknowledged is kept, damage is told."""

import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
import threading
import uuid

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from stagekit import StageError
from stagekit.storage import EmbeddedQdrant, open_embedded
from stagekit.storage.embedded.files import make_private

NAME = "c"
DENSE = {"dense": models.VectorParams(size=8, distance=models.Distance.COSINE)}
SPARSE = {"sparse": models.SparseVectorParams(modifier=models.Modifier.IDF)}
Field = models.FieldCondition


def points(count, seed=0):
    draw = np.random.default_rng(seed)
    for number in range(count):
        words = sorted({int(word) for word in draw.integers(0, 30, size=6)})
        sparse = models.SparseVector(indices=words, values=draw.uniform(0.5, 2, len(words)).tolist())
        yield models.PointStruct(
            id=str(uuid.UUID(int=number + 1)),
            vector={"dense": draw.normal(size=8).tolist(), "sparse": sparse},
            payload={
                "source_id": "s",
                "language": ["pt-BR", "en", "es"][number % 3],
                "tags": [f"t{number % 4}", "todos"],
                "is_latest": number % 2 == 0,
                "page": number,
                "created": f"2024-01-{number % 28 + 1:02}T10:00:00Z",
                "author": None if number % 5 else "Ana",
                "text": "férias; ação — ênfase",
            },
        )


def create(client, name=NAME):
    client.create_collection(
        name, vectors_config=DENSE, sparse_vectors_config=SPARSE, metadata={"made": "here"}
    )


@pytest.fixture
def store(tmp_path):
    store = open_embedded(tmp_path / "qdrant")
    create(store)
    yield store
    store.close()


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Return the store and qdrant-client's own engine in memory, with the same points."""
    store = EmbeddedQdrant(tmp_path_factory.mktemp("both") / "qdrant")
    other = QdrantClient(":memory:")
    for client in (store, other):
        create(client)
        client.upsert(NAME, points=list(points(120)))
    for field, kind in (
        ("language", "keyword"),
        ("is_latest", "bool"),
        ("created", "datetime"),
        ("page", "integer"),
    ):
        store.create_payload_index(NAME, field, models.PayloadSchemaType(kind))
        store.create_payload_index(NAME, field, models.PayloadSchemaType(kind))  # a second time is harmless
    yield store, other
    store.close()
    other.close()


def moment(day):
    return datetime.datetime(2024, 1, day, tzinfo=datetime.UTC)


def only(*conditions, **clauses):
    return models.Filter(must=list(conditions), **clauses)


FILTERS = {
    "keyword": only(Field(key="language", match=models.MatchValue(value="pt-BR"))),
    "one of": only(Field(key="language", match=models.MatchAny(any=["en", "es"]))),
    "none of": only(Field(key="language", match=models.MatchExcept(**{"except": ["en"]}))),
    "in a list": only(Field(key="tags", match=models.MatchValue(value="t2"))),
    "true": only(Field(key="is_latest", match=models.MatchValue(value=True))),
    "false": only(Field(key="is_latest", match=models.MatchValue(value=False))),
    "number": only(Field(key="page", match=models.MatchValue(value=7))),
    "range": only(Field(key="page", range=models.Range(gte=10, lt=20))),
    "dates": only(Field(key="created", range=models.DatetimeRange(gt=moment(3), lte=moment(9)))),
    "null": only(models.IsNullCondition(is_null=models.PayloadField(key="author"))),
    "empty": only(models.IsEmptyCondition(is_empty=models.PayloadField(key="missing"))),
    "ids": only(models.HasIdCondition(has_id=[str(uuid.UUID(int=3)), str(uuid.UUID(int=999))])),
    "not": models.Filter(must_not=[Field(key="language", match=models.MatchValue(value="pt-BR"))]),
    "either": models.Filter(
        should=[
            Field(key="page", match=models.MatchValue(value=1)),
            only(
                Field(key="language", match=models.MatchValue(value="es")),
                Field(key="page", range=models.Range(lt=9)),
            ),
        ]
    ),
    "alone": models.Filter(must=Field(key="page", match=models.MatchValue(value=7))),
}


@pytest.mark.parametrize("wanted", FILTERS.values(), ids=FILTERS)
def test_filters_mean_what_they_mean_elsewhere(both, wanted):
    counts = [client.count(NAME, count_filter=wanted).count for client in both]
    assert counts[0] == counts[1] > 0
    found = [client.scroll(NAME, scroll_filter=wanted, limit=200)[0] for client in both]
    assert {point.id for point in found[0]} == {point.id for point in found[1]}


QUESTION = np.random.default_rng(9).normal(size=8).tolist()
WORDS = models.SparseVector(indices=[3, 7, 12], values=[1.0, 1.0, 1.0])
QUERIES = {
    "dense": {"query": QUESTION, "using": "dense"},
    "nearest": {"query": models.NearestQuery(nearest=QUESTION), "using": "dense"},
    "exact": {"query": QUESTION, "using": "dense", "search_params": models.SearchParams(exact=True)},
    "filtered": {"query": QUESTION, "using": "dense", "query_filter": FILTERS["one of"]},
    "sparse": {"query": WORDS, "using": "sparse"},
    "good only": {"query": QUESTION, "using": "dense", "score_threshold": 0.5},
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Local mode performs exact")
@pytest.mark.parametrize("question", QUERIES.values(), ids=QUERIES)
def test_the_best_points_and_their_scores_are_those_of_another_engine(both, question):
    found = [client.query_points(NAME, limit=12, **question).points for client in both]
    assert [point.id for point in found[0]] == [point.id for point in found[1]]
    assert found[0]
    scores = [[point.score for point in points] for points in found]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)
    assert found[0][0].payload == found[1][0].payload


def searches(limit=40):
    return [
        models.Prefetch(query=QUESTION, using="dense", limit=limit),
        models.Prefetch(query=WORDS, using="sparse", limit=limit),
    ]


@pytest.mark.parametrize(
    ("fusion", "k"),
    [(models.FusionQuery(fusion=models.Fusion.RRF), 2), (models.RrfQuery(rrf=models.Rrf(k=60)), 60)],
)
def test_two_searches_are_fused_by_their_ranks(both, fusion, k):
    store, _ = both
    ranks = [
        {
            point.id: rank
            for rank, point in enumerate(store.query_points(NAME, limit=40, **QUERIES[name]).points)
        }
        for name in ("dense", "sparse")
    ]
    wanted = {
        point: sum(1 / (k + rank[point]) for rank in ranks if point in rank) for point in ranks[0] | ranks[1]
    }
    found = store.query_points(
        NAME, prefetch=searches(), query=fusion, limit=10, with_payload=["page"]
    ).points
    assert [point.score for point in found] == pytest.approx(
        sorted(wanted.values(), reverse=True)[:10], abs=1e-5
    )
    assert all(point.score == pytest.approx(wanted[point.id], abs=1e-5) for point in found)
    assert list(found[0].payload) == ["page"]


def test_fusion_by_distribution_is_there_too(both):
    fusion = models.FusionQuery(fusion=models.Fusion.DBSF)
    found = [client.query_points(NAME, prefetch=searches(), query=fusion, limit=3).points for client in both]
    assert len(found[0]) == len(found[1]) == 3


def test_several_questions_are_answered_as_each_of_them(both):
    store, _ = both
    asked = [
        models.QueryRequest(
            query=QUESTION, using="dense", limit=3, with_payload=["page"], with_vector=["dense"]
        ),
        models.QueryRequest(query=WORDS, using="sparse", filter=FILTERS["one of"]),
    ]
    dense, sparse = (answer.points for answer in store.query_batch_points(NAME, asked))
    options = {"with_payload": ["page"], "with_vectors": ["dense"]}
    assert dense == store.query_points(NAME, QUESTION, "dense", limit=3, **options).points
    query = {"query_filter": FILTERS["one of"], "with_payload": False}
    assert sparse == store.query_points(NAME, WORDS, "sparse", **query).points
    assert len(sparse) == 10


def test_a_prefetch_alone_and_its_filter(both):
    store, _ = both
    one = models.Prefetch(query=QUESTION, using="dense", limit=5, filter=FILTERS["true"])
    found = store.query_points(NAME, prefetch=one, query=WORDS, using="sparse", limit=10).points
    assert 0 < len(found) <= 5
    assert all(point.payload["is_latest"] for point in found)


def test_pages_of_a_scroll_hold_every_point_once(both):
    store, _ = both
    seen, offset = [], None
    while True:
        page, offset = store.scroll(NAME, limit=50, offset=offset, with_payload=False)
        seen += [point.id for point in page]
        if offset is None:
            break
    assert seen == sorted(seen)
    assert len(seen) == len(set(seen)) == 120


def test_points_come_back_as_they_were_given(both):
    store, other = both
    wanted = [str(uuid.UUID(int=4)), str(uuid.UUID(int=500))]
    (mine,) = store.retrieve(NAME, ids=wanted, with_vectors=True)
    (theirs,) = other.retrieve(NAME, ids=wanted, with_vectors=True)
    assert mine.payload == theirs.payload
    assert mine.vector["sparse"].indices == theirs.vector["sparse"].indices
    assert mine.vector["sparse"].values == pytest.approx(theirs.vector["sparse"].values)  # they are float32
    assert np.allclose(mine.vector["dense"], theirs.vector["dense"], atol=1e-6)
    assert store.retrieve(NAME, ids=wanted, with_payload=["page"])[0].payload == {"page": 3}
    assert list(store.retrieve(NAME, ids=wanted, with_vectors=["dense"])[0].vector) == ["dense"]


def test_points_are_replaced_and_deleted_by_id_list_and_filter(store):
    store.upsert(NAME, points=list(points(30)))
    replaced = models.PointStruct(id=str(uuid.UUID(int=1)), vector={"dense": QUESTION}, payload={"page": -1})
    numbered = models.PointStruct(id=7, vector={"dense": QUESTION})
    assert store.upsert(NAME, points=[replaced, numbered], wait=True).status == models.UpdateStatus.COMPLETED
    assert store.count(NAME).count == 31
    assert {point.id: point.payload for point in store.retrieve(NAME, ids=[7, replaced.id])} == {
        7: {},
        replaced.id: {"page": -1},
    }
    store.delete(NAME, points_selector=models.PointIdsList(points=[7]))
    store.delete(NAME, points_selector=[replaced.id])
    store.delete(NAME, points_selector=models.FilterSelector(filter=FILTERS["keyword"]))
    store.delete(NAME, points_selector=FILTERS["one of"])
    assert store.count(NAME).count == 0


def test_a_collection_says_what_it_is_and_its_metadata_can_change(tmp_path):
    store = open_embedded(tmp_path / "qdrant")
    int8 = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99, always_ram=True)
    store.create_collection(
        "rich",
        vectors_config={"dense": models.VectorParams(size=8, distance=models.Distance.DOT, on_disk=True)},
        hnsw_config=models.HnswConfigDiff(m=24, ef_construct=300),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=0),
        quantization_config=models.ScalarQuantization(scalar=int8),
        on_disk_payload=False,
        metadata={"a": 1, "b": 2},
    )
    store.upsert("rich", points=[models.PointStruct(id=1, vector={"dense": QUESTION}, payload={"x": 1})])
    store.update_collection("rich", metadata={"a": None, "c": 3})
    store.update_collection("rich", optimizers_config=models.OptimizersConfigDiff(indexing_threshold=20_000))
    store.create_payload_index("rich", "x", models.PayloadSchemaType.INTEGER)
    store.close()

    again = open_embedded(tmp_path / "qdrant")
    info = again.get_collection("rich")
    again.close()
    assert info.config.metadata == {"b": 2, "c": 3}
    vectors = info.config.params.vectors["dense"]
    assert (vectors.size, vectors.distance, vectors.on_disk) == (8, models.Distance.DOT, True)
    assert (info.config.hnsw_config.m, info.config.hnsw_config.ef_construct) == (24, 300)
    assert info.config.optimizer_config.indexing_threshold == 20_000
    assert info.config.quantization_config.scalar == int8
    assert (info.points_count, info.status) == (1, models.CollectionStatus.GREEN)
    assert info.payload_schema["x"].data_type == models.PayloadSchemaType.INTEGER


def alias(name, collection):
    made = models.CreateAlias(collection_name=collection, alias_name=name)
    return models.CreateAliasOperation(create_alias=made)


def test_an_alias_moves_in_one_step_and_outlives_the_process(store, tmp_path):
    create(store, "d")
    store.upsert("d", points=list(points(3)))
    store.update_collection_aliases([alias("read", NAME)])
    assert store.count("read").count == 0
    store.update_collection_aliases([alias("read", "d"), alias("other", NAME)])
    assert store.count("read").count == 3
    assert store.collection_exists("read")
    assert store.get_collection("read").points_count == 3
    gone = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name="other"))
    store.update_collection_aliases([gone, gone])
    store.close()
    again = open_embedded(tmp_path / "qdrant")
    assert [(one.alias_name, one.collection_name) for one in again.get_aliases().aliases] == [("read", "d")]
    again.delete_collection("d")
    assert again.get_aliases().aliases == []
    assert [one.name for one in again.get_collections().collections] == [NAME]
    assert not again.delete_collection("d")
    again.close()


def test_an_alias_is_changed_wholly_or_not_at_all(store):
    with pytest.raises(StageError, match="no collection nowhere"):
        store.update_collection_aliases([alias("read", NAME), alias("bad", "nowhere")])
    with pytest.raises(StageError, match="is a collection and cannot be an alias"):
        store.update_collection_aliases([alias("read", NAME), alias(NAME, NAME)])
    renamed = models.RenameAlias(old_alias_name="a", new_alias_name="b")
    with pytest.raises(StageError, match="RenameAliasOperation"):
        store.update_collection_aliases([models.RenameAliasOperation(rename_alias=renamed)])
    assert store.get_aliases().aliases == []


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda store: store.count("nowhere"), "has no collection nowhere"),
        (create, "has a collection or alias c already"),
        (lambda store: create(store, "." * 3), "does not begin with a dot"),
        (lambda store: create(store, "é" * 130), "is shorter"),
        (
            lambda store: store.create_collection("x", vectors_config=DENSE["dense"]),
            "named vectors only",
        ),
        (
            lambda store: store.upsert(NAME, points=[models.PointStruct(id=1, vector={"dense": [1.0, 2.0]})]),
            "cannot do this with c: .*expected dim: 8, got 2",
        ),
        (
            lambda store: store.upsert(NAME, points=[models.PointStruct(id=1, vector=QUESTION)]),
            "have no names",
        ),
        (
            lambda store: store.upsert(
                NAME, points=[models.PointStruct(id="x1", vector={"dense": QUESTION})]
            ),
            "'x1' is no id",
        ),
        (
            lambda store: store.count(NAME, count_filter=only(models.HasVectorCondition(has_vector="dense"))),
            "knows no filter condition HasVectorCondition",
        ),
        (
            lambda store: store.count(
                NAME, count_filter=only(Field(key="text", match=models.MatchText(text="férias")))
            ),
            "knows no match MatchText",
        ),
    ],
)
def test_what_it_cannot_do_is_said_in_a_sentence(store, act, said):
    with pytest.raises(StageError, match=said):
        act(store)
    assert store.count(NAME).count == 0


def test_its_files_are_their_owners_alone(tmp_path):
    umask = os.umask(0o077)  # as every command and every kernel has it
    with contextlib.closing(open_embedded(tmp_path / "qdrant")) as store:
        create(store)
        store.upsert(NAME, points=list(points(3)))
    os.umask(umask)
    for path in (tmp_path / "qdrant").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_what_the_engine_left_open_is_closed_to_others(tmp_path):
    (tmp_path / "shard" / "wal").mkdir(parents=True, mode=0o755)
    (tmp_path / "shard" / "wal" / "first").touch(mode=0o644)
    make_private(tmp_path)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {"shard": 0o700, "wal": 0o700, "first": 0o600}


def test_several_threads_may_write_and_read_at_once(store):
    batches = [list(points(40, seed))[part * 5 : part * 5 + 5] for seed in range(1) for part in range(8)]
    faults = []

    def work(batch):
        try:
            store.upsert(NAME, points=batch)
            store.query_points(NAME, query=QUESTION, using="dense")
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert store.count(NAME).count == 40


WRITER = """
import sys
from pathlib import Path
from stagekit.storage import open_embedded
from tests.unit.test_storage_embedded import NAME, create, points
store = open_embedded(Path(sys.argv[1]))
create(store)
made = list(points(4000))
for start in range(0, 4000, 10):
    store.upsert(NAME, points=made[start:start + 10], wait=True)
    print(start + 10, flush=True)
"""


def test_a_writer_that_is_killed_loses_nothing_that_was_acknowledged(tmp_path):
    folder = tmp_path / "qdrant"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
    told = 0
    with writer.stdout:
        for line in writer.stdout:
            told = int(line)
            if told == 150:
                os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    assert 150 <= told < 4000
    store = open_embedded(folder)
    wanted = {point.id: point.payload for point in list(points(4000))[:told]}
    found = {point.id: point.payload for point in store.scroll(NAME, limit=5000)[0]}
    assert wanted.items() <= found.items()
    store.upsert(NAME, points=list(points(5)))
    store.close()


def test_what_a_killed_process_had_begun_is_removed(tmp_path):
    folder = tmp_path / "qdrant" / "collections"
    (folder / "half" / "shard").mkdir(parents=True)
    store = open_embedded(tmp_path / "qdrant")
    assert not store.collection_exists("half")
    assert not (folder / "half").exists()
    create(store, "half")
    store.close()


def look(folder):
    with contextlib.closing(open_embedded(folder)) as store:
        return store.count(NAME).count


def damaged_description(folder):
    (folder / "collections" / NAME / "collection.json").write_text('{"request": 1}')


def damaged_aliases(folder):
    (folder / "aliases.json").write_text("{")


def damaged_engine(folder):
    (folder / "collections" / NAME / "shard" / "edge_config.json").write_text("{")


def damaged_segment(folder):
    next(folder.rglob("vectors/status.dat")).write_bytes(b"")


@pytest.mark.parametrize("damage", [damaged_description, damaged_aliases, damaged_engine, damaged_segment])
def test_a_damaged_store_is_named_with_the_remedy(store, tmp_path, damage):
    store.upsert(NAME, points=list(points(3)))
    store.update_collection_aliases([alias("read", NAME)])
    store.close()
    damage(tmp_path / "qdrant")
    with pytest.raises(StageError, match="move the folder away and run `nic-etl run` again"):
        look(tmp_path / "qdrant")
    (tmp_path / "qdrant").rename(tmp_path / "away")
    open_embedded(tmp_path / "qdrant").close()


def test_what_an_earlier_version_left_makes_room(tmp_path):
    folder = tmp_path / "qdrant"
    (folder / "collection" / "nic_documents").mkdir(parents=True)
    (folder / "collection" / "nic_documents" / "storage.sqlite").write_bytes(b"points")
    (folder / "meta.json").write_text(json.dumps({"collections": {}, "aliases": {}}))
    store = open_embedded(folder)
    assert (folder / "meta.json").exists()  # whoever only looks removes nothing
    create(store)
    assert not (folder / "meta.json").exists()
    assert not (folder / "collection").exists()
    store.close()
