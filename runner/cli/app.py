"""The command line with all of its commands, those of runs among them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from runner.cli import screens, upkeep, upkeep_screens
from runner.cli.audit import audit_app
from runner.cli.collection.builds import collections_app
from runner.cli.collection.documents import document, export
from runner.cli.collection.serve import serve
from runner.cli.collection.sources import sources_app
from runner.cli.common import (
    AsJson,
    Profile,
    Quiet,
    RunId,
    Setting,
    checked_config,
    new_app,
    open_console,
    open_state,
    print_aside,
    print_json,
)
from runner.cli.configuration import config_app, models_app
from runner.cli.dashboard import dashboard
from runner.cli.progress_tracker import make_reporter
from runner.cli.report import report
from runner.cli.search import evaluate, search
from runner.cli.status import status
from runner.cli.watch import watch
from runner.cli.welcome import group_commands
from runner.config_manager import load_config, load_recorded, parse_assignments
from runner.errors import StateManagementError
from runner.events import Event
from runner.models import Checkpoint
from runner.record.damage import altered_notebooks
from runner.record.environment import environment_report
from runner.record.monitor import PipelineMonitor
from runner.record.report_generator import compare_stage, document_outcomes, known_figures, summarize
from runner.record.state_manager import StateManager
from runner.results import PipelineResult, PlannedStage
from runner.settings.pipeline_config import PipelineConfig
from runner.stages.chain import default_stages
from runner.terminal import say
from runner.wording import _, decimal, worded

if TYPE_CHECKING:
    from runner.pipeline.orchestrator import PipelineOrchestrator

app = new_app()

Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show what the stages print, too.")]


def _stage_names(incomplete: str) -> list[str]:
    return [stage.name for stage in default_stages() if stage.name.startswith(incomplete)]


@app.command()
def run(
    profile: Profile = None,
    parameter: Setting = None,
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
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Execute the chain; what did not change is carried over.

    Example: nic-etl run -p source_path=/srv/conhecimento -p target_folder=30-Aprovados
    """
    flags = {"force_refresh": force, "allow_mass_deletion": allow_mass_deletion}
    given = [f"{name}=true" for name, wanted in flags.items() if wanted]
    config = checked_config(profile, [*(parameter or []), *given]).config

    def start(orchestrator: PipelineOrchestrator) -> PipelineResult:
        if test:
            return orchestrator.execute_test_run(test)
        if since or force_document:
            return orchestrator.execute_incremental_update(since, force_document)
        return orchestrator.execute_full_pipeline()

    console = open_console(as_json)
    result = _carry_out(console, config, start, quiet=quiet or as_json, verbose=verbose)
    if verify and result.exit_code in {0, 3}:
        result.summary["verification"] = upkeep.compare_collection(config, repair=True, state=result.state)
        if not as_json and (not quiet or result.summary["verification"]["documents"]):
            upkeep_screens.print_verification(console, result.summary["verification"])
    _end(console, config, result, as_json=as_json, quiet=quiet)


