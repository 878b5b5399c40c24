"""A run as one value, planned or under way: what its parts are handed in place of its pieces."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.events import tell_nobody
from runner.models import PipelineState

if TYPE_CHECKING:
    from runner.events import Listener
    from runner.models import PipelineStage
    from runner.pipeline.dependency_resolver import DependencyResolver
    from runner.record.state_manager import StateManager
    from runner.settings.pipeline_config import PipelineConfig


@dataclass(frozen=True)
class Run:
    """What is asked for, what is known, and who is told.

    Attributes:
        config: its configuration.
        manager: the record of all runs; the caller holds its lock once the run is under way.
        resolver: the stages and their order.
        state: its own record, with its kind and scope, and what it finished before it was resumed; as long as
            the run is only planned it is in no file.
        reuse: what earlier runs made may be carried over.
        emit: is told what happens.
        stop: set from outside to cancel the run.
    """

    config: PipelineConfig
    manager: StateManager
    resolver: DependencyResolver
    state: PipelineState = field(default_factory=lambda: PipelineState(execution_id=""))
    reuse: bool = True
    emit: Listener = tell_nobody
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def stages(self) -> Mapping[str, PipelineStage]:
        """The chain, by name."""
        return self.resolver.stages

    @property
    def order(self) -> tuple[str, ...]:
        """The stages that it is about, in their order: some of them, or the whole chain."""
        return self.state.scope.only or self.resolver.order

    def given(self) -> dict[str, str]:
        """Return the executed notebooks that it builds on, of stages that it does not execute, by stage."""
        return {name: str(self.manager.absolute(path)) for name, path in self.state.scope.upstream.items()}
