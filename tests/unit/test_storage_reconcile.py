"""Whatever happened to a collection, one reconciliation makes it equal to the desired points."""

import uuid
from dataclasses import replace
from itertools import chain

import numpy as np
import pyarrow as pa
import pytest
from qdrant_client import QdrantClient
from qdrant_client.models import PointStruct

from stagekit import StageError
from stagekit.storage import (
    StoredPoint,
    apply_change,
    compare,
    count_points,
    embedding_identity,
    foreign_points,
    guard_deletions,
    mark_outdated,
    plan_changes,
    refuse_foreign,
    stored_points,
    verify_sample,
)
from stagekit.storage.collection import CHUNKER_VERSION
from tests.unit.storage_rows import (
    COLLECTION,
    DIMENSION,
    SOURCE,
    Corpus,
    Writes,
    alter,
    create,
    document_id,
    reconcile,
    vector,
)

A, B, C = "30-Aprovados/a.md", "30-Aprovados/b.md", "30-Aprovados/c.md"
THREE = {
    A: ["prazo para recorrer", "quem decide o recurso"],
    B: ["como pedir férias", "férias de trinta dias", "férias em dois períodos"],
    C: ["senha de oito letras"],
}


@pytest.fixture
def client():
    client = QdrantClient(":memory:")
    create(client)
    yield client
    client.close()


@pytest.fixture
def filled(client):
    reconcile(client, Corpus(THREE).desired())
    return client


def ids(client):
    return set(stored_points(client, COLLECTION, SOURCE))


def test_a_first_run_writes_every_point(client):
    desired = Corpus(THREE).desired()
    report, writes = reconcile(client, desired)
    assert [(row["path"], row["upserted"], row["deleted"]) for row in report] == [
        (A, 2, 0),
        (B, 3, 0),
        (C, 1, 0),
    ]
    assert len(writes.upserted) == 3
    assert compare(client, COLLECTION, desired, SOURCE) == []
    assert count_points(client, COLLECTION) == 6


def test_a_run_that_changes_nothing_writes_nothing(filled):
    report, writes = reconcile(filled, Corpus(THREE).desired())
    assert writes.upserted == writes.deleted == []
    assert [row["unchanged"] for row in report] == [2, 3, 1]


def test_only_the_changed_chunk_of_a_document_is_written_and_the_old_one_deleted(filled):
    changed = THREE | {B: [THREE[B][0], "férias de vinte dias", THREE[B][2]]}
    report, writes = reconcile(filled, Corpus(changed).desired())
    assert len(writes.upserted) == len(writes.upserted[0]) == 1
    assert len(writes.deleted) == len(writes.deleted[0]) == 1
    assert report[1] | {"path": B} == {
        "document_id": document_id(B),
        "path": B,
        "upserted": 1,
        "unchanged": 2,
        "deleted": 1,
        "in_source": True,
    }
    assert compare(filled, COLLECTION, Corpus(changed).desired(), SOURCE) == []


def test_changed_metadata_is_written_though_the_text_is_the_same(filled):
    desired = Corpus(THREE, author="Outra Pessoa").desired()
    report, writes = reconcile(filled, desired)
    assert [row["upserted"] for row in report] == [2, 3, 1]
    assert writes.deleted == []
    assert compare(filled, COLLECTION, desired, SOURCE) == []


def test_documents_are_added_and_removed_in_one_run(filled):
    now = {A: THREE[A], "30-Aprovados/d.md": ["novo"]}
    desired = Corpus(now).desired()
    report, _ = reconcile(filled, desired)
    assert {row["path"]: row["deleted"] for row in report} == {A: 0, "30-Aprovados/d.md": 0, B: 3, C: 1}
    assert compare(filled, COLLECTION, desired, SOURCE) == []


def test_new_points_are_written_before_old_ones_are_deleted(filled):
    events = []
    desired = Corpus({A: ["tudo novo"]}).desired()
    plan = plan_changes(desired, stored_points(filled, COLLECTION, SOURCE))
    apply_change(
        next(change for change in plan.changes if change.path == A),
        upsert=lambda points: events.append(("upsert", len(list(points)))),
        delete=lambda point_ids: events.append(("delete", len(point_ids))),
    )
    assert events == [("upsert", 1), ("delete", 2)]


def test_a_run_killed_between_upsert_and_delete_is_healed_by_the_next(filled):
    changed = THREE | {A: ["prazo novo"]}
    desired = Corpus(changed).desired()

    def die(_):
        raise KeyboardInterrupt

    plan = plan_changes(desired, stored_points(filled, COLLECTION, SOURCE))
    (change,) = (change for change in plan.changes if change.write)
    with pytest.raises(KeyboardInterrupt):
        apply_change(change, upsert=Writes(filled).upsert, delete=die)
    assert count_points(filled, COLLECTION) == 7  # the old two and the new one: nothing is missing meanwhile
    report, _ = reconcile(filled, desired)
    assert sum(row["upserted"] for row in report) == 0
    assert compare(filled, COLLECTION, desired, SOURCE) == []