@app.command()
def resume(
    execution_id: RunId = "",
    profile: Profile = None,
    parameter: Setting = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Continue a run that did not come to its end, with its own settings.

    Settings that do not bear on results may change: limits, times to wait, workers,
    how a service is reached. For another value of any other start a run anew.

    Example: nic-etl resume -p stage_timeout_s=7200
    """
    config = checked_config(profile, parameter).config
    changes = parse_assignments(parameter or [])
    changes.pop("outputs_dir", None)  # that is where the run is
    console = open_console(as_json)

    def start(orchestrator: PipelineOrchestrator) -> PipelineResult:
        return orchestrator.resume_from_checkpoint(execution_id, changes=changes)

    result = _carry_out(console, config, start, quiet=quiet or as_json, verbose=verbose)
    _end(console, config, result, as_json=as_json, quiet=quiet)


@app.command()
def rerun(
    stage: Annotated[
        str, typer.Argument(help="The stage, for example text_chunking.", autocompletion=_stage_names)
    ],
    profile: Profile = None,
    parameter: Setting = None,
    downstream: Annotated[
        bool, typer.Option("--downstream", help="Run also the stages that read its result.")
    ] = False,
    publish: Annotated[
        bool, typer.Option("--publish", help="Let readers see the result of other parameters.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Execute one stage anew, with other parameters; earlier runs stay as they are.

    With other parameters and --downstream it is a trial: it fills a collection of its
    own, which `nic-etl search --collection` asks, and readers see nothing of it. With
    --publish they do, once it is whole.

    Example: nic-etl rerun text_chunking -p chunk_size=200 --downstream
    """
    from runner.pipeline.orchestrator import PipelineOrchestrator

    config = _rerun_config(profile, parse_assignments(parameter or []))
    console = open_console(as_json)
    before = StateManager(config.outputs).last_checkpoint(stage)

    def start(orchestrator: PipelineOrchestrator) -> PipelineResult:
        return orchestrator.execute_stage(stage, downstream=downstream, publish=publish)

    result = _carry_out(console, config, start, quiet=quiet or as_json, verbose=verbose)
    after = result.state.stages.get(stage)
    rows = _changes(before[1] if before else None, after)
    stale = [] if downstream else PipelineOrchestrator(config=config).out_of_date(stage)
    if as_json:
        filled = str(result.state.pipeline_config["collection_name"])
        told = {"changed": rows, "out_of_date": stale, "trial": result.state.trial, "collection": filled}
        print_json(known_figures(result.summary, result.state) | told)
    else:
        screens.print_state(console, StateManager(config.outputs), result.state)
        screens.print_comparison(console, stage, rows, stale)
        screens.print_trial(console, result.state, config.collection_name)
        screens.print_warnings(console, result.summary)
        say(console, _("Executed notebook: {run_dir}", run_dir=result.run_dir))
    raise typer.Exit(result.exit_code)


@app.command()
def plan(profile: Profile = None, parameter: Setting = None, as_json: AsJson = False) -> None:
    """Say what a run would do now, and why; nothing is started.

    Example: nic-etl plan -p chunk_overlap=120
    """
    from runner.pipeline.orchestrator import PipelineOrchestrator

    config = checked_config(profile, parameter).config
    planned = PipelineOrchestrator(config=config).plan()
    if as_json:
        print_json([_planned(stage) for stage in planned.stages])
    else:
        screens.print_plan(open_console(as_json), planned)


def _planned(stage: PlannedStage) -> dict[str, Any]:
    told = {"stage": stage.name, "action": stage.action, "reasons": stage.reasons}
    leaving = [{"path": path, "reason": reason} for path, reason in stage.leaving]
    return told | ({"leaving": leaving} if leaving else {})


@app.command()
def history(profile: Profile = None, parameter: Setting = None, as_json: AsJson = False) -> None:
    """List the runs, newest first.

    Example: nic-etl history
    """
    records = open_state(profile, parameter).get_execution_history()
    if as_json:
        print_json([vars(record) for record in records])
    elif records:
        screens.print_history(open_console(as_json), records)
    else:
        say(open_console(as_json), _("There is no run yet: start one with `nic-etl run`."))


@app.command()
def show(
    execution_id: RunId = "",
    stage: Annotated[str, typer.Argument(help="Only this stage, with its figures and warnings.")] = "",
    environment: Annotated[
        bool, typer.Option("--environment", help="What the run was made with, and what differs from now.")
    ] = False,
    profile: Profile = None,
    parameter: Setting = None,
    as_json: AsJson = False,
) -> None:
    """Show a run, or one stage of it; a stage's name alone, or after `latest`, is of the last run.

    Example: nic-etl show latest text_chunking
    """
    from runner.cli.stage_screen import print_altered, print_stage

    manager = open_state(profile, parameter)
    if not stage and execution_id in _stage_names(""):
        execution_id, stage = "", execution_id
    state = manager.load_checkpoint("" if execution_id == "latest" else execution_id)
    console = open_console(as_json)
    altered = altered_notebooks(manager, [state])
    if environment:
        made_with = environment_report(manager, state)
        if as_json:
            print_json(made_with)
        else:
            upkeep_screens.print_environment(console, made_with)
        return
    if stage:
        checkpoint = state.stages.get(stage)
        if checkpoint is None:
            known = ", ".join(state.stages) or "none"
            raise StateManagementError(
                f"{state.execution_id} has no stage {stage!r}: it has {known}.", exit_code=2
            )
        if as_json:
            print_json(checkpoint.model_dump(mode="json"))
        else:
            print_stage(console, manager, state, checkpoint)
        return
    summary = summarize(manager, state)
    if as_json:
        outcomes = {"outcomes": document_outcomes(manager, state)}
        print_json(summary | outcomes | ({"altered": altered} if altered else {}))
    else:
        screens.print_heading(console, manager, state)
        print_altered(console, altered)
        screens.print_run(console, manager, state, summary)


@app.command()
def cancel(
    reason: Annotated[str, typer.Option(help="Why; it stands in the audit log.")] = "",
    profile: Profile = None,
    parameter: Setting = None,
    as_json: AsJson = False,
) -> None:
    """End the run that goes on; what is finished stays, and `nic-etl resume` continues it.

    Example: nic-etl cancel --reason "wrong folder"
    """
    outcome = PipelineMonitor(open_state(profile, parameter)).cancel_execution(reason)
    if as_json:
        print_json(vars(outcome))
    elif outcome.cancelled:
        say(
            open_console(False),
            _(
                "{execution_id} ended in {seconds} s. To continue it: nic-etl resume",
                execution_id=outcome.execution_id,
                seconds=decimal(f"{outcome.seconds:g}"),
            ),
        )
    else:
        say(
            open_console(False),
            _(
                "{execution_id} has not ended yet; it was asked to. See: nic-etl status --watch",
                execution_id=outcome.execution_id,
            ),
        )
    raise typer.Exit(0 if outcome.cancelled else 1)


for command in (
    dashboard,
    document,
    evaluate,
    export,
    report,
    search,
    serve,
    status,
    upkeep.backup,
    upkeep.doctor,
    upkeep.prune,
    upkeep.restore,
    upkeep.verify,
    watch,
):
    app.command()(command)
for name, group in {
    "audit": audit_app,
    "collections": collections_app,
    "config": config_app,
    "models": models_app,
    "quarantine": upkeep.quarantine_app,
    "sources": sources_app,
    "state": upkeep.state_app,
}.items():
    app.add_typer(group, name=name)
group_commands(app)


def _carry_out(
    console: Console,
    config: PipelineConfig,
    start: Callable[[PipelineOrchestrator], PipelineResult],
    *,
    quiet: bool,
    verbose: bool,
) -> PipelineResult:
    """Execute a run before the eyes of whoever waits for it, and do what is due after it."""
    from runner.pipeline.orchestrator import PipelineOrchestrator
    from runner.record.hooks import AFTER_A_RUN

    with make_reporter(console, quiet=quiet, verbose=verbose) as reporter:
        told: list[str] = []

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


def _end(
    console: Console, config: PipelineConfig, result: PipelineResult, *, as_json: bool, quiet: bool
) -> None:
    if as_json:
        print_json(result.summary)
        if result.state.error:
            say(console, worded(result.state.error))
    elif not quiet or result.exit_code or result.summary.get("warnings"):  # cron mails whatever is printed
        screens.print_run(console, StateManager(config.outputs), result.state, result.summary)
    raise typer.Exit(result.exit_code)


def _rerun_config(profile: str | None, overrides: dict[str, Any]) -> PipelineConfig:
    # Without a profile a rerun differs from the last run that was no trial only in what is asked for.
    config = load_config(profile, overrides).config
    last = StateManager(config.outputs).last_real_run() if profile is None else None
    if last is not None:
        recorded = last.pipeline_config | {"outputs_dir": config.outputs_dir}
        return load_recorded(recorded, overrides).config
    return config


def _changes(before: Checkpoint | None, after: Checkpoint | None) -> list[dict[str, Any]]:
    return compare_stage(before, after) if before and after else []
