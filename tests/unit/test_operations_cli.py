"""Promises of the operating commands: what they say, their JSON, their exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from qdrant_client.models import FilterSelector

from runner.record.environment import record_environment
from stagekit.storage import connect, of_source
from tests.unit.command_line import Command, nic_etl
from tests.unit.operations_collection import executed, fill
from tests.unit.operations_runs import Shouting
from tests.unit.storage_rows import COLLECTION, SOURCE, Corpus

__all__ = ["nic_etl"]

TEXTS = {"a.md": "good morning", "b[1].pdf": "locked one"}


@pytest.fixture
def shouting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shouting:
    return Shouting(tmp_path, monkeypatch.setenv)


def test_verify_says_by_its_exit_code_whether_the_collection_is_right(
    nic_etl: Command, tmp_path: Path
) -> None:
    outputs = tmp_path / "outputs"
    corpus = Corpus({"30-Aprovados/ferias.md": ["um", "dois"]})
    executed(outputs, corpus)
    fill(outputs, corpus)
    assert nic_etl("verify", "--json").code == 0

    client = connect("embedded", outputs)
    client.delete(COLLECTION, points_selector=FilterSelector(filter=of_source(SOURCE)))
    client.close()
    found = nic_etl("verify", "--json")
    assert (found.code, found.json["missing"]) == (1, 2)
    repaired = nic_etl("verify", "--repair")
    assert repaired.code == 0
    assert "30-Aprovados/ferias.md" in repaired.out
    assert "2 missing, 0 altered, 0 superfluous" in repaired.out
    assert "2 written, 0 deleted; 0 still differ" in repaired.out
    assert '"what": "verify_repair"' in (outputs / "audit.jsonl").read_text()
    assert "0 missing" in nic_etl("verify").out


def test_verify_without_anything_to_compare_says_what_to_do(nic_etl: Command) -> None:
    done = nic_etl("verify")
    assert (done.code, done.out) == (1, "")
    assert len(done.err.strip().splitlines()) == 1
    assert "run `nic-etl run` first" in done.err


def test_a_repair_waits_for_no_one(nic_etl: Command, shouting: Shouting) -> None:
    with shouting.manager.lock("a-run"):
        for words in (["verify", "--repair"], ["prune"], ["state", "rebuild"], ["quarantine", "retry"]):
            done = nic_etl(*words)
            assert done.code == 2
            assert "Another run holds a-run" in done.err
        assert nic_etl("restore", "/nowhere").code == 2


def test_quarantine_is_listed_and_emptied(nic_etl: Command, shouting: Shouting) -> None:
    assert "No document is in quarantine" in nic_etl("quarantine", "list").out
    assert "No document is in quarantine" in nic_etl("quarantine", "retry").out
    state = shouting.run(TEXTS)
    [document] = nic_etl("quarantine", "list", "--json").json
    assert document["path"] == "b[1].pdf"
    assert document["execution_id"] == state.execution_id
    shown = nic_etl("quarantine", "list").out
    assert "upload it without one" in shown
    assert "b[1].pdf" in shown
    assert nic_etl("quarantine", "retry", "nothing.pdf").code == 2
    assert nic_etl("quarantine", "retry", "b[1].pdf", "--json").json == ["b[1].pdf"]
    shouting.run(TEXTS)
    assert "Tried again by the next run: b[1].pdf" in nic_etl("quarantine", "retry").out


def test_state_is_rebuilt_and_counted(nic_etl: Command, shouting: Shouting) -> None:
    shouting.run(TEXTS)
    for path in shouting.manager.outputs.glob("*.sqlite*"):
        path.unlink()
    done = nic_etl("state", "rebuild", "--json")
    assert done.json == {"runs": 1, "latest": 1, "outcomes": 2, "last_good": 1, "vectors": 0}
    assert "From 1 runs: 1 links in latest/" in nic_etl("state", "rebuild").out


def test_prune_says_what_it_would_free_before_it_does(nic_etl: Command, shouting: Shouting) -> None:
    first = shouting.run(TEXTS)
    shouting.run({"a.md": "other"})
    dry = nic_etl("prune", "--keep", "1", "--dry-run")
    assert "Would be removed" in dry.out
    assert first.execution_id in dry.out
    assert len(shouting.manager.execution_ids()) == 2
    done = nic_etl("prune", "--keep", "1", "--json").json
    assert (done["done"], done["runs"]) == (True, [first.execution_id])
    assert len(shouting.manager.execution_ids()) == 1
    for everything in ("0", "0d"):
        aged = nic_etl("prune", "--max-age", everything)
        assert "stays: it is the last good run" in aged.out
    assert nic_etl("prune", "--max-age", "0", "--quiet").out == ""
    assert "--max-age is 'a year': give" in nic_etl("prune", "--max-age", "a year").err


def test_backup_and_restore_say_what_they_moved(nic_etl: Command, shouting: Shouting, tmp_path: Path) -> None:
    shouting.run(TEXTS)
    damaged = next((shouting.manager.outputs / "artifacts").rglob("*.parquet"))
    damaged.write_bytes(b"?")
    target, elsewhere = str(tmp_path / "backup"), f"outputs_dir={tmp_path / 'elsewhere'}"
    taken = nic_etl("backup", target, "--quiet")  # which says what is damaged all the same
    assert f"Backup in {target}" in taken.out
    assert damaged.name in taken.out
    assert nic_etl("backup", target, "--json").json["files"] > 5
    assert nic_etl("backup", target, "--quiet").out == ""
    assert "Restored into" in nic_etl("restore", target, "-p", elsewhere).out
    refused = nic_etl("restore", target, "-p", elsewhere)
    assert refused.code == 2
    assert "--force" in refused.err
    assert nic_etl("restore", target, "--force", "--json", "-p", elsewhere).json["damaged"] == []


def test_show_tells_the_environment_of_a_run(nic_etl: Command, shouting: Shouting) -> None:
    state = shouting.run(TEXTS)
    assert "has no record of its environment" in nic_etl("show", "", "--environment").out
    record_environment(shouting.manager.run_dir(state.execution_id), state)
    shown = nic_etl("show", state.execution_id, "--environment").out
    for word in ("docling", "python", "toy@1", "c0ffee", "Nothing differs now."):
        assert word in shown, word
    entry = nic_etl("show", state.execution_id, "--environment", "--json").json
    assert entry["differences"] == []
    state.config_hash = "another"
    file = shouting.manager.run_dir(state.execution_id) / "environment.json"
    file.write_text(file.read_text().replace('"docling": "', '"docling": "0.'))
    record_environment(file.parent, state)
    file.write_text(file.read_text().replace('"python": "', '"python": "0.'))
    changed = nic_etl("show", state.execution_id, "--environment").out
    assert "this is the last of 2" in changed
    assert "Different now" in changed


def test_long_lists_are_cut_and_say_so(nic_etl: Command, shouting: Shouting) -> None:
    shouting.run({f"{n:03}.pdf": f"locked {n}" for n in range(60)})
    shown = nic_etl("quarantine", "list").out
    assert "… and 10 more: --json lists them all." in shown
