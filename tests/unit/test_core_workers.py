"""Promises of the document workers: whatever a document does to its process, the others are made."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Pipe
from pathlib import Path

import psutil
import pytest

from stagekit import ArtifactError, StageError
from stagekit.artifacts.store import ArtifactStore
from stagekit.artifacts.tables import decode_rows
from stagekit.base import machine
from stagekit.contract import PROGRESS_MIME
from stagekit.workers import team as workers_module
from stagekit.workers.main import serve
from tests.unit.core_notebooks import front_end, source_notebook
from tests.unit.document_executors import MISBEHAVING, Open, Plan, Row, asked, column, documents, run, stage
from tests.unit.document_executors import plan as pool

__all__ = ["pool", "stage"]

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    # multiprocessing's resource tracker is there where an earlier test needed it
    before = set(psutil.Process().children())
    yield
    assert set(psutil.Process().children()) <= before, "a worker was left behind"


def runs(pid: int) -> bool:
    """Whether a process runs; a dead one that its foster parent has not yet taken note of does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# Outcomes


def test_the_result_is_the_same_whatever_the_number_of_workers(
    stage: Open, pool: Plan, tmp_path: Path
) -> None:
    texts = ["sleep 0.3", "a", "reject", "bb", "a", "leak 1", "raise", "ccc"]
    manifests = []
    for count in (1, 2):
        opened = stage(f"outputs{count}")
        outcomes = run(opened, pool(count, weight=lambda row: len(row["text"])), *texts)
        clock = {"seconds": 0.0, "produced_at": ""}
        manifests.append(opened.glue_documents("shouted", [row | clock for row in outcomes]))
    assert manifests[0] == manifests[1]
    assert column(outcomes, "path") == [f"{n}.md" for n in range(8)]


# Misbehaviour


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("exit 3", "ended with exit code 3"),
        ("exit 0", "ended with exit code 0"),
        ("segfault", "was killed by SIGSEGV"),
        ("exit-before-child", "ended with exit code 3"),
    ],
)
def test_a_document_that_crashes_its_process_twice_has_failed_and_the_others_are_made(
    stage: Open, pool: Plan, tmp_path: Path, text: str, ending: str
) -> None:
    outcomes = run(stage(), pool(), "fine", text, "good")
    assert column(outcomes, "status") == ["ok", "failed", "ok"]
    assert outcomes[1]["category"] == "converter_crashed"
    assert outcomes[1]["message"] == f"The process that read the document {ending}, twice."
    assert "shout-workers-" in outcomes[1]["remedy"]
    assert asked(tmp_path) == ["0.md", "1.md", "1.md", "2.md"]


