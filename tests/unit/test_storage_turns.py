"""Promises of the embedded store's turns: a search and a run never refuse each other, whoever is killed."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from qdrant_client import models

from stagekit import StageError
from stagekit.storage import EmbeddedQdrant, open_embedded
from stagekit.storage.embedded import turns
from tests.unit.test_storage_embedded import NAME, QUESTION, create, points

HEAD = """
import sys, time
from pathlib import Path
from stagekit.storage import open_embedded
from tests.unit.test_storage_embedded import NAME, QUESTION, create, points
folder = Path(sys.argv[1])
"""
SEARCHES = """
for _ in range(int(sys.argv[2])):
    store = open_embedded(folder, read_only=True)
    found = store.query_points(NAME, query=QUESTION, using="dense", limit=5).points
    assert all(point.payload["text"] for point in found)
    print(store.count(NAME).count, flush=True)
    store.close()
"""
HOLDS = """
store = open_embedded(folder, read_only=sys.argv[2] == "read")
print(store.count(NAME).count, flush=True)
sys.stdin.read()
"""
WRITES_ON = """
store = open_embedded(folder)
made = list(points(4000))
for start in range(0, 4000, 10):
    store.upsert(NAME, points=made[start:start + 10])
    print(start + 10, flush=True)
"""


@contextlib.contextmanager
def other(code, *arguments):
    process = subprocess.Popen(
        [sys.executable, "-c", HEAD + code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def folder(tmp_path):
    with contextlib.closing(open_embedded(tmp_path / "qdrant")) as store:
        create(store)
        store.upsert(NAME, points=list(points(20)))
    return tmp_path / "qdrant"


def test_a_search_during_a_run_answers_and_the_run_goes_on(folder):
    counts = []
    with contextlib.closing(open_embedded(folder)) as store, other(SEARCHES, folder, 4) as searching:
        made = list(points(2000))
        written, until = 20, time.monotonic() + 60
        while searching.poll() is None and time.monotonic() < until:
            store.upsert(NAME, points=made[written : written + 10])
            written = min(written + 10, 2000)
            assert store.count(NAME).count == written
        out, noise = searching.communicate()
        counts = [int(line) for line in out.split()]
    assert (searching.returncode, noise, len(counts)) == (0, "", 4)
    assert counts == sorted(counts)
    assert all(count % 10 == 0 for count in counts)  # a batch is seen whole or not at all
    with contextlib.closing(open_embedded(folder, read_only=True)) as store:
        assert store.count(NAME).count == written


def test_two_searches_at_once_both_answer(folder):
    with other(SEARCHES, folder, 3) as one, other(SEARCHES, folder, 3) as another:
        said = [process.communicate(timeout=60) for process in (one, another)]
    assert said == [("20\n20\n20\n", "")] * 2


@pytest.mark.parametrize("how", ["read", "write"])
def test_an_idle_process_that_has_it_open_lets_a_search_in(folder, how):
    with other(HOLDS, folder, how) as idle:
        assert idle.stdout.readline() == "20\n"
        with contextlib.closing(open_embedded(folder, read_only=True)) as store:
            assert store.count(NAME).count == 20


def test_an_idle_search_lets_a_run_in_and_sees_afterwards_what_it_wrote(folder):
    again = HOLDS.replace("sys.stdin.read()", "sys.stdin.readline(); print(store.count(NAME).count)")
    with other(again, folder, "read") as idle:
        assert idle.stdout.readline() == "20\n"
        with contextlib.closing(open_embedded(folder)) as store:
            create(store, "next")
            store.upsert("next", points=list(points(7)))
            store.delete_collection(NAME)
            made = models.CreateAlias(alias_name=NAME, collection_name="next")
            store.update_collection_aliases([models.CreateAliasOperation(create_alias=made)])
            assert idle.communicate("go\n", timeout=60) == ("7\n", "")


def test_there_is_one_writer_at_a_time(folder):
    with other(HOLDS, folder, "write") as writer:
        assert writer.stdout.readline() == "20\n"
        with pytest.raises(StageError, match="in use by another process: wait until the run ends, or close"):
            open_embedded(folder)
    open_embedded(folder).close()


@pytest.mark.parametrize("how", ["read", "write"])
def test_a_process_that_is_killed_leaves_no_lock(folder, how):
    with other(HOLDS, folder, how) as killed:
        assert killed.stdout.readline() == "20\n"
        killed.kill()
        killed.wait()
        began = time.monotonic()
        with contextlib.closing(open_embedded(folder)) as store:
            store.upsert(NAME, points=list(points(25)))
            assert store.count(NAME).count == 25
        assert time.monotonic() - began < 30


def test_a_writer_killed_among_searches_loses_nothing_that_was_acknowledged(folder):
    with other(SEARCHES, folder, 100_000) as searching, other(WRITES_ON, folder) as writer:
        for line in writer.stdout:
            if int(line) >= 100:
                os.kill(writer.pid, signal.SIGKILL)
                break
        told = int(([line, *writer.stdout])[-1])
        counts = [int(searching.stdout.readline()) for _ in range(3)]
        assert searching.poll() is None
    assert counts == sorted(counts)
    with contextlib.closing(open_embedded(folder, read_only=True)) as store:
        found = {point.id: point.payload for point in store.scroll(NAME, limit=5000)[0]}
    assert {point.id: point.payload for point in list(points(4000))[:told]}.items() <= found.items()


def test_who_is_never_let_in_is_told_what_to_do(folder, monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE_S", 0.3)
    with other(HOLDS, folder, "read") as stopped:
        assert stopped.stdout.readline() == "20\n"
        os.kill(stopped.pid, signal.SIGSTOP)
        with pytest.raises(
            StageError, match=r"in use by another process, .*: wait until .* or close the note"
        ):
            open_embedded(folder)
        os.kill(stopped.pid, signal.SIGCONT)
        monkeypatch.undo()
        open_embedded(folder).close()


def test_several_threads_share_a_turn_and_let_others_in(folder):
    faults, done = [], threading.Event()
    with contextlib.closing(open_embedded(folder, read_only=True)) as store:

        def ask():
            try:
                while not done.is_set():
                    assert store.query_points(NAME, query=QUESTION, using="dense", limit=5).points
            except BaseException as error:
                faults.append(error)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        with other(SEARCHES, folder, 2) as searching:
            assert searching.communicate(timeout=60) == ("20\n20\n", "")
        done.set()
        for thread in threads:
            thread.join()
    assert faults == []


def test_what_was_opened_to_be_read_or_was_closed_is_not_written(folder):
    store = open_embedded(folder, read_only=True)
    for write in (
        lambda: store.upsert(NAME, points=list(points(1))),
        lambda: store.delete(NAME, points_selector=[1]),
        lambda: store.update_collection(NAME, metadata={"x": 1}),
        lambda: store.delete_collection(NAME),
        lambda: create(store, "other"),
    ):
        with pytest.raises(StageError, match="was opened to be read"):
            write()
    store.close()
    store.close()
    with pytest.raises(StageError, match="was closed here: open it again"):
        store.count(NAME)


def test_a_search_removes_nothing_that_a_writer_has_begun(folder):
    half = folder / "collections" / "half" / "shard"
    half.mkdir(parents=True)
    open_embedded(folder, read_only=True).close()
    assert half.is_dir()


def test_a_folder_that_was_moved_away_meanwhile_is_said(folder):
    with contextlib.closing(open_embedded(folder, read_only=True)) as store:
        EmbeddedQdrant(folder, read_only=True).close()  # the other one has let it in
        folder.rename(folder.parent / "away")
        with pytest.raises(StageError, match="cannot be read"):
            store.count(NAME)
