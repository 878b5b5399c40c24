"""Promises of prune: what is in use stays, what nobody needs goes, references before bytes."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.errors import StateManagementError
from runner.models import Checkpoint, ExecutionStatus, PipelineState, RunScope
from runner.record.state_manager import StateManager
from runner.upkeep.prune import PrunePlan, apply_prune, plan_prune
from stagekit.artifacts.memo import Memo
from stagekit.artifacts.tables import decode_rows
from stagekit.contract import artifact_refs
from tests.unit.operations_runs import Shouting


@pytest.fixture
def shouting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shouting:
    return Shouting(tmp_path, monkeypatch.setenv)


def prune(manager: StateManager, **options: Any) -> PrunePlan:
    plan = plan_prune(manager, **({"grace": 0} | options))
    apply_prune(manager, plan)
    return plan


def age(shouting: Shouting, state: PipelineState, days: float) -> None:
    """Make a run, and what it has made, look old."""
    state.start_timestamp = datetime.now(UTC) - timedelta(days=days)
    shouting.manager.save_checkpoint(state)
    made = state.start_timestamp.strftime("%Y-%m-%dT%H:%M:%SZ")
    with Memo(shouting.manager.outputs / "memo.sqlite") as memo:
        recent = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        for key, value in list(memo.values()):
            if value["produced_at"] > recent:
                memo.put("shout", key, value | {"produced_at": made})
        for stage, document, row in list(memo.good_values()):
            if row["produced_at"] > recent:
                memo.remember_good(stage, [(document, row | {"produced_at": made})])


def artifacts(manager: StateManager) -> set[str]:
    return {uri for uri, _, _ in manager.store.entries()}


def whole(manager: StateManager) -> bool:
    state = manager.load_checkpoint()
    return not any(manager.faults(checkpoint) for checkpoint in state.stages.values())


def test_old_runs_go_with_all_that_only_they_had(shouting: Shouting) -> None:
    manager = shouting.manager
    old = shouting.run({"a.md": "first words", "gone.md": "gone"})
    age(shouting, old, 9)
    kept = [shouting.run({"a.md": "second words"}) for _ in range(2)]
    before = artifacts(manager)
    planned = plan_prune(manager, keep=2, grace=0)
    assert artifacts(manager) == before  # a plan touches nothing
    assert len(manager.execution_ids()) == 3
    plan = prune(manager, keep=2)

    assert plan == planned
    assert plan.runs == [old.execution_id]
    assert not manager.run_dir(old.execution_id).exists()
    assert manager.execution_ids() == [state.execution_id for state in kept]
    assert len(plan.memo_keys) == 2
    assert plan.good_documents == [("shout", "id of gone.md")]
    assert plan.artifacts
    assert artifacts(manager) == before - set(plan.artifacts)
    assert plan.run_bytes > 0
    assert plan.artifact_bytes > 0
    assert whole(manager)
    assert '"what": "prune"' in (manager.outputs / "audit.jsonl").read_text()
    shouting.worked.clear()
    shouting.run({"a.md": "second words"})
    assert shouting.worked == []


def test_a_second_prune_finds_nothing(shouting: Shouting) -> None:
    age(shouting, shouting.run({"a.md": "one"}), 3)
    shouting.run({"a.md": "two"})
    prune(shouting.manager, keep=1)
    plan = plan_prune(shouting.manager, keep=1, grace=0)
    assert plan == PrunePlan()


def test_the_last_good_run_stays_whatever_its_age_and_number(shouting: Shouting) -> None:
    good = shouting.run({"a.md": "one"})
    age(shouting, good, 400)
    failed = [shouting.run({"a.md": "one"}, status=ExecutionStatus.FAILED, stages={}) for _ in range(2)]
    plan = prune(shouting.manager, keep=1, max_age=timedelta(days=30))

    assert plan.runs == [failed[0].execution_id]
    assert plan.protected == {good.execution_id: "it is the last good run"}
    assert good.execution_id in shouting.manager.execution_ids()


def test_runs_past_their_age_go_even_among_the_newest(shouting: Shouting) -> None:
    old = shouting.run({"a.md": "one"})
    age(shouting, old, 40)
    shouting.run({"a.md": "two"})
    assert plan_prune(shouting.manager, keep=20, grace=0).runs == []
    plan = plan_prune(shouting.manager, keep=20, max_age=timedelta(days=30), grace=0)
    assert plan.runs == [old.execution_id]


def carry_over(shouting: Shouting, source: PipelineState, *, own_link: bool = False) -> PipelineState:
    """Record a run that carried its stage over; `own_link`: as earlier versions did, with a hard link."""
    manager = shouting.manager
    state = shouting.run({"z.md": "to be replaced"})
    own = manager.run_dir(state.execution_id) / "02_shout.ipynb"
    own.unlink()
    before = source.stages["shout"]
    notebook = manager.absolute(before.notebook)
    if own_link:
        os.link(notebook, own)
        notebook = own
    state.stages["shout"] = before.model_copy(
        update={"status": ExecutionStatus.SKIPPED, "notebook": manager.relative(notebook),
                "carried_from": source.execution_id}
    )  # fmt: skip
    manager.save_checkpoint(state)
    manager.set_latest(notebook)
    return state


def test_the_run_that_did_the_work_stays_while_its_result_is_in_use(shouting: Shouting) -> None:
    source = shouting.run({"a.md": "one"})
    carry_over(shouting, source)
    plan = prune(shouting.manager, keep=1)
    assert plan.runs == []
    assert plan.protected == {source.execution_id: "it has the newest shout"}


def test_a_run_stays_while_one_that_stays_names_its_notebook(shouting: Shouting) -> None:
    source = shouting.run({"a.md": "one"})
    carried = carry_over(shouting, source)
    shouting.run({"a.md": "two"})
    plan = prune(shouting.manager, keep=2)
    assert plan.runs == []
    assert plan.protected == {source.execution_id: f"{carried.execution_id} reads its shout"}
    state = shouting.manager.load_checkpoint(carried.execution_id)
    assert shouting.manager.faults(state.stages["shout"]) == []

    last = prune(shouting.manager, keep=1)
    assert last.runs == [source.execution_id, carried.execution_id]


def test_a_run_stays_for_what_a_rerun_that_stays_has_read(shouting: Shouting) -> None:
    read = shouting.run({"a.md": "one"})
    shouting.run({"a.md": "in between"})
    upstream = {"shout": read.stages["shout"].notebook, "alien": "/elsewhere/01_alien.ipynb"}
    shouting.run({"a.md": "two"}, scope=RunScope(only=("whisper",), upstream=upstream))
    assert prune(shouting.manager, keep=1).protected.keys() == {read.execution_id}


def test_a_hard_link_of_an_earlier_version_makes_its_run_independent(shouting: Shouting) -> None:
    source = shouting.run({"a.md": "one"})
    carried = carry_over(shouting, source, own_link=True)
    shouting.run({"a.md": "two"})
    plan = prune(shouting.manager, keep=2)
    assert plan.runs == [source.execution_id]
    assert plan.run_bytes < 10_000  # the record; the notebook is shared
    state = shouting.manager.load_checkpoint(carried.execution_id)
    assert shouting.manager.faults(state.stages["shout"]) == []


def test_what_a_broken_off_run_had_finished_is_kept_for_its_resumption(shouting: Shouting) -> None:
    age(shouting, shouting.run({"a.md": "one"}), 2)
    broken = shouting.run({"a.md": "finished just now"})
    notebook = shouting.manager.run_dir(broken.execution_id) / "02_shout.ipynb"
    notebook.unlink()  # killed before it could glue a manifest
    broken.stages["shout"] = Checkpoint(stage="shout", status=ExecutionStatus.RUNNING)
    broken.status = ExecutionStatus.RUNNING
    shouting.manager.save_checkpoint(broken)

    plan = prune(shouting.manager, keep=1)
    assert plan.memo_keys == []
    shouting.worked.clear()
    shouting.run({"a.md": "finished just now"})
    assert shouting.worked == []


def test_what_was_written_a_moment_ago_stays(shouting: Shouting) -> None:
    store = shouting.manager.store
    shouting.run({"a.md": "one"})
    stray = store.put("stray", b"stored by a notebook that is run by hand", "text/plain")
    assert plan_prune(shouting.manager).artifacts == []
    assert plan_prune(shouting.manager, grace=0).artifacts == [stray.uri]


def test_rests_of_runs_half_written_files_and_old_logs_go(shouting: Shouting) -> None:
    manager = shouting.manager
    rest = manager.runs / "20200101T000000Z-abcdef"
    rest.mkdir()
    (rest / "01_x.ipynb").write_text("{}")
    shouting.run({"a.md": "one"})
    shard = next((manager.outputs / "artifacts" / "sha256").iterdir())
    half = shard / f".{'0' * 64}.abc.tmp"
    half.write_bytes(b"half")
    logs = manager.outputs / "logs"
    logs.mkdir()
    for name, days in {"shout-1.log": 3, "shout-2.log": 0}.items():
        (logs / name).write_text("said")
        os.utime(logs / name, (time.time() - 86400 * days + 60,) * 2)
    damaged = manager.outputs / "memo.sqlite.damaged-20200101T000000"
    damaged.write_text("x")
    os.utime(damaged, (0, 0))
    former = manager.outputs / "state.sqlite"
    former.write_text("the index of a former version")

    plan = prune(manager, keep=1)
    assert plan.folders == [rest]
    assert not rest.exists()
    assert not half.exists()
    assert sorted(path.name for path in logs.iterdir()) == ["shout-2.log"]
    assert not damaged.exists()
    assert not former.exists()


def test_a_damaged_old_record_is_pruned_by_its_age(shouting: Shouting) -> None:
    first = shouting.run({"a.md": "one"})
    shouting.run({"a.md": "one"})
    (shouting.manager.run_dir(first.execution_id) / "run.json").write_text("{")
    assert prune(shouting.manager, keep=1).runs == [first.execution_id]


def test_nothing_is_pruned_where_the_newest_result_is_damaged(shouting: Shouting) -> None:
    state = shouting.run({"a.md": "one"})
    result = state.stages["shout"].result
    assert result is not None
    shouting.manager.store.delete(artifact_refs(result.model_dump(mode="json"))[0].uri)
    with pytest.raises(StateManagementError, match=r"is missing.*`nic-etl run` mends that"):
        plan_prune(shouting.manager)


def parts(manager: StateManager, state: PipelineState) -> list[bytes]:
    """Read what a run's manifest refers to, document by document."""
    result = state.stages["shout"].result
    assert result is not None
    rows = decode_rows(manager.store.read_table(result.artifacts["shouted"]))
    return [manager.store.read(ref) for row in rows for ref in artifact_refs(row)]


