"""The test server for Qdrant behaves as a server does, where our code could notice a difference."""

from __future__ import annotations

import random
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from tests.servers.qdrant_server import QdrantServer

DIMENSION = 16
Server = tuple[QdrantServer, QdrantClient]


def connect(server: QdrantServer, **options: Any) -> QdrantClient:
    return QdrantClient(url=server.url, check_compatibility=False, **options)


def create(client: QdrantClient, name: str = "docs", **options: Any) -> None:
    client.create_collection(
        name,
        vectors_config={"dense": models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)},
        sparse_vectors_config={"sparse": models.SparseVectorParams(modifier=models.Modifier.IDF)},
        **options,
    )


def points(count: int, seed: int = 1) -> list[models.PointStruct]:
    dice = random.Random(seed)
    made = []
    for number in range(count):
        words = sorted(dice.sample(range(40), 6))
        sparse = models.SparseVector(indices=words, values=[dice.random() + 0.1 for _ in words])
        payload = {
            "language": dice.choice(["pt-BR", "en", "es"]),
            "tags": dice.sample(["rh", "ti", "fin", "jur"], 2),
            "page": dice.randrange(9),
            "latest": dice.random() < 0.5,
            "modified": f"2025-0{dice.randrange(1, 9)}-01T00:00:00Z",
            "nested": {"kind": dice.choice("ab")},
        }
        dense = [dice.gauss(0, 1) for _ in range(DIMENSION)]
        made.append(
            models.PointStruct(
                id=str(uuid.UUID(int=number + 1)), vector={"dense": dense, "sparse": sparse}, payload=payload
            )
        )
    return made


@pytest.fixture
def server() -> Iterator[Server]:
    with QdrantServer() as running:
        client = connect(running)
        yield running, client
        client.close()


def refusal(call: Any, *arguments: Any, **options: Any) -> UnexpectedResponse:
    with pytest.raises(UnexpectedResponse) as caught:
        call(*arguments, **options)
    return caught.value


# Agreement with the client's own engine


def match(field: str, value: Any) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


def random_filter(dice: random.Random) -> models.Filter | None:
    conditions: list[Any] = [
        match("language", dice.choice(["pt-BR", "en", "xx"])),
        match("tags", dice.choice(["rh", "ti"])),
        match("latest", dice.random() < 0.5),
        match("nested.kind", "a"),
        models.FieldCondition(key="language", match=models.MatchAny(any=["es", "en"])),
        models.FieldCondition(key="page", range=models.Range(gte=dice.randrange(9), lt=7)),
        models.FieldCondition(
            key="modified", range=models.DatetimeRange(gte=f"2025-0{dice.randrange(1, 9)}-01T00:00:00Z")
        ),
        models.HasIdCondition(has_id=[str(uuid.UUID(int=number)) for number in range(1, 90)]),
    ]
    clauses = {}
    for clause in ("must", "should", "must_not"):
        if dice.random() < 0.5:
            clauses[clause] = dice.sample(conditions, dice.randrange(1, 3))
    return models.Filter(**clauses) if clauses else None


def random_query(dice: random.Random) -> dict[str, Any]:
    dense = [dice.gauss(0, 1) for _ in range(DIMENSION)]
    words = dice.sample(range(45), 3)
    sparse = models.SparseVector(indices=words, values=[1.0, 0.5, 2.0])
    kind = dice.choice(["dense", "sparse", "both"])
    if kind == "dense":
        return {"query": dense, "using": "dense", "score_threshold": dice.choice([None, 0.1])}
    if kind == "sparse":
        return {"query": sparse, "using": "sparse"}
    return {
        "prefetch": [
            models.Prefetch(query=dense, using="dense", limit=20, filter=random_filter(dice)),
            models.Prefetch(query=sparse, using="sparse", limit=20),
        ],
        "query": models.FusionQuery(fusion=models.Fusion.RRF),
    }


