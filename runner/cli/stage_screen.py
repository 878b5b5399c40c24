"""One stage of one run for people: what ``nic-etl show RUN STAGE`` prints, down to the line that failed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from runner.cli.layout.tables import print_table
from runner.models import Checkpoint, PipelineState
from runner.record.damage import altered_notebooks
from runner.record.state_manager import StateManager
from runner.report.notebook_page import page_of
from runner.report.stages import failed_cell
from runner.terminal import say
from runner.wording import _, decimal, term, worded


def print_stage(
    console: Console, manager: StateManager, state: PipelineState, checkpoint: Checkpoint
) -> None:
    """Print a stage's figures, warnings and artifacts, where it broke off, and where its notebook is."""
    run = state.execution_id
    say(console, _("{stage} in run {execution_id}", stage=checkpoint.stage, execution_id=run))
    print_table(console, "", ("figure", "value"), _figures(checkpoint))
    for warning in checkpoint.result.warnings if checkpoint.result else ():
        say(console, _("Warning: {warning}", warning=worded(warning)), "yellow")
    if checkpoint.error:
        say(console, worded(checkpoint.error), "red")
    if not checkpoint.notebook:
        return
    notebook = manager.absolute(checkpoint.notebook)
    if not checkpoint.result and (cell := failed_cell(notebook)):
        say(console, _("It broke off at {label}:", label=worded(cell.label)))
        say(console, cell.line or cell.source, "red")
    only = state.model_copy(update={"stages": {checkpoint.stage: checkpoint}})
    print_altered(console, altered_notebooks(manager, [only]))
    say(console, _("Executed notebook: {notebook}", notebook=notebook), whole=True)
    if (page := page_of(notebook)).is_file():
        say(console, _("The same to read in a browser: {page}", page=page), whole=True)


def print_altered(console: Console, altered: Sequence[str]) -> None:
    """Print which executed notebooks are not as their run recorded them."""
    for sentence in altered:
        say(console, f"{worded(sentence)}.", "yellow")


def _figures(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    facts: dict[str, Any] = {term("status"): term(checkpoint.status)}
    if checkpoint.carried_from:
        facts[_("carried over from")] = checkpoint.carried_from
    else:
        facts |= {term("seconds"): checkpoint.seconds, term("peak MB"): checkpoint.peak_memory_mb or ""}
        facts |= {_("attempts"): checkpoint.attempts} if checkpoint.attempts > 1 else {}
    if result := checkpoint.result:
        facts |= {
            _("documents {kind}", kind=term(name)): result.counts[name]
            for name in ("ok", "rejected", "failed", "stale", "unchanged")
            if result.counts[name] or name == "ok"
        }
        facts |= {term(name.replace("_", " ")): value for name, value in result.metrics.items()}
        facts |= {_("parameter {name}", name=name): value for name, value in result.parameters.items()}
        facts |= {f"{ref.name} sha256": ref.sha256[:12] for ref in result.artifacts.values()}
    return [(name, _told(value)) for name, value in facts.items()]


def _told(value: Any) -> str:
    """Return a value on one line; of a table of figures that a stage told, its names and values."""
    if isinstance(value, dict):
        return ", ".join(f"{term(name)} {_told(one)}" for name, one in value.items())
    if isinstance(value, float):
        return decimal(json.dumps(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
