"""The parts of `nic-etl watch`: durations, the note that other processes read, code on disk, words."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from runner.cli.app import app
from runner.cli.common import parse_duration
from runner.errors import ConfigurationError, StateManagementError
from runner.models import ExecutionMode
from runner.record.state_manager import StateManager
from runner.watch import code as watch_code
from runner.watch.code import code_state, settled_code_state
from runner.watch.loop import Backoff
from runner.watch.note import active_watch, hold_watch
from runner.watch.words import WatchLog

HOLD = """
import sys, time
from pathlib import Path
from runner.watch.note import hold_watch
with hold_watch(Path(sys.argv[1])) as note:
    note.update(state="idle", last_check="2026-01-02T03:04:05+00:00", next_check="2026-01-02T03:05:05+00:00")
    print("held", flush=True)
    sys.stdin.read()
"""


# Durations


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("1.5m", 90), ("12h", 43200), (" 2d ", 172800), ("0", 0), ("0s", 0)]
)
def test_durations_are_written_with_their_unit(text: str, seconds: float) -> None:
    assert parse_duration(text, "--every") == seconds


@pytest.mark.parametrize("text", ["", "30", "1 hour", "-5s", "s"])
def test_what_is_no_duration_names_the_option_and_shows_how(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--every.*30s, 5m"):
        parse_duration(text, "--every")


def test_a_duration_below_the_least_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least 1s"):
        parse_duration("0.5s", "--every", least=1)


def test_a_pause_doubles_with_each_failure_up_to_its_limit_and_begins_anew() -> None:
    pause = Backoff(10, 60)
    assert [pause.fail() for _ in range(5)] == [10, 20, 40, 60, 60]
    pause.reset()
    assert pause.fail() == 10


# The note


def test_one_watch_holds_the_folder_and_others_are_told_who(outputs: Path) -> None:
    StateManager(outputs)
    with hold_watch(outputs) as note:
        note.update(state="idle")
        found = active_watch(outputs)
        assert found is not None
        assert (found["pid"], found["state"]) == (os.getpid(), "idle")
        with pytest.raises(StateManagementError, match=f"watched already .process {os.getpid()}") as refused:
            hold_watch(outputs).__enter__()
        assert refused.value.exit_code == 2
    assert active_watch(outputs) is None
    with hold_watch(outputs):
        pass


def test_a_watch_that_was_killed_leaves_nothing_that_holds(outputs: Path) -> None:
    manager = StateManager(outputs)
    manager.new_run(ExecutionMode.FULL, {}, "")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(outputs)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        told = CliRunner().invoke(app, ["status", "-p", f"outputs_dir={outputs}"]).output
        assert f"Watched by process {other.pid}" in told
        assert "last look 2026-01-02 03:04:05 UTC, next 2026-01-02 03:05:05 UTC" in told
        said = CliRunner().invoke(app, ["status", "--json", "-p", f"outputs_dir={outputs}"]).output
        assert json.loads(said)["watch"]["pid"] == other.pid
        other.kill()
    assert active_watch(outputs) is None
    said = CliRunner().invoke(app, ["status", "--json", "-p", f"outputs_dir={outputs}"]).output
    assert json.loads(said)["watch"] is None


def test_a_note_that_is_being_written_is_an_active_watch_all_the_same(outputs: Path) -> None:
    StateManager(outputs)
    assert active_watch(outputs) is None  # there was never one
    with hold_watch(outputs):
        (outputs / "kernels" / "watch.lock").write_text('{"pid": 1')
        assert active_watch(outputs) == {}
        (outputs / "kernels" / "watch.lock").write_text("[]")
        assert active_watch(outputs) == {}


# Code


def test_a_changed_notebook_module_or_package_is_another_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebooks, package, installed = tmp_path / "n", tmp_path / "p", tmp_path / "site-packages"
    for folder in (notebooks, package / "sub", installed):
        folder.mkdir(parents=True)
    (notebooks / "01_a.ipynb").write_text("{}")
    (package / "sub" / "module.py").write_text("x = 1")
    monkeypatch.setattr(watch_code, "notebooks_dir", lambda: notebooks)
    monkeypatch.setattr(watch_code, "package_dir", lambda: package)
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(installed))
    states = [code_state()]
    assert code_state() == states[0]
    (notebooks / "01_a.ipynb").write_text("{ }")
    states.append(code_state())
    (package / "sub" / "module.py").write_text("x = 10")
    states.append(code_state())
    (installed / "docling-3.0.dist-info").mkdir()
    states.append(code_state())
    (package / "sub" / "new.py").symlink_to("nowhere")  # it vanished between listing and looking
    assert code_state() == states[-1]
    assert len(set(states)) == 4
    assert settled_code_state(pause=0.01) == states[-1]
    assert settled_code_state(pause=0.01, longest=0) == states[-1]


# Words

EVENTS = [
    ("watching", {"outputs": "/o", "every": "60 s"}, "a look every 60 s"),
    ("run_begins", {"reason": "change"}, "run: the source changed"),
    ("started", {"run": "r1"}, "run r1 goes on"),
    ("warm", {"stages": ["a", "b"], "memory_mb": 500}, "2 kernels are warm (500 MB in all)"),
    ("released", {"idle_s": 5}, "the next run starts them again"),
    ("other_run", {"run": "r2"}, "run r2 was not ours"),
    ("waiting", {"run": "r2", "pid": 7}, "(r2, process 7)"),
    ("source_unreachable", {"error": "Gone.", "retry_s": 60}, "Gone. Looking again in 60 s."),
    ("source_reachable", {}, "reached again"),
    ("configuration_invalid", {"error": "no."}, "stays: no."),
    ("restart", {"reason": "the code changed"}, "the code changed: starting anew"),
    ("ended", {}, "has ended"),
    ("run_ended", {"status": "failed", "error": "Bad.", "retry_s": 30}, "Bad. Trying again in 30 s"),
    (
        "run_ended",
        {
            "run": "r3", "status": "partial", "seconds": 4.26, "documents": {"ok": 3, "failed": 1},
            "points": {"upserted": 2}, "error": "", "retry_s": None, "warnings": ["Careful."],
        },
        "run r3: partial in 4.3 s (3 ok, 1 failed, 2 points upserted) Careful.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "details", "said"), EVENTS, ids=[event[0] for event in EVENTS])
def test_each_event_is_one_line_with_its_time_and_json_carries_the_details(
    kind: str, details: dict[str, object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = io.StringIO()
    WatchLog(Console(file=screen, width=60))(kind, **details)
    assert said in screen.getvalue()
    assert screen.getvalue().count("\n") == 1
    assert screen.getvalue()[10:20:9] == " Z"
    WatchLog(Console(file=screen), as_json=True)(kind, **details)
    row = json.loads(capsys.readouterr().out)
    assert row.pop("at").endswith("+00:00")
    assert row.pop("event") == kind
    assert row == details