def test_answers_agree_with_the_clients_own_engine(server: Server) -> None:
    running, remote = server
    local = QdrantClient(":memory:")
    for client in (remote, local):
        create(client)
        client.upsert("docs", points=points(150))
        client.upsert("docs", points=points(30, seed=2))
        client.delete("docs", points_selector=[str(uuid.UUID(int=number)) for number in range(60, 80)])
        client.delete("docs", points_selector=models.Filter(must=[match("page", 3), match("language", "es")]))
    dice = random.Random(3)
    for _ in range(60):
        wanted, question = random_filter(dice), random_query(dice)
        limit, offset = dice.choice([3, 10, 200]), dice.choice([0, 2])
        counts = [client.count("docs", count_filter=wanted).count for client in (remote, local)]
        assert counts[0] == counts[1], wanted
        answers = [
            client.query_points("docs", query_filter=wanted, limit=limit, offset=offset, **question).points
            for client in (remote, local)
        ]
        scores = [[point.score for point in answer] for answer in answers]
        assert np.allclose(scores[0], scores[1], atol=1e-5), question
        if len({round(score, 5) for score in scores[0]}) == len(scores[0]):  # no ties
            middle = slice(0, max(0, len(scores[0]) - 1))  # a tie may begin after the last one
            assert [p.id for p in answers[0]][middle] == [p.id for p in answers[1]][middle]
        pages = [
            client.scroll("docs", scroll_filter=wanted, limit=limit, with_vectors=True)
            for client in (remote, local)
        ]
        assert pages[0][1] == pages[1][1]
        assert [(r.id, r.payload) for r in pages[0][0]] == [(r.id, r.payload) for r in pages[1][0]]
        for mine, theirs in zip(pages[0][0], pages[1][0], strict=True):
            assert np.allclose(mine.vector["dense"], theirs.vector["dense"], atol=1e-6)
            assert mine.vector["sparse"] == theirs.vector["sparse"]
    local.close()
    assert running.engine.collections["docs"].applied == 4


# What only a server does


def test_cosine_vectors_are_stored_as_unit_vectors(server: Server) -> None:
    _, client = server
    create(client)
    sent = points(1)[0]
    client.upsert("docs", points=[sent])
    (stored,) = client.retrieve("docs", ids=[sent.id], with_vectors=True)
    assert np.linalg.norm(stored.vector["dense"]) == pytest.approx(1, abs=1e-6)


def test_the_configuration_of_a_collection_comes_back(server: Server) -> None:
    _, client = server
    create(
        client,
        metadata={"embedding_model": "m@1"},
        hnsw_config=models.HnswConfigDiff(m=0, ef_construct=200),
        quantization_config=models.ScalarQuantization(
            scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8)
        ),
    )
    client.create_payload_index("docs", "language", field_schema=models.PayloadSchemaType.KEYWORD)
    client.update_collection(
        "docs",
        hnsw_config=models.HnswConfigDiff(m=16),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=20000),
        metadata={"chunker": "c@2"},
        vectors_config={"dense": models.VectorParamsDiff(on_disk=True)},
    )
    info = client.get_collection("docs")
    assert (info.config.hnsw_config.m, info.config.hnsw_config.ef_construct) == (16, 200)
    assert info.config.optimizer_config.indexing_threshold == 20000
    assert info.config.quantization_config is not None
    assert info.config.metadata == {"embedding_model": "m@1", "chunker": "c@2"}
    assert info.config.params.vectors["dense"].on_disk is True
    assert info.payload_schema["language"].data_type == models.PayloadSchemaType.KEYWORD
    client.delete_payload_index("docs", "language")
    assert client.get_collection("docs").payload_schema == {}


