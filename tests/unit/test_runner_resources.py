"""Promises of the resources: a container's limit counts, and a stage alone may always start."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from runner.kernels.resource_manager import ResourceManager
from runner.models import PipelineStage, ResourceRequirements
from stagekit.base import machine


def stage(memory_mb: int) -> PipelineStage:
    return PipelineStage("s", "", Path("s"), resource_requirements=ResourceRequirements(memory_mb=memory_mb))


@pytest.fixture
def cgroup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    return tmp_path


def test_a_container_with_a_limit_is_as_large_as_its_limit(cgroup: Path) -> None:
    (cgroup / "memory.max").write_text(f"{300 * 2**20}\n")
    (cgroup / "memory.current").write_text(f"{100 * 2**20}\n")
    assert ResourceManager().available_memory_mb() == 200


@pytest.mark.parametrize("limit", ["max\n", None, str(2**60)])
def test_without_a_limit_the_machine_counts(cgroup: Path, limit: str | None) -> None:
    if limit is not None:
        (cgroup / "memory.max").write_text(limit)
        (cgroup / "memory.current").write_text("0")
    free = ResourceManager().available_memory_mb()
    assert 0 < free <= psutil.virtual_memory().total / 2**20


def test_a_stage_alone_may_always_start() -> None:
    assert ResourceManager(parallel=False, available_mb=1).fits(stage(10_000), [])


def test_stages_run_side_by_side_if_all_their_needs_fit_with_a_reserve() -> None:
    resources = ResourceManager(available_mb=2000)
    assert resources.fits(stage(750), [stage(750)])
    assert not resources.fits(stage(751), [stage(750)])
    assert not resources.fits(stage(500), iter([stage(500), stage(501)]))
    assert not ResourceManager(parallel=False, available_mb=2000).fits(stage(1), [stage(1)])
