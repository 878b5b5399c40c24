"""Why a run goes through its stages once more: what was damaged under it, what changed unnoticed."""

from __future__ import annotations

from runner.pipeline.run import Run
from runner.record.damage import forget_lost, lost_artifacts, scrub_share
from runner.record.source_documents import changed_unnoticed

_HEALINGS = 3  # times that a run begins anew with a stage that made what is damaged now


class OnceMore:
    """Asked when all stages are through, or one has failed.

    Attributes:
        warnings: a sentence for each time.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._before = lost_artifacts(run.manager)
        self._met: set[str] = set()
        self._healings = 0
        self.warnings: list[str] = []

    def wanted(self, *, failed: bool) -> bool:
        """Tell whether the run is to go through its stages again, of which those stay that still hold."""
        if self._run.stop.is_set() or self._run.state.scope.only:
            return False
        return self._can_heal() if failed else self._has_to_read_again()

    def end_well(self) -> list[str]:
        """Forget what was lost and has been made again, and return warnings of what is damaged now."""
        state = self._run.state
        if not state.trial and not state.scope.only:
            forget_lost(self._run.manager, self._before)
        worked_s = sum(done.seconds for done in state.stages.values() if not done.carried_from)
        return scrub_share(self._run.manager, worked_s) if worked_s else []

    def _can_heal(self) -> bool:
        """Tell whether a stage has met a damaged artifact that an earlier one can make again now.

        Whoever meets one sets it aside, so that each time there is another reason; a disk that damages more
        and more is left to whoever is told of it.
        """
        found = lost_artifacts(self._run.manager) - self._before - self._met
        if not found or self._healings == _HEALINGS:
            return False
        self._healings += 1
        self._met |= found
        named = sorted(found)
        self.warnings.append(
            f"{_first_of(named)} was damaged or lost: the stage that made it is executed again."
        )
        self._run.manager.audit("artifacts_damaged", {"artifacts": named})
        return True

    def _has_to_read_again(self) -> bool:
        """Tell whether files were changed under their old stamps, having let their stage be executed then.

        It is asked where a run has worked and taken over what was read of the source: one that has read the
        source knows all of it, and one with nothing to do reads nothing.
        """
        state, done = self._run.state, self._run.state.stages
        reader = next((stage.name for stage in self._run.stages.values() if stage.outside == "source"), "")
        read = done.get(reader)
        if read is None or not read.carried_from or state.trial:
            return False
        if all(one.carried_from for one in done.values()):
            return False
        if not (changed := changed_unnoticed(self._run.manager, read, self._run.config)):
            return False
        self.warnings.append(
            f"{_first_of(changed)} changed, although size, time and inode did not: the source is read anew."
        )
        state.scope = state.scope.model_copy(update={"forced": (*state.scope.forced, reader)})
        del done[reader]
        return True


def _first_of(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