def test_what_runs_refer_to_stays_after_the_memo_was_lost(shouting: Shouting) -> None:
    manager = shouting.manager
    texts = {f"{number:03}.md": f"word {number}" for number in range(502)}  # no page of rows is left out
    state = shouting.run(texts)
    age(shouting, state, 3)
    last = shouting.run({})
    for suffix in ("", "-wal", "-shm"):
        (manager.outputs / f"memo.sqlite{suffix}").unlink(missing_ok=True)
    assert prune(manager, keep=2).artifacts == []
    assert len(parts(manager, state)) == 502
    prune(manager, keep=1)
    assert manager.execution_ids() == [last.execution_id]
    assert len(artifacts(manager)) < 502


def test_the_last_good_version_stays_while_the_document_is_there(shouting: Shouting) -> None:
    manager = shouting.manager
    age(shouting, shouting.run({"a.md": "readable"}), 9)
    age(shouting, shouting.run({"a.md": "locked"}), 5)
    shouting.run({"a.md": "locked once more"})
    plan = prune(manager, keep=1)
    assert plan.good_documents == []
    with Memo(manager.outputs / "memo.sqlite") as memo:
        good = memo.last_good("shout", "id of a.md")
    assert good is not None
    assert [manager.store.read(ref) for ref in artifact_refs(good)] == [b"READABLE"]
    assert parts(manager, shouting.run({"a.md": "locked for good"})) == [b"READABLE"]