def test_an_alias_moves_in_one_step_and_goes_with_its_collection(server: Server) -> None:
    _, client = server
    create(client, "a")
    create(client, "b")
    made = models.CreateAliasOperation
    client.update_collection_aliases(
        [made(create_alias=models.CreateAlias(collection_name="a", alias_name="docs"))]
    )
    client.upsert("docs", points=points(3))
    assert client.count("a").count == 3
    assert client.collection_exists("docs")
    client.update_collection_aliases(
        [made(create_alias=models.CreateAlias(collection_name="b", alias_name="docs"))]
    )
    assert client.count("docs").count == 0
    assert [alias.alias_name for alias in client.get_collection_aliases("b").aliases] == ["docs"]
    gone = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name="absent"))
    assert client.update_collection_aliases([gone])
    wrong = made(create_alias=models.CreateAlias(collection_name="a", alias_name="b"))
    assert refusal(client.update_collection_aliases, [wrong]).status_code == 409
    assert refusal(create, client, "docs").status_code == 400
    wrong = made(create_alias=models.CreateAlias(collection_name="nowhere", alias_name="x"))
    assert refusal(client.update_collection_aliases, [wrong]).status_code == 404
    assert client.delete_collection("b")
    assert not client.delete_collection("b")
    assert client.get_aliases().aliases == []


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ({"id": "abc", "vector": {"dense": [0.5] * DIMENSION}}, 'value "abc" is not a valid point ID'),
        ({"id": -1, "vector": {"dense": [0.5] * DIMENSION}}, "is not a valid point ID"),
        ({"id": 1, "vector": {"dense": [0.5] * 3}}, f"expected dim: {DIMENSION}, got 3"),
        ({"id": 1, "vector": {"other": [0.5] * 3}}, "Not existing vector name error: other"),
        ({"id": 1, "vector": {"dense": [float("nan")] * DIMENSION}}, "Format error in JSON body"),
    ],
)
def test_a_point_that_is_none_is_refused_as_a_whole(server: Server, point: Any, said: str) -> None:
    _, client = server
    create(client)
    error = refusal(client.upsert, "docs", points=[*points(2), models.PointStruct(**point)])
    assert error.status_code == 400
    assert said in error.content.decode().replace('\\"', '"')
    assert client.count("docs").count == 0


def test_refusals_have_the_servers_words(server: Server) -> None:
    _, client = server
    assert b"Not found: Collection `x` doesn't exist!" in refusal(client.get_collection, "x").content
    create(client)
    error = refusal(create, client)
    assert error.status_code == 409
    assert "already exists" in str(error)
    assert "Empty update request" in str(refusal(client.upsert, "docs", points=[]))
    assert client.retrieve("docs", ids=[7]) == []
    renamed = models.RenameAliasOperation(
        rename_alias=models.RenameAlias(old_alias_name="a", new_alias_name="b")
    )
    assert refusal(client.update_collection_aliases, [renamed]).status_code == 400


def test_a_request_that_is_too_large_is_refused(server: Server) -> None:
    running, client = server
    create(client)
    running.max_request_bytes = 2000
    error = refusal(client.upsert, "docs", points=points(20))
    assert error.status_code == 400
    assert "larger than allowed (limit: 2000 bytes)" in str(error)


