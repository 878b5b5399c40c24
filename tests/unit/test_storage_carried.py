"""Promises of a collection in step: only what changed is read, and a doubt means a look at everything."""

import contextlib

import pytest
from qdrant_client import QdrantClient
from qdrant_client.models import PointIdsList

from stagekit import storage
from stagekit.artifacts.memo import Memo
from stagekit.artifacts.rows import Rows
from stagekit.artifacts.store import ArtifactStore
from stagekit.storage import (
    PointWriter,
    Target,
    apply_change,
    as_left,
    carried_points,
    compare,
    count_points,
    desired_documents,
    finish_writing,
    forget_carried,
    mark_outdated,
    open_embedded,
    stored_points,
    verify_sample,
)
from tests.unit.storage_rows import IDENTITY, SOURCE, Corpus, alter, create, document_id

ALIAS = "nic_documents"
NAME = IDENTITY.physical_name(ALIAS)
A, B, C = "30-Aprovados/a.md", "30-Aprovados/b.md", "30-Aprovados/c.md"
THREE = {A: ["prazo para recorrer", "quem decide"], B: ["como pedir férias"], C: ["senha de oito letras"]}


class Place:
    """An outputs folder with a collection, and what stage 06 does with both."""

    def __init__(self, folder, client):
        self.client = client
        self.store = ArtifactStore(folder / "artifacts")
        self.memo = Memo(folder / "memo.sqlite")
        self.read = []

    def read_part(self, ref):
        self.read.append(ref["name"])
        return self.store.read_table(ref)

    def manifests(self, corpus):
        """Return the manifests of stages 05 and 04 with their parts in the store."""
        made = []
        for name, rows in (("payloads", corpus.payloads), ("embeddings", corpus.embeddings)):
            kept = [
                row | {name: self.store.put_table(name, corpus.parts[row[name]]).model_dump(), "status": "ok"}
                for row in rows
            ]
            made.append(Rows.of(kept))
        return made

    def last(self):
        return carried_points(self.memo, self.store, ALIAS, IDENTITY, SOURCE)

    def run(self, corpus, in_source=()):
        """Reconcile as the notebook does; return the plan and whether its points were carried over."""
        self.read.clear()
        wanted = storage.Corpus(SOURCE, *self.manifests(corpus), self.read_part, IDENTITY, self.last())
        comparison = wanted.compare(self.client, Target(NAME, NAME))
        plan = comparison.plan(in_source)
        if plan.writes:
            forget_carried(self.client, NAME, SOURCE)
        with PointWriter(self.client, NAME, "embedded", statuses={"approved"}) as writer:
            mark_outdated(self.client, NAME, plan.outdated, upsert=writer.upsert)
            for change in plan.changes:
                apply_change(change, upsert=writer.upsert, delete=writer.delete)
        sample = comparison.sample(2)
        verify_sample(self.client, NAME, sample, SOURCE, expected_points=plan.points_after).require()
        finish_writing(self.client, NAME, SOURCE, "")
        comparison.keep(self.client, NAME, self.memo, self.store, plan)
        return plan, comparison.as_left

    def differences(self, corpus):
        payloads, embeddings = self.manifests(corpus)
        whole = desired_documents(payloads, embeddings, self.store.read_table, IDENTITY)
        return compare(self.client, NAME, whole, SOURCE)


@pytest.fixture(params=["server", "embedded"])
def place(request, tmp_path):
    client = QdrantClient(":memory:") if request.param == "server" else open_embedded(tmp_path / "qdrant")
    create(client, NAME)
    made = Place(tmp_path, client)
    with contextlib.closing(made.memo), contextlib.closing(client):
        yield made


def texts(**changes):
    return Corpus({path: changes.get(path[-4], words) for path, words in THREE.items()})


def test_after_a_run_nothing_is_read_but_a_sample(place):
    plan, trusted = place.run(Corpus(THREE))
    assert (len(plan.written_ids), trusted) == (4, False)
    plan, trusted = place.run(Corpus(THREE))
    assert trusted
    assert (plan.changes, plan.points_after, plan.stored_documents) == ([], 4, 3)
    assert plan.untouched == {A: 2, B: 1, C: 1}
    assert len(place.read) <= 4  # two documents are compared after each run


def test_of_one_changed_document_only_its_points_are_written(place):
    place.run(Corpus(THREE))
    changed = texts(b=["como pedir férias coletivas"])
    plan, trusted = place.run(changed)
    assert trusted
    assert [change.path for change in plan.changes] == [B]
    assert (len(plan.written_ids), plan.points_after) == (1, 4)
    assert place.differences(changed) == []
    plan, trusted = place.run(changed)
    assert (trusted, plan.changes) == (True, [])


