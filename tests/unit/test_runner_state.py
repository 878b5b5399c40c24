"""Promises of the state: the runs' own records are the truth, one run at a time, nothing damaged is used."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.errors import StateManagementError
from runner.events import Event, EventLog
from runner.models import Checkpoint, ExecutionMode, ExecutionStatus, PipelineState, RunScope, now
from runner.record.monitor import PipelineMonitor
from runner.record.run_lookup import digest_of
from runner.record.state_manager import StateManager
from stagekit.base.files import sha256_file
from tests.unit.core_notebooks import record_run, record_stage

Hold = Callable[..., subprocess.Popen[str]]
FINGERPRINT = {"parameter:chunk_size": "500"}
DIGEST = digest_of(FINGERPRINT)


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


@pytest.fixture
def state(manager: StateManager) -> PipelineState:
    """A finished run of one stage."""
    state = record_run(manager)
    rows = [{"path": "a.md", "status": "ok"}]
    record_stage(manager, state, "text_chunking", products={"chunks": rows}, fingerprint=FINGERPRINT)
    return state


def refuse(manager: StateManager, execution_id: str = "") -> StateManagementError:
    with pytest.raises(StateManagementError) as refusal:
        manager.load_checkpoint(execution_id)
    return refusal.value


# Runs


def test_a_run_is_recorded_whole_for_its_owner_alone(manager: StateManager, outputs: Path) -> None:
    state = manager.new_run(ExecutionMode.FULL, {"chunk_size": 500}, "hash")
    assert manager.load_checkpoint() == state
    record = manager.run_dir(state.execution_id) / "run.json"
    assert record.stat().st_mode & 0o777 == 0o600
    for folder in (outputs, manager.runs, record.parent):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_runs_are_in_the_order_of_their_beginning_however_quick_they_are(manager: StateManager) -> None:
    begun = [manager.new_run(ExecutionMode.FULL, {}, "").execution_id for _ in range(8)]
    assert manager.execution_ids() == begun
    assert manager.load_checkpoint().execution_id == begun[-1]


def test_a_run_is_found_by_id_or_the_beginning_of_one_or_as_the_last(manager: StateManager) -> None:
    for name in ("20260101T000000Z-aa", "20260101T000000Z-aabb", "20260202T000000Z-cc"):
        manager.save_checkpoint(PipelineState(execution_id=name))
    assert manager.load_checkpoint().execution_id == "20260202T000000Z-cc"
    assert manager.load_checkpoint("202602").execution_id == "20260202T000000Z-cc"
    assert manager.load_checkpoint("20260101T000000Z-aa").execution_id == "20260101T000000Z-aa"
    assert "More than one run's id begins with '2026'" in str(refuse(manager, "2026"))
    assert "No run's id begins with '1999'" in str(refuse(manager, "1999"))
    assert refuse(manager, "1999").exit_code == 2


def test_where_there_is_no_run_the_command_that_starts_one_is_told(manager: StateManager) -> None:
    assert str(refuse(manager)) == "There is no run yet: start one with `nic-etl run`."
    assert manager.get_execution_history() == []


@pytest.mark.parametrize("content", ["{", "{}", '{"execution_id": 5}', "\udcff"])
def test_a_damaged_record_is_named_and_listed_as_such(
    manager: StateManager, state: PipelineState, content: str
) -> None:
    record = manager.run_dir(state.execution_id) / "run.json"
    record.write_bytes(content.encode(errors="surrogateescape"))
    assert f"The record {record} is damaged" in str(refuse(manager))
    [listed] = manager.get_execution_history()
    assert (listed.execution_id, listed.status, listed.seconds) == (state.execution_id, "damaged", None)
    assert "start a new one" in listed.error
    assert manager.last_checkpoint("text_chunking") is None
    assert manager.find_checkpoint("text_chunking", DIGEST) is None


def test_the_history_has_the_newest_run_first(manager: StateManager) -> None:
    for name in ("20260101T000000Z-aa", "20260202T000000Z-cc"):
        manager.save_checkpoint(PipelineState(execution_id=name, status=ExecutionStatus.SUCCESS))
    newest, _ = manager.get_execution_history()
    assert (newest.execution_id, newest.status, newest.mode) == ("20260202T000000Z-cc", "success", "full")


def test_the_history_tells_what_the_record_of_a_run_says(manager: StateManager) -> None:
    begun = now()
    state = record_run(
        manager,
        ExecutionStatus.FAILED,
        mode=ExecutionMode.RERUN,
        resumed=2,
        error="it broke",
        start_timestamp=begun,
    )
    record_stage(manager, state, "a")
    [told] = manager.get_execution_history()
    assert (told.mode, told.status, told.started, told.seconds) == ("rerun", "failed", begun, 0.0)
    assert (told.stages, told.error, told.sequence, told.resumed) == ({"a": "success"}, "it broke", 1, 2)


def test_runs_are_looked_up_by_what_they_filled_and_of_which_source(manager: StateManager) -> None:
    def run(name: str, stage: str = "a", mode: ExecutionMode = ExecutionMode.FULL, **config: str) -> None:
        manager.run_dir(name).mkdir()
        record_stage(manager, PipelineState(execution_id=name, mode=mode, pipeline_config=config), stage)

    run("1", project="p", collection_name="c")
    run("2", project="q", collection_name="d")
    run("3", "b", project="p", collection_name="d")
    run("4", mode=ExecutionMode.TEST, project="p", collection_name="e")
    run("5", "b")

    def found(stage: str, project: str) -> str:
        state = manager.last_run_with(stage, project)
        return state.execution_id if state else ""

    assert [found(*asked) for asked in (("a", "p"), ("a", "q"), ("b", "q"), ("a", "r"))] == [
        "1",
        "2",
        "5",
        "",
    ]
    assert [manager.real_run_of(name) for name in "cdex"] == ["1", "3", "", ""]
    last = manager.last_real_run()
    assert last is not None
    assert last.execution_id == "5"


def test_a_run_has_not_worked_since_its_end_or_else_its_last_word(manager: StateManager) -> None:
    state = record_run(manager, start_timestamp=now() - timedelta(hours=2))
    state.end_timestamp = now() - timedelta(hours=1)
    assert manager.seconds_since_end(state) == pytest.approx(3600, abs=5)
    state.end_timestamp = now() + timedelta(hours=1)
    assert manager.seconds_since_end(state) == 0
    state.end_timestamp = None
    folder = manager.run_dir(state.execution_id)
    (folder / "events.jsonl").touch()
    for name, minutes in (("run.json", 30), ("events.jsonl", 20)):
        os.utime(folder / name, ((now() - timedelta(minutes=minutes)).timestamp(),) * 2)
    assert manager.seconds_since_end(state) == pytest.approx(1200, abs=5)
    state.start_timestamp = now() - timedelta(minutes=10)  # the clock was put back since
    assert manager.seconds_since_end(state) == pytest.approx(600, abs=5)


def test_a_run_that_goes_on_keeps_its_id_and_counts_how_often(manager: StateManager) -> None:
    scope = RunScope(only=("a",))
    state = PipelineState(execution_id="", mode=ExecutionMode.RERUN, scope=scope)
    state = manager.begin_run(state, {"x": 1}, "h1")
    assert (state.mode, state.scope, state.pipeline_config, state.config_hash) == (
        "rerun",
        scope,
        {"x": 1},
        "h1",
    )
    assert (state.sequence, state.resumed, manager.load_checkpoint()) == (1, 0, state)
    state.end_timestamp = now() - timedelta(minutes=1)
    again = manager.begin_run(state, {"x": 2}, "h2")
    assert (again.execution_id, again.resumed, again.pipeline_config, again.config_hash) == (
        state.execution_id, 1, {"x": 2}, "h2",
    )  # fmt: skip
    assert again.paused_seconds == pytest.approx(60, abs=5)
    manager.begin_run(state, {}, "")
    assert again.paused_seconds == pytest.approx(120, abs=10)


def test_a_run_without_a_living_owner_was_interrupted(manager: StateManager) -> None:
    state = manager.new_run(ExecutionMode.FULL, {}, "")
    assert manager.get_execution_history()[0].status == "interrupted"
    with manager.lock("another run"):
        assert manager.effective_status(state) == "interrupted"
    with manager.lock(state.execution_id):
        assert manager.effective_status(state) == "running"


def test_an_outputs_folder_that_cannot_be_is_told_by_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateManagementError, match=r"outputs_dir: the folder .*file/outputs cannot be made"):
        StateManager(tmp_path / "file" / "outputs")


def test_a_record_of_a_former_version_is_read(manager: StateManager, state: PipelineState) -> None:
    record = manager.run_dir(state.execution_id) / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"based_on": ""}))
    assert manager.load_checkpoint(state.execution_id) == state
    record.write_text(json.dumps(json.loads(record.read_text()) | {"nobody_knows": ""}))
    assert "is damaged" in str(refuse(manager, state.execution_id))


# Checkpoints


def test_a_checkpoint_is_found_by_what_it_was_made_from(manager: StateManager, state: PipelineState) -> None:
    found = manager.find_checkpoint("text_chunking", DIGEST)
    assert found is not None
    assert found[0] == state.execution_id
    assert found[1].fingerprint == FINGERPRINT
    assert manager.find_checkpoint("text_chunking", digest_of({})) is None
    assert manager.find_checkpoint("other", DIGEST) is None
    last = manager.last_checkpoint("text_chunking")
    assert last is not None
    assert last[1] == found[1]


@pytest.mark.parametrize("status", [ExecutionStatus.FAILED, ExecutionStatus.SKIPPED, ExecutionStatus.RUNNING])
def test_a_checkpoint_that_did_no_work_is_not_reused(manager: StateManager, status: ExecutionStatus) -> None:
    state = record_run(manager)
    record_stage(manager, state, "text_chunking", status=status, fingerprint=FINGERPRINT)
    assert manager.find_checkpoint("text_chunking", DIGEST) is None
    assert manager.last_checkpoint("text_chunking") is None


def test_a_checkpoint_whose_run_changed_its_mind_is_not_reused(
    manager: StateManager, state: PipelineState
) -> None:
    stages = state.stages.pop("text_chunking")
    (manager.run_dir(state.execution_id) / "run.json").write_text(state.model_dump_json())
    assert stages.status is ExecutionStatus.SUCCESS
    assert manager.find_checkpoint("text_chunking", DIGEST) is None


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("delete notebook", "is missing"),
        ("alter notebook", "was altered since its stage ended"),
        ("empty notebook", "it has no list of cells"),
        ("alter artifact", "was altered since it was stored"),
        ("delete artifact", "is missing from the store"),
    ],
)
def test_what_was_damaged_is_not_reused_and_the_fault_is_named(
    manager: StateManager, state: PipelineState, damage: str, said: str
) -> None:
    checkpoint = state.stages["text_chunking"]
    assert manager.faults(checkpoint) == []
    notebook = manager.absolute(checkpoint.notebook)
    assert checkpoint.result is not None
    artifact = manager.outputs / "artifacts" / checkpoint.result.artifacts["chunks"].uri
    target = notebook if "notebook" in damage else artifact
    if damage.startswith("delete"):
        target.unlink()
    elif damage.startswith("alter"):
        target.write_bytes(target.read_bytes() + b" ")
    else:
        notebook.write_text("{}")
        checkpoint.notebook_sha256 = sha256_file(notebook)

    [fault] = manager.faults(checkpoint)
    assert said in fault
    manager.save_checkpoint(state)
    assert manager.find_checkpoint("text_chunking", DIGEST) is None
    assert manager.last_checkpoint("text_chunking") is not None  # known, if not whole


def test_a_withdrawn_result_is_not_reused(manager: StateManager, state: PipelineState) -> None:
    state.stages["text_chunking"].withdrawn = "its artifacts were quarantined"
    manager.save_checkpoint(state)
    assert manager.faults(state.stages["text_chunking"]) == ["its artifacts were quarantined"]
    assert manager.find_checkpoint("text_chunking", DIGEST) is None


def test_an_older_whole_checkpoint_stands_in_for_a_damaged_one(manager: StateManager) -> None:
    for name in ("20260101T000000Z-aa", "20260202T000000Z-cc"):
        state = PipelineState(execution_id=name)
        manager.run_dir(name).mkdir()
        record_stage(manager, state, "text_chunking", fingerprint=FINGERPRINT)
    (manager.run_dir("20260202T000000Z-cc") / "01_text_chunking.ipynb").unlink()
    found = manager.find_checkpoint("text_chunking", DIGEST)
    assert found is not None
    assert found[0] == "20260101T000000Z-aa"


@pytest.mark.parametrize(("damaged", "found"), [(4, True), (5, False)])
def test_five_results_are_looked_at_and_no_more(manager: StateManager, damaged: int, found: bool) -> None:
    for number in range(damaged + 1):
        executed(manager, f"{number}", FINGERPRINT)
        if number:
            (manager.run_dir(f"{number}") / "01_text_chunking.ipynb").unlink()
    assert (manager.find_checkpoint("text_chunking", DIGEST) is not None) is found


def executed(manager: StateManager, name: str, fingerprint: dict[str, str], **changes: Any) -> None:
    manager.run_dir(name).mkdir()
    state = PipelineState(execution_id=name, **changes)
    record_stage(manager, state, "text_chunking", fingerprint=fingerprint)


def carried_over(manager: StateManager, name: str, holder: str) -> None:
    """Record a run in which there was nothing to do."""
    manager.run_dir(name).mkdir()
    done = Checkpoint(
        stage="text_chunking", status=ExecutionStatus.SKIPPED, carried_from=holder, fingerprint=FINGERPRINT
    )
    manager.save_checkpoint(PipelineState(execution_id=name, stages={"text_chunking": done}))


def last_id(manager: StateManager) -> str:
    last = manager.last_checkpoint("text_chunking")
    return last[0] if last else ""


def test_the_result_in_use_is_the_one_that_the_newest_run_made_or_carried_over(manager: StateManager) -> None:
    other = {"parameter:chunk_size": "200"}
    executed(manager, "1-first", FINGERPRINT)
    executed(manager, "2-tried-out", other)
    assert last_id(manager) == "2-tried-out"
    carried_over(manager, "3-back-again", "1-first")
    assert last_id(manager) == manager.last_attempt("text_chunking") == "1-first"
    executed(manager, "4-test", other, mode=ExecutionMode.TEST)
    assert last_id(manager) == "1-first"  # a run in test mode has a collection of its own
    found = manager.find_checkpoint("text_chunking", digest_of(other))
    assert found is not None
    assert found[0] == "2-tried-out"  # nor does a real run take what a trial made
    found = manager.find_checkpoint("text_chunking", digest_of(other), trials=True)
    assert found is not None
    assert found[0] == "4-test"
    found = manager.find_checkpoint("text_chunking", DIGEST, trials=True)
    assert found is not None
    assert found[0] == "1-first"  # where a trial would repeat what a real run made, it need not


def test_where_a_run_was_removed_what_carried_its_result_over_has_it(manager: StateManager) -> None:
    executed(manager, "1-first", {})
    executed(manager, "2-second", FINGERPRINT)
    carried_over(manager, "3-nothing-to-do", "2-second")
    shutil.rmtree(manager.run_dir("2-second"))
    last = manager.last_checkpoint("text_chunking")
    assert last is not None
    assert (last[0], last[1].fingerprint) == ("2-second", FINGERPRINT)
    assert manager.find_checkpoint("text_chunking", DIGEST) is None  # here the notebook went with the run
    shutil.rmtree(manager.run_dir("3-nothing-to-do"))
    assert last_id(manager) == "1-first"


def test_what_other_processes_write_into_the_records_is_seen(manager: StateManager, outputs: Path) -> None:
    executed(manager, "1-first", FINGERPRINT)
    assert last_id(manager) == "1-first"
    other = StateManager(outputs)
    executed(other, "2-second", {})
    assert last_id(manager) == "2-second"
    state = other.load_checkpoint("2-second")
    state.stages["text_chunking"].status = ExecutionStatus.FAILED
    other.save_checkpoint(state)
    assert last_id(manager) == "1-first"
    assert manager.last_attempt("text_chunking") == "2-second"


def test_the_index_of_a_former_version_is_passed_over(
    manager: StateManager, state: PipelineState, outputs: Path
) -> None:
    (outputs / "state.sqlite").write_bytes(b"whatever it says")
    assert last_id(manager) == state.execution_id


def test_an_outputs_folder_can_be_moved(manager: StateManager, state: PipelineState, tmp_path: Path) -> None:
    manager.outputs.rename(tmp_path / "moved")
    moved = StateManager(tmp_path / "moved")
    found = moved.find_checkpoint("text_chunking", DIGEST)
    assert found is not None
    assert moved.absolute(found[1].notebook).is_file()


def test_a_notebook_elsewhere_is_recorded_by_its_whole_path(manager: StateManager, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.ipynb"
    assert manager.absolute(manager.relative(elsewhere)) == elsewhere
    [fault] = manager.faults(Checkpoint(stage="s", status="success", notebook=str(elsewhere)))
    assert "elsewhere.ipynb is missing" in fault


def test_latest_leads_to_the_newest_notebook(manager: StateManager, tmp_path: Path) -> None:
    for run in ("r1", "r2"):
        notebook = manager.run_dir(run) / "01_a.ipynb"
        notebook.parent.mkdir()
        notebook.write_text(run)
        manager.set_latest(notebook)
    assert (manager.outputs / "latest" / "01_a.ipynb").read_text() == "r2"
    manager.outputs.rename(tmp_path / "moved")
    assert (tmp_path / "moved" / "latest" / "01_a.ipynb").read_text() == "r2"
    assert len(list((tmp_path / "moved" / "latest").iterdir())) == 1


# Clearing


def test_clearing_forgets_what_could_be_reused_and_keeps_the_runs(
    manager: StateManager, state: PipelineState, outputs: Path
) -> None:
    manager.set_latest(manager.absolute(state.stages["text_chunking"].notebook))
    for name in ("memo.sqlite", "memo.sqlite-wal", "vectors.sqlite", "vectors.sqlite-shm"):
        (outputs / name).write_text("")
    before = record_run(manager)
    record_stage(manager, before, "text_chunking").withdrawn = "quarantined"
    manager.save_checkpoint(before)
    damaged = record_run(manager)
    (manager.run_dir(damaged.execution_id) / "run.json").write_text("{")
    manager.clear_pipeline_state()
    withdrawn = [one.stages["text_chunking"].withdrawn for one in manager.newest_states()]
    assert withdrawn == ["quarantined", "the state was cleared since it was made"]
    assert sorted(path.name for path in outputs.iterdir()) == ["artifacts", "runs"]
    assert manager.find_checkpoint("text_chunking", DIGEST) is None
    assert manager.load_checkpoint(state.execution_id).stages.keys() == {"text_chunking"}


# The lock

HOLDER = """
import signal, sys, time
from pathlib import Path
from runner.record.state_manager import StateManager
def leave(*_): raise SystemExit
signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in sys.argv else leave)
with StateManager(Path(sys.argv[1])).lock("r1"):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def hold(outputs: Path) -> Iterator[Hold]:
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDER, str(outputs), *words]
        holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(holder)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        return holder

    yield start
    for holder in started:
        holder.kill()
        holder.wait()
        assert holder.stdout is not None
        holder.stdout.close()


