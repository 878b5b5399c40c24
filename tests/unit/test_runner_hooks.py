"""Promises of what follows a run: each hook is prepared and called in turn, and none can fail the run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from runner.models import PipelineState
from runner.record.hooks import AFTER_A_RUN, EndedRun, Hook, Hooks
from runner.record.state_manager import StateManager
from tests.unit.core_notebooks import ended, record_run

calls: list[str] = []


class Named(Hook):
    """A hook that is told by its name."""

    def prepare(self, manager: StateManager, state: PipelineState) -> None:
        calls.append(f"prepare {state.execution_id} in {manager.outputs.name}")

    def finish(self, ended: EndedRun) -> Iterable[str]:
        calls.append(f"finish {ended.state.execution_id}")
        return [f"told of {ended.summary['status']}", "and more"]


class Odd(Named):
    """A hook of somebody else, which is given as it is."""

    def prepare(self, manager: StateManager, state: PipelineState) -> None:
        raise RuntimeError(f"not ready for {state.execution_id} in {manager.outputs}")

    def finish(self, ended: EndedRun) -> Iterable[str]:
        raise RuntimeError(f"no room for {ended.summary['status']}")


class Quiet(Hook):
    """A hook that has nothing to import, and nothing to say."""

    def finish(self, _: EndedRun) -> Iterable[str]:
        calls.append("quiet")
        return ()


@pytest.fixture
def run(outputs: Path) -> EndedRun:
    calls.clear()
    manager = StateManager(outputs)
    return ended(manager, record_run(manager))


def test_each_hook_is_prepared_and_called_in_turn_and_one_that_fails_is_a_warning(run: EndedRun) -> None:
    hooks = Hooks((Odd(), "no.such.module:Hook", f"{__name__}:Odd", f"{__name__}:Named", Quiet()))
    hooks.prepare(run.manager, run.state)
    warnings = hooks.finish(run)

    run_id = run.state.execution_id
    assert calls == [f"prepare {run_id} in outputs", f"finish {run_id}", "quiet"]

    def failed(what: str, why: str) -> str:
        return f"{what} could not do what is due after {run_id} ({why}); the run is not affected."

    assert warnings == [
        failed("Odd", "no room for success"),
        failed("no.such.module:Hook", "No module named 'no'"),
        failed(f"{__name__}:Odd", "no room for success"),
        "told of success",
        "and more",
    ]
    assert Hooks(()).finish(run) == []


def test_after_a_run_come_its_report_and_its_figures(run: EndedRun) -> None:
    hooks = Hooks(AFTER_A_RUN)
    hooks.prepare(run.manager, run.state)
    assert hooks.finish(run) == []
    assert (run.manager.outputs / "metrics.prom").exists()
    assert (run.manager.run_dir(run.state.execution_id) / "report.html").exists()
