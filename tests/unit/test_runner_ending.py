"""Promises of a run's end: its status and error on the disk, what is told, and when it begins once more."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig
from runner.errors import StageExecutionError
from runner.events import Event
from runner.models import Checkpoint, ExecutionMode, PipelineStage, PipelineState, RunScope
from runner.pipeline.dependency_resolver import DependencyResolver
from runner.pipeline.ending import end_run
from runner.pipeline.once_more import OnceMore
from runner.pipeline.run import Run
from runner.record.hooks import EndedRun, Hook, Hooks
from runner.record.state_manager import StateManager
from runner.results import PipelineResult
from stagekit.errors import ArtifactError
from tests.unit.core_notebooks import record_stage

STAGES = [
    PipelineStage("listing", "", Path("1.ipynb"), (), outside="source"),
    PipelineStage("shout", "", Path("2.ipynb"), ("listing",)),
]


class Told(Hook):
    """A hook with warnings to tell."""

    warnings: tuple[str, ...] = ()

    def finish(self, ended: EndedRun) -> Iterable[str]:
        assert ended.state.end_timestamp is not None
        return self.warnings


class World:
    """A run whose stages have all ended."""

    def __init__(self, outputs: Path, **scope: Any) -> None:
        self.events: list[Event] = []
        self.hook = Told()
        manager = StateManager(outputs)
        state = manager.new_run(scope.pop("mode", ExecutionMode.FULL), {}, "the hash", RunScope(**scope))
        config = PipelineConfig(outputs_dir=str(outputs))
        self.run = Run(config, manager, DependencyResolver(STAGES), state, emit=self.events.append)
        self.record("listing")
        self.record("shout")
        self.once_more = OnceMore(self.run)

    def record(self, stage: str, carried: str = "", **result: Any) -> Checkpoint:
        record_stage(self.run.manager, self.run.state, stage, notebook=f"{stage}.ipynb", **result)
        done = self.run.state.stages[stage]
        done.carried_from = carried
        return done

    def end(self, *errors: tuple[str, BaseException]) -> PipelineResult:
        return end_run(self.run, dict(errors), self.once_more, Hooks((self.hook,)))

    def lose(self, *names: str) -> list[str]:
        """Let somebody find that artifacts are gone."""
        store = self.run.manager.store
        refs = [store.put(name, name.encode(), "text/plain") for name in names]
        for ref in refs:
            store.delete(ref.uri)
            with pytest.raises(ArtifactError):
                store.read(ref)
        return sorted(ref.uri for ref in refs)

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [dict(event.data) for event in self.events if event.kind == kind]

    def kept(self) -> PipelineState:
        return StateManager(self.run.manager.outputs).load_checkpoint()

    def audited(self) -> list[str]:
        return [line["what"] for line in self.run.manager.audit_log.entries()]


@pytest.fixture
def world(outputs: Path) -> World:
    return World(outputs)


BROKEN = ("shout", StageExecutionError("shout", "no luck."))


@pytest.mark.parametrize(
    ("result", "errors", "stopped", "status"),
    [
        ({}, [], False, "success"),
        ({"rejected_count": 3}, [], False, "success"),
        ({"failure_count": 1}, [], False, "partial"),
        ({"stale_count": 1}, [], False, "partial"),
        ({"stale_count": 1}, [BROKEN], False, "failed"),
        ({}, [BROKEN], True, "cancelled"),
        ({}, [], True, "cancelled"),
    ],
)
def test_how_a_run_ended_is_on_the_disk_and_told(
    world: World, result: dict[str, int], errors: list[Any], stopped: bool, status: str
) -> None:
    world.record("shout", **result)
    if stopped:
        world.run.stop.set()
    ended, kept = world.end(*errors), world.kept()
    error = f"no luck. To continue: `nic-etl resume {kept.execution_id}`." if errors else ""
    assert (kept.status, kept.error) == (ended.overall_status, ended.state.error) == (status, error)
    assert kept.end_timestamp is not None
    assert kept.documents == {"ok": 0, "rejected": 0, "failed": 0, "stale": 0, "ignored": 0}
    assert world.told("run_finished") == [{"status": status, "error": error}]
    assert ended.summary["status"] == status
    assert ended.summary.get("error", "") == error
    [line] = world.run.manager.audit_log.entries()
    assert (line["what"], line["execution_id"], line["status"]) == ("run_finished", kept.execution_id, status)
    assert (line["configuration"], line["source"]) == ("the hash", {})
    assert line["checkpoints"] == {name: done.notebook_sha256 for name, done in kept.stages.items()}
    assert all(line["checkpoints"].values())


def test_what_a_hook_and_the_run_warn_of_is_told_in_order(world: World) -> None:
    world.hook.warnings = ("the report", "the figures")
    world.once_more.warnings = ["it was damaged"]
    ended = world.end()
    assert ended.summary["warnings"] == ["it was damaged", "the report", "the figures"]
    assert world.told("warning") == [{"message": one} for one in ended.summary["warnings"]]
    assert world.events[-1].kind == "run_finished"


def test_an_error_that_is_none_of_the_runners_own_is_raised_once_all_is_recorded(world: World) -> None:
    with pytest.raises(RuntimeError, match="a fault"):
        world.end(BROKEN, ("x", RuntimeError("a fault")))
    assert world.kept().status == "failed"
    assert world.events[-1].kind == "run_finished"


@pytest.mark.parametrize("errors", [[], [BROKEN]])
def test_where_the_disk_is_full_at_the_end_a_run_has_failed_and_that_is_told_once(
    world: World, monkeypatch: pytest.MonkeyPatch, errors: list[Any]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(world.run.manager.outputs / "run.json"))

    monkeypatch.setattr(StateManager, "save_checkpoint", full)
    world.hook.warnings = ("the report: No space left on device (os error 28)", "another")
    ended = world.end(*errors)
    assert (ended.overall_status, ended.exit_code) == ("failed", 1)
    said = "no luck." if errors else f"The disk of {world.run.manager.outputs} is full"
    assert ended.state.error.startswith(said)
    assert ended.state.error.endswith(f"To continue: `nic-etl resume {ended.execution_id}`.")
    assert (ended.summary["status"], ended.summary["error"]) == ("failed", ended.state.error)
    assert ended.summary["warnings"] == ["another"]


def test_another_fault_of_the_disk_is_raised(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(StateManager, "audit", refused)
    with pytest.raises(OSError, match="Permission denied"):
        world.end()


# Once more


def test_a_stage_that_met_damage_is_executed_once_more_for_each_new_artifact_and_thrice_at_most(
    world: World,
) -> None:
    assert not world.once_more.wanted(failed=True)  # it met no damage
    [one] = world.lose("one")
    assert not world.once_more.wanted(failed=False)  # nobody failed
    assert world.once_more.wanted(failed=True)
    assert not world.once_more.wanted(failed=True)  # for the same one: it did not help
    two = world.lose("two", "three")
    assert world.once_more.wanted(failed=True)
    world.lose("four")
    assert world.once_more.wanted(failed=True)
    world.lose("five")
    assert not world.once_more.wanted(failed=True)
    end = "was damaged or lost: the stage that made it is executed again."
    assert world.once_more.warnings[:2] == [f"{one} {end}", f"{two[0]} and 1 more {end}"]
    lines = [line for line in world.run.manager.audit_log.entries() if line["what"] == "artifacts_damaged"]
    assert [line["artifacts"] for line in lines[:2]] == [[one], two]


def test_damage_of_before_is_no_reason_and_neither_is_any_in_a_run_that_ends_or_is_of_some_stages(
    outputs: Path,
) -> None:
    world = World(outputs)
    world.lose("one")
    assert not OnceMore(world.run).wanted(failed=True)
    world.run.stop.set()
    assert not world.once_more.wanted(failed=True)
    rerun = World(outputs, only=("shout",))
    rerun.lose("two")
    assert not rerun.once_more.wanted(failed=True)


@pytest.mark.parametrize(
    ("scope", "forgotten"),
    [({}, True), ({"mode": ExecutionMode.TEST}, False), ({"only": ("shout",)}, False)],
)
def test_what_was_lost_before_is_forgotten_by_a_whole_run_that_ends_well(
    outputs: Path, scope: dict[str, Any], forgotten: bool
) -> None:
    before = World(outputs).lose("one")
    world = World(outputs, **scope)
    later = world.lose("two")
    assert world.end(BROKEN).exit_code == 1
    assert world.run.manager.store.lost() == {*before, *later}
    world.end()
    assert world.run.manager.store.lost() == {*later, *([] if forgotten else before)}


@pytest.mark.parametrize(("carried", "share"), [(("", ""), [3.0]), (("r0", ""), [1.5]), (("r0", "r0"), [])])
def test_a_run_checks_artifacts_for_a_share_of_the_time_that_it_has_worked(
    world: World, monkeypatch: pytest.MonkeyPatch, carried: tuple[str, str], share: list[float]
) -> None:
    asked: list[float] = []

    def scrub(manager: StateManager, worked_s: float) -> list[str]:
        assert manager is world.run.manager
        asked.append(worked_s)
        return ["damaged"]

    monkeypatch.setattr("runner.pipeline.once_more.scrub_share", scrub)
    for stage, maker in zip(("listing", "shout"), carried, strict=True):
        world.record(stage, maker)
    assert world.end().summary.get("warnings", []) == ["damaged"] * len(share)
    assert asked == share
    world.run.stop.set()
    world.end()
    assert asked == share


@pytest.mark.parametrize(
    ("carried", "mode", "wanted"),
    [
        (("r0", ""), ExecutionMode.FULL, True),
        (("r0", ""), ExecutionMode.TEST, False),
        (("", ""), ExecutionMode.FULL, False),  # it has read the source itself
        (("r0", "r0"), ExecutionMode.FULL, False),  # it had nothing to do
    ],
)
def test_a_source_that_changed_unnoticed_is_read_anew_by_a_run_that_works(
    outputs: Path,
    monkeypatch: pytest.MonkeyPatch,
    carried: tuple[str, str],
    mode: ExecutionMode,
    wanted: bool,
) -> None:
    world = World(outputs, mode=mode, forced=("shout",))
    for stage, maker in zip(("listing", "shout"), carried, strict=True):
        world.record(stage, maker)
    changed: list[str] = []
    monkeypatch.setattr("runner.pipeline.once_more.changed_unnoticed", lambda *_: changed)
    assert not world.once_more.wanted(failed=False)
    changed += ["a.md", "b.md"]
    assert world.once_more.wanted(failed=False) is wanted
    state = world.run.state
    if not wanted:
        assert (state.scope.forced, [*state.stages]) == (("shout",), ["listing", "shout"])
        return
    assert (state.scope.forced, [*state.stages]) == (("shout", "listing"), ["shout"])
    assert world.once_more.warnings == [
        "a.md and 1 more changed, although size, time and inode did not: the source is read anew."
    ]
    assert not world.once_more.wanted(failed=False)  # it is being read
