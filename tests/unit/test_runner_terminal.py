"""Promises of the terminal: a newcomer is told where to begin, every command shows an example that works."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from runner.cli import screens
from runner.cli.app import COMMANDS as GROUPS
from runner.cli.app import app
from runner.cli.progress_tracker import LiveReporter, make_reporter
from runner.events import Event
from runner.models import ExecutionStatus, PipelineState
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.pipeline.stage_manager import StageManager
from runner.record.hooks import Hooks
from runner.record.monitor import CancellationResult, PipelineMonitor, PipelineStatus
from runner.record.report_generator import summarize
from runner.record.state_manager import StateManager
from runner.results import PipelineResult
from tests.unit.core_notebooks import ended, record_run, record_stage


def commands(command: object, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with its words, those of the sub-commands included."""
    subcommands = getattr(command, "commands", None)
    if subcommands is None:
        yield words, command  # type: ignore[misc]
        return
    for name, sub in subcommands.items():
        yield from commands(sub, (*words, name))


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


def console(**options: object) -> Console:
    return Console(file=io.StringIO(), width=160, **options)  # type: ignore[arg-type]


def text(shown: Console) -> str:
    assert isinstance(shown.file, io.StringIO)
    return shown.file.getvalue()


# Where to begin


def test_a_newcomer_is_told_where_to_begin() -> None:
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 0
    begin = done.output[done.output.index("Where to begin:") :].splitlines()[1:]
    assert len(begin) == 5
    for said in ("nic-etl run", "nic-etl search", "source_path=FOLDER", "nic-etl doctor", "--help"):
        assert any(said in line for line in begin), said


def test_what_a_newcomer_is_told_can_be_given_as_it_stands() -> None:
    done = CliRunner().invoke(app, [])
    told = re.findall(r"  (nic-etl (?:run|search|doctor).*)", done.output)
    assert len(told) == 4
    for line in told:
        parse(shlex.split(line)[1:])


def test_commands_are_grouped_by_what_people_want() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "120"}).output
    places = [shown.index(f" {group} ─") for group in GROUPS]
    assert places == sorted(places)
    for name in {words[0] for words in COMMANDS}:
        assert re.search(rf"│ {re.escape(name)} ", shown), name
    assert "─ Commands ─" not in shown


def parse(words: list[str]) -> None:
    """Parse a command line without executing it; a fault in it raises."""
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context("nic-etl", words).close()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_that_is_a_command_line_of_its_own(words: tuple[str, ...]) -> None:
    help_text = COMMANDS[words].help or ""
    found = re.search(r"Example: (nic-etl .+)", help_text)
    assert found, f"the help of {' '.join(words)} has no line `Example: nic-etl …`"
    example = shlex.split(found[1])[1:]
    assert tuple(example[: len(words)]) == words
    parse(example)
    assert "Example:" in CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"}).output


def test_a_shell_can_complete_commands_and_stages() -> None:
    def completed(line: str) -> list[str]:
        variables = {
            "_NIC_ETL_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")),
        }  # fmt: skip
        done = CliRunner().invoke(app, [], env=variables, prog_name="nic-etl")
        return done.output.split()

    assert {"status", "state"} <= set(completed("nic-etl st"))
    assert completed("nic-etl rerun text") == ["text_chunking"]


def test_a_shell_is_given_its_completion() -> None:
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "runner", "--show-completion", "bash"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert "complete -o default" in done.stdout


# Colours, pipes