def test_the_last_good_version_stays_though_the_newest_run_is_of_another_source(shouting: Shouting) -> None:
    manager = shouting.manager
    age(shouting, shouting.run({"a.md": "readable"}), 9)
    shouting.run({"z.md": "of another source"})
    with Memo(manager.outputs / "memo.sqlite") as memo:
        for stage, document, row in list(memo.good_values()):
            recent = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            memo.remember_good(stage, [(document, row | {"produced_at": recent})])
    prune(manager, keep=1)
    assert parts(manager, shouting.run({"a.md": "locked"})) == [b"READABLE"]


def test_a_verdict_that_is_in_force_is_not_forgotten(shouting: Shouting) -> None:
    age(shouting, shouting.run({"a.md": "readable", "b.md": "locked"}), 9)
    age(shouting, shouting.run({"a.md": "locked too", "b.md": "locked"}), 5)
    shouting.run({"a.md": "locked too", "b.md": "locked"})
    assert prune(shouting.manager, keep=1).memo_keys == []
    shouting.worked.clear()
    shouting.run({"a.md": "locked too", "b.md": "locked"})
    assert shouting.worked == []


@pytest.mark.parametrize("moment", ["forget", "delete"])
def test_a_prune_that_breaks_off_leaves_no_reference_to_nothing(
    shouting: Shouting, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    manager = shouting.manager
    age(shouting, shouting.run({"a.md": "one"}), 5)
    shouting.run({"a.md": "two"})
    plan = plan_prune(manager, keep=1, grace=0)

    def break_off(*_: object) -> None:
        raise KeyboardInterrupt

    owner = {"forget": Memo, "delete": type(manager.store)}[moment]
    with monkeypatch.context() as patch:
        patch.setattr(owner, moment, break_off)
        with pytest.raises(KeyboardInterrupt):
            apply_prune(manager, plan)

    assert whole(manager)
    stored = artifacts(manager)
    with Memo(manager.outputs / "memo.sqlite") as memo:
        assert {ref.uri for _, value in memo.values() for ref in artifact_refs(value)} <= stored
    assert manager.find_checkpoint("shout", "x") is None  # the records still answer
    prune(manager, keep=1)
    assert artifacts(manager) == stored - set(plan.artifacts)


def test_an_empty_outputs_folder_has_nothing_to_prune(shouting: Shouting) -> None:
    assert prune(shouting.manager) == PrunePlan()