def test_a_run_killed_in_the_middle_of_a_document_is_finished_by_the_next(client):
    desired = Corpus(THREE).desired()
    writes = Writes(client)
    change = plan_changes(desired, {}).changes[1]
    first, *_ = change.document.points(change.write)
    writes.upsert([first.as_struct()])
    reconcile(client, desired)
    assert compare(client, COLLECTION, desired, SOURCE) == []


def test_points_deleted_by_hand_come_back(filled):
    desired = Corpus(THREE).desired()
    gone = sorted(ids(filled))[:2]
    Writes(filled).delete(gone)
    differences = compare(filled, COLLECTION, desired, SOURCE)
    assert sorted(item.point_id for item in differences) == gone
    assert {item.kind for item in differences} == {"missing"}
    reconcile(filled, desired)
    assert compare(filled, COLLECTION, desired, SOURCE) == []


def test_a_collection_that_was_lost_is_filled_again(filled):
    filled.delete_collection(COLLECTION)
    create(filled)
    desired = Corpus(THREE).desired()
    reconcile(filled, desired)
    assert compare(filled, COLLECTION, desired, SOURCE) == []


def test_a_payload_altered_under_its_old_fingerprint_is_found_by_the_full_comparison(filled):
    desired = Corpus(THREE).desired()
    victim = sorted(ids(filled))[0]
    alter(filled, victim, {"title": "forjado", "extra": 1})
    _, writes = reconcile(filled, desired)
    assert writes.upserted == []  # the fingerprint says that nothing changed
    (difference,) = compare(filled, COLLECTION, desired, SOURCE)
    assert (difference.kind, difference.point_id, difference.detail) == ("payload", victim, "extra, title")


def test_a_vector_altered_by_hand_is_found_by_the_full_comparison(filled):
    desired = Corpus(THREE).desired()
    victim = sorted(ids(filled))[0]
    alter(filled, victim, vector=[1.0] + [0.0] * 7)
    (difference,) = compare(filled, COLLECTION, desired, SOURCE)
    assert (difference.kind, difference.point_id) == ("vector", victim)


def test_a_point_that_lost_its_payload_is_written_anew(filled):
    desired = Corpus(THREE).desired()
    victim = sorted(ids(filled))[0]
    alter(filled, victim, empty=True)
    plan = plan_changes(desired, stored_points(filled, COLLECTION, SOURCE))
    refuse_foreign(filled, COLLECTION, plan.written_ids, SOURCE)
    _, writes = reconcile(filled, desired)
    assert writes.upserted == [[victim]]
    assert compare(filled, COLLECTION, desired, SOURCE) == []


def test_another_sources_points_are_never_touched(filled):
    other = [
        PointStruct(
            id=str(uuid.uuid4()),
            vector={"dense": vector("x").tolist()},
            payload={"source_id": "other", "n": n},
        )
        for n in range(3)
    ]
    filled.upsert(COLLECTION, points=other)
    reconcile(filled, [])
    assert ids(filled) == set()
    assert count_points(filled, COLLECTION, "other") == 3


def test_points_that_another_source_owns_are_refused_before_anything_is_written(filled):
    victim = sorted(ids(filled))[0]
    alter(filled, victim, {"source_id": "other"})
    plan = plan_changes(Corpus(THREE).desired(), stored_points(filled, COLLECTION, SOURCE))
    assert foreign_points(filled, COLLECTION, plan.written_ids, SOURCE) == {victim: "other"}
    with pytest.raises(StageError, match=r"1 points .* source other: .*nic-etl sources adopt other"):
        refuse_foreign(filled, COLLECTION, plan.written_ids, SOURCE)


def test_a_document_that_failed_today_keeps_its_points_while_it_is_in_the_source(filled):
    desired = Corpus({A: THREE[A]}).desired()
    in_source = {document_id(A), document_id(B)}
    plan = plan_changes(desired, stored_points(filled, COLLECTION, SOURCE), in_source=in_source)
    assert plan.kept == {B: 3}
    assert [change.path for change in plan.removed] == [C]
    assert plan.points_after == 5
    reconcile(filled, desired, in_source=in_source)
    assert count_points(filled, COLLECTION, SOURCE) == 5
    assert compare(filled, COLLECTION, desired, SOURCE, in_source=in_source) == []
    assert {item.kind for item in compare(filled, COLLECTION, desired, SOURCE)} == {"extra"}


def test_a_document_without_vectors_is_left_as_it_is_stored():
    corpus = Corpus(THREE)
    corpus.embeddings.pop(1)
    assert [document.path for document in corpus.desired()] == [A, C]


