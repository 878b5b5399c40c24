"""Promises of what is asked of Qdrant's engine: a collection's settings, and a copy of all that it holds."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from qdrant_client import models

from stagekit.sealing.cipher import CLEAR
from stagekit.storage import open_embedded
from stagekit.storage.embedded import copying
from stagekit.storage.embedded.edge_models import edge_config, edge_query, filtered_fields, prefetches
from stagekit.storage.embedded.info import first_graph_kilobytes
from tests.unit.test_storage_embedded import NAME, SPARSE, alias, create, points


@pytest.mark.parametrize("page", [500, 2])
def test_a_copy_has_collections_indexes_points_and_aliases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(copying, "_PAGE", page)
    source, target = tmp_path / "a" / "qdrant", tmp_path / "b" / "qdrant"
    with contextlib.closing(open_embedded(source)) as store:
        create(store)
        create(store, "empty")
        store.upsert(NAME, points=list(points(5)))
        store.create_payload_index(NAME, "language", "keyword")
        store.update_collection_aliases([alias("read", NAME)])
        before = store.scroll(NAME, with_vectors=True)
        described = [store.get_collection(name) for name in (NAME, "empty")]
    assert copying.copy_embedded(source, CLEAR, target) == 5
    with contextlib.closing(open_embedded(target)) as store:
        assert store.scroll("read", with_vectors=True) == before
        found = [store.get_collection(name) for name in (NAME, "empty")]
    assert [one.config for one in found] == [one.config for one in described]
    assert [[*one.payload_schema] for one in found] == [["language"], []]


VECTORS = {"dense": models.VectorParams(size=8, distance=models.Distance.DOT)}


def test_a_collection_is_built_as_it_was_asked_for_else_as_a_server_would() -> None:
    plain = edge_config(models.CreateCollection(vectors=VECTORS), 7)
    graph = plain.hnsw_config
    assert (graph.m, graph.ef_construct, graph.full_scan_threshold) == (16, 100, 10_000)
    assert (plain.optimizers.indexing_threshold, plain.quantization_config) == (7, None)
    assert repr((plain.payload_memory, plain.vectors["dense"].memory)) == "(Memory.Cold, None)"
    assert plain.sparse_vectors == {}
    int8 = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.5, always_ram=True)
    asked = models.CreateCollection(
        vectors={"dense": models.VectorParams(size=8, distance=models.Distance.COSINE, on_disk=True)},
        sparse_vectors={"idf": SPARSE["sparse"], "plain": models.SparseVectorParams()},
        hnsw_config=models.HnswConfigDiff(m=0, ef_construct=5, full_scan_threshold=6),
        quantization_config=models.ScalarQuantization(scalar=int8),
        on_disk_payload=False,
    )
    rich = edge_config(asked, None)
    graph = rich.hnsw_config
    assert (graph.m, graph.ef_construct, graph.full_scan_threshold) == (0, 5, 6)
    assert repr((rich.payload_memory, rich.vectors["dense"].memory)) == "(Memory.Cached, Memory.Cold)"
    assert (rich.quantization_config.quantile, repr(rich.quantization_config.memory)) == (
        0.5,
        "Memory.Pinned",
    )
    modifiers = {name: repr(one.modifier) for name, one in rich.sparse_vectors.items()}
    assert modifiers == {"idf": "Modifier.Idf", "plain": "None"}


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        (None, "None"),
        ([1.0], 'Query.Nearest(query=[1], using="dense")'),
        (models.NearestQuery(nearest=[1.0]), 'Query.Nearest(query=[1], using="dense")'),
        (models.FusionQuery(fusion=models.Fusion.RRF), "Fusion.Rrf(k=2)"),
        (models.FusionQuery(fusion=models.Fusion.DBSF), "Fusion.Dbsf()"),
        (models.RrfQuery(rrf=models.Rrf()), "Fusion.Rrf(k=2)"),
        (models.RrfQuery(rrf=models.Rrf(k=60)), "Fusion.Rrf(k=60)"),
    ],
)
def test_a_query_is_put_into_the_words_of_the_engine(query: object, asked: str) -> None:
    assert repr(edge_query(query, "dense")) == asked


def test_the_searches_of_a_fusion_keep_their_limits_filters_and_exactness() -> None:
    assert prefetches(None) == []
    exact = models.SearchParams(hnsw_ef=5, exact=True)
    one = models.Prefetch(query=[1.0], using="dense", params=exact, filter=IN_P, score_threshold=0.5)
    (asked,) = prefetches(models.Prefetch(prefetch=one, limit=3))
    (inner,) = asked.prefetches
    assert (asked.limit, asked.params, asked.filter, inner.limit) == (3, None, None, 10)
    assert (inner.params.hnsw_ef, inner.params.exact, inner.score_threshold) == (5, True, 0.5)
    assert 'key="p"' in repr(inner.filter)


MATCH = models.MatchValue(value=1)
IN_P = models.Filter(must=[models.FieldCondition(key="p", match=MATCH)])


def test_the_fields_that_a_filter_looks_at_are_known_wherever_they_stand() -> None:
    query = models.Filter(
        must=[
            models.IsEmptyCondition(is_empty=models.PayloadField(key="e")),
            models.IsNullCondition(is_null=models.PayloadField(key="n")),
            models.HasIdCondition(has_id=[1]),
            models.Filter(should=[models.FieldCondition(key="f", match=MATCH)]),
        ],
        must_not=models.FieldCondition(key="g", match=MATCH),
    )
    searches = [models.Prefetch(query=[1.0], filter=IN_P), models.Prefetch(query=[1.0])]
    assert filtered_fields(query, searches) == {"e", "n", "f", "g", "p"}
    assert filtered_fields(None, searches[0]) == {"p"}
    assert filtered_fields(None) == set()


@pytest.mark.parametrize(("asked", "kilobytes"), [(None, 1562), (1_000, 1562), (20_000, 20_000)])
def test_a_graph_is_built_from_fifty_thousand_points_on_or_later(asked: int | None, kilobytes: int) -> None:
    diff = models.OptimizersConfigDiff(indexing_threshold=asked) if asked else None
    request = models.CreateCollection(vectors=VECTORS, optimizers_config=diff)
    assert first_graph_kilobytes(request) == kilobytes


def test_what_was_not_asked_for_is_told_as_a_server_tells_it(tmp_path: Path) -> None:
    with contextlib.closing(open_embedded(tmp_path / "qdrant")) as store:
        create(store)
        config = store.get_collection(NAME).config
    graph, optimizer, params = config.hnsw_config, config.optimizer_config, config.params
    assert (graph.m, graph.ef_construct, graph.full_scan_threshold) == (16, 100, 10_000)
    assert (optimizer.default_segment_number, optimizer.flush_interval_sec) == (0, 5)
    assert optimizer.indexing_threshold == 10_000
    assert (params.shard_number, params.replication_factor, params.write_consistency_factor) == (1, 1, 1)