def test_only_one_run_holds_the_outputs_and_the_other_is_told_whose_it_is(
    manager: StateManager, outputs: Path
) -> None:
    with manager.lock("r1") as note:
        note.update(execution_id="r2")
        owner = manager.lock_owner()
        assert owner is not None
        assert (owner["execution_id"], owner["pid"], owner["user"]) == ("r2", os.getpid(), getpass.getuser())
        assert owner["host"] == socket.gethostname()
        assert abs((datetime.fromisoformat(owner["since"]) - now()).total_seconds()) < 60
        with pytest.raises(
            StateManagementError, match=r"Another run holds r2 since .*process \d+"
        ) as refusal:
            manager.lock().__enter__()
        assert refusal.value.exit_code == 2
        assert "`nic-etl cancel`" in str(refusal.value)
    assert manager.lock_owner() is None
    assert (outputs / "run.lock").read_text() == ""
    with manager.lock("r3"):
        pass
    assert not (outputs / "audit.jsonl").exists()  # nothing was taken over


@pytest.mark.parametrize("note", ["", "{", "[]", '{"pid": 1}'])
def test_a_lock_is_a_lock_even_where_its_note_cannot_be_read(manager: StateManager, note: str) -> None:
    with manager.lock("r1"):
        (manager.outputs / "run.lock").write_text(note)
        with pytest.raises(StateManagementError, match="give this one its own outputs_dir"):
            manager.lock().__enter__()


