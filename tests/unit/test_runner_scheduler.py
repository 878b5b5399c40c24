"""Promises of the scheduler: in order, side by side where memory allows, and Ctrl-C at any time."""

from __future__ import annotations

import _thread
import signal
import threading
import time
from pathlib import Path

import pytest

from runner.kernels.resource_manager import ResourceManager
from runner.models import PipelineStage, ResourceRequirements
from runner.pipeline.dependency_resolver import DependencyResolver
from runner.pipeline.scheduler import run_in_order

PLENTY = ResourceManager(available_mb=10_000)


class Chain:
    """Stages that note when they begin and end."""

    def __init__(self, needs: dict[str, str], memory_mb: int = 500) -> None:
        self.stages = {
            name: PipelineStage(
                name,
                "",
                Path(name),
                tuple(of.split()),
                resource_requirements=ResourceRequirements(memory_mb=memory_mb),
            )
            for name, of in needs.items()
        }
        self.stop = threading.Event()
        self.log: list[str] = []
        self.together = threading.Barrier(2, timeout=5)

    def run(self, advance, resources: ResourceManager = PLENTY) -> dict[str, BaseException]:  # type: ignore[no-untyped-def]
        def noted(name: str) -> None:
            self.log.append(f"+{name}")
            try:
                advance(name)
            finally:
                self.log.append(f"-{name}")

        resolver = DependencyResolver(self.stages.values())
        return run_in_order(resolver, noted, resources, self.stop)


def nothing(_: str) -> None:
    return None


def test_each_stage_runs_once_after_what_it_reads() -> None:
    chain = Chain({"d": "b c", "b": "a", "c": "a", "a": ""})
    assert chain.run(nothing) == {}
    assert chain.log[:2] == ["+a", "-a"]
    assert chain.log[-2:] == ["+d", "-d"]
    assert sorted(chain.log) == ["+a", "+b", "+c", "+d", "-a", "-b", "-c", "-d"]


def test_independent_stages_run_at_the_same_time() -> None:
    chain = Chain({"a": "", "b": "", "c": "a b"})

    def meet(name: str) -> None:
        if name != "c":
            chain.together.wait()  # passes only if the other one is there too

    assert chain.run(meet) == {}


@pytest.mark.parametrize(
    "resources", [ResourceManager(available_mb=1100), ResourceManager(parallel=False, available_mb=10_000)]
)
def test_where_they_do_not_fit_they_run_one_after_the_other(resources: ResourceManager) -> None:
    chain = Chain({"a": "", "b": "", "c": ""})
    assert chain.run(lambda _: time.sleep(0.01), resources) == {}
    assert chain.log == ["+a", "-a", "+b", "-b", "+c", "-c"]


def test_a_failure_holds_up_what_depends_on_it_and_nothing_else() -> None:
    chain = Chain({"a": "", "b": "a", "c": "", "d": "c"})
    boom = RuntimeError("boom")

    def fail(name: str) -> None:
        if name == "a":
            raise boom

    assert chain.run(fail) == {"a": boom}
    assert {"+c", "+d"} <= set(chain.log)
    assert "+b" not in chain.log


def test_after_a_stop_nothing_new_begins() -> None:
    chain = Chain({"a": "", "b": "a"})
    assert chain.run(lambda _: chain.stop.set()) == {}
    assert chain.log == ["+a", "-a"]


def test_ctrl_c_asks_the_running_stages_to_stop_and_waits_for_them() -> None:
    chain = Chain({"a": "", "b": "a"})

    def interrupted(_: str) -> None:
        time.sleep(0.3)  # until the main thread waits
        _thread.interrupt_main()
        assert chain.stop.wait(5)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell ignores it
    try:
        errors = chain.run(interrupted)
    finally:
        signal.signal(signal.SIGINT, before)
    assert isinstance(errors["a"], KeyboardInterrupt)
    assert chain.log == ["+a", "-a"]


def test_an_empty_chain_is_done_at_once() -> None:
    assert Chain({}).run(nothing) == {}