def at_a_terminal(*words: str, **variables: str) -> str:
    """What the command writes to a real pseudo-terminal."""
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "FORCE_COLOR", "COLORTERM"}}
    with subprocess.Popen(
        [sys.executable, "-m", "runner", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment | {"TERM": "xterm-256color"} | variables,
    ) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux says so when the last writer has gone
                part = b""
            if not part:
                break
            written += part
        process.wait(30)
    os.close(ours)
    return written.decode()


COLOR = re.compile(r"\x1b\[[0-9;]*3[0-9]")


def test_colours_are_for_terminals_whose_owner_wants_them(outputs: Path) -> None:
    words = ("show", "-p", f"outputs_dir={outputs}")
    assert COLOR.search(at_a_terminal(*words))
    plain = at_a_terminal(*words, NO_COLOR="1")
    assert "There is no run yet" in plain
    assert not COLOR.search(plain)


# The progress of a run


def documents(second: float, done: int, current: str = "x.md") -> Event:
    data = {"done": done, "total": 100, "unit": "document", "current": current}
    return Event("documents", "a", data, at=1000 + second)


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ([(0, 0), (10, 20)], "2.0 documents/s, about 40 s left"),
        ([(0, 0), (600, 10)], "1.0 documents a minute, about 90 min left"),
        ([(0, 0), (6000, 10)], "0.1 documents a minute, about 15 h 00 min left"),
        ([(0, 80), (10, 90)], "1.0 documents/s, about 10 s left"),  # 80 were known before
        ([(0, 0), (10, 100)], "10.0 documents/s"),
    ],
)
def test_progress_tells_rate_and_remaining_time(events: list[tuple[float, int]], told: str) -> None:
    shown = console(force_terminal=True, color_system=None)
    with make_reporter(shown) as reporter:
        assert isinstance(reporter, LiveReporter)
        reporter(Event("run_started", data={"execution_id": "r1", "mode": "full", "stages": ["a"]}))
        reporter(Event("stage_started", "a"))
        reporter(documents(-5, 0, current=""))
        for second, done in events:
            reporter(documents(second, done))
        assert reporter._progress.tasks[1].fields["pace"] == told


@pytest.mark.parametrize(
    ("left", "told"),
    [(12.4, "2.0 documents/s, about 12 s left"), (None, "2.0 documents/s"), ("?", "2.0 documents/s")],
)
def test_a_stage_that_knows_better_tells_the_remaining_time(left: object, told: str) -> None:
    shown = console(force_terminal=True, color_system=None)
    with make_reporter(shown) as reporter:
        assert isinstance(reporter, LiveReporter)
        reporter(Event("run_started", data={"execution_id": "r1", "mode": "full", "stages": ["a"]}))
        reporter(Event("stage_started", "a"))
        for event in (documents(0, 0), documents(10, 20)):
            event.data["left_s"] = left
            reporter(event)
        assert reporter._progress.tasks[1].fields["pace"] == told


def test_a_log_tells_the_rate_too(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 100))
    monkeypatch.setattr("runner.cli.progress_tracker.time.monotonic", lambda: float(next(clock)))
    shown = console()
    with make_reporter(shown) as reporter:
        reporter(documents(0, 0))
        reporter(documents(10, 20))
    assert text(shown).splitlines()[-1] == "  a: 20 of 100 documents, 2.0 documents/s, about 40 s left"


@pytest.mark.parametrize("terminal", [True, False])
def test_verbose_shows_what_the_stages_print(terminal: bool) -> None:
    printed = Event("output", "a", {"name": "stdout", "text": "one\n\n[two]\n"})
    for verbose in (True, False):
        shown = console(force_terminal=terminal, color_system=None)
        with make_reporter(shown, verbose=verbose) as reporter:
            reporter(printed)
        assert ("  a | one" in text(shown)) is verbose
        assert ("  a | [two]" in text(shown)) is verbose


# What a run leaves to read


def test_the_end_of_a_run_names_its_report_and_what_did_not_succeed_beside_it(manager: StateManager) -> None:
    state = record_run(manager, ExecutionStatus.PARTIAL)
    stale = {"path": "a.md", "status": "stale", "message": "It is damaged.", "remedy": "upload it again"}
    record_stage(manager, state, "document_processing", products={"processed": [stale]})
    summary = summarize(manager, state) | {"warnings": ["The [notification] could not be sent."]}
    shown = console()
    screens.print_run(shown, manager, state, summary)
    assert "Report:" not in text(shown)
    report = manager.run_dir(state.execution_id) / "report.html"
    report.write_text("")
    screens.print_run(shown, manager, state, summary)
    for said in (
        f"Report: {report}",
        "Warning: The [notification] could not be sent.",
        "stale: searches still find the last version that could be read.",
        "Status: partial (all is done, but not every document is in step)",
    ):
        assert said in text(shown)


def test_of_a_run_that_failed_nobody_reads_that_the_collection_is_empty(manager: StateManager) -> None:
    state = record_run(manager, ExecutionStatus.FAILED, error="Qdrant is away.")
    shown = console()
    screens.print_run(shown, manager, state, summarize(manager, state))
    assert "Points: not counted, the run did not come to the end of storage." in text(shown)


def bad_metrics(outputs: Path) -> list[str]:
    """Settings with which the metrics cannot be written."""
    (outputs / "file").write_text("")
    return ["-p", f"outputs_dir={outputs}", "-p", f"metrics_file={outputs}/file/nic.prom"]