def test_a_note_that_cannot_be_read_names_no_owner(manager: StateManager) -> None:
    assert manager.lock_owner() is None  # there was no run at all
    with manager.lock("r1"):
        (manager.outputs / "run.lock").write_text("{")
        assert manager.lock_owner() == {}  # somebody holds it all the same


def test_the_lock_of_a_killed_run_is_taken_over_and_that_is_written_down(
    manager: StateManager, outputs: Path, hold: Hold
) -> None:
    holder = hold()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with manager.lock("r2"):
        pass
    [line] = [json.loads(line) for line in (outputs / "audit.jsonl").read_text().splitlines()]
    assert (line["what"], json.loads(line["from"])["execution_id"]) == ("lock_taken_over", "r1")
    assert line["user"] == getpass.getuser()
    assert (outputs / "audit.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_lock_or_audit_file_that_is_a_link_is_not_followed(
    manager: StateManager, outputs: Path, tmp_path: Path
) -> None:
    for name in ("run.lock", "audit.jsonl"):
        (outputs / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateManagementError, match="symbolic"):
        manager.lock().__enter__()
    with pytest.raises(OSError, match="symbolic"):
        manager.audit("x", {})
    assert not (tmp_path / "elsewhere").exists()


def test_a_user_without_a_name_is_written_down_by_number(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)  # as in a container with an arbitrary user id
    manager.audit("x", {"detail": "ação"})
    line = json.loads((manager.outputs / "audit.jsonl").read_text())
    assert (line["user"], line["detail"]) == (str(os.getuid()), "ação")