def test_a_native_crash_leaves_its_trace_in_the_log_and_nothing_in_the_notebook(
    stage: Open,
    pool: Plan,
    outputs: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    run(stage(), pool(), "chatter", "segfault")
    [log] = (outputs / "logs").glob("shout-workers-*.log")
    assert "Segmentation fault" in log.read_text()
    assert "chatter on stdout\nchatter on stderr" in log.read_text()
    said = capfd.readouterr()
    assert "chatter" not in said.out + said.err


def test_a_crash_that_does_not_happen_again_costs_nothing(stage: Open, pool: Plan) -> None:
    assert column(run(stage(), pool(), "crash-once x", "fine"), "status") == ["ok", "ok"]


def test_a_process_that_dies_of_an_earlier_document_costs_nothing(stage: Open, pool: Plan) -> None:
    assert column(run(stage(), pool(), "exit-later 2", "sleep 3"), "status") == ["ok", "ok"]


def test_a_second_try_is_made_in_a_fresh_process(stage: Open, pool: Plan, tmp_path: Path) -> None:
    run(stage(), pool(2), "sleep 0.5", "fine", "exit", "sleep 0.4", "good", "nice")
    lines = (tmp_path / "asked").read_text().splitlines()
    second = [n for n, line in enumerate(lines) if line.startswith("2.md")][1]
    assert lines[second].split()[1] not in {line.split()[1] for line in lines[:second]}


def test_a_document_that_never_ends_is_rejected_with_what_it_started(
    stage: Open, pool: Plan, tmp_path: Path
) -> None:
    outcomes = run(stage(), pool(timeout_s=3), "child", "fine")
    assert column(outcomes, "status") == ["rejected", "ok"]
    assert outcomes[0]["category"] == "timed_out"
    assert "longer than 3 s" in outcomes[0]["message"]
    assert "document_timeout_s" in outcomes[0]["remedy"]
    assert not runs(int((tmp_path / "child").read_text()))


def test_a_document_that_takes_all_memory_is_rejected(stage: Open, pool: Plan, tmp_path: Path) -> None:
    outcomes = run(stage(), pool(memory_mb=150), "fine", "swell", "good")
    assert column(outcomes, "status") == ["ok", "rejected", "ok"]
    assert outcomes[1]["category"] == "too_much_memory"
    assert "more than 150 MB" in outcomes[1]["message"]
    assert "document_memory_mb" in outcomes[1]["remedy"]
    assert asked(tmp_path).count("1.md") == 2  # the verdict is that of a fresh process


def test_a_verdict_of_a_limit_holds_until_the_limit_is_changed(
    stage: Open, pool: Plan, tmp_path: Path
) -> None:
    [first] = run(stage(), pool(timeout_s=0.3), "sleep 0.6")
    [again] = run(stage(), pool(timeout_s=0.3), "sleep 0.6")
    assert again == first | {"unchanged": True}
    [longer] = run(stage(), pool(timeout_s=30), "sleep 0.6")
    assert (longer["status"], longer["unchanged"]) == ("ok", False)
    [known] = run(stage(), pool(timeout_s=0.3), "sleep 0.6")
    assert (known["status"], known["unchanged"]) == ("ok", True)  # what could be made is not unmade


def test_a_worker_that_has_grown_is_replaced(stage: Open, pool: Plan) -> None:
    small, large, after, last = run(stage(), pool(tell=True, recycle_mb=100), "a", "leak 150", "b", "c")
    assert small["pid"] == large["pid"] != after["pid"] == last["pid"]


# The stage as a whole


@pytest.mark.parametrize(("text", "error"), [("unreachable", StageError), ("altered", ArtifactError)])
def test_what_stops_a_stage_stops_it_from_a_worker_too(
    stage: Open, pool: Plan, text: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as raised:
        run(stage(), pool(2), text, "sleep")
    assert type(raised.value) is error


def test_workers_that_cannot_start_are_told_with_their_log(stage: Open, pool: Plan, outputs: Path) -> None:
    with pytest.raises(StageError, match=r"No document worker can be started.*exit code 1.*shout-workers-"):
        run(stage(), pool(factory="tests.unit.worker_documents:broken_factory"), "a")
    [log] = (outputs / "logs").glob("shout-workers-*.log")
    assert "no converter here" in log.read_text()


def test_a_worker_that_never_gets_ready_is_given_up(
    stage: Open, pool: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers_module, "_START_TIMEOUT_S", 0.0)
    with pytest.raises(StageError, match="No document worker can be started"):
        run(stage(), pool(factory="time:sleep"), "a")


def test_with_nothing_to_do_no_worker_is_started(
    stage: Open, pool: Plan, outputs: Path, tmp_path: Path
) -> None:
    run(stage(), pool(2), "a", "b")
    outcomes = run(stage(), pool(2, factory=MISBEHAVING), "a", "b")
    assert column(outcomes, "unchanged") == [True, True]
    assert run(stage(), pool(factory="nowhere:nothing")) == []
    assert asked(tmp_path).count("0.md") == 1


def test_the_documents_in_work_are_shown(stage: Open, pool: Plan, tmp_path: Path) -> None:
    with front_end(tmp_path) as shown:
        run(stage(), pool(2), "sleep 0.5", "sleep 0.6")
    states = [message["data"][PROGRESS_MIME] for message in shown]
    assert "0.md, 1.md" in {state["current"] for state in states}
    assert states[-1] == {"done": 2, "total": 2, "unit": "document", "current": ""}


def test_what_remains_is_reckoned_by_the_work_of_each_document(
    stage: Open, pool: Plan, tmp_path: Path
) -> None:
    weigh = replace(pool(1), weight=lambda row: 30.0 if row["path"] == "0.md" else 0.1)
    with front_end(tmp_path) as shown:
        run(stage(), weigh, "sleep 0.6", *["sleep 0.3"] * 3)
    states = [message["data"][PROGRESS_MIME] for message in shown]
    left = [state["left_s"] for state in states if "left_s" in state]
    assert None in left  # nothing is known before the first one is done
    # One of four is done, and nearly all of the work: by their number, three times as much would remain.
    assert all(seconds is None or seconds < 0.5 for seconds in left)
    assert 1 in {state["done"] for state in states if state.get("left_s") is not None}


def test_an_interrupt_ends_the_workers_at_once(stage: Open, pool: Plan, tmp_path: Path) -> None:
    # A shell starts what runs in its background with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    children = set(psutil.Process().children())

    def interrupt() -> None:
        while not (tmp_path / "child").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), 2)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run(stage(), pool(2), "child", "sleep")
    signal.signal(signal.SIGINT, before)
    assert set(psutil.Process().children()) <= children
    assert not runs(int((tmp_path / "child").read_text()))


