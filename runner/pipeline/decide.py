"""Whether a stage must be executed, and why: the one answer that plan, run, resume and warming go by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runner.models import Decision
from runner.record.run_lookup import USABLE, digest_of
from runner.stages.differences import differences
from runner.stages.fingerprint import stage_fingerprint
from stagekit.checks.outside import outside_state
from stagekit.contract import ExecutionStatus

if TYPE_CHECKING:
    from runner.models import Checkpoint, Found, PipelineStage
    from runner.pipeline.run import Run
    from runner.record.state_manager import StateManager
    from runner.settings.pipeline_config import PipelineConfig

CHANGED_OUTSIDE = {
    "source": "the source changed, or has to be asked",
    "store": "the collection is not as the last run left it, or has to be asked",
}
_NEVER = "it has not been executed yet"


def decide(stage: PipelineStage, run: Run, upstream: dict[str, str], *, look: bool = True) -> Decision:
    """Say whether a stage must be executed, why, and what is in force for it.

    A whole result with this very fingerprint is carried over, wherever in the record it stands: after a
    setting was tried and taken back that is not the last one made. What the stage looks at outside
    ``outputs/`` must be as it was, too.

    Args:
        stage: the stage.
        run: that asks, planned or under way.
        upstream: executed notebook by stage name; of a dependency that is left out nothing is known yet.
        look: read artifacts, and look at the source and the store; a guess does without.
    """
    current = stage_fingerprint(stage, run.config, upstream)
    last = run.manager.last_checkpoint(stage.name, trials=run.state.trial)
    if own := _own(stage, run, current):
        return Decision("carry over", ("this run has finished it already",), own)
    if reason := _demanded(stage, run):
        wanted = last or stage.name in run.state.scope.only
        return Decision("run", (reason if wanted else _NEVER,), last)
    unknown = [name for name in stage.dependencies if name not in upstream]
    if unknown or not look:
        return _guess(stage, run, last, current, unknown, look=look)
    found = run.manager.find_checkpoint(stage.name, digest_of(current), trials=run.state.trial)
    if found is None:
        return Decision("run", tuple(_why(run.manager, last, current)), last)
    if again := _again(stage, found[1]):
        return Decision("run", again, found)
    # A newer result with this fingerprint that was passed over is why, and not what it left outside.
    passed_over = run.manager.faults(last[1]) if last and last[0] != found[0] else []
    if not _as_left(stage, run, found):
        return Decision("run", (*passed_over,) or _changed_outside(stage), found)
    return Decision("carry over", (f"nothing changed since {found[0]}", *passed_over), found)


def decisions(run: Run) -> Iterator[tuple[PipelineStage, Decision]]:
    """Decide about each stage of a run in turn, as far as that can be known before anything is executed."""
    upstream = run.given()
    for name in run.order:
        decision = decide(run.stages[name], run, upstream)
        if decision.carries and decision.checkpoint:
            upstream[name] = str(run.manager.absolute(decision.checkpoint[1].notebook))
        yield run.stages[name], decision


def retry_reason(checkpoint: Checkpoint) -> str:
    """Return why a stage has to be executed although nothing changed: documents that failed in it; or ""."""
    count = checkpoint.result.retry_count if checkpoint.result else 0
    if not count:
        return ""
    return "1 document failed: once more" if count == 1 else f"{count} documents failed: once more"


def outside_of(stage: PipelineStage, config: PipelineConfig, manager: StateManager) -> str:
    """Return the state of what a stage reads or writes outside ``outputs/``, empty if unknown."""
    if not stage.outside:
        return ""
    return outside_state(stage.outside, config.model_dump(mode="json"), manager.outputs) or ""


def _demanded(stage: PipelineStage, run: Run) -> str:
    """Return why a stage is executed whatever is known of it; empty if there is no such reason."""
    if stage.name in run.state.scope.only:
        return "it was asked for"
    if stage.name in run.state.scope.forced:
        return "documents were to be processed again"
    if run.config.force_refresh:
        return "force_refresh is set"
    return "" if run.reuse and run.config.skip_existing else "skip_existing is off"


def _own(stage: PipelineStage, run: Run, current: dict[str, str]) -> Found | None:
    """Return what a resumed run finished itself, if that still holds.

    A source is not looked at again, it is the same run; a store may have been written to since.
    """
    own = run.state.stages.get(stage.name)
    if own is None or own.status not in {*USABLE, ExecutionStatus.SKIPPED}:
        return None
    if own.fingerprint != current or _again(stage, own) or run.manager.faults(own):
        return None
    found = own.carried_from or run.state.execution_id, own
    return found if stage.outside != "store" or _as_left(stage, run, found) else None


def _again(stage: PipelineStage, checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return why a result is made again though nothing changed: failed documents, a rule that it breaks."""
    broken = stage.broken_rules(checkpoint.result) if checkpoint.result else []
    return (*filter(None, [retry_reason(checkpoint)]), *broken)


def _as_left(stage: PipelineStage, run: Run, found: Found) -> bool:
    """Tell whether what a stage looks at outside ``outputs/`` is as its result found or left it."""
    if not stage.outside:
        return True
    if stage.outside == "store":
        attempted = run.manager.last_attempt(stage.name, trials=run.state.trial)
        if attempted != found[0]:
            return False  # another run has written to the collection since, or has begun to
    return bool(found[1].outside) and found[1].outside == outside_of(stage, run.config, run.manager)


def _changed_outside(stage: PipelineStage) -> tuple[str]:
    return (CHANGED_OUTSIDE.get(stage.outside, "it looks outside outputs/"),)


def _why(manager: StateManager, last: Found | None, current: dict[str, str]) -> list[str]:
    if last is None:
        return [_NEVER]
    changed = differences(last[1].fingerprint, current)
    return changed or manager.faults(last[1]) or ["its result was not usable"]


def _guess(
    stage: PipelineStage,
    run: Run,
    last: Found | None,
    current: dict[str, str],
    unknown: list[str],
    *,
    look: bool,
) -> Decision:
    """Decide without the inputs that are not there yet, from the result in force."""
    if last is None:
        return Decision("run", (_NEVER,))
    execution_id, checkpoint = last
    missing = tuple(f"input:{name}." for name in unknown)
    before = {key: value for key, value in checkpoint.fingerprint.items() if not key.startswith(missing)}
    faults = run.manager.faults(checkpoint) if look else []
    if reasons := faults or differences(before, current) or _again(stage, checkpoint):
        return Decision("run", tuple(reasons), last)
    if look and checkpoint.outside != outside_of(stage, run.config, run.manager):
        return Decision("run", _changed_outside(stage), last)
    if not unknown:
        return Decision("carry over", (f"nothing changed since {execution_id}",), last)
    said = f"runs only if {' or '.join(unknown)} produces something new since {execution_id}"
    return Decision("decide", (said,), last)
