"""Promises of documents on a Dask cluster: outcomes as of this machine, whatever becomes of workers."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import Client, LocalCluster, get_worker

from stagekit import StageError
from stagekit.cluster import client as cluster
from stagekit.cluster import documents as cluster_documents
from stagekit.cluster import worker as cluster_worker
from stagekit.cluster.admission import admission
from stagekit.cluster.documents import ClusterDocuments
from stagekit.stage.execution import Workplace
from tests.servers.dask_cluster import DaskCluster, cluster_here, likeness_here
from tests.unit.document_executors import (
    MISBEHAVING,
    Open,
    Plan,
    Row,
    asked,
    column,
    documents,
    plan,
    run,
    stage,
)

__all__ = ["plan", "stage"]

FACTS = "stagekit.cluster.facts:conversion_facts"


@pytest.fixture(scope="module")
def here() -> Iterator[LocalCluster]:
    """A cluster whose one worker, of two threads, lives in this process."""
    with cluster_here(2) as started:
        yield started


@pytest.fixture
def there(tmp_path: Path) -> Iterator[DaskCluster]:
    with DaskCluster(tmp_path / "cluster") as started:
        yield started


@pytest.fixture
def place(stage: Open, tmp_path: Path) -> Workplace:
    store = stage().store
    return Workplace(store, store.url, tmp_path / "log")


def nothing(_: Any, share: float | None = None) -> None:
    """What is shown does not matter here."""


def until(fact: Callable[[], Any], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def document_processes() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "stagekit.workers.main" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


# Outcomes


def test_a_process_is_kept_for_the_next_documents_and_gets_its_share_of_the_cores(
    stage: Open, plan: Plan, here: LocalCluster
) -> None:
    executor = ClusterDocuments(here.scheduler_address, plan(tell=True))
    outcomes = run(stage(), executor, *(f"word{n}" for n in range(12)))
    assert len(set(column(outcomes, "pid"))) <= 2
    share = max(1, cluster_worker.cores() // 2)
    assert column(outcomes, "threads") == [[share, share]] * 12


def test_a_verdict_that_hung_on_the_worker_is_not_remembered(
    stage: Open, plan: Plan, here: LocalCluster
) -> None:
    opened, workers = stage(), plan(timeout_s=1)
    executor = ClusterDocuments(here.scheduler_address, workers)
    [slow] = run(opened, executor, "sleep 60")
    assert slow["category"] == "timed_out"
    trace = Path(workers.settings["folder"]) / "asked"
    assert len(trace.read_text().splitlines()) == 1
    [again] = run(opened, workers, "sleep 60")
    assert (again["category"], again["unchanged"]) == ("timed_out", False)
    [known] = run(opened, executor, "sleep 60")  # what this machine found holds for it
    assert known["unchanged"]


def test_a_fault_of_the_cluster_is_no_fault_of_the_document(
    stage: Open, plan: Plan, here: LocalCluster, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    [worker] = here.workers.values()
    local, worker.local_directory = worker.local_directory, str(tmp_path / "file" / "no folder")
    try:
        with pytest.raises(StageError, match=r"cannot process 0\.md \(NotADirectoryError: .*log of its"):
            run(stage(), ClusterDocuments(here.scheduler_address, plan()), "fine")
    finally:
        worker.local_directory = local


def broken_off(order: Any, row: Row) -> Row | None:
    folder = Path(order.settings["folder"])
    if not (folder / row["path"]).exists():
        (folder / row["path"]).touch()
        return None
    return cluster_worker.read_document(order, row)


def test_a_document_that_a_closing_worker_broke_off_is_given_out_again(
    stage: Open,
    plan: Plan,
    here: LocalCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster_documents, "read_document", broken_off)
    outcomes = run(stage(), ClusterDocuments(here.scheduler_address, plan()), "one", "two")
    assert column(outcomes, "status") == ["ok", "ok"]


def test_a_result_that_is_made_again_is_waited_for(
    here: LocalCluster, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_FETCH_S", 0.1)
    monkeypatch.setattr(cluster, "_LOOK_S", 0.1)
    with (
        Client(here.scheduler_address, set_as_default=False) as client,
        admission(client, place.store, FACTS, [{}]) as admitted,
    ):
        tasks = cluster.ClusterTasks(client, here.scheduler_address, admitted)
        tasks.submit(7, time.sleep, 1)
        [task] = tasks._in_work.values()
        assert task.future is not None
        tasks._done.put(task.future)  # as one that was finished, and whose worker has gone since
        assert tasks.next() == (7, None)
        tasks.submit(8, time.sleep, 0)
        assert tasks.next() == (8, None)
    time.sleep(0.2)
    with pytest.raises(StageError, match=r"the scheduler at tcp://.* is gone"):
        tasks.room()


# Workers that differ

_DOCLING: dict[str, str] = {}  # the version that a worker has, by its address; "" is that of those looked at


def docling_facts(*_: Any) -> dict[str, str]:
    """Facts of this process, which is the client and all workers at once."""
    try:
        address = str(get_worker().address)
    except ValueError:  # not within a task
        address = ""
    return {"docling": _DOCLING.get(address, "2.2")}


def test_a_worker_that_differs_refuses_its_orders_and_others_do_the_work(
    stage: Open, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cluster_here(1, workers=2) as own:
        first, second = sorted(str(worker.address) for worker in own.workers.values())
        monkeypatch.setitem(_DOCLING, first, "2.1")
        executor = ClusterDocuments(own.scheduler_address, plan(), facts=f"{__name__}:docling_facts")
        opened = stage()
        assert column(run(opened, executor, *"abcdefgh"), "status") == ["ok"] * 8
        differs = "differs from this machine in docling (2.1 there, 2.2 here): make them the same and start"
        assert opened.result.warnings == [
            f"dask_scheduler: the cluster's worker {first} was left out: it {differs} it again."
        ]

        monkeypatch.setitem(_DOCLING, second, "2.1")
        with pytest.raises(StageError) as caught:
            run(stage(), executor, "none is left")
        said = str(caught.value)
        assert (
            f"can do this work: {first} {differs} it again; {second} {differs} it again; then run again"
            in said
        )


def test_a_worker_that_joins_later_is_looked_at_before_it_has_work(
    stage: Open,
    plan: Plan,
    monkeypatch: pytest.MonkeyPatch,
    place: Workplace,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(cluster, "_LOOK_S", 0.1)
    with cluster_here(1) as own:
        [first] = own.workers.values()
        executor = ClusterDocuments(own.scheduler_address, plan(), facts=f"{__name__}:docling_facts")
        work = executor.run(documents(*(f"sleep 0.{n}" for n in range(1, 9))), place, nothing)
        next(work)
        monkeypatch.setitem(_DOCLING, "", "2.1")
        own.scale(2)
        assert len(list(work)) == 7
        [other] = {str(worker.address) for worker in own.workers.values()} - {str(first.address)}
        [note] = executor.notes
        assert note.startswith(f"dask_scheduler: the cluster's worker {other} was left out: it differs")


# The end


def test_each_document_is_remembered_at_once_and_a_cancelled_run_leaves_nothing(
    plan: Plan, here: LocalCluster, place: Workplace
) -> None:
    executor = ClusterDocuments(here.scheduler_address, plan(timeout_s=600))
    shown: list[list[str]] = []
    work = executor.run(
        documents("fine", "sleep", "child", *(f"sleep {n}" for n in range(600, 620))),
        place,
        lambda paths, *_: shown.append(list(paths)),
    )
    assert next(work)[1]["length"] == 4  # while others are still in work
    until(lambda: len(document_processes()) == 2)
    work.close()
    assert shown[0] == ["0.md", "1.md", "2.md", "3.md"]
    until(lambda: not document_processes())
    assert list(here.scheduler.tasks) == []


def test_documents_of_a_client_that_was_killed_are_broken_off(
    plan: Plan, here: LocalCluster, place: Workplace
) -> None:
    alike = likeness_here(place.store)
    order = cluster_worker.DocumentOrder(MISBEHAVING, plan().settings, 600, 900, 900, alike)
    with Client(here.scheduler_address, set_as_default=False) as client:
        client.submit(cluster_worker.read_document, order, documents("child")[0], pure=False)
        kept = client.submit(cluster_worker.read_document, order, documents("fine")[0], pure=False)
        assert kept.result()["length"] == 4
        until(document_processes)
    until(lambda: not any("time.sleep" in " ".join(p.cmdline()) for p in document_processes()))
    cluster_worker.end_idle_workers()
    until(lambda: not document_processes())


def test_processes_that_nobody_needs_end_by_themselves(
    plan: Plan,
    here: LocalCluster,
    place: Workplace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster_worker, "_IDLE_S", 0.2)
    alike = likeness_here(place.store)
    order = cluster_worker.DocumentOrder(MISBEHAVING, plan().settings, 600, 900, 900, alike)
    with Client(here.scheduler_address, set_as_default=False) as client:
        for text in ("fine", "well"):
            answer = client.submit(cluster_worker.read_document, order, documents(text)[0], pure=False)
            assert answer.result()["length"] == 4
        until(lambda: not document_processes())


def test_a_run_whose_workers_all_went_says_so(
    plan: Plan, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_NO_WORKER_S", 0.5)
    monkeypatch.setattr(cluster, "_LOOK_S", 0.1)
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address="127.0.0.1:0"
    ) as own:
        executor = ClusterDocuments(own.scheduler_address, plan())
        work = executor.run(documents("fine", "sleep 600"), place, nothing)
        next(work)
        own.scale(0)
        with pytest.raises(StageError, match=r"has had no worker for .* what was finished is kept"):
            next(work)
    until(lambda: not document_processes())


def test_a_task_whose_workers_are_gone_is_sent_to_others_and_at_last_given_up(
    here: LocalCluster, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_LOOK_S", 0.0)
    with (
        Client(here.scheduler_address, set_as_default=False) as client,
        admission(client, place.store, FACTS, [{}]) as admitted,
    ):
        for times in (cluster._MOST_LOSSES, cluster._MOST_LOSSES + 1):
            tasks = cluster.ClusterTasks(client, here.scheduler_address, admitted)
            tasks.submit(7, time.sleep, 0.5)
            for _ in range(times):
                [task] = tasks._in_work.values()
                task.workers = frozenset({"tcp://gone"})
                tasks.room()
            number, answer = tasks.next()
            assert (number, cluster.lost(answer)) == (7, times > cluster._MOST_LOSSES)
            assert len(tasks) == 0


# Real processes


def test_slow_a_worker_that_is_killed_repeats_nothing_that_was_finished(
    stage: Open, plan: Plan, there: DaskCluster, tmp_path: Path
) -> None:
    victim = there.start_worker()
    there.start_worker()
    there.wait_for_workers(2)
    texts = [f"sleep 0.{n % 3 + 1}" + " " * n for n in range(24)]
    finished: list[str] = []

    def kill() -> None:
        until(lambda: len(asked(tmp_path)) >= 8)
        victim.kill()

    opened = stage()
    put_many = opened.memo.put_many

    def remember(rows: Iterable[tuple[str, str, Row]]) -> None:
        entries = list(rows)
        finished.extend(key for _, key, _ in entries)
        put_many(entries)

    opened.memo.put_many = remember  # type: ignore[method-assign]
    killer = threading.Thread(target=kill)
    killer.start()
    outcomes = run(opened, ClusterDocuments(there.address, plan()), *texts)
    killer.join()
    assert column(outcomes, "status") == ["ok"] * 24
    assert victim.poll() == -signal.SIGKILL
    twice = len(asked(tmp_path)) - 24
    assert twice <= 2  # what it had in work, and what it had just finished
    assert len(finished) == 24
    assert there.tasks() == []


def test_slow_a_document_that_kills_workers_has_failed_and_the_others_are_made(
    stage: Open, plan: Plan, tmp_path: Path
) -> None:
    once = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with DaskCluster(tmp_path / "cluster", once) as there:
        there.start_worker("--nanny")
        there.wait_for_workers(1)
        outcomes = run(stage(), ClusterDocuments(there.address, plan()), "one", "kill-parent", "two", "three")
        assert column(outcomes, "status") == ["ok", "failed", "ok", "ok"]
        assert outcomes[1]["category"] == "worker_lost"
        assert there.tasks() == []


def test_slow_a_worker_that_is_told_to_end_loses_no_document(
    stage: Open, plan: Plan, there: DaskCluster, tmp_path: Path
) -> None:
    leaving = there.start_worker()
    there.wait_for_workers(1)

    def leave() -> None:
        until(lambda: len(asked(tmp_path)) >= 1)
        there.start_worker()
        there.wait_for_workers(2)
        leaving.send_signal(signal.SIGTERM)

    thread = threading.Thread(target=leave)
    thread.start()
    outcomes = run(stage(), ClusterDocuments(there.address, plan()), "sleep 8", "fine")
    thread.join()
    assert column(outcomes, "status") == ["ok", "ok"]


def test_slow_a_scheduler_that_goes_away_is_told(plan: Plan, there: DaskCluster, place: Workplace) -> None:
    there.start_worker()
    executor = ClusterDocuments(there.address, plan())
    work = executor.run(documents("fine", "sleep 600"), place, nothing)
    next(work)
    there.kill_scheduler()
    with pytest.raises(StageError, match=r"the scheduler at tcp://.* is gone, .* then the workers"):
        next(work)
