"""Whether a stage must be executed, and why: asked by plan, run, resume, rerun and the warming of kernels."""

from __future__ import annotations

from runner.config_manager import PipelineConfig
from runner.models import Checkpoint, Decision, PipelineStage, PipelineState, RunScope
from runner.pipeline.differences import differences
from runner.pipeline.fingerprint import stage_fingerprint
from runner.record.run_lookup import USABLE, digest_of
from runner.record.state_manager import StateManager
from stagekit.checks.outside import outside_state
from stagekit.contract import ExecutionStatus

__all__ = ["CHANGED_OUTSIDE", "decide", "outside_of", "retry_reason"]

CHANGED_OUTSIDE = {
    "source": "the source changed, or has to be asked",
    "store": "the collection is not as the last run left it, or has to be asked",
}
_Found = tuple[str, Checkpoint]


def decide(
    stage: PipelineStage,
    config: PipelineConfig,
    upstream: dict[str, str],
    record: StateManager,
    *,
    run: PipelineState | None = None,
    reuse: bool = True,
    look: bool = True,
) -> Decision:
    """Say whether a stage must be executed, why, and what is in force for it.

    A whole result with this very fingerprint is carried over, wherever in the record it stands: after a
    setting was tried and taken back that is not the last one made. What the stage looks at outside
    ``outputs/`` must be as it was, too.

    Args:
        stage: the stage.
        config: the configuration of the run, planned or under way.
        upstream: executed notebook by stage name; of a dependency that is left out nothing is known yet.
        record: what is known of runs.
        run: the run that asks, whose kind and scope count, and what it has finished before it was resumed;
            None: a run of the whole chain that has not begun.
        reuse: what earlier runs made may be carried over.
        look: read artifacts, and look at the source and the store; a guess does without.
    """
    trials = run is not None and run.trial
    current = stage_fingerprint(stage, config, upstream, record.outputs)
    last = record.last_checkpoint(stage.name, trials=trials)
    if run is not None and (own := _own(stage, config, record, run, current)) is not None:
        return Decision("carry over", ("this run has finished it already",), own)
    if reason := _told(stage, config, run.scope if run else RunScope(), reuse=reuse):
        return Decision("run", (reason,) if last or stage.name in _only(run) else (_NEVER,), last)
    unknown = [name for name in stage.dependencies if name not in upstream]
    if unknown or not look:
        return _guess(stage, config, record, last, current, unknown, look=look)
    found = record.find_checkpoint(stage.name, digest_of(current), trials=trials)
    if found is None:
        return Decision("run", tuple(_why(record, last, current)), last)
    if again := _again(stage, found[1]):
        return Decision("run", again, found)
    # A newer result with this fingerprint that was passed over is why, and not what it left outside.
    passed_over = record.faults(last[1]) if last and last[0] != found[0] else []
    if not _as_left(stage, config, record, found, trials=trials):
        changed = CHANGED_OUTSIDE.get(stage.outside, "it looks outside outputs/")
        return Decision("run", (*passed_over,) or (changed,), found)
    return Decision("carry over", (f"nothing changed since {found[0]}", *passed_over), found)


def retry_reason(checkpoint: Checkpoint) -> str:
    """Return why a stage has to be executed although nothing changed: documents that failed in it; or ""."""
    count = checkpoint.result.retry_count if checkpoint.result else 0
    if not count:
        return ""
    return "1 document failed: once more" if count == 1 else f"{count} documents failed: once more"


def outside_of(stage: PipelineStage, config: PipelineConfig, record: StateManager) -> str:
    """Return the state of what a stage reads or writes outside ``outputs/``, empty if unknown."""
    if not stage.outside:
        return ""
    return outside_state(stage.outside, config.model_dump(mode="json"), record.outputs) or ""


_NEVER = "it has not been executed yet"


def _only(run: PipelineState | None) -> tuple[str, ...]:
    return run.scope.only if run else ()


def _told(stage: PipelineStage, config: PipelineConfig, scope: RunScope, *, reuse: bool) -> str:
    """Return why a stage is executed whatever is known of it; empty if there is no such reason."""
    if stage.name in scope.only:
        return "it was asked for"
    if stage.name in scope.forced:
        return "documents were to be processed again"
    if config.force_refresh:
        return "force_refresh is set"
    return "" if reuse and config.skip_existing else "skip_existing is off"


def _own(
    stage: PipelineStage,
    config: PipelineConfig,
    record: StateManager,
    run: PipelineState,
    current: dict[str, str],
) -> _Found | None:
    """Return what a resumed run finished itself, if that still holds.

    A source is not looked at again, it is the same run; a store may have been written to since.
    """
    own = run.stages.get(stage.name)
    if own is None or own.status not in {*USABLE, ExecutionStatus.SKIPPED}:
        return None
    if own.fingerprint != current or _again(stage, own) or record.faults(own):
        return None
    made = own.carried_from or run.execution_id, own
    held = stage.outside != "store" or _as_left(stage, config, record, made, trials=run.trial)
    return made if held else None


def _again(stage: PipelineStage, checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return why a result is made again though nothing changed: failed documents, a rule that it breaks."""
    broken = stage.broken_rules(checkpoint.result) if checkpoint.result else []
    return (*filter(None, [retry_reason(checkpoint)]), *broken)


def _as_left(
    stage: PipelineStage, config: PipelineConfig, record: StateManager, found: _Found, *, trials: bool
) -> bool:
    """Tell whether what a stage looks at outside ``outputs/`` is as its result found or left it."""
    if not stage.outside:
        return True
    if stage.outside == "store" and record.last_attempt(stage.name, trials=trials) != found[0]:
        return False  # another run has written to the collection since, or has begun to
    return bool(found[1].outside) and found[1].outside == outside_of(stage, config, record)


def _why(record: StateManager, last: _Found | None, current: dict[str, str]) -> list[str]:
    if last is None:
        return [_NEVER]
    changed = differences(last[1].fingerprint, current)
    return changed or record.faults(last[1]) or ["its result was not usable"]


def _guess(
    stage: PipelineStage,
    config: PipelineConfig,
    record: StateManager,
    last: _Found | None,
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
    faults = record.faults(checkpoint) if look else []
    if reasons := faults or differences(before, current) or _again(stage, checkpoint):
        return Decision("run", tuple(reasons), last)
    if look and checkpoint.outside != outside_of(stage, config, record):
        return Decision("run", (CHANGED_OUTSIDE.get(stage.outside, "it looks outside outputs/"),), last)
    if not unknown:
        return Decision("carry over", (f"nothing changed since {execution_id}",), last)
    said = f"runs only if {' or '.join(unknown)} produces something new since {execution_id}"
    return Decision("decide", (said,), last)
