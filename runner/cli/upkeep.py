"""The commands that keep the state in order: ``verify``, ``quarantine``, ``state``, ``prune``, ``backup``."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer

from runner.cli import upkeep_screens as screens
from runner.cli.common import (
    AsJson,
    Profile,
    Quiet,
    Setting,
    open_console,
    open_state,
    parse_duration,
    print_json,
    read_config,
)
from runner.cli.encryption import print_new_key, rekey
from runner.config_manager import load_config, parse_assignments
from runner.models import PipelineState
from runner.record.damage import check_artifacts
from runner.record.state_manager import StateManager
from runner.settings.pipeline_config import PipelineConfig
from runner.terminal import say
from runner.tools import run_tool
from runner.upkeep.doctor_machine import machine_checks
from runner.upkeep.quarantine import list_quarantine, retry_quarantine
from runner.upkeep.rebuild import rebuild_state, rebuild_vectors
from runner.wording import _

quarantine_app = typer.Typer(no_args_is_help=True, help="Documents that are unusable as they are.")
state_app = typer.Typer(no_args_is_help=True, help="The state below outputs/.")
state_app.command("new-key")(print_new_key)
state_app.command("rekey")(rekey)


def compare_collection(
    config: PipelineConfig, *, repair: bool, state: PipelineState | None = None
) -> dict[str, Any]:
    """Compare the collection with the artifacts, write what differs if asked to, and return the report.

    Args:
        config: of the store and the collection.
        repair: write what differs.
        state: a run whose collection is compared with what that run made, a trial's with the trial's; None:
            the configured collection, with what is in force.
    """
    manager = StateManager(config.outputs)
    if state is None:
        stages = {name: checkpoint for name, (_, checkpoint) in manager.in_force().items()}
    else:
        stages = state.stages
        told = ("collection_name", "allow_mass_deletion")
        recorded = {name: state.pipeline_config[name] for name in told if name in state.pipeline_config}
        config = config.model_copy(update=recorded)
    names = (
        "qdrant_url",
        "collection_name",
        "upsert_batch_size",
        "max_deletion_share",
        "allow_mass_deletion",
        "include_statuses",
        "status_words",
    )
    request = {name: getattr(config, name) for name in names}
    settings = config.model_dump(mode="json")
    request |= {"outputs_dir": str(config.outputs), "repair": repair, "settings": settings}
    request["upstream"] = {
        name: str(manager.absolute(checkpoint.notebook))
        for name, checkpoint in stages.items()
        if checkpoint.notebook
    }
    if not repair:
        return dict(run_tool("stagekit.tools.verify", request))
    with manager.lock():
        report = dict(run_tool("stagekit.tools.verify", request))
        written = {name: report[name] for name in ("upserted", "deleted", "remaining")}
        manager.audit("verify_repair", {"collection": config.collection_name} | written)
    return report


def verify(
    repair: Annotated[bool, typer.Option("--repair", help="Write what differs, and only that.")] = False,
    allow_mass_deletion: Annotated[
        bool, typer.Option("--allow-mass-deletion", help="Repair even if many documents would go.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Read every artifact before, and say which are damaged.")
    ] = False,
    profile: Profile = None,
    parameter: Setting = None,
    as_json: AsJson = False,
) -> None:
    """Compare the collection with the artifacts, point by point; exit code 1 if they differ.

    With --all every artifact is read, too: exit code 1 if one is damaged; the next run makes it again.

    Example: nic-etl verify --repair
    """
    if everything:
        artifacts = check_artifacts(open_state(profile, parameter))
        if artifacts.damaged:
            if as_json:
                print_json({"artifacts": asdict(artifacts)})
            else:
                screens.print_artifacts(open_console(as_json), artifacts)
            raise typer.Exit(1)
    overrides: dict[str, Any] = dict(parse_assignments(parameter or []))
    overrides |= {"allow_mass_deletion": True} if allow_mass_deletion else {}
    report = compare_collection(load_config(profile, overrides).config, repair=repair)
    if as_json:
        print_json(report | ({"artifacts": asdict(artifacts)} if everything else {}))
    else:
        if everything:
            screens.print_artifacts(open_console(as_json), artifacts)
        screens.print_verification(open_console(as_json), report)
    raise typer.Exit(1 if report.get("remaining", len(report["documents"])) else 0)


def doctor(profile: Profile = None, parameter: Setting = None, as_json: AsJson = False) -> None:
    """Check what a run depends on, from the clock to the store; exit code 1 if something is not well.

    Example: nic-etl doctor --profile production
    """
    rows = _health(read_config(profile, parameter))
    if as_json:
        print_json(rows)
    else:
        screens.print_health(open_console(as_json), rows)
    raise typer.Exit(0 if all(row["ok"] for row in rows) else 1)


def _health(config: PipelineConfig) -> list[dict[str, Any]]:
    from runner.pipeline.orchestrator import PipelineOrchestrator

    checks = PipelineOrchestrator(config=config).validate_pipeline_health().checks
    rows = [{"check": name, "ok": ok, "detail": detail} for name, ok, detail in checks]
    if "records" not in {row["check"] for row in rows}:
        return rows  # there is no folder: everything else is looked at from there
    rows += machine_checks(StateManager(config.outputs))
    request = {"settings": config.model_dump(mode="json"), "outputs_dir": str(config.outputs)}
    return rows + list(run_tool("stagekit.checks.doctor", request))


@quarantine_app.command("list")
def quarantine_list(profile: Profile = None, parameter: Setting = None, as_json: AsJson = False) -> None:
    """List the documents whose content is unusable: why, what to do, since when, found by whose run.

    Example: nic-etl quarantine list
    """
    documents = list_quarantine(open_state(profile, parameter))
    if as_json:
        print_json([asdict(document) for document in documents])
    else:
        screens.print_quarantine(open_console(as_json), documents)


@quarantine_app.command("retry")
def quarantine_retry(
    paths: Annotated[list[str] | None, typer.Argument(help="Documents; all of them if left out.")] = None,
    profile: Profile = None,
    parameter: Setting = None,
    as_json: AsJson = False,
) -> None:
    """Let the next run try unusable documents again.

    Example: nic-etl quarantine retry 30-Aprovados/atas/ata-2025-03.pdf
    """
    manager = open_state(profile, parameter)
    with manager.lock():
        documents = retry_quarantine(manager, paths or [])
    if as_json:
        print_json([document.path for document in documents])
        return
    console = open_console(as_json)
    for document in documents:
        say(console, _("Tried again by the next run: {path}", path=document.path))
    if not documents:
        say(console, _("No document is in quarantine."))


@state_app.command("rebuild")
def state_rebuild(profile: Profile = None, parameter: Setting = None, as_json: AsJson = False) -> None:
    """Make memo.sqlite, vectors.sqlite and latest/ again from the runs and their notebooks.

    Example: nic-etl state rebuild
    """
    manager = open_state(profile, parameter)
    with manager.lock():
        rebuilt, vectors = rebuild_state(manager), rebuild_vectors(manager)
    if as_json:
        print_json(asdict(rebuilt) | {"vectors": vectors})
    else:
        say(
            open_console(as_json),
            _(
                "From {runs} runs: {latest} links in latest/, {outcomes} outcomes and "
                "{last_good} last good outcomes remembered again, {vectors} vectors put back.",
                runs=rebuilt.runs,
                latest=rebuilt.latest,
                outcomes=rebuilt.outcomes,
                last_good=rebuilt.last_good,
                vectors=vectors,
            ),
        )


def prune(
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest runs stay.")] = 20,
    max_age: Annotated[
        str, typer.Option(help="Older runs go, even among those (36h, 90d; a number alone is days).")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    profile: Profile = None,
    parameter: Setting = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Remove old runs and whatever no kept run needs; the last good run always stays.

    Example: nic-etl prune --keep 10 --max-age 90d --dry-run
    """
    from runner.upkeep.prune import apply_prune, plan_prune

    manager = open_state(profile, parameter)
    age = timedelta(seconds=parse_duration(max_age, "--max-age", bare="d")) if max_age else None
    if dry_run:
        plan = plan_prune(manager, keep=keep, max_age=age)
    else:
        with manager.lock():
            plan = plan_prune(manager, keep=keep, max_age=age)
            apply_prune(manager, plan)
    if as_json:
        print_json(asdict(plan) | {"done": not dry_run})
    elif dry_run or not quiet:
        screens.print_prune(open_console(as_json), plan, done=not dry_run)


