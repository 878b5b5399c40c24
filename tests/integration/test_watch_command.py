"""`nic-etl watch` as its users meet it: a process, a source that changes, commits in GitLab, signals."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner

from runner.cli.app import app
from runner.record.state_manager import StateManager
from runner.watch import start as watch_start
from runner.watch.note import active_watch, hold_watch
from tests.crash.tiny_model import write_tiny_model
from tests.servers.gitlab_server import GitLabServer
from tests.servers.gitlab_world import PROJECT, TOKEN, Repository

NicEtl = Callable[..., subprocess.CompletedProcess[str]]
Row = dict[str, Any]
ROOT = Path(__file__).parents[2]
LONGEST = 400.0  # seconds that anything may take on a machine that is busy with other tests


class Watching:
    """A `nic-etl watch --json` in a process of its own."""

    def __init__(self, outputs: Path, *options: str, code: Path | None = None, **settings: str) -> None:
        words = [word for name, value in settings.items() for word in ("-p", f"{name}={value}")]
        path = os.environ.get("PYTHONPATH", "")
        if code is not None:
            path = os.pathsep.join([str(code), str(code / "stage_notebooks")])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "runner", "watch", "--json", *options, *words],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "NIC_ETL_OUTPUTS_DIR": str(outputs), "PYTHONPATH": path},
            cwd=code or outputs.parent,
        )
        self.events: list[Row] = []
        self._queue: queue.SimpleQueue[Row] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(json.loads(line))

    def until(self, event: str) -> Row:
        """Wait for the next event of that kind."""
        while True:
            row = self._queue.get(timeout=LONGEST)
            self.events.append(row)
            if row["event"] == event:
                return row

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """End it, and return its exit code and how long that took."""
        begin = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(60)
        seconds = time.monotonic() - begin
        self.kill()
        return code, seconds

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def watch() -> Iterator[Callable[..., Watching]]:
    started: list[Watching] = []

    def start(*words: Any, **settings: Any) -> Watching:
        started.append(Watching(*words, **settings))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=10)
    return not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.slow
def test_a_document_that_is_saved_is_searchable_soon_and_other_commands_work_meanwhile(
    watch: Callable[..., Watching], outputs: Path, tmp_path: Path, nic_etl: NicEtl
) -> None:
    folder = tmp_path / "source" / "30-Aprovados"
    folder.mkdir(parents=True)
    (folder / "senhas.md").write_text("# Senhas\n\nA senha tem no mínimo 14 caracteres.\n")
    settings = {
        "source_path": str(tmp_path / "source"),
        "embedding_model": str(write_tiny_model(tmp_path / "model")),
    }
    arguments = [word for name, value in settings.items() for word in ("-p", f"{name}={value}")]
    watching = watch(outputs, "--every", "1s", **settings)
    assert watching.until("run_ended")["status"] == "success"
    assert len(watching.until("warm")["stages"]) >= 2

    # It waits: nothing is locked, and there is only one.
    state = json.loads(nic_etl(outputs, "status", "--json").stdout)
    assert state["watch"]["pid"] == watching.process.pid
    assert state["watch"]["state"] == "idle"
    assert "14 caracteres" in nic_etl(outputs, "search", "senha", *arguments).stdout
    refused = nic_etl(outputs, "watch", *arguments)
    assert refused.returncode == 2
    assert "is watched already" in refused.stderr.replace("\n", " ")
    by_hand = nic_etl(outputs, "run", "--quiet", *arguments)
    assert by_hand.returncode == 0, by_hand.stderr
    watching.until("other_run")

    # A run that is cancelled from another terminal does not end the watch.
    (folder / "senhas.md").write_text("# Senhas\n\nA senha tem no mínimo 16 caracteres.\n")
    watching.until("started")
    assert nic_etl(outputs, "cancel").returncode == 0
    assert watching.until("run_ended")["status"] == "cancelled"

    begin = time.monotonic()
    (folder / "senhas.md").write_text("# Senhas\n\nA senha tem no mínimo 18 caracteres.\n")
    ended = watching.until("run_ended")
    assert time.monotonic() - begin < LONGEST
    assert ended["status"] == "success"
    assert "18 caracteres" in nic_etl(outputs, "search", "senha", *arguments).stdout

    family = watching.family()
    code, seconds = watching.end(signal.SIGINT)
    assert code == 0
    assert seconds < 20  # 5 s on a machine that does nothing else
    assert gone(family)
    assert active_watch(outputs) is None


@pytest.mark.slow
def test_commits_in_gitlab_lead_to_one_run_each_burst_and_a_look_costs_one_small_request(
    watch: Callable[..., Watching], outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Repository(tmp_path / "repositorio")
    repository.commit({"ferias.md": "# Férias\n\nO pedido é entregue 45 dias antes.\n"})
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    with GitLabServer() as server:
        server.add_project(PROJECT, repository.path)
        server.add_token(TOKEN)
        watching = watch(
            outputs,
            *("--every", "1s"),
            source="gitlab",
            gitlab_url=server.url,
            gitlab_project=PROJECT,
            embedding_model=str(write_tiny_model(tmp_path / "model")),
        )
        assert watching.until("run_ended")["points"]["total"] == 1
        seen = len(server.log)
        while len(server.log) < seen + 3:
            time.sleep(0.05)
        assert {entry.status for entry in server.log[seen : seen + 3]} == {304}

        repository.commit({"ferias.md": "# Férias\n\nO pedido é entregue 30 dias antes.\n"})
        watching.until("started")
        for number in range(3):
            repository.commit({f"nova-{number}.md": f"# Nova {number}\n\nTexto {number}.\n"})
        first, second = watching.until("run_ended"), watching.until("run_ended")
        assert (first["status"], second["status"]) == ("success", "success")
        assert second["points"]["total"] == 4
        code, _ = watching.end()
        assert code == 0
        begun = [row["reason"] for row in watching.events if row["event"] == "run_begins"]
        assert begun == ["start", "change", "change"]
        assert TOKEN not in json.dumps(watching.events)


def test_changed_code_is_never_run_by_what_was_loaded_before(
    watch: Callable[..., Watching], outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    for name in ("runner", "stage_notebooks", "config"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    with GitLabServer() as server:  # which does not know the project: nothing is run
        server.add_token(TOKEN)
        watching = watch(
            outputs,
            "--every",
            "1s",
            code=copy,
            source="gitlab",
            gitlab_url=server.url,
            gitlab_project="no/ne",
        )
        assert "no project 'no/ne'" in watching.until("source_unreachable")["error"]
        with (copy / "stage_notebooks" / "stagekit" / "chunking" / "limits.py").open("a") as file:
            file.write("\n# another version\n")
        assert watching.until("restart")["reason"] == "the code changed"
        watching.until("watching")
        note = active_watch(outputs)
        assert note is not None
        assert note["pid"] == watching.process.pid
        watching.until("source_unreachable")
        code, seconds = watching.end()
    assert (code, seconds < 20) == (0, True)


# In this process: what is refused before anything is watched


def called(outputs: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["watch", "-p", f"outputs_dir={outputs}", *words])
    return done.exit_code, f"{done.output} {done.exception}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--every", "often"], "--every is 'often'"),
        (["--every", "0.1s"], "at least 1s"),
        (["--webhook", "127.0.0.1:8080"], "--webhook was taken away: leave it"),
        (["-p", "source_path=/nowhere"], "source_path"),
    ],
)  # fmt: skip
def test_what_cannot_be_watched_is_said_before_anything_starts(
    outputs: Path, words: list[str], said: str
) -> None:
    code, told = called(outputs, *words)
    assert code != 0
    assert said in told


def test_a_second_watch_is_refused(outputs: Path, tmp_path: Path) -> None:
    (tmp_path / "30-Aprovados").mkdir()
    StateManager(outputs)
    with hold_watch(outputs):
        assert "is watched already" in called(outputs, "-p", f"source_path={tmp_path}")[1]


@pytest.fixture
def unreachable() -> list[str]:
    """Options of a watch that never runs: nobody listens where its GitLab would be."""
    settings = {"source": "gitlab", "gitlab_url": "http://127.0.0.1:9", "gitlab_project": "a/b"}
    return [word for item in settings.items() for word in ("-p", "=".join(item))]


def test_ctrl_c_ends_it_in_order(outputs: Path, unreachable: list[str]) -> None:
    def interrupt() -> None:
        while (active_watch(outputs) or {}).get("state") != "idle":
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever an earlier test left
    try:
        thread = threading.Thread(target=interrupt)
        thread.start()
        code, told = called(outputs, *unreachable)
        thread.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 0, told
    assert "Looking again in 60 s" in told
    assert "the watch has ended" in told.splitlines()[-2]
    lines = (outputs / "audit.jsonl").read_text().splitlines()
    assert [json.loads(line)["what"] for line in lines] == ["watch_started", "watch_ended"]


def test_other_code_is_loaded_by_the_same_command_in_the_same_process(
    outputs: Path, unreachable: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    executed: list[Any] = []
    monkeypatch.setattr(os, "execv", lambda *words: executed.append(words))
    monkeypatch.setattr(watch_start, "code_state", lambda: "of another version")
    monkeypatch.setattr("runner.watch.loop.settled_code_state", lambda: "")
    assert called(outputs, *unreachable)[0] == 0
    assert executed == [(sys.executable, [sys.executable, *sys.orig_argv[1:]])]
    assert active_watch(outputs) is None