# From outside


def test_the_status_of_a_run_is_seen_from_outside_with_its_progress(manager: StateManager) -> None:
    state = manager.new_run(ExecutionMode.FULL, {}, "")
    state.stages = {
        "a": Checkpoint(stage="a", status=ExecutionStatus.SUCCESS),
        "b": Checkpoint(stage="b", status=ExecutionStatus.RUNNING),
    }
    manager.save_checkpoint(state)
    log = EventLog(manager.run_dir(state.execution_id) / "events.jsonl")
    for stage in "ab":
        log(Event("stage_started", stage))
        log(Event("documents", stage, {"done": 1, "total": 3, "current": "x.md", "unit": "document"}))
    log(Event("stage_finished", "a"))
    log(Event("cell", "b", {"number": 3}))
    log(Event("documents", "c", {"done": 1, "total": 3}))
    log(Event("stage_started", "c"))  # it is tried again
    log.close()
    monitor = PipelineMonitor(manager)

    with manager.lock(state.execution_id):
        status = monitor.get_real_time_status()
        assert (status.status, status.owner["pid"]) == ("running", os.getpid())
    assert (status.execution_id, status.error) == (state.execution_id, "")
    assert status.started == state.start_timestamp.isoformat(timespec="seconds")
    assert status.stages == {"a": "success", "b": "running"}
    assert status.progress == {"b": {"done": 1, "total": 3, "current": "x.md"}}
    assert (monitor.get_real_time_status().status, monitor.get_real_time_status().owner) == (
        "interrupted",
        {},
    )


