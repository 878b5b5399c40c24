"""Which kernels load their libraries while another stage works, and when: it costs nobody any time."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from runner.pipeline.decide import decide

if TYPE_CHECKING:
    from runner.events import Event
    from runner.kernels.resource_manager import ResourceManager
    from runner.models import PipelineStage
    from runner.pipeline.run import Run
    from runner.pipeline.stage_manager import StageManager

_AHEAD = 2  # stages
_FEW = 10  # documents, of which a worker does one in a second or less


class WarmAhead:
    """Starts the kernels of the next stages; a listener of the run's events.

    A stage whose document workers have much to do keeps all cores and most of the memory for them: the next
    kernel waits until its last documents are in work, and those after that until the next stage begins.
    """

    def __init__(self, run: Run, kernels: StageManager, resources: ResourceManager) -> None:
        self._run = run
        self._kernels = kernels
        self._resources = resources
        self._upstream: dict[str, str] = {}
        self._postponed: set[str] = set()

    def begin(self, name: str, upstream: dict[str, str]) -> None:
        """Take note that a stage begins, and of the executed notebooks that there are by now."""
        self._upstream = dict(upstream)
        if self._run.stages[name].worker_imports and self._has_much_to_do(name):
            self._postponed.add(name)
        else:
            self._warm_after(name)

    def __call__(self, event: Event) -> None:
        """Start what was postponed as soon as the last documents of a stage are in work.

        Not seconds before: the workers and the next kernel would have their most memory at the same time.
        """
        if event.kind != "documents" or event.stage not in self._postponed:
            return
        if event.data.get("total", 0) - event.data.get("done", 0) <= _FEW:
            self._postponed.discard(event.stage)
            self._warm_after(event.stage, 1)

    def _has_much_to_do(self, name: str) -> bool:
        before = (self._run.state.stages.get(other) for other in self._run.stages[name].dependencies)
        results = [done.result for done in before if done and done.result and not done.carried_from]
        return any(result.input_count - result.unchanged_count > _FEW for result in results)

    def _warm_after(self, name: str, ahead: int = _AHEAD) -> None:
        if chosen := self._next(name)[:ahead]:
            threading.Thread(target=self._warm, args=(chosen,), daemon=True).start()

    def _warm(self, chosen: list[str]) -> None:
        with contextlib.suppress(Exception):  # the stage itself meets it again, and tells
            self._kernels.warm(chosen)

    def _next(self, name: str) -> list[str]:
        """Return the stages that will probably be executed; a kernel for nothing takes processor time."""
        run, order, working = self._run, self._run.resolver.order, self._run.stages[name]
        after = order[order.index(name) + 1 :][:_AHEAD]
        reads_source = working.outside == "source"
        if reads_source and run.manager.last_checkpoint(name, trials=run.state.trial) is None:
            after = after[:1]  # all is new: the next one will have much to do
        # GitLab has to be asked whether anything changed; a local source is read only if it did.
        news = set() if reads_source and run.config.source == "gitlab" else {name}
        chosen: list[PipelineStage] = []
        for stage in (run.stages[other] for other in after if other in run.order):
            if self._probable(stage, news) and self._resources.fits(stage, [working, *chosen]):
                news.add(stage.name)
                chosen.append(stage)
        return [stage.name for stage in chosen]

    def _probable(self, stage: PipelineStage, news: set[str]) -> bool:
        """Tell whether a stage will probably be executed, if those in ``news`` make something new."""
        known = {name: path for name, path in self._upstream.items() if name not in news}
        decision = decide(stage, self._run, known, look=False)
        return decision.action == "run" or bool(not decision.carries and news & set(stage.dependencies))