def backup(
    target: Annotated[str, typer.Argument(help="A folder, or an fsspec URL such as s3://bucket/nic-etl.")],
    profile: Profile = None,
    parameter: Setting = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Copy runs, memo, artifacts and audit log, from which the collection can be filled again.

    It works while a run goes on.

    Example: nic-etl backup /srv/backup/nic-etl
    """
    from runner.upkeep.backup import create_backup

    manager = open_state(profile, parameter)
    report = create_backup(manager, target)
    manager.audit("backup", {"to": target, "files": report.files, "bytes": report.bytes})
    if as_json:
        print_json(asdict(report))
    elif report.damaged or not quiet:
        screens.print_backup(open_console(as_json), report, _("Backup in {target}", target=target))


def restore(
    source: Annotated[str, typer.Argument(help="The folder or URL that was given to `nic-etl backup`.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what is in the outputs folder.")] = False,
    profile: Profile = None,
    parameter: Setting = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup into the outputs folder, after checking all of it; the next run continues from there.

    Example: nic-etl restore /srv/backup/nic-etl -p outputs_dir=/srv/nic-etl/outputs
    """
    from runner.upkeep.backup import restore_backup

    manager = open_state(profile, parameter)
    with manager.lock():
        report = restore_backup(manager, source, force=force)
    if as_json:
        print_json(asdict(report))
    else:
        screens.print_backup(
            open_console(as_json), report, _("Restored into {outputs}", outputs=manager.outputs)
        )