def test_when_the_stage_is_killed_its_workers_and_their_children_end(
    tmp_path: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIC_ETL_NOTEBOOK", str(source_notebook(tmp_path / "02_shout.ipynb")))
    script = (
        "import sys; from stagekit import open_stage; from stagekit.workers.team import DocumentWorkers\n"
        "stage = open_stage('shout', outputs_dir=sys.argv[1])\n"
        "rows = [{'document_id': t, 'path': t, 'text': t} for t in ('child', 'sleep')]\n"
        f"pool = DocumentWorkers({MISBEHAVING!r}, {{'folder': sys.argv[2]}}, 2)\n"
        "stage.map_documents(rows, pool, key=lambda row: row['text'])\n"
    )
    command = [sys.executable, "-c", script, str(outputs), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT) as parent:
        deadline = time.monotonic() + 30
        while len(asked(tmp_path)) < 2 or not (tmp_path / "child").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        family = psutil.Process(parent.pid).children(recursive=True)
        assert len(family) == 5  # each worker has a watcher, one has started a program
        parent.kill()
    deadline = time.monotonic() + 2
    while any(runs(process.pid) for process in family):
        assert time.monotonic() < deadline
        time.sleep(0.02)


# How many, and how


def test_cores_are_shared_out_between_workers(
    stage: Open, pool: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers_module, "cores", lambda: 5)
    assert run(stage(), pool(2, tell=True), "a", "b")[0]["threads"] == [2, 2]
    assert run(stage(), pool(2, tell=True), "c")[0]["threads"] == [5, 5]  # one document, one worker


def test_by_default_there_is_a_worker_a_core_if_they_fit_into_memory(
    pool: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers_module, "cores", lambda: 4)
    monkeypatch.setattr(workers_module, "available_memory_mb", lambda: 64_000.0)
    many = documents(*["fine"] * 100)
    assert [pool(0).size(many[:n]) for n in (1, 3, 100)] == [1, 3, 4]
    monkeypatch.setattr(workers_module, "available_memory_mb", lambda: 4_500.0)
    assert pool(0).size(many) == 2
    monkeypatch.setattr(workers_module, "available_memory_mb", lambda: 100.0)
    assert pool(0).size(many) == 1
    assert pool(3).size(many) == 3


def test_a_containers_limits_are_the_machines_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    free, cores = machine.available_memory_mb(), machine.cores()
    assert free > 0
    assert cores == len(os.sched_getaffinity(0))
    (tmp_path / "memory.max").write_text(f"{300 * 2**20}\n")
    (tmp_path / "memory.current").write_text(f"{100 * 2**20}\n")
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert machine.available_memory_mb() == 200
    assert machine.cores() == 1
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert machine.available_memory_mb() > 200
    assert machine.cores() == cores


def test_both_sides_talk_in_json(tmp_path: Path) -> None:
    ours, theirs = Pipe()
    server = threading.Thread(target=serve, args=(theirs,))
    server.start()

    def ask(message: Row) -> Row:
        ours.send_bytes(json.dumps(message).encode())
        answer: Row = json.loads(ours.recv_bytes())
        return answer

    factory = {"factory": "tests.unit.worker_documents:refusing_factory", "settings": {}}
    refused = {"error": "StageError", "message": "ocr_engine is 'abc': choose another."}
    assert ask(factory | {"store": str(tmp_path / "store"), "threads": 1}) == refused
    order = {"factory": MISBEHAVING, "settings": {"folder": str(tmp_path)}, "threads": 1}
    assert ask(order | {"store": str(tmp_path / "store")}) == {"ready": True}
    value = ask({"path": "a.md", "text": "fine"})["value"]
    assert (value["status"], value["length"]) == ("ok", 4)
    assert decode_rows(ArtifactStore(tmp_path / "store").read_table(value["words"])) == [{"word": "FINE"}]
    assert ask({"path": "b.md", "text": "altered"})["error"] == "ArtifactError"
    ours.close()
    server.join(5)
    assert not server.is_alive()
    theirs.close()
