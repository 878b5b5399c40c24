"""Promises of reading a store: the embedded one and a server answer alike, in words of our own."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator

import pytest
from qdrant_client import models

from stagekit.storage import connect
from stagekit.storage.reading.conditions import AnyOf, Empty, Flag, Terms, Where, WithId, Within
from stagekit.storage.reading.opening import reading
from stagekit.storage.reading.reader import CollectionFacts, StoreReader
from tests.servers.qdrant_server import QdrantServer
from tests.unit.test_storage_embedded import NAME, create, moment, points

POINTS = list(points(30))
WORDS = Terms([3, 7, 12], [1.0, 1.0, 1.0])
IS_LATEST = Flag("is_latest", value=True)
IN_ENGLISH = Where(must=[AnyOf("language", ["en"])])


@pytest.fixture(scope="module", params=["embedded", "server"])
def reader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreReader]:
    folder, url = tmp_path_factory.mktemp("reading"), request.param
    with contextlib.ExitStack() as stack:
        if url == "server":
            url = stack.enter_context(QdrantServer()).url
        with contextlib.closing(connect(url, folder)) as client:
            create(client)
            client.upsert(NAME, points=POINTS, wait=True)
            client.create_payload_index(NAME, "language", models.PayloadSchemaType.KEYWORD)
        yield stack.enter_context(reading(url, folder, {}))


def test_a_collection_says_what_it_is(reader: StoreReader) -> None:
    assert (reader.exists(NAME), reader.exists("nowhere"), reader.filters_by("text")) == (True, False, True)
    facts = CollectionFacts({"dense": 8}, frozenset({"sparse"}), {"made": "here"})
    assert reader.facts(NAME) == facts


@pytest.mark.parametrize(
    ("where", "pages"),
    [
        (None, range(30)),
        (IN_ENGLISH, range(1, 30, 3)),
        (Where(must=[AnyOf("tags", ["t1", "t2"]), IS_LATEST]), range(2, 30, 4)),
        (Where(must=[Flag("is_latest", value=False)]), range(1, 30, 2)),
        (Where(must_not=[Empty("author")]), range(0, 30, 5)),
        (Where(must=[WithId([str(uuid.UUID(int=3)), str(uuid.UUID(int=99))])]), [2]),
        (Where(must=[Within("page", gte=10, lt=13)]), range(10, 13)),
        (Where(must=[Within("page", gt=10, lte=13)]), range(11, 14)),
        (Where(must=[Within("created", gt=moment(3), lte=moment(5))]), [2, 3]),
        (Where(must=[Within("created", gte=moment(28))]), [27]),
        (
            Where(should=[Within("page", lt=2), Where(must=[Within("page", gte=28), IS_LATEST])]),
            [0, 1, 28],
        ),
    ],
)  # fmt: skip
def test_conditions_choose_the_points_that_they_say(
    reader: StoreReader, where: Where | None, pages: range | list[int]
) -> None:
    found, following = reader.page(NAME, where, limit=100)
    assert [point.payload["page"] for point in found] == list(pages)
    assert (reader.count(NAME, where), following) == (len(pages), None)


def test_pages_come_in_the_order_of_the_ids_and_say_where_the_next_one_starts(reader: StoreReader) -> None:
    first, following = reader.page(NAME, None, limit=20)
    assert following == POINTS[20].id
    rest, end = reader.page(NAME, None, limit=20, offset=following)
    assert ([point.id for point in first + rest], end) == ([point.id for point in POINTS], None)
    assert (first[0].payload, first[0].score, first[0].weights) == (POINTS[0].payload, 0.0, {})


@pytest.mark.parametrize(("query", "using"), [(POINTS[7].vector["dense"], "dense"), (WORDS, "sparse")])
def test_the_nearest_points_come_first_with_the_fields_that_were_asked_for(
    reader: StoreReader, query: list[float] | Terms, using: str
) -> None:
    found = reader.nearest(NAME, query, using, where=None, limit=5)
    scores = [point.score for point in found]
    assert (len(found), scores) == (5, sorted(scores, reverse=True))
    assert using == "sparse" or (found[0].id, scores[0]) == (POINTS[7].id, pytest.approx(1))
    assert found[0].payload == {}
    (first,) = reader.nearest(NAME, query, using, where=None, limit=1, fields=["page"])
    assert (first.id, list(first.payload)) == (found[0].id, ["page"])
    english = reader.nearest(NAME, query, using, where=IN_ENGLISH, limit=30, fields=True)
    assert {point.payload["language"] for point in english} == {"en"}


def test_several_queries_are_answered_as_each_of_them(reader: StoreReader) -> None:
    queries, how = [WORDS, Terms([1], [2.0])], {"where": IN_ENGLISH, "limit": 4, "fields": ["page"]}
    found = reader.nearest_to_each(NAME, queries, "sparse", **how)
    assert [[point.id for point in points] for points in found] == [
        [point.id for point in reader.nearest(NAME, query, "sparse", **how)] for query in queries
    ]
    assert list(found[0][0].payload) == ["page"]


def test_points_are_had_by_their_ids_with_the_weights_of_their_words(reader: StoreReader) -> None:
    ids = [POINTS[3].id, str(uuid.UUID(int=500))]
    (whole,) = reader.points(NAME, ids)
    assert (whole.id, whole.payload, whole.weights) == (POINTS[3].id, POINTS[3].payload, {})
    (weighed,) = reader.points(NAME, ids, fields=False, weights_of="sparse")
    words = POINTS[3].vector["sparse"]
    assert weighed.weights == pytest.approx(dict(zip(words.indices, words.values, strict=True)))
    assert weighed.payload == {}


def test_the_values_of_a_field_come_with_the_most_frequent_first(reader: StoreReader) -> None:
    assert reader.values(NAME, "tags", 3) == ["todos", "t0", "t1"]
    assert sorted(reader.values(NAME, "language", 9)) == ["en", "es", "pt-BR"]
    assert len(reader.values(NAME, "language", 2)) == 2
    assert reader.values(NAME, "author", 9) == ["Ana"]
