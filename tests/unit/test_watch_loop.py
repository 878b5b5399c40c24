"""When `nic-etl watch` runs the chain: on changes and retries, once each, never without a reason."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig, load_config
from runner.errors import ConfigurationError
from runner.models import ExecutionMode
from runner.record.state_manager import StateManager
from runner.watch.code import code_state
from runner.watch.loop import Restart, Watch, WatchPlan
from runner.watch.note import active_watch, hold_watch

Row = dict[str, Any]
NEVER = 3600.0


class EndedError(Exception):
    """The test is over."""


class Scene:
    """A folder that is watched in a thread, runs whose outcome the test decides, and what was told."""

    def __init__(self, tmp_path: Path, **settings: Any) -> None:
        self.source = tmp_path / "source"
        self.source.mkdir(exist_ok=True)
        (self.source / "30-Aprovados").mkdir(exist_ok=True)
        self.settings = {
            "source_path": str(self.source),
            "outputs_dir": str(tmp_path / "outputs"),
            **settings,
        }
        self.config = load_config(None, self.settings).config
        self.manager = StateManager(self.config.outputs)
        self.reload: Callable[[], PipelineConfig] = lambda: self.config
        self.code = code_state()
        self.told: list[tuple[str, Row]] = []
        self.outcomes: list[Row] = []
        self.runs = 0
        self.in_run: Callable[[], None] = lambda: None
        self.alive = False
        self.over = threading.Event()
        self.error: BaseException | None = None

    # What executes the runs

    def run(self) -> Row:
        self.runs += 1
        self.alive = True
        self.in_run()
        return self.outcomes.pop(0) if self.outcomes else {"status": "success"}

    def close(self) -> None:
        self.alive = False

    # The watch

    def tell(self, kind: str, **details: Any) -> None:
        self.told.append((kind, details))

    def _reload(self) -> PipelineConfig:
        if self.over.is_set():
            raise EndedError
        return self.reload()

    @contextlib.contextmanager
    def watching(self, **plan: float) -> Iterator[None]:
        times = {"every_s": 0.05, "run_every_s": 0.0} | plan
        with hold_watch(self.config.outputs) as note:
            watch = Watch(
                self.config,
                WatchPlan(**times),
                self,
                self.tell,
                note,
                self.code,
                self._reload,
                sleep=self.over.wait,
            )
            thread = threading.Thread(target=self._watch, args=(watch,))
            thread.start()
            try:
                yield
            finally:
                self.over.set()
                thread.join(30)
                assert not thread.is_alive()

    def _watch(self, watch: Watch) -> None:
        try:
            watch.run()
        except EndedError:
            return
        except BaseException as error:
            self.error = error

    def change(self, text: str) -> None:
        # At once: a file that is seen empty, and then with its text, has changed twice.
        written = self.source.with_name("a.md")
        written.write_text(text)
        written.replace(self.source / "30-Aprovados" / "a.md")

    def kinds(self, kind: str) -> list[Row]:
        return [details for told, details in self.told if told == kind]

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not condition() and self.error is None:
            assert time.monotonic() < end, self.told
            time.sleep(0.01)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def settle() -> None:
    """Let some looks at the source pass."""
    time.sleep(0.6)


def test_it_runs_at_its_start_and_then_only_when_the_source_changed(scene: Scene) -> None:
    with scene.watching():
        scene.until(lambda: scene.runs == 1)
        settle()
        assert scene.runs == 1
        scene.change("a")
        scene.until(lambda: scene.runs == 2)
        settle()
        assert scene.runs == 2
    assert [row["reason"] for row in scene.kinds("run_begins")] == ["start", "change"]


def test_a_change_during_a_run_is_looked_at_after_it(scene: Scene) -> None:
    def edit() -> None:
        if scene.runs == 1:
            scene.change("while it runs")

    scene.in_run = edit
    with scene.watching():
        scene.until(lambda: scene.runs == 2)
        settle()
        assert scene.runs == 2


def test_several_changes_during_a_run_lead_to_exactly_one_more(scene: Scene) -> None:
    def edit() -> None:
        if scene.runs == 1:
            for number in range(5):
                scene.change(f"version {number}")

    scene.in_run = edit
    with scene.watching():
        scene.until(lambda: scene.runs == 2)
        settle()
        assert scene.runs == 2
    assert [row["reason"] for row in scene.kinds("run_begins")] == ["start", "change"]


def test_a_failed_run_is_tried_again_after_a_pause_that_grows_and_ends_with_success(scene: Scene) -> None:
    scene.outcomes = [{"status": "failed", "error": "no"}, {"status": "failed", "error": "no"}]
    with scene.watching(every_s=NEVER, first_retry_s=0.1):
        scene.until(lambda: scene.runs == 3)
        settle()
        assert scene.runs == 3
    assert [row["reason"] for row in scene.kinds("run_begins")] == ["start", "retry", "retry"]
    assert [row["status"] for row in scene.kinds("run_ended")] == ["failed", "failed", "success"]


def test_a_change_does_not_wait_for_the_end_of_the_pause(scene: Scene) -> None:
    scene.outcomes = [{"status": "failed", "error": "no"}]
    with scene.watching(first_retry_s=NEVER, last_retry_s=NEVER):
        scene.until(lambda: len(scene.kinds("run_ended")) == 1)
        scene.change("mended")
        scene.until(lambda: len(scene.kinds("run_ended")) == 2)
    assert [row["reason"] for row in scene.kinds("run_begins")] == ["start", "change"]


def test_failed_documents_are_tried_again_and_a_cancelled_run_is_not(scene: Scene) -> None:
    scene.outcomes = [{"status": "partial", "retry": True}, {"status": "cancelled"}]
    with scene.watching(every_s=NEVER, document_retry_s=0.1):
        scene.until(lambda: scene.runs == 2)
        settle()
        assert scene.runs == 2
    assert [row["reason"] for row in scene.kinds("run_begins")] == ["start", "retry"]


def test_it_runs_at_least_as_often_as_it_was_told(scene: Scene) -> None:
    with scene.watching(every_s=NEVER, run_every_s=0.2):
        scene.until(lambda: scene.runs == 3)
    assert [row["reason"] for row in scene.kinds("run_begins")][:3] == ["start", "interval", "interval"]


def test_warm_kernels_are_released_after_an_idle_time_and_only_once(scene: Scene) -> None:
    with scene.watching(idle_release_s=0.1):
        scene.until(lambda: bool(scene.kinds("released")))
        assert not scene.alive
        settle()
        assert len(scene.kinds("released")) == 1
        scene.change("a")
        scene.until(lambda: scene.runs == 2 and len(scene.kinds("released")) == 2)


def test_a_source_that_cannot_be_reached_is_told_once_and_caught_up_with(scene: Scene) -> None:
    away = scene.source.with_name("away")
    scene.source.rename(away)
    with scene.watching():
        scene.until(lambda: bool(scene.kinds("source_unreachable")))
        settle()
        assert scene.runs == 0
        away.rename(scene.source)
        scene.until(lambda: scene.runs == 1)
        settle()
    assert scene.runs == 1
    assert len(scene.kinds("source_unreachable")) == len(scene.kinds("source_reachable")) == 1
    assert "does not exist" in scene.kinds("source_unreachable")[0]["error"]


def test_it_waits_for_a_run_of_somebody_else_and_notes_runs_that_are_not_its_own(scene: Scene) -> None:
    with scene.manager.lock("20260101T000000.000Z-abcdef"):
        watching = scene.watching()
        watching.__enter__()
        scene.until(lambda: bool(scene.kinds("waiting")))
        note = active_watch(scene.config.outputs)
        assert note is not None
        assert note["state"] == "waiting"
        assert scene.runs == 0
    scene.until(lambda: scene.runs == 1)
    other = scene.manager.new_run(ExecutionMode.FULL, {}, "")
    scene.until(lambda: bool(scene.kinds("other_run")))
    watching.__exit__(None, None, None)
    assert scene.kinds("waiting")[0]["run"] == "20260101T000000.000Z-abcdef"
    assert scene.kinds("other_run") == [{"run": other.execution_id}]


def test_a_run_that_finds_the_folder_taken_is_begun_anew(scene: Scene) -> None:
    scene.outcomes = [{"status": "busy"}]
    with scene.watching():
        scene.until(lambda: len(scene.kinds("run_ended")) == 1)
    assert [row["reason"] for row in scene.kinds("run_begins")] == ["start", "waited"]


def test_other_code_on_disk_ends_it_before_another_run_begins(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.watch.loop.settled_code_state", code_state)
    scene.code = "of another version"
    with scene.watching():
        scene.until(lambda: False)
    assert isinstance(scene.error, Restart)
    assert scene.runs == 0


def test_a_changed_configuration_ends_it_and_an_unreadable_one_is_told_once(scene: Scene) -> None:
    def broken() -> PipelineConfig:
        raise ConfigurationError("the profile cannot be read.")

    scene.reload = broken
    with scene.watching():
        scene.until(lambda: scene.runs == 1)
        settle()
        assert scene.kinds("configuration_invalid") == [{"error": "the profile cannot be read."}]
        scene.reload = lambda: load_config(None, scene.settings | {"chunk_size": 123}).config
        scene.until(lambda: False)
    assert isinstance(scene.error, Restart)
    assert "configuration" in str(scene.error)


def test_status_learns_when_it_looked_and_when_it_looks_again(scene: Scene) -> None:
    with scene.watching(every_s=NEVER):
        scene.until(lambda: (active_watch(scene.config.outputs) or {}).get("state") == "idle")
        note = active_watch(scene.config.outputs)
        assert note is not None
        assert note["last_check"] < note["next_check"]
