"""Promises of ``nic-etl collections``: it shows what an alias stands for, and drops what was replaced."""

import io
import json
import signal
import sys

import pytest

from runner.cli.entry import main
from stagekit import StageError
from stagekit.storage import CollectionIdentity, CollectionSettings, open_embedded, open_target, publish
from stagekit.storage.collections import drop_superseded
from stagekit.tools import collections
from stagekit.tools.__main__ import answer as tool_answer
from tests.unit.storage_rows import COLLECTION, DIMENSION, IDENTITY, SOURCE

OTHER = CollectionIdentity("other-model@2", DIMENSION, chunk_size=300)
FIRST, SECOND = IDENTITY.physical_name(COLLECTION), OTHER.physical_name(COLLECTION)


@pytest.fixture
def outputs(tmp_path, monkeypatch):
    """Return outputs whose store holds a replaced collection and the one that took its place."""
    folder = tmp_path / "outputs"
    monkeypatch.setenv("NIC_ETL_OUTPUTS_DIR", str(folder))
    store = open_embedded(folder / "qdrant")
    for identity in (IDENTITY, OTHER):
        target = open_target(store, COLLECTION, identity, CollectionSettings())
        publish(store, target, COLLECTION, SOURCE)
    drop_superseded(store, COLLECTION, 24, keep=SECOND)
    store.close()
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


def test_list_shows_which_collection_readers_see_and_clean_waits_for_the_grace(outputs, nic_etl):
    code, out, _ = nic_etl("collections", "clean", "--json")
    assert (code, json.loads(out)["dropped"]) == (0, [])
    rows = json.loads(out)["collections"]
    assert [(row["name"], row["serving"], bool(row["superseded_at"])) for row in rows] == [
        (SECOND, True, False),
        (FIRST, False, True),
    ]
    code, out, _ = nic_etl("collections", "list")
    assert code == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for line, state, identity in ((lines[1], "serving", OTHER), (lines[2], "replaced", IDENTITY)):
        assert line.startswith(f"0 {state} 0 h")
        assert f" {identity.fingerprint[:12]} {COLLECTION} " in line

    code, out, _ = nic_etl("collections", "clean", "--now")
    assert code == 0
    assert f"Dropped: {FIRST}" in out
    assert "serving" in out
    assert '"what": "collections_clean"' in (outputs / "audit.jsonl").read_text()
    assert not (outputs / "qdrant" / "collections" / FIRST).exists()
    assert [one["name"] for one in json.loads(nic_etl("collections", "list", "--json")[1])] == [SECOND]


def test_without_a_store_or_a_collection_the_next_step_is_told(tmp_path, nic_etl, monkeypatch):
    monkeypatch.setenv("NIC_ETL_OUTPUTS_DIR", str(tmp_path / "none"))
    code, out, err = nic_etl("collections", "list")
    assert (code, out) == (1, "")
    assert "run `nic-etl run` first" in err
    open_embedded(tmp_path / "none" / "qdrant").close()
    code, out, _ = nic_etl("collections", "list")
    assert code == 0
    assert "`nic-etl run` makes one" in out


def answer(monkeypatch, capsys, request):
    monkeypatch.setattr(sys, "stdin", io.StringIO(request))
    return tool_answer("stagekit.tools.collections"), *capsys.readouterr()


def test_as_a_process_it_answers_json_or_one_sentence(outputs, monkeypatch, capsys):
    code, out, err = answer(monkeypatch, capsys, json.dumps({"outputs_dir": str(outputs)}))
    assert (code, len(json.loads(out)["collections"]), err) == (0, 2, "")
    for wrong in ("no json", json.dumps({"unknown": 1})):
        code, out, err = answer(monkeypatch, capsys, wrong)
        assert (code, out) == (2, "")
        assert "not one that stagekit.tools.collections takes" in err
    code, out, err = answer(monkeypatch, capsys, json.dumps({"outputs_dir": str(outputs / "empty")}))
    assert (code, out) == (1, "")
    assert err.startswith("There is no store in")


def test_only_the_collections_of_the_given_alias_are_dropped(outputs):
    with pytest.raises(StageError, match="qdrant_url"):
        collections.collections(qdrant_url="nowhere")
    kept = collections.collections(
        outputs_dir=str(outputs), collection_name="another", clean=True, grace_hours=0
    )
    assert kept == {"collections": [], "dropped": []}
    assert len(collections.collections(outputs_dir=str(outputs))["collections"]) == 2
