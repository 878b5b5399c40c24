"""What a run would do with each stage, and why: decided from fingerprints, without a kernel."""

from __future__ import annotations

import json
from pathlib import Path

from runner.config_manager import PipelineConfig
from runner.models import Checkpoint, ExecutionPlan, PlannedStage
from runner.pipeline.dependency_resolver import DependencyResolver
from runner.pipeline.stage_manager import StageManager, retry_reason
from runner.record.report_generator import manifest_columns, manifest_rows
from runner.record.state_manager import StateManager
from stagekit.base.plain_json import parse_json
from stagekit.checks.outside import source_changes

__all__ = ["differences", "plan_run"]


_SHOWN = 5  # documents named in a reason
_OUTSIDE = {
    "source": "the source changed, or has to be asked",
    "store": "the collection is not as the last run left it, or has to be asked",
}


def plan_run(
    stages: StageManager, state: StateManager, resolver: DependencyResolver, config: PipelineConfig
) -> ExecutionPlan:
    """Return what ``nic-etl run`` would do now."""
    planned: dict[str, PlannedStage] = {}
    upstream: dict[str, str] = {}
    for name in resolver.order:
        planned[name] = _plan_stage(name, stages, state, config, upstream, planned)
        last = state.last_checkpoint(name)
        if last:
            upstream[name] = str(state.absolute(last[1].notebook))
    return ExecutionPlan(tuple(planned.values()), resolver.groups())


def _plan_stage(
    name: str,
    stages: StageManager,
    state: StateManager,
    config: PipelineConfig,
    upstream: dict[str, str],
    planned: dict[str, PlannedStage],
) -> PlannedStage:
    stage = stages.stages[name]
    last = state.last_checkpoint(name)
    if last is None:
        return PlannedStage(name, "run", ("it has not been executed yet",))
    execution_id, checkpoint = last
    if config.force_refresh:
        return PlannedStage(name, "run", ("force_refresh is set",))
    if not config.skip_existing:
        return PlannedStage(name, "run", ("skip_existing is off",))
    if faults := state.faults(checkpoint):
        return PlannedStage(name, "run", tuple(faults))
    known = {key: path for key, path in upstream.items() if key in stage.dependencies and Path(path).exists()}
    # Of a lost input nothing is known until its stage has made it again.
    lost = tuple(f"input:{name}." for name in stage.dependencies if name not in known)
    before = {key: value for key, value in checkpoint.fingerprint.items() if not key.startswith(lost)}
    changed = differences(before, stages.fingerprint(stage, config, known))
    if changed:
        return PlannedStage(name, "run", tuple(changed))
    if again := retry_reason(checkpoint):
        return PlannedStage(name, "run", (again,))
    if stage.outside and stages.current(stage, config, known) is None:
        return PlannedStage(name, "run", (_outside_reason(stage.outside, state, checkpoint, config),))
    uncertain = [other for other in stage.dependencies if planned[other].action != "carry over"]
    if uncertain:
        return PlannedStage(
            name,
            "decide",
            (f"runs only if {' or '.join(uncertain)} produces something new since {execution_id}",),
        )
    return PlannedStage(name, "carry over", (f"nothing changed since {execution_id}",))


def _outside_reason(kind: str, state: StateManager, checkpoint: Checkpoint, config: PipelineConfig) -> str:
    if kind == "source":
        documents = manifest_columns(state, checkpoint, "documents", ("path", "status", "blob_id"))
        read = dict(zip(documents.column("path"), documents.column("blob_id"), strict=True))
        aside = {row["path"] for row in manifest_rows(state, checkpoint, "ignored")}
        if changes := source_changes(config.model_dump(mode="json"), read, aside):
            more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
            plural = "documents" if len(changes) > 1 else "document"
            return f"{len(changes)} {plural} changed: {', '.join(changes[:_SHOWN])}{more}"
    return _OUTSIDE.get(kind, "it looks outside outputs/")


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Say in words what differs between two fingerprints."""
    said = []
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        kind, _, name = key.partition(":")
        if kind == "parameter":
            said.append(f"{name} {_plain(old)} → {_plain(new)}")
        elif kind == "code":
            said.append("the notebook changed" if name == "notebook" else f"the code of {name} changed")
        else:
            said.append(f"{name} changed")
    return said


def _plain(value: str | None) -> str:
    if value is None:
        return "(not set)"
    try:
        parsed = parse_json(value)
    except ValueError:
        return value  # from a record that was altered
    return parsed if isinstance(parsed, str) and parsed else json.dumps(parsed, ensure_ascii=False)
