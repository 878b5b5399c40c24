"""In which order stages run, which of them side by side, and what a change makes out of date."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from runner.errors import DependencyResolutionError
from runner.models import PipelineStage


class DependencyResolver:
    """Answers questions about the graph of stages.

    Raises:
        DependencyResolutionError: if stages depend on each other in a circle or on unknown stages.
    """

    def __init__(self, stages: Iterable[PipelineStage]) -> None:
        self.stages = {stage.name: stage for stage in stages}
        self.graph = {name: stage.dependencies for name, stage in self.stages.items()}
        for name, dependencies in self.graph.items():
            for dependency in dependencies:
                if dependency not in self.graph:
                    raise DependencyResolutionError(
                        f"The stage {name} depends on {dependency!r}, which is not registered."
                    )
        try:
            self.order = tuple(TopologicalSorter(self.graph).static_order())
        except CycleError as error:
            circle = " → ".join(error.args[1])
            raise DependencyResolutionError(
                f"The stages depend on each other in a circle: {circle}."
            ) from None

    def sorter(self) -> TopologicalSorter[str]:
        """Return a prepared sorter that hands out stages as their dependencies are done."""
        sorter = TopologicalSorter(self.graph)
        sorter.prepare()
        return sorter

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Return the stages in groups; those of a group do not depend on each other."""
        sorter = self.sorter()
        found = []
        while sorter.is_active():
            ready = tuple(sorted(sorter.get_ready(), key=self.order.index))
            found.append(ready)
            sorter.done(*ready)
        return tuple(found)

    def downstream(self, name: str) -> tuple[str, ...]:
        """Return the stages that read, directly or not, what a stage makes."""
        self.require(name)
        reached = {name}
        for stage in self.order:
            if reached & set(self.graph[stage]):
                reached.add(stage)
        return tuple(stage for stage in self.order if stage in reached and stage != name)

    def require(self, name: str) -> None:
        """Check that a stage exists.

        Raises:
            DependencyResolutionError: if it does not; the message names those that do.
        """
        if name not in self.graph:
            raise DependencyResolutionError(
                f"There is no stage {name!r}: the stages are {', '.join(self.order)}."
            )
