"""Promises of verify: every point is compared, and a repair writes what differs and nothing else."""

import io
import json
import sys

import pytest
from qdrant_client.models import PointIdsList, PointStruct

from runner.errors import StateManagementError
from runner.tools import run_tool
from stagekit import StageError
from stagekit.storage import connect
from stagekit.tools.__main__ import answer as tool_answer
from stagekit.tools.verify import verify
from tests.unit.operations_collection import executed, fill
from tests.unit.storage_rows import COLLECTION, SOURCE, Corpus, alter, document_id, reconcile, vector

FERIAS, RECURSO, GONE = "30-Aprovados/ferias.md", "30-Aprovados/recurso.md", "30-Aprovados/gone.md"
TEXTS = {
    FERIAS: ["férias de trinta dias", "férias em dois períodos", "férias coletivas em dezembro"],
    RECURSO: ["prazo para recorrer da decisão", "quem decide o recurso"],
}


@pytest.fixture
def outputs(tmp_path):
    folder = tmp_path / "outputs"
    corpus = Corpus(TEXTS)
    executed(folder, corpus)
    fill(folder, corpus)
    return folder


def change(outputs, act):
    client = connect("embedded", outputs)
    try:
        return act(client)
    finally:
        client.close()


def ids(outputs):
    def read(client):
        points = client.scroll(COLLECTION, limit=100, with_payload=True)[0]
        return {(point.payload["file_path"], point.payload["chunk_index"]): str(point.id) for point in points}

    return change(outputs, read)


def damage(outputs):
    """Delete one point, alter a payload and a vector under their fingerprints, and add a point."""
    known = ids(outputs)

    def act(client):
        client.delete(COLLECTION, points_selector=PointIdsList(points=[known[FERIAS, 0]]))
        alter(client, known[FERIAS, 1], {"title": "forged"})
        alter(client, known[RECURSO, 0], vector=vector("something else").tolist())
        extra = {"source_id": SOURCE, "document_id": document_id(FERIAS), "file_path": FERIAS}
        point = PointStruct(id=99, vector={"dense": vector("x").tolist()}, payload=extra)
        client.upsert(COLLECTION, points=[point])

    change(outputs, act)
    return known


def check(outputs, **options):
    return verify(outputs_dir=str(outputs), **options)


def test_a_collection_as_it_should_be_has_no_differences(outputs):
    report = check(outputs)
    assert (report["points"], report["compared_documents"]) == (5, 2)
    assert (report["missing"], report["altered"], report["superfluous"]) == (0, 0, 0)
    assert report["documents"] == []
    repaired = check(outputs, repair=True)
    assert (repaired["upserted"], repaired["deleted"], repaired["remaining"]) == (0, 0, 0)


def test_differences_are_told_by_document(outputs):
    known = damage(outputs)
    report = check(outputs)
    rows = {row["path"]: row for row in report["documents"]}
    assert (report["missing"], report["altered"], report["superfluous"]) == (1, 2, 1)
    counts = [(rows[FERIAS][kind]) for kind in ("missing", "altered", "superfluous")]
    assert counts == [1, 1, 1]
    assert rows[FERIAS]["details"] == [f"{known[FERIAS, 1]}: payload title"]
    assert rows[RECURSO]["altered"] == 1
    assert rows[RECURSO]["details"][0].startswith(f"{known[RECURSO, 0]}: vector")
    assert check(outputs) == report  # looking changes nothing


def test_a_repair_writes_only_what_differs(outputs):
    before = ids(outputs)
    damage(outputs)
    report = check(outputs, repair=True)
    assert (report["upserted"], report["deleted"], report["remaining"]) == (3, 1, 0)
    assert ids(outputs) == before
    assert check(outputs)["documents"] == []


def test_points_of_another_source_are_not_touched(outputs):
    foreign = PointStruct(id=5, vector={"dense": vector("x").tolist()}, payload={"source_id": "another"})
    change(outputs, lambda client: client.upsert(COLLECTION, points=[foreign]))
    report = check(outputs, repair=True)
    assert (report["documents"], report["deleted"]) == ([], 0)
    assert change(outputs, lambda client: len(client.retrieve(COLLECTION, [5]))) == 1


def test_a_point_that_was_given_to_another_source_is_not_overwritten(outputs):
    known = ids(outputs)
    taken = known[FERIAS, 0]
    change(outputs, lambda client: alter(client, taken, {"source_id": "another"}))
    with pytest.raises(StageError, match="belong to the source another"):
        check(outputs, repair=True)


def test_documents_that_could_not_be_processed_keep_their_points(outputs):
    executed(outputs, Corpus({FERIAS: TEXTS[FERIAS]}), listed=[RECURSO])
    assert check(outputs)["documents"] == []


def test_a_repair_does_not_delete_what_the_guard_of_a_run_protects(outputs):
    gone = Corpus({f"30-Aprovados/{n}.md": [f"text {n}"] for n in range(6)})
    change(outputs, lambda client: reconcile(client, [*gone.desired(), *Corpus(TEXTS).desired()]))
    assert check(outputs)["superfluous"] == 6
    with pytest.raises(StageError, match="would delete 6 of 8 stored documents"):
        check(outputs, repair=True)
    report = check(outputs, repair=True, allow_mass_deletion=True)
    assert (report["deleted"], report["remaining"]) == (6, 0)


def test_without_artifacts_store_or_collection_the_remedy_is_told(outputs, tmp_path):
    with pytest.raises(StageError, match="verify needs an executed notebook.*run `nic-etl run` first"):
        check(tmp_path / "empty")
    with pytest.raises(StageError, match="There is no collection other: check collection_name"):
        check(outputs, collection_name="other")
    executed(tmp_path / "fresh", Corpus(TEXTS))
    with pytest.raises(StageError, match="There is no store in .*run `nic-etl run` first, which fills one"):
        check(tmp_path / "fresh")


def answer(monkeypatch, capsys, request):
    monkeypatch.setattr(sys, "stdin", io.StringIO(request))
    code = tool_answer("stagekit.tools.verify")
    return code, *capsys.readouterr()


def test_as_a_process_it_answers_json_or_one_sentence(outputs, monkeypatch, capsys):
    request = {"outputs_dir": str(outputs)}
    code, out, err = answer(monkeypatch, capsys, json.dumps(request))
    assert (code, json.loads(out)["points"], err) == (0, 5, "")
    code, out, err = answer(monkeypatch, capsys, json.dumps(request | {"collection_name": "other"}))
    assert (code, out) == (1, "")
    assert err.startswith("There is no collection other")
    for wrong in ("no json", json.dumps({"unknown": 1})):
        code, out, err = answer(monkeypatch, capsys, wrong)
        assert (code, out) == (2, "")
        assert "not one that stagekit.tools.verify takes" in err


def test_the_runner_starts_it_in_a_process_of_its_own(outputs):
    assert run_tool("stagekit.tools.verify", {"outputs_dir": str(outputs)})["points"] == 5
    with pytest.raises(StateManagementError, match="There is no collection other") as refusal:
        run_tool("stagekit.tools.verify", {"outputs_dir": str(outputs), "collection_name": "other"})
    assert refusal.value.exit_code == 1