def begin(orchestrator: PipelineOrchestrator) -> PipelineState:
    """What a run does first: it is recorded, and tells so."""
    config = orchestrator.config.model_dump(mode="json")
    state = record_run(orchestrator.manager, ExecutionStatus.SUCCESS, pipeline_config=config)
    started = {"execution_id": state.execution_id, "mode": "full", "stages": []}
    orchestrator._listener(Event("run_started", data=started))
    return state


@pytest.mark.parametrize("words", [["run"], ["resume"], ["rerun", "text_chunking"]])
@pytest.mark.parametrize("as_json", [True, False])
def test_what_could_not_be_done_after_a_run_is_a_warning_and_the_run_is_as_it_was(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch, words: list[str], as_json: bool
) -> None:
    def end(orchestrator: PipelineOrchestrator, *_: object, **__: object) -> PipelineResult:
        state = begin(orchestrator)
        run = ended(orchestrator.manager, state)
        run.summary["warnings"] = Hooks(orchestrator._after).finish(run)
        run_dir = orchestrator.manager.run_dir(state.execution_id)
        return PipelineResult(state.execution_id, state.status, 0.0, {}, state, run_dir, run.summary)

    for name in ("execute_full_pipeline", "resume_from_checkpoint", "execute_stage"):
        monkeypatch.setattr(PipelineOrchestrator, name, end)
    given = [*words, *bad_metrics(manager.outputs), "--quiet", *(["--json"] if as_json else [])]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0
    assert "metrics_file" in (json.loads(done.stdout)["warnings"][0] if as_json else done.stdout)


def test_what_is_due_after_a_run_is_done_although_the_run_broke(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a fault in the code")

    monkeypatch.setattr(StageManager, "warm", lambda *_: None)
    monkeypatch.setattr(StageManager, "execute_stage_with_retry", fail)
    done = CliRunner().invoke(app, ["run", *bad_metrics(manager.outputs)])
    assert isinstance(done.exception, RuntimeError)
    assert "metrics_file" in done.output
    CliRunner().invoke(app, ["run", "-p", f"outputs_dir={manager.outputs}"])
    assert (manager.outputs / "metrics.prom").exists()


def test_quiet_is_silent_only_if_there_is_nothing_to_say(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(orchestrator: PipelineOrchestrator) -> PipelineResult:
        state = begin(orchestrator)
        state.status, state.error = ExecutionStatus.FAILED, "Qdrant is away."
        orchestrator.manager.save_checkpoint(state)
        summary = summarize(orchestrator.manager, state)
        run_dir = orchestrator.manager.run_dir(state.execution_id)
        return PipelineResult(state.execution_id, state.status, 0.0, {}, state, run_dir, summary)

    monkeypatch.setattr(PipelineOrchestrator, "execute_full_pipeline", end)
    done = CliRunner().invoke(app, ["run", "--quiet", "-p", f"outputs_dir={manager.outputs}"])
    assert done.exit_code == 1
    assert "Qdrant is away." in done.stdout


@pytest.mark.parametrize(("ended", "code"), [(True, 0), (False, 1)])
def test_a_cancellation_names_the_next_command_and_is_json_for_scripts(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch, ended: bool, code: int
) -> None:
    outcome = CancellationResult("r1", ended, 1.5)
    monkeypatch.setattr(PipelineMonitor, "cancel_execution", lambda *_: outcome)
    words = ["cancel", "-p", f"outputs_dir={manager.outputs}"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == code
    assert ("nic-etl resume" if ended else "nic-etl status --watch") in done.stdout
    assert json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)["cancelled"] is ended


def test_which_run_is_shown_is_said(manager: StateManager, outputs: Path) -> None:
    state = record_run(manager)
    done = CliRunner().invoke(app, ["show", "-p", f"outputs_dir={outputs}"])
    assert done.output.startswith(f"Run {state.execution_id}: success, mode full, started 20")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("running", "nic-etl status --watch"),
        ("partial", "nic-etl show r1"),
        ("cancelled", "nic-etl resume r1"),
        ("interrupted", "nic-etl resume r1"),
    ],
)
def test_the_status_names_the_next_command(status: str, said: str) -> None:
    shown = console()
    screens.print_status(
        shown, PipelineStatus("r1", status, "2026-03-01T12:00:00+00:00", {"a": "skipped"}, {})
    )
    assert said in text(shown)
    assert "carried over" in text(shown)
