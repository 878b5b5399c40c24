"""Promises of embedding on a Dask cluster: the vectors of this machine, and one outcome a document."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from distributed import KilledWorker, LocalCluster, get_worker

from stagekit import DocumentOutput, Stage, StageError, embedding, open_stage
from stagekit.cluster import embedding as cluster_embedding
from stagekit.cluster import worker as cluster_worker
from stagekit.cluster.embedding import ClusterEmbedding
from stagekit.cluster.facts import embedding_facts
from stagekit.cluster.likeness import Refusal
from stagekit.embedding import VectorStore, embed_texts, embed_with_reuse, load_model, resolve_model
from tests.crash.corpus import document
from tests.crash.tiny_model import write_tiny_model
from tests.servers.dask_cluster import cluster_here
from tests.unit.core_notebooks import source_notebook

Row = dict[str, Any]
ARITHMETIC = "float32 onnx"


@pytest.fixture(scope="module")
def here() -> Iterator[LocalCluster]:
    with cluster_here(2) as started:
        yield started


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Stage]]:
    path = source_notebook(tmp_path / "04_vectors.ipynb", ("", "embed(rows)"))
    monkeypatch.setenv("NIC_ETL_NOTEBOOK", str(path))
    umask = os.umask(0o077)
    opened: list[Stage] = []

    def make(name: str) -> Stage:
        opened.append(open_stage("vectors", outputs_dir=str(tmp_path / name)))
        return opened[-1]

    yield make
    os.umask(umask)
    for each in opened:
        each.memo.close()


class Embedding:
    """What the notebook of stage 04 does, in small; ``asked`` has the texts that were embedded here."""

    def __init__(self, stage: Stage, model: Path, scheduler: str = "") -> None:
        self.stage, self.asked = stage, list[str]()
        self.loading = {"name": str(model), "dtype": "float32", "device": "cpu", "backend": "onnx"}
        self.files = resolve_model(str(model))
        self.store = VectorStore(stage.outputs / "vectors.sqlite")
        self.cluster = ClusterEmbedding(
            scheduler,
            self.embed,
            lambda row: list(row["texts"]),
            model=self.loading,
            prompt="passage: ",
            batch_size=4,
            fingerprint=self.files.fingerprint,
            accepted=[ARITHMETIC],
            store=self.store,
        )

    def embed(self, row: Row) -> DocumentOutput:
        def ask(texts: list[str]) -> Any:
            self.asked += texts
            return embed_texts(load_model(**self.loading), texts, "passage: ", 4), ARITHMETIC

        made = embed_with_reuse(
            row["texts"],
            ask,
            self.store,
            prompt="passage: ",
            model_fingerprint=self.files.fingerprint,
            accepted=[ARITHMETIC],
        )
        return DocumentOutput({"count": len(made.keys)}, {"vectors": pa.table({"v": list(made.vectors)})})

    def run(self, texts: Sequence[list[str]]) -> list[Row]:
        rows = [
            {"document_id": f"id{n}", "path": f"{n:03}.md", "texts": part} for n, part in enumerate(texts)
        ]
        executor = self.cluster if self.cluster.scheduler else self.embed
        outcomes = self.stage.map_documents(rows, executor, key=lambda row: row["texts"])
        return [row | {"seconds": 0.0, "produced_at": "", "unchanged": False} for row in outcomes]


def paragraphs(number: int) -> list[str]:
    return [part for part in document(number).split("\n\n") if part and not part.startswith("---")]


def test_the_vectors_are_those_of_this_machine_and_none_is_made_twice(
    stage: Callable[[str], Stage], model: Path, here: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_embedding, "_TASK_TEXTS", 5)
    monkeypatch.setattr(cluster_embedding, "_AHEAD", 7)
    texts = [paragraphs(number) for number in range(30)]
    texts[4] = [*paragraphs(3)[:2], "um parágrafo próprio", "um parágrafo próprio"]
    texts[9] = paragraphs(3)
    local = Embedding(stage("local"), model)
    away = Embedding(stage("away"), model, here.scheduler_address)

    assert local.run(texts) == away.run(texts)
    assert away.asked == []
    assert away.cluster.made == len(local.asked) + 1  # one text stands in its document twice
    keys = [
        embedding.vector_key("passage: " + text, away.files.fingerprint, ARITHMETIC) for text in local.asked
    ]
    kept = (local.store.get_many(keys), away.store.get_many(keys))
    assert kept[0].keys() == kept[1].keys() == set(keys)
    assert all(np.array_equal(kept[0][key], kept[1][key]) for key in keys)

    later = Embedding(stage("away"), model, here.scheduler_address)
    later.run([*texts, ["um documento novo"]])
    assert (later.cluster.made, later.asked) == (1, [])


def test_what_is_known_asks_no_cluster(
    stage: Callable[[str], Stage], model: Path, here: LocalCluster
) -> None:
    Embedding(stage("outputs"), model, here.scheduler_address).run([["a"], ["b"]])
    again = Embedding(stage("outputs"), model, "tcp://127.0.0.1:9")
    assert [row["status"] for row in again.run([["a"], ["b"]])] == ["ok", "ok"]


def test_a_text_that_cannot_be_embedded_costs_its_document_alone_with_the_same_reason(
    stage: Callable[[str], Stage], model: Path, here: LocalCluster
) -> None:
    texts = [paragraphs(1), ["palavra " * 600], paragraphs(2)]
    local = Embedding(stage("local"), model).run(texts)
    assert Embedding(stage("away"), model, here.scheduler_address).run(texts) == local
    assert [row["status"] for row in local] == ["ok", "failed", "ok"]
    assert "is longer than the 512" in local[1]["message"]


def test_texts_that_cannot_be_read_are_the_outcome_of_their_document(
    stage: Callable[[str], Stage], model: Path, here: LocalCluster
) -> None:
    away = Embedding(stage("outputs"), model, here.scheduler_address)
    outcomes = away.run([["um"], 7, ["dois"]])  # type: ignore[list-item]
    assert [row["status"] for row in outcomes] == ["ok", "failed", "ok"]

    def missing(row: Row) -> list[str]:
        raise StageError("Artifact chunks is missing.")

    away.cluster.texts = missing
    with pytest.raises(StageError, match="chunks is missing"):
        away.run([["três"]])


def dies(order: Any, groups: Any) -> None:
    raise KilledWorker("embed_groups", SimpleNamespace(address="tcp://gone"), 3)


def refuses(order: Any, groups: Any) -> Refusal:
    return Refusal(str(get_worker().address), reason="The weights are damaged.")


def breaks(order: Any, groups: Any) -> None:
    raise ImportError("no onnxruntime here")


def test_texts_of_which_workers_die_cost_their_documents_and_not_the_stage(
    stage: Callable[[str], Stage], model: Path, here: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Embedding(stage("outputs"), model, here.scheduler_address)
    away.run([["um"]])
    monkeypatch.setattr(cluster_embedding, "embed_groups", dies)
    outcomes = away.run([["um"], ["dois"]])
    assert [(row["status"], row["category"]) for row in outcomes] == [("ok", None), ("failed", "worker_lost")]


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (refuses, r"no worker .* is not ready \(The weights are damaged\)"),
        (breaks, r"cannot embed \(ImportError: no onnx"),
    ],
)
def test_a_worker_that_cannot_embed_at_all_stops_the_stage(
    stage: Callable[[str], Stage],
    model: Path,
    here: LocalCluster,
    monkeypatch: pytest.MonkeyPatch,
    task: Any,
    said: str,
) -> None:
    monkeypatch.setattr(cluster_embedding, "embed_groups", task)
    with pytest.raises(StageError, match=said):
        Embedding(stage("outputs"), model, here.scheduler_address).run([["um"]])
    assert list(here.scheduler.tasks) == []


def test_a_model_that_a_worker_lacks_stops_the_stage(
    stage: Callable[[str], Stage], model: Path, here: LocalCluster
) -> None:
    away = Embedding(stage("outputs"), model, here.scheduler_address)
    away.cluster.model = away.loading | {"name": "packaged/nothing"}
    with pytest.raises(StageError, match="There is no embedding model packaged/nothing"):
        away.run([["um"]])


def test_torch_gets_the_cores_that_the_nanny_took_from_it(
    stage: Callable[[str], Stage], model: Path, here: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(set_num_threads=given.append))
    monkeypatch.setattr(cluster_worker._kept, "model", None)
    Embedding(stage("outputs"), model, here.scheduler_address).run([["um"]])
    assert given == [cluster_worker.cores()]


def test_a_model_is_loaded_once_and_changed_when_another_is_asked_for(
    stage: Callable[[str], Stage], model: Path, here: LocalCluster, tmp_path: Path
) -> None:
    Embedding(stage("one"), model, here.scheduler_address).run([["um"]])
    kept = cluster_worker._kept.model
    Embedding(stage("two"), model, here.scheduler_address).run([["dois"]])
    assert cluster_worker._kept.model is kept
    other = write_tiny_model(tmp_path / "other", seed=1)
    Embedding(stage("three"), other, here.scheduler_address).run([["três"]])
    assert cluster_worker._kept.model is not kept
    assert (
        embedding_facts(b"", {"name": str(model)})["embedding_model"]
        != embedding_facts(b"", {"name": str(other)})["embedding_model"]
    )
