"""The command line with all of its commands, those of runs among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.cli import screens, upkeep, upkeep_screens
from runner.cli.audit import audit_app
from runner.cli.call import Call, Commands, QuietCall, RunId, new_app
from runner.cli.collection.builds import collections_app
from runner.cli.collection.documents import document, export
from runner.cli.collection.serve import serve
from runner.cli.collection.sources import sources_app
from runner.cli.common import print_aside, print_json
from runner.cli.configuration import config_app, models_app
from runner.cli.dashboard import dashboard
from runner.cli.progress_tracker import make_reporter
from runner.cli.report import report
from runner.cli.search import evaluate, search
from runner.cli.status import status
from runner.cli.watch import watch
from runner.config_manager import load_recorded
from runner.errors import StateManagementError
from runner.events import Event
from runner.models import PipelineState
from runner.record.damage import altered_notebooks
from runner.record.environment import environment_report
from runner.record.monitor import PipelineMonitor
from runner.record.report_generator import compare_stage, document_outcomes, known_figures, summarize
from runner.record.state_manager import StateManager
from runner.results import PipelineResult, PlannedStage
from runner.settings.pipeline_config import PipelineConfig
from runner.stages.chain import default_stages
from runner.terminal import say
from runner.wording import _, decimal, stored, worded

if TYPE_CHECKING:
    from runner.pipeline.orchestrator import PipelineOrchestrator


@dataclass(frozen=True)
class RunCall(QuietCall):
    """A call that executes the chain or a part of it."""

    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what the stages print, too.")] = False

    def carry_out(
        self, config: PipelineConfig, start: Callable[[PipelineOrchestrator], PipelineResult]
    ) -> PipelineResult:
        """Execute a run before the eyes of whoever waits for it, and do what is due after it."""
        from runner.pipeline.orchestrator import PipelineOrchestrator
        from runner.record.hooks import AFTER_A_RUN

        told: list[str] = []
        with make_reporter(self.console, quiet=self.quiet or self.as_json, verbose=self.verbose) as reporter:

            def listen(event: Event) -> None:
                if event.kind == "warning":
                    told.append(event.data["message"])
                reporter(event)

            try:
                return start(PipelineOrchestrator(config=config, listener=listen, after=AFTER_A_RUN))
            except BaseException:  # there will be no summary with them
                for warning in told:
                    print_aside(worded(warning), style="red")
                raise

    def end(self, result: PipelineResult) -> None:
        """Say what a run came to, and leave with its exit code."""
        if self.as_json:
            print_json(result.summary)
            if result.state.error:
                self.say(worded(result.state.error))
        elif not self.quiet or result.exit_code or result.summary.get("warnings"):  # cron mails it
            screens.print_run(self.console, self.state, result.state, result.summary)
        raise typer.Exit(result.exit_code)


def _stage_names(incomplete: str) -> list[str]:
    return [stage.name for stage in default_stages() if stage.name.startswith(incomplete)]


def run(
    call: RunCall,
    force: Annotated[bool, typer.Option(help="Execute every stage, whatever is unchanged.")] = False,
    force_document: Annotated[
        list[str] | None, typer.Option(help="Process this document again (its path); may be repeated.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Process documents changed since then again, unchanged ones too.")
    ] = None,
    allow_mass_deletion: Annotated[
        bool, typer.Option(help="Go on although many documents would be deleted.")
    ] = False,
    verify: Annotated[
        bool, typer.Option(help="Then compare the collection point by point, and write what differs.")
    ] = False,
    test: Annotated[
        int, typer.Option(min=0, help="Try the first N documents, in a collection of their own.")
    ] = 0,
) -> None:
    """Execute the chain; what did not change is carried over.

    Example: nic-etl run -p source_path=/srv/conhecimento -p target_folder=30-Aprovados
    """
    flags = {"force_refresh": force, "allow_mass_deletion": allow_mass_deletion}
    config = call.checked(**{name: "true" for name, wanted in flags.items() if wanted}).config

    def start(orchestrator: PipelineOrchestrator) -> PipelineResult:
        if test:
            return orchestrator.execute_test_run(test)
        if since or force_document:
            return orchestrator.execute_incremental_update(since, force_document)
        return orchestrator.execute_full_pipeline()

    result = call.carry_out(config, start)
    if verify and result.exit_code in {0, 3}:
        compared = upkeep.compare_collection(config, repair=True, state=result.state)
        result.summary["verification"] = compared
        if not call.as_json and (not call.quiet or compared["documents"]):
            upkeep_screens.print_verification(call.console, compared)
    call.end(result)


def resume(call: RunCall, execution_id: RunId = "") -> None:
    """Continue a run that did not come to its end, with its own settings.

    Settings that do not bear on results may change: limits, times to wait, workers,
    how a service is reached. For another value of any other start a run anew.

    Example: nic-etl resume -p stage_timeout_s=7200
    """
    config = call.checked().config
    changes = dict(call.assignments)
    changes.pop("outputs_dir", None)  # that is where the run is

    def start(orchestrator: PipelineOrchestrator) -> PipelineResult:
        return orchestrator.resume_from_checkpoint(execution_id, changes=changes)

    call.end(call.carry_out(config, start))


def rerun(
    call: RunCall,
    stage: Annotated[
        str, typer.Argument(help="The stage, for example text_chunking.", autocompletion=_stage_names)
    ],
    downstream: Annotated[
        bool, typer.Option("--downstream", help="Run also the stages that read its result.")
    ] = False,
    publish: Annotated[
        bool, typer.Option("--publish", help="Let readers see the result of other parameters.")
    ] = False,
) -> None:
    """Execute one stage anew, with other parameters; earlier runs stay as they are.

    With other parameters and --downstream it is a trial: it fills a collection of its
    own, which `nic-etl search --collection` asks, and readers see nothing of it. With
    --publish they do, once it is whole.

    Example: nic-etl rerun text_chunking -p chunk_size=200 --downstream
    """
    from runner.pipeline.orchestrator import PipelineOrchestrator

    config = _rerun_config(call)
    before = StateManager(config.outputs).last_checkpoint(stage)

    def start(orchestrator: PipelineOrchestrator) -> PipelineResult:
        return orchestrator.execute_stage(stage, downstream=downstream, publish=publish)

    result = call.carry_out(config, start)
    after = result.state.stages.get(stage)
    rows = compare_stage(before[1], after) if before and after else []
    stale = [] if downstream else PipelineOrchestrator(config=config).out_of_date(stage)
    if call.as_json:
        filled = str(result.state.pipeline_config["collection_name"])
        told = {"changed": rows, "out_of_date": stale, "trial": result.state.trial, "collection": filled}
        print_json(known_figures(result.summary, result.state) | told)
    else:
        screens.print_state(call.console, call.state, result.state)
        screens.print_comparison(call.console, stage, rows, stale)
        screens.print_trial(call.console, result.state, config.collection_name)
        screens.print_warnings(call.console, result.summary)
        call.say(_("Executed notebook: {run_dir}", run_dir=result.run_dir))
    raise typer.Exit(result.exit_code)


def _rerun_config(call: Call) -> PipelineConfig:
    # Without a profile a rerun differs from the last run that was no trial only in what is asked for.
    last = call.state.last_real_run() if call.profile is None else None
    if last is None:
        return call.config
    recorded = last.pipeline_config | {"outputs_dir": call.config.outputs_dir}
    return load_recorded(recorded, call.assignments).config


def plan(call: Call) -> None:
    """Say what a run would do now, and why; nothing is started.

    Example: nic-etl plan -p chunk_overlap=120
    """
    from runner.pipeline.orchestrator import PipelineOrchestrator

    planned = PipelineOrchestrator(config=call.checked().config).plan()
    call.answer([_planned(stage) for stage in planned.stages], screens.print_plan, planned)


def _planned(stage: PlannedStage) -> dict[str, Any]:
    told = {"stage": stage.name, "action": stage.action, "reasons": stage.reasons}
    leaving = [{"path": path, "reason": reason} for path, reason in stage.leaving]
    return told | ({"leaving": leaving} if leaving else {})


def history(call: Call) -> None:
    """List the runs, newest first.

    Example: nic-etl history
    """
    records = call.state.get_execution_history()
    call.answer([vars(record) for record in records], screens.print_history, records)


def show(
    call: Call,
    execution_id: RunId = "",
    stage: Annotated[str, typer.Argument(help="Only this stage, with its figures and warnings.")] = "",
    environment: Annotated[
        bool, typer.Option("--environment", help="What the run was made with, and what differs from now.")
    ] = False,
) -> None:
    """Show a run, or one stage of it; a stage's name alone, or after `latest`, is of the last run.

    Example: nic-etl show latest text_chunking
    """
    from runner.cli.stage_screen import print_stage

    if not stage and execution_id in _stage_names(""):
        execution_id, stage = "", execution_id
    state = call.state.load_checkpoint("" if execution_id == "latest" else execution_id)
    if environment:
        call.answer(environment_report(call.state, state), upkeep_screens.print_environment)
    elif stage:
        checkpoint = state.stages.get(stage)
        if checkpoint is None:
            known = ", ".join(state.stages) or "none"
            raise StateManagementError(
                f"{state.execution_id} has no stage {stage!r}: it has {known}.", exit_code=2
            )
        call.answer(checkpoint.model_dump(mode="json"), print_stage, call.state, state, checkpoint)
    else:
        _show_run(call, state)


def _show_run(call: Call, state: PipelineState) -> None:
    from runner.cli.stage_screen import print_altered

    altered = altered_notebooks(call.state, [state])
    summary = summarize(call.state, state)
    if call.as_json:
        outcomes = {"outcomes": document_outcomes(call.state, state)}
        print_json(summary | outcomes | ({"altered": altered} if altered else {}))
    else:
        screens.print_heading(call.console, call.state, state)
        print_altered(call.console, altered)
        screens.print_run(call.console, call.state, state, summary)


def cancel(
    call: Call, reason: Annotated[str, typer.Option(help="Why; it stands in the audit log.")] = ""
) -> None:
    """End the run that goes on; what is finished stays, and `nic-etl resume` continues it.

    Example: nic-etl cancel --reason "wrong folder"
    """
    outcome = PipelineMonitor(call.state).cancel_execution(reason)
    run, seconds = outcome.execution_id, decimal(f"{outcome.seconds:g}")
    if outcome.cancelled:
        told = _(
            "{execution_id} ended in {seconds} s. To continue it: nic-etl resume",
            execution_id=run,
            seconds=seconds,
        )
    else:
        told = _(
            "{execution_id} has not ended yet; it was asked to. See: nic-etl status --watch", execution_id=run
        )
    call.answer(vars(outcome), say, told)
    raise typer.Exit(0 if outcome.cancelled else 1)


COMMANDS = {
    stored("Run"): (run, watch, plan, resume, rerun, cancel),
    stored("Look"): (status, history, show, report, dashboard, document, search, evaluate),
    stored("Hand on"): (serve, export),
    stored("Keep in order"): (
        upkeep.verify, upkeep.prune, upkeep.backup, upkeep.restore, upkeep.quarantine_app, collections_app,
        upkeep.state_app, audit_app, sources_app,
    ),
    stored("Set up"): (upkeep.doctor, config_app, models_app),
}  # fmt: skip
"""All commands, and groups of them, as the help shows them."""

app = new_app()
for panel, commands in COMMANDS.items():
    for command in commands:
        if isinstance(command, Commands):
            app.add_typer(command, rich_help_panel=panel)
        else:
            app.command(rich_help_panel=panel)(command)
