"""Promises of ``nic-etl sources``: it shows whose points there are, and moves or removes them when told."""

import json
import signal
import sys

import pytest

from runner.cli.entry import main
from stagekit import StageError
from stagekit.artifacts.known_sources import KnownSource, known_sources, remember_source
from stagekit.storage import (
    CollectionSettings,
    adopt_former,
    apply_change,
    open_embedded,
    open_target,
    plan_changes,
    publish,
    stored_points,
)
from stagekit.tools.sources import sources
from tests.unit.storage_rows import COLLECTION, IDENTITY, SOURCE, Corpus, Writes, alter

OLD = "0d" * 8
A, B, C = (f"30-Aprovados/{name}.md" for name in "abc")
THREE = {A: ["prazo para recorrer", "quem decide o recurso"], B: ["férias"], C: ["senha"]}
NAME = IDENTITY.physical_name(COLLECTION)


@pytest.fixture
def outputs(tmp_path, monkeypatch):
    """Return outputs whose collection holds A of an earlier identity, and B and C of the source of today."""
    folder = tmp_path / "outputs"
    monkeypatch.setenv("NIC_ETL_OUTPUTS_DIR", str(folder))
    store = open_embedded(folder / "qdrant")
    target = open_target(store, COLLECTION, IDENTITY, CollectionSettings())
    writes = Writes(store, NAME)
    for change in plan_changes(Corpus(THREE).desired(), {}).changes:
        apply_change(change, upsert=writes.upsert, delete=writes.delete)
    for point, stored in stored_points(store, NAME, SOURCE).items():
        if stored.path == A:
            alter(store, point, {"source_id": OLD}, name=NAME)
    publish(store, target, COLLECTION, SOURCE)
    store.close()
    remember_source(folder, KnownSource(source_id=SOURCE, project="docs", kind="git"))
    return folder


@pytest.fixture
def nic_etl(monkeypatch, capsys):
    handler = signal.getsignal(signal.SIGTERM)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["nic-etl", *words])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out, printed.err

    yield run
    signal.signal(signal.SIGTERM, handler)


def counts(rows):
    return {
        row["source_id"]: (row["project"], row["recorded"], row["documents"], row["points"]) for row in rows
    }


def test_list_shows_sources_that_are_recorded_and_those_that_only_have_points(outputs, nic_etl):
    code, out, _ = nic_etl("sources", "list", "--json")
    assert code == 0
    assert counts(json.loads(out)) == {SOURCE: ("docs", True, 2, 2), OLD: ("", False, 1, 2)}
    code, out, _ = nic_etl("sources", "list")
    assert code == 0
    assert f"{OLD} (not of this outputs folder)" in " ".join(out.split())


def test_adopted_points_belong_to_the_source_and_are_compared_anew(outputs, nic_etl):
    code, out, _ = nic_etl("sources", "adopt", OLD, "--json")
    assert code == 0
    answer = json.loads(out)
    assert answer["points"] == 2
    assert counts(answer["sources"]) == {SOURCE: ("docs", True, 3, 4)}
    store = open_embedded(outputs / "qdrant")
    plan = plan_changes(Corpus(THREE).desired(), stored_points(store, NAME, SOURCE))
    store.close()
    assert {change.path: len(change.write) for change in plan.changes} == {A: 2, B: 0, C: 0}
    assert plan.removed == []


def test_the_points_of_a_former_id_become_the_sources_own_by_themselves(outputs):
    known = KnownSource(source_id=SOURCE, project="docs", former=(OLD,))
    store = open_embedded(outputs / "qdrant")
    assert adopt_former(store, COLLECTION, None) == 0
    assert adopt_former(store, COLLECTION, known) == 2
    assert adopt_former(store, COLLECTION, known) == 0
    assert {one.path for one in stored_points(store, NAME, SOURCE).values()} == {A, B, C}
    store.close()


def test_drop_counts_first_and_removes_only_what_was_named(outputs, nic_etl):
    code, _, err = nic_etl("sources", "drop", OLD)
    assert code == 2
    assert "1 documents, 2 points): say so with --yes" in err
    code, out, _ = nic_etl("sources", "drop", OLD, "--yes")
    assert code == 0
    assert f"Removed: 2 points of {OLD}" in out
    assert counts(sources(outputs_dir=str(outputs))["sources"]) == {SOURCE: ("docs", True, 2, 2)}
    sources(outputs_dir=str(outputs), drop="docs")
    assert known_sources(outputs) == []
    assert sources(outputs_dir=str(outputs))["sources"] == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"adopt": "absent"}, f"There is no source absent: .*{SOURCE} \\(docs\\), {OLD} \\(not recorded\\)"),
        ({"adopt": SOURCE}, "docs is that source already"),
        ({"adopt": OLD, "project": "outro"}, "No source of outro was read yet"),
        ({"drop": "absent"}, "There is no source absent"),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(outputs, wanted, said):
    before = sources(outputs_dir=str(outputs))["sources"]
    with pytest.raises(StageError, match=said):
        sources(outputs_dir=str(outputs), **wanted)
    assert sources(outputs_dir=str(outputs))["sources"] == before


def test_without_a_store_the_remedy_is_told(tmp_path):
    with pytest.raises(StageError, match="run `nic-etl run` first"):
        sources(outputs_dir=str(tmp_path))