def test_a_document_that_left_is_deleted_and_a_new_one_is_written(place):
    place.run(Corpus(THREE))
    moved = Corpus({A: THREE[A], "30-Aprovados/d.md": ["um documento novo"]})
    plan, trusted = place.run(moved)
    assert trusted
    assert sorted(change.path for change in plan.removed) == [B, C]
    assert plan.stored_documents == 3
    assert place.differences(moved) == []


def test_a_document_without_a_result_today_keeps_its_points(place):
    place.run(Corpus(THREE))
    without = Corpus({A: THREE[A], C: THREE[C]})
    for marked in (1, 0):
        plan, trusted = place.run(without, in_source={document_id(path) for path in THREE})
        assert (trusted, len(plan.outdated), plan.writes) == (True, marked, bool(marked))
        assert plan.kept == {B: 1}
        assert count_points(place.client, NAME) == 4
    plan, trusted = place.run(Corpus(THREE))
    assert trusted
    assert len(plan.written_ids) == 1, "it says again that it is the latest"
    assert place.differences(Corpus(THREE)) == []


def test_a_point_that_was_deleted_by_hand_comes_back(place):
    place.run(Corpus(THREE))
    victim = next(iter(stored_points(place.client, NAME, SOURCE)))
    place.client.delete(NAME, points_selector=PointIdsList(points=[victim]))
    plan, trusted = place.run(Corpus(THREE))
    assert (plan.written_ids, trusted) == ([victim], False)
    assert place.differences(Corpus(THREE)) == []


def test_a_collection_that_was_lost_is_filled_again_without_reading_all_parts_twice(place):
    place.run(Corpus(THREE))
    place.client.delete_collection(NAME)
    create(place.client, NAME)
    plan, trusted = place.run(Corpus(THREE))
    assert (len(plan.written_ids), trusted) == (4, False)
    assert place.differences(Corpus(THREE)) == []


def test_a_run_that_breaks_off_while_writing_leaves_no_mark(place):
    place.run(Corpus(THREE))
    last = place.last()
    assert as_left(place.client, NAME, last, SOURCE)
    forget_carried(place.client, NAME, SOURCE)
    forget_carried(place.client, NAME, SOURCE)  # also when there is none
    assert not as_left(place.client, NAME, last, SOURCE)


def test_the_embedded_store_tells_that_somebody_else_wrote(tmp_path):
    with contextlib.closing(open_embedded(tmp_path / "qdrant")) as client:
        create(client, NAME)
        place = Place(tmp_path, client)
        place.run(Corpus(THREE))
        assert place.run(Corpus(THREE))[1]
    with contextlib.closing(open_embedded(tmp_path / "qdrant")) as client:
        victim = next(iter(stored_points(client, NAME, SOURCE)))
        alter(client, victim, {"title": "other", "point_fingerprint": "0" * 64}, name=NAME)
    with (
        contextlib.closing(open_embedded(tmp_path / "qdrant")) as place.client,
        contextlib.closing(place.memo),
    ):
        plan, trusted = place.run(Corpus(THREE))
        assert (plan.written_ids, trusted) == ([victim], False)


def test_what_is_remembered_of_other_vectors_or_was_lost_says_nothing(place):
    place.run(Corpus(THREE))
    other = type(IDENTITY)("another-model@1", IDENTITY.dimension)
    assert len(carried_points(place.memo, place.store, ALIAS, other, SOURCE)) == 0
    assert len(carried_points(place.memo, place.store, ALIAS, IDENTITY, "another")) == 0
    assert len(place.last()) == 3
    for uri, _, _ in list(place.store.entries()):
        place.store.delete(uri)
    assert len(place.last()) == 0
    assert not as_left(place.client, NAME, place.last(), SOURCE)
    plan, trusted = place.run(Corpus(THREE))
    assert (plan.written_ids, trusted) == ([], False)


def test_of_a_collection_that_is_not_there_nothing_is_carried_over(place):
    place.run(Corpus(THREE))
    assert not as_left(place.client, "nobody", place.last(), SOURCE)


def test_a_corpus_counts_what_changed_and_what_did_not(place):
    place.run(Corpus(THREE))
    changed = texts(b=["como pedir férias", "e quando"])
    wanted = storage.Corpus(SOURCE, *place.manifests(changed), place.read_part, IDENTITY, place.last())
    assert (len(wanted), wanted.points, len(wanted.changed), len(wanted.unchanged)) == (3, 5, 1, 2)
    assert wanted.contents == {document.content for document in changed.desired()}
    comparison = wanted.compare(place.client, Target(NAME, NAME))
    assert [change.path for change in comparison.plan_for_readers().changes] == [B]
    empty = storage.Corpus(SOURCE, Rows.of([]), Rows.of([]), place.read_part, IDENTITY, place.last())
    assert (len(empty), empty.points) == (0, 0)
