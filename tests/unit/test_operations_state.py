"""Promises of quarantine and rebuilding: verdicts can be taken back, and lost state costs no work."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import StateManagementError
from runner.upkeep.quarantine import list_quarantine, retry_quarantine
from runner.upkeep.rebuild import rebuild_state
from stagekit.artifacts.memo import Memo
from tests.unit.operations_runs import Shouting

TEXTS = {"a.md": "good morning", "b.pdf": "locked one", "c.md": "good evening"}


@pytest.fixture
def shouting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shouting:
    return Shouting(tmp_path, monkeypatch.setenv)


def lose(shouting: Shouting, *names: str) -> None:
    for name in names:
        for path in shouting.manager.outputs.glob(f"{name}*"):
            path.unlink()


# Quarantine


def test_a_rejected_document_is_listed_with_reason_remedy_time_run_and_user(shouting: Shouting) -> None:
    state = shouting.run(TEXTS)
    [document] = list_quarantine(shouting.manager)

    assert (document.path, document.stage, document.category) == ("b.pdf", "shout", "encrypted")
    assert (document.message, document.remedy) == ("it has a password", "upload it without one")
    assert document.since.endswith("Z")
    assert document.execution_id == state.execution_id
    assert document.user
    assert document.served is False


def test_it_is_not_tried_again_and_the_run_that_found_it_is_still_named(shouting: Shouting) -> None:
    first = shouting.run(TEXTS)
    shouting.run(TEXTS)
    assert shouting.worked == ["a.md", "b.pdf", "c.md"]
    [document] = list_quarantine(shouting.manager)
    assert document.execution_id in {
        first.execution_id,
        shouting.manager.load_checkpoint().execution_id,  # both began within the same second
    }


def test_after_retry_it_is_tried_again_and_nothing_else_is(shouting: Shouting) -> None:
    state = shouting.run(TEXTS)
    retried = retry_quarantine(shouting.manager, ["b.pdf"])

    assert [one.path for one in retried] == ["b.pdf"]
    assert list_quarantine(shouting.manager) == []
    checkpoint = shouting.manager.load_checkpoint(state.execution_id).stages["shout"]
    assert shouting.manager.faults(checkpoint) == ["to be tried again: b.pdf"]  # plan says so, run obeys
    shouting.worked.clear()
    shouting.run(TEXTS)
    assert shouting.worked == ["b.pdf"]
    assert [one.path for one in list_quarantine(shouting.manager)] == ["b.pdf"]
    assert "quarantine_retry" in (shouting.manager.outputs / "audit.jsonl").read_text()


def test_a_document_served_from_an_earlier_version_is_in_quarantine_too(shouting: Shouting) -> None:
    shouting.run(TEXTS)
    shouting.run(TEXTS | {"a.md": "locked now"})
    documents = {one.path: one for one in list_quarantine(shouting.manager)}
    assert documents["a.md"].served is True
    assert documents["a.md"].message == "it has a password"

    retry_quarantine(shouting.manager)
    shouting.worked.clear()
    shouting.run(TEXTS | {"a.md": "locked now"})
    assert shouting.worked == ["a.md", "b.pdf"]


def test_what_failed_on_our_side_is_tried_again_anyway_and_not_listed(shouting: Shouting) -> None:
    shouting.run({"a.md": "good", "d.md": "crash"})
    shouting.run({"a.md": "crash", "d.md": "crash"})
    assert list_quarantine(shouting.manager) == []


def test_a_path_that_is_not_in_quarantine_is_refused_and_nothing_is_forgotten(shouting: Shouting) -> None:
    shouting.run(TEXTS)
    with pytest.raises(StateManagementError, match=r"a\.md is not in quarantine") as refusal:
        retry_quarantine(shouting.manager, ["b.pdf", "a.md"])
    assert refusal.value.exit_code == 2
    assert len(list_quarantine(shouting.manager)) == 1


def test_without_runs_there_is_no_quarantine(shouting: Shouting) -> None:
    assert list_quarantine(shouting.manager) == []
    assert retry_quarantine(shouting.manager) == []


def test_an_audit_log_that_is_lost_or_torn_only_loses_names(shouting: Shouting) -> None:
    shouting.run(TEXTS)
    log = shouting.manager.outputs / "audit.jsonl"
    log.write_text(log.read_text() + '{"at": "torn')
    assert list_quarantine(shouting.manager)[0].user
    log.unlink()
    [document] = list_quarantine(shouting.manager)
    assert (document.execution_id, document.user) == ("", "")


def test_a_verdict_between_two_runs_is_nobodys(shouting: Shouting) -> None:
    shouting.run(TEXTS)
    log = shouting.manager.outputs / "audit.jsonl"
    early = '{"at": "2001-01-01T00:00:00+00:00", "what": "run_%s", "execution_id": "x", "user": "ana"}\n'
    log.write_text(early % "started" + early % "finished")
    assert list_quarantine(shouting.manager)[0].user == ""


# Rebuilding


def test_after_the_memo_is_lost_a_rebuild_saves_all_the_work(shouting: Shouting) -> None:
    before = shouting.run(TEXTS)
    lose(shouting, "memo.sqlite", "latest/")
    rebuilt = rebuild_state(shouting.manager)
    shouting.worked.clear()
    after = shouting.run(TEXTS)

    assert (rebuilt.runs, rebuilt.latest, rebuilt.outcomes, rebuilt.last_good) == (1, 1, 3, 2)
    assert shouting.worked == []
    assert shouting.manifest(after) == shouting.manifest(before)  # not a byte differs


def test_carried_columns_are_no_part_of_what_is_remembered(shouting: Shouting) -> None:
    shouting.run(TEXTS)
    lose(shouting, "memo.sqlite")
    rebuild_state(shouting.manager)
    with Memo(shouting.manager.outputs / "memo.sqlite") as memo:
        values = [value for _, value in memo.values()]
    assert len(values) == 3
    for value in values:
        assert not {"source", "age", "path", "document_id", "memo_key", "unchanged"} & value.keys()

    shouting.worked.clear()
    state = shouting.run({"moved/a.md": TEXTS["a.md"]})
    assert shouting.worked == []  # the same content under another name is known, and described as it is now
    result = state.stages["shout"].result
    assert result is not None
    [row] = shouting.manager.store.read_table(result.artifacts["shouted"]).to_pylist()
    assert '"moved/a.md"' in row["source"]


def test_the_rebuilt_memo_equals_the_lost_one(shouting: Shouting) -> None:
    shouting.run(TEXTS)
    shouting.run(TEXTS | {"a.md": "locked now", "c.md": "new words"})
    path = shouting.manager.outputs / "memo.sqlite"
    with Memo(path) as memo:
        before, good = dict(memo.values()), {d: r["length"] for _, d, r in memo.good_values()}
    lose(shouting, "memo.sqlite")
    rebuild_state(shouting.manager)
    with Memo(path) as memo:
        assert dict(memo.values()) == before
        assert {d: r["length"] for _, d, r in memo.good_values()} == good


def test_a_stale_document_stays_served_after_a_rebuild(shouting: Shouting) -> None:
    shouting.run(TEXTS)
    stale = shouting.run(TEXTS | {"a.md": "locked now"})
    lose(shouting, "memo.sqlite")
    rebuild_state(shouting.manager)
    shouting.worked.clear()
    again = shouting.run(TEXTS | {"a.md": "locked now"})
    assert shouting.worked == []
    assert shouting.manifest(again) == shouting.manifest(stale)


def test_a_rebuild_leaves_what_is_known_alone_and_brings_no_verdict_back(shouting: Shouting) -> None:
    shouting.run(TEXTS)
    assert rebuild_state(shouting.manager).outcomes == 0
    retry_quarantine(shouting.manager)
    rebuild_state(shouting.manager)
    shouting.worked.clear()
    shouting.run(TEXTS)
    assert shouting.worked == ["b.pdf"]


def test_links_to_the_newest_notebooks_come_back(shouting: Shouting) -> None:
    state = shouting.run(TEXTS)
    link = shouting.manager.outputs / "latest" / "02_shout.ipynb"
    link.unlink()
    rebuild_state(shouting.manager)
    assert link.resolve().parent.name == state.execution_id


def test_damaged_records_and_manifests_are_passed_over(shouting: Shouting) -> None:
    first = shouting.run(TEXTS)
    second = shouting.run({"x.md": "other"})
    third = shouting.run({"y.md": "third"})
    (shouting.manager.run_dir(first.execution_id) / "run.json").write_text("{")
    (shouting.manager.run_dir(third.execution_id) / "02_shout.ipynb").write_text("no notebook")
    manifest = second.stages["shout"].result.artifacts["shouted"]  # type: ignore[union-attr]
    shouting.manager.store.delete(manifest.uri)
    lose(shouting, "memo.sqlite")

    rebuilt = rebuild_state(shouting.manager)
    assert (rebuilt.runs, rebuilt.outcomes) == (2, 0)