def test_strict_mode_wants_indexes_and_small_requests(server: Server) -> None:
    _, client = server
    strict = models.StrictModeConfig(
        enabled=True,
        unindexed_filtering_retrieve=False,
        unindexed_filtering_update=False,
        max_query_limit=100,
        upsert_max_batchsize=10,
    )
    create(client, strict_mode_config=strict)
    client.upsert("docs", points=points(10))
    wanted = models.Filter(must=[match("language", "en")])
    for call, options in (
        (client.count, {"count_filter": wanted}),
        (client.scroll, {"scroll_filter": wanted}),
        (client.delete, {"points_selector": wanted}),
        (client.query_points, {"query_filter": wanted}),
    ):
        assert "Index required but not found" in str(refusal(call, "docs", **options))
    assert "Limit exceeded" in str(refusal(client.scroll, "docs", limit=500))
    assert "Limit exceeded" in str(refusal(client.upsert, "docs", points=points(11)))
    client.create_payload_index("docs", "language", field_schema=models.PayloadSchemaType.KEYWORD)
    client.delete("docs", points_selector=wanted)
    assert client.count("docs", count_filter=wanted).count == 0


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
def test_keys_open_what_they_should() -> None:
    with QdrantServer(api_key="all", read_only_key="look", prefix="/vectors") as server:
        clients = {key: connect(server, api_key=key) for key in ("all", "look", "wrong", None)}
        create(clients["all"])
        assert clients["look"].count("docs").count == 0
        writing = refusal(clients["look"].upsert, "docs", points=points(1))
        assert writing.status_code == 403
        assert "Forbidden: Write access to collection docs is required" in str(writing)
        assert "Global manage access" in str(refusal(clients["look"].delete_collection, "docs"))
        wrong = refusal(clients["wrong"].get_collections)
        assert (wrong.status_code, wrong.content) == (401, b"Invalid API key or JWT")
        none = refusal(clients[None].get_collections)
        assert none.content.startswith(b"Must provide an API key")
        assert clients[None].info().version == "1.19.0"
        with urllib.request.urlopen(f"{server.url}/healthz") as answer:
            assert answer.read() == b"healthz check passed"
        for client in clients.values():
            client.close()
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(server.url.removesuffix("/vectors"))
        caught.value.close()


def test_a_write_that_nobody_waits_for_is_seen_a_little_later(server: Server) -> None:
    running, client = server
    create(client)
    running.engine.collections["docs"].lag_s = 1.0
    answer = client.upsert("docs", points=points(2), wait=False)
    assert answer.status == models.UpdateStatus.ACKNOWLEDGED
    assert client.count("docs").count == 0
    time.sleep(1.05)
    assert client.count("docs").count == 2
    running.engine.collections["docs"].lag_s = 0.1
    client.upsert("docs", points=points(9), wait=False)
    client.delete("docs", points_selector=[str(uuid.UUID(int=1))], wait=True)
    assert client.count("docs").count == 8  # in the order in which they came


def test_a_restart_keeps_port_and_data(server: Server) -> None:
    running, client = server
    create(client)
    client.upsert("docs", points=points(3))
    address = running.url
    running.stop()
    with pytest.raises(ResponseHandlingException):
        client.count("docs")
    running.start()
    assert running.url == address
    assert client.count("docs").count == 3


def test_faults_look_to_the_client_as_they_do_in_the_world(server: Server) -> None:
    running, client = server
    create(client)
    running.faults.rate_limit(retry_after=3)
    with pytest.raises(ResourceExhaustedResponse) as caught:
        client.upsert("docs", points=points(1))
    assert caught.value.retry_after_s == 3
    running.faults.rate_limit()
    assert refusal(client.upsert, "docs", points=points(1)).status_code == 429
    running.faults.add("html", times=1)
    with pytest.raises(ValueError, match="Expecting value"):
        client.count("docs")
    for kind, stored in (("drop_before", 0), ("drop_after", 4)):
        running.faults.add(kind, "PUT .*/points", times=1)
        with pytest.raises(ResponseHandlingException):
            client.upsert("docs", points=points(4))
        assert client.count("docs").count == stored
    running.faults.add("partial", "PUT .*/points", times=1, when=lambda body: len(body["points"]) == 20)
    client.upsert("docs", points=points(5))
    assert refusal(client.upsert, "docs", points=points(20)).status_code == 500
    assert client.count("docs").count == 10
    running.faults.add("wait_timeout", "PUT .*/points", times=1)
    assert client.upsert("docs", points=points(1)).status == models.UpdateStatus.WAIT_TIMEOUT
    running.faults.add("truncate", "scroll", times=1)
    with pytest.raises(ValueError, match="Unterminated|Expecting"):
        client.scroll("docs")