def many(count):
    return {f"30-Aprovados/{n:03}.md": [f"texto {n}"] for n in range(count)}


def test_a_mass_deletion_is_stopped_with_the_list_and_goes_on_only_when_allowed(client):
    reconcile(client, Corpus(many(30)).desired())
    stored = stored_points(client, COLLECTION, SOURCE)
    plan = plan_changes(Corpus(many(8)).desired(), stored)
    with pytest.raises(StageError) as caught:
        guard_deletions(plan, max_deletion_share=0.2, allow_mass_deletion=False)
    said = str(caught.value)
    assert "delete 22 of 30 stored documents" in said
    assert "30-Aprovados/008.md; 30-Aprovados/009.md" in said
    assert "and 2 more" in said
    assert "allow_mass_deletion" in said
    guard_deletions(plan, max_deletion_share=0.2, allow_mass_deletion=True)


@pytest.mark.parametrize(
    ("stored", "kept", "stops", "told"),
    [
        (8, 3, False, "5 of 8 stored documents leave the collection (30-Aprovados/003.md; "),
        (8, 2, True, ""),
        (100, 80, False, ""),
        (100, 79, True, ""),
    ],
)
def test_five_documents_or_the_share_may_always_go_and_five_are_told(client, stored, kept, stops, told):
    reconcile(client, Corpus(many(stored)).desired())
    plan = plan_changes(Corpus(many(kept)).desired(), stored_points(client, COLLECTION, SOURCE))
    if stops:
        with pytest.raises(StageError, match="max_deletion_share"):
            guard_deletions(plan, max_deletion_share=0.2, allow_mass_deletion=False)
    else:
        said = guard_deletions(plan, max_deletion_share=0.2, allow_mass_deletion=False)
        assert said.startswith(told) if told else said == ""


def test_the_last_document_leaves_only_when_that_is_confirmed(filled):
    plan = plan_changes([], stored_points(filled, COLLECTION, SOURCE))
    with pytest.raises(StageError, match=r"delete 3 of 3 .* leave none .*--allow-mass-deletion"):
        guard_deletions(plan, max_deletion_share=1, allow_mass_deletion=False)
    guard_deletions(plan, max_deletion_share=0, allow_mass_deletion=True)
    kept = plan_changes([], stored_points(filled, COLLECTION, SOURCE), in_source={document_id(A)})
    guard_deletions(kept, max_deletion_share=0, allow_mass_deletion=False)
    nothing = plan_changes([], {})
    guard_deletions(nothing, max_deletion_share=0, allow_mass_deletion=False)


def test_the_only_document_may_be_replaced_by_another_one(client):
    reconcile(client, Corpus({A: THREE[A]}).desired())
    plan = plan_changes(Corpus({B: THREE[B]}).desired(), stored_points(client, COLLECTION, SOURCE))
    guard_deletions(plan, max_deletion_share=0.2, allow_mass_deletion=False)


def test_moved_documents_are_no_deletions_copies_and_edited_ones_are_told_apart(client):
    contents = {path: f"{number:040x}" for number, path in enumerate(many(30))}
    before = [replace(one, content=contents[one.path]) for one in Corpus(many(30)).desired()]
    stored = {
        point: StoredPoint(one.document_id, one.path, fingerprint, one.content)
        for one in before
        for point, fingerprint in one.fingerprints.items()
    }
    moved = {path.replace("30-Aprovados/", "30-Aprovados/grupo/"): texts for path, texts in many(30).items()}
    plan = plan_changes(Corpus(moved).desired(), stored)
    assert len(plan.removed) == 30
    guard_deletions(plan, max_deletion_share=0.2, allow_mass_deletion=False, contents=contents.values())
    some = list(contents.values())[:20]
    with pytest.raises(StageError, match="delete 10 of 30"):
        guard_deletions(plan, max_deletion_share=0.2, allow_mass_deletion=False, contents=some)
    unknown = {point: replace(one, content="") for point, one in stored.items()}
    plan = plan_changes(Corpus(moved).desired(), unknown)
    with pytest.raises(StageError, match="delete 30 of 30"):
        guard_deletions(plan, max_deletion_share=0.2, allow_mass_deletion=False, contents=[""])


def test_points_that_stay_without_a_result_say_that_they_are_not_the_latest_until_there_is_one(filled):
    desired = Corpus({A: THREE[A]}).desired()
    stored = stored_points(filled, COLLECTION, SOURCE)
    plan = plan_changes(desired, stored, in_source={document_id(A), document_id(B)})
    assert len(plan.outdated) == 3
    mark_outdated(filled, COLLECTION, plan.outdated, upsert=Writes(filled).upsert)
    again = stored_points(filled, COLLECTION, SOURCE)
    assert {point.path: point.is_latest for point in again.values()} == {A: True, B: False, C: True}
    later = plan_changes(desired, again, in_source={document_id(A), document_id(B)})
    assert later.outdated == ()
    _, healed = reconcile(filled, Corpus(THREE).desired())
    assert sorted(chain.from_iterable(healed.upserted)) == [*plan.outdated]
    assert all(point.is_latest for point in stored_points(filled, COLLECTION, SOURCE).values())