def test_the_figures_of_a_run_are_seen_from_outside(manager: StateManager) -> None:
    state = record_run(manager)
    record_stage(manager, state, "a", input_count=3)
    state.stages["b"] = Checkpoint(stage="b", status=ExecutionStatus.RUNNING)
    manager.save_checkpoint(state)
    figures = PipelineMonitor(manager).get_performance_metrics(state.execution_id)
    assert figures["a"] == {
        "seconds": 1.5, "peak_memory_mb": 0.0, "attempts": 1, "documents_per_second": 2.0,
    }  # fmt: skip
    assert figures["b"]["documents_per_second"] is None
    state.stages["b"].seconds = 2.0  # it broke off
    manager.save_checkpoint(state)
    assert PipelineMonitor(manager).get_performance_metrics()["b"]["documents_per_second"] == 0.0


def test_a_run_is_ended_from_outside_and_the_reason_is_kept(manager: StateManager, hold: Hold) -> None:
    holder = hold()
    outcome = PipelineMonitor(manager).cancel_execution("wrong folder")
    assert (outcome.execution_id, outcome.cancelled) == ("r1", True)
    assert outcome.seconds < 5
    holder.wait(5)
    line = json.loads((manager.outputs / "audit.jsonl").read_text().splitlines()[0])
    assert (line["what"], line["reason"]) == ("cancel_requested", "wrong folder")
    assert line["execution_id"] == "r1"


def test_a_run_that_does_not_end_is_told_as_such(manager: StateManager, hold: Hold) -> None:
    hold("deaf")
    outcome = PipelineMonitor(manager).cancel_execution(grace=0.3)
    assert not outcome.cancelled
    assert 0.3 <= outcome.seconds < 5


def test_there_is_nothing_to_end_where_no_run_goes_on(manager: StateManager) -> None:
    with pytest.raises(StateManagementError, match="No run is going on") as refusal:
        PipelineMonitor(manager).cancel_execution()
    assert refusal.value.exit_code == 2