def test_more_points_than_one_page_are_all_seen(client):
    texts = {f"30-Aprovados/{n}.md": [f"texto {n} parte {k}" for k in range(60)] for n in range(10)}
    desired = Corpus(texts).desired()
    reconcile(client, desired)
    assert len(stored_points(client, COLLECTION, SOURCE)) == 600
    assert compare(client, COLLECTION, desired, SOURCE) == []


def test_a_sample_and_the_exact_count_are_verified_after_a_run(filled):
    desired = Corpus(THREE).desired()
    good = verify_sample(filled, COLLECTION, desired, SOURCE, expected_points=6, sample=4)
    assert (good.found_points, good.sampled_points, good.differences) == (6, 4, ())
    good.require()
    with pytest.raises(StageError, match="6 points of this source instead of 5"):
        verify_sample(filled, COLLECTION, desired, SOURCE, expected_points=5).require()
    for victim in ids(filled):
        alter(filled, victim, {"title": "?"})
    bad = verify_sample(filled, COLLECTION, desired, SOURCE, expected_points=6)
    with pytest.raises(StageError, match=r"6 of 6 sampled points differ .* \(payload title\): run"):
        bad.require()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0])
def test_a_vector_without_meaning_stops_the_stage_before_it_is_written(value):
    corpus = Corpus({A: ["um", "dois"]})
    table = corpus.parts[A, "embeddings"]
    values = np.concatenate([vector("um"), np.full(DIMENSION, value, dtype=np.float32)])
    broken = pa.FixedSizeListArray.from_arrays(pa.array(values), DIMENSION)
    corpus.parts[A, "embeddings"] = table.set_column(1, "vector", broken)
    (document,) = corpus.desired()
    with pytest.raises(StageError, match=r"vector of chunk 1 of .*a\.md is zero or holds NaN"):
        list(document.points())


def test_payloads_and_vectors_of_different_chunks_are_refused():
    corpus = Corpus({A: ["um", "dois"]})
    corpus.parts[A, "embeddings"] = corpus.parts[A, "embeddings"].slice(0, 1)
    with pytest.raises(StageError, match=r"a\.md are of different chunks"):
        corpus.desired()
    corpus = Corpus({A: ["um", "dois"]})
    corpus.embeddings[0]["chunks_sha256"] = "of an earlier chunking"
    with pytest.raises(StageError, match=r"run embedding_generation and metadata_enrichment again"):
        corpus.desired()


def test_vectors_of_another_length_are_refused():
    corpus = Corpus({A: ["um", "dois"]})
    table = corpus.parts[A, "embeddings"]
    short = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(6, dtype=np.float32)), 3)
    corpus.parts[A, "embeddings"] = table.set_column(1, "vector", short)
    (document,) = corpus.desired()
    with pytest.raises(StageError, match="has 3 dimensions instead of 8"):
        list(document.points())


def test_a_document_without_chunks_wants_no_points(filled):
    corpus = Corpus(THREE)
    for name in ("payloads", "embeddings"):
        corpus.parts[C, name] = corpus.parts[C, name].slice(0, 0)
    report, _ = reconcile(filled, corpus.desired())
    assert report[2] | {"path": C} == report[2]
    assert (report[2]["upserted"], report[2]["deleted"]) == (0, 1)


def test_all_vectors_of_a_run_come_from_one_model():
    rows = [{"embedding_model": "m@1", "vector_dimension": 8}] * 2
    identity = embedding_identity(rows, chunk_size=300, chunk_overlap=30)
    assert identity.metadata() == {
        "embedding_model": "m@1", "dimension": 8, "distance": "Cosine", "schema_version": "1.1",
        "chunk_size": 300, "chunk_overlap": 30, "chunker_version": CHUNKER_VERSION, "sparse": "",
        "fingerprint": identity.fingerprint,
    }  # fmt: skip
    with pytest.raises(StageError, match=r"m@1 \(8 dimensions\), m@2 \(8 dimensions\)"):
        embedding_identity([*rows, {"embedding_model": "m@2", "vector_dimension": 8}])
    with pytest.raises(StageError, match="No document has embeddings"):
        embedding_identity([])
    assert embedding_identity([], lambda: rows[0], chunk_size=300, chunk_overlap=30) == identity
    assert embedding_identity(rows) == replace(identity, chunk_size=0, chunk_overlap=0)
