"""The commands that keep the state in order: ``verify``, ``quarantine``, ``state``, ``prune``, ``backup``."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer

from runner.cli import upkeep_screens as screens
from runner.cli.call import Call, Commands, QuietCall
from runner.cli.common import parse_duration
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
from stagekit.sealing.cipher import new_key

quarantine_app = Commands(
    name="quarantine", no_args_is_help=True, help="Documents that are unusable as they are."
)
state_app = Commands(name="state", no_args_is_help=True, help="The state below outputs/.")
_COMPARED_BY = (
    "qdrant_url", "collection_name", "upsert_batch_size", "max_deletion_share", "allow_mass_deletion",
    "include_statuses", "status_words",
)  # fmt: skip


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
    settings = config.model_dump(mode="json")
    notebooks = {name: one.notebook for name, one in stages.items() if one.notebook}
    request = {name: settings[name] for name in _COMPARED_BY} | {
        "outputs_dir": str(config.outputs),
        "repair": repair,
        "settings": settings,
        "upstream": {name: str(manager.absolute(notebook)) for name, notebook in notebooks.items()},
    }
    with manager.lock() if repair else nullcontext():
        report = dict(run_tool("stagekit.tools.verify", request))
        if repair:
            written = {name: report[name] for name in ("upserted", "deleted", "remaining")}
            manager.audit("verify_repair", {"collection": config.collection_name} | written)
    return report


def verify(
    call: Call,
    repair: Annotated[bool, typer.Option("--repair", help="Write what differs, and only that.")] = False,
    allow_mass_deletion: Annotated[
        bool, typer.Option("--allow-mass-deletion", help="Repair even if many documents would go.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Read every artifact before, and say which are damaged.")
    ] = False,
) -> None:
    """Compare the collection with the artifacts, point by point; exit code 1 if they differ.

    With --all every artifact is read, too: exit code 1 if one is damaged; the next run makes it again.

    Example: nic-etl verify --repair
    """
    artifacts = check_artifacts(call.state) if everything else None
    read = {"artifacts": asdict(artifacts)} if artifacts else {}
    if artifacts and artifacts.damaged:
        call.answer(read, screens.print_artifacts, artifacts)
        raise typer.Exit(1)
    more = {"allow_mass_deletion": True} if allow_mass_deletion else {}
    report = compare_collection(call.load(**more).config, repair=repair)
    call.answer(report | read, screens.print_verification, report, artifacts)
    raise typer.Exit(1 if report.get("remaining", len(report["documents"])) else 0)


def doctor(call: Call) -> None:
    """Check what a run depends on, from the clock to the store; exit code 1 if something is not well.

    Example: nic-etl doctor --profile production
    """
    from runner.pipeline.orchestrator import PipelineOrchestrator

    checks = PipelineOrchestrator(config=call.config).validate_pipeline_health().checks
    rows = [{"check": name, "ok": ok, "detail": detail} for name, ok, detail in checks]
    if "records" in {row["check"] for row in rows}:  # else there is no folder, from where the rest is seen
        request = {"settings": call.config.model_dump(mode="json"), "outputs_dir": str(call.config.outputs)}
        rows += [*machine_checks(call.state), *run_tool("stagekit.checks.doctor", request)]
    call.answer(rows, screens.print_health)
    raise typer.Exit(0 if all(row["ok"] for row in rows) else 1)


@quarantine_app.command("list")
def quarantine_list(call: Call) -> None:
    """List the documents whose content is unusable: why, what to do, since when, found by whose run.

    Example: nic-etl quarantine list
    """
    documents = list_quarantine(call.state)
    call.answer([asdict(document) for document in documents], screens.print_quarantine, documents)


@quarantine_app.command("retry")
def quarantine_retry(
    call: Call,
    paths: Annotated[list[str] | None, typer.Argument(help="Documents; all of them if left out.")] = None,
) -> None:
    """Let the next run try unusable documents again.

    Example: nic-etl quarantine retry 30-Aprovados/atas/ata-2025-03.pdf
    """
    with call.state.lock():
        documents = retry_quarantine(call.state, paths or [])
    call.answer([document.path for document in documents], screens.print_retried)


@state_app.command("rebuild")
def state_rebuild(call: Call) -> None:
    """Make memo.sqlite, vectors.sqlite and latest/ again from the runs and their notebooks.

    Example: nic-etl state rebuild
    """
    with call.state.lock():
        rebuilt = asdict(rebuild_state(call.state)) | {"vectors": rebuild_vectors(call.state)}
    told = _(
        "From {runs} runs: {latest} links in latest/, {outcomes} outcomes and "
        "{last_good} last good outcomes remembered again, {vectors} vectors put back.",
        **rebuilt,
    )
    call.answer(rebuilt, say, told)


@state_app.command("new-key")
def state_new_key() -> None:
    """Print a new random key for NIC_ETL_ENCRYPTION_KEY; it is kept nowhere.

    Without the key an encrypted outputs folder cannot be read by anybody: keep it where only you can read
    it, and name that file in NIC_ETL_ENCRYPTION_KEY_FILE.

    Example: nic-etl state new-key
    """
    sys.stdout.write(new_key() + "\n")


@state_app.command("rekey")
def state_rekey(
    call: Call,
    to_clear: Annotated[bool, typer.Option("--to-clear", help="Take the encryption away.")] = False,
    artifacts_url: Annotated[
        str,
        typer.Option(
            "--artifacts-url", help="An empty place for the artifacts, where NIC_ETL_ARTIFACTS_URL is set."
        ),
    ] = "",
) -> None:
    """Put everything in the outputs folder under the key in NIC_ETL_ENCRYPTION_KEY.

    A folder that is clear is encrypted. One that is encrypted needs its former
    key in NIC_ETL_ENCRYPTION_OLD_KEY; both may name files, with _FILE behind the
    variable. A copy is made beside it, checked, and takes its place: a change
    that is broken off has changed nothing.

    Example: nic-etl state rekey
    """
    from runner.upkeep.rekey import change_key  # which few commands need

    report = asdict(change_key(call.config.outputs, to_clear=to_clear, second_artifacts=artifacts_url))
    told = _(
        "{outputs} was {before} and is {after} now: {artifacts} artifacts, {outcomes} "
        "outcomes, {vectors} vectors and {points} points were copied; the previews in "
        "{notebooks} executed notebooks were taken out.",
        outputs=call.config.outputs,
        before=report["key_id_before"] or "clear",
        after=report["key_id"] or "clear",
        **report,
    )
    if report["damaged"]:
        told += _(" {damaged} damaged artifacts were left out: `nic-etl run` makes them again.", **report)
    if artifacts_url and report["artifacts"]:
        told += _(
            " Set NIC_ETL_ARTIFACTS_URL to {artifacts_url}; the artifacts are left in the former place.",
            artifacts_url=artifacts_url,
        )
    call.answer(report, say, told)


def prune(
    call: QuietCall,
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest runs stay.")] = 20,
    max_age: Annotated[
        str, typer.Option(help="Older runs go, even among those (36h, 90d; a number alone is days).")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
) -> None:
    """Remove old runs and whatever no kept run needs; the last good run always stays.

    Example: nic-etl prune --keep 10 --max-age 90d --dry-run
    """
    from runner.upkeep.prune import apply_prune, plan_prune

    age = timedelta(seconds=parse_duration(max_age, "--max-age", bare="d")) if max_age else None
    with nullcontext() if dry_run else call.state.lock():
        plan = plan_prune(call.state, keep=keep, max_age=age)
        if not dry_run:
            apply_prune(call.state, plan)
    if call.as_json or dry_run or not call.quiet:
        call.answer(asdict(plan) | {"done": not dry_run}, screens.print_prune, plan, done=not dry_run)


def backup(
    call: QuietCall,
    target: Annotated[str, typer.Argument(help="A folder, or an fsspec URL such as s3://bucket/nic-etl.")],
) -> None:
    """Copy runs, memo, artifacts and audit log, from which the collection can be filled again.

    It works while a run goes on.

    Example: nic-etl backup /srv/backup/nic-etl
    """
    from runner.upkeep.backup import create_backup

    report = create_backup(call.state, target)
    call.state.audit("backup", {"to": target, "files": report.files, "bytes": report.bytes})
    if call.as_json or report.damaged or not call.quiet:
        call.answer(asdict(report), screens.print_backup, report, _("Backup in {target}", target=target))


def restore(
    call: Call,
    source: Annotated[str, typer.Argument(help="The folder or URL that was given to `nic-etl backup`.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what is in the outputs folder.")] = False,
) -> None:
    """Put a backup into the outputs folder, after checking all of it; the next run continues from there.

    Example: nic-etl restore /srv/backup/nic-etl -p outputs_dir=/srv/nic-etl/outputs
    """
    from runner.upkeep.backup import restore_backup

    with call.state.lock():
        report = restore_backup(call.state, source, force=force)
    said = _("Restored into {outputs}", outputs=call.state.outputs)
    call.answer(asdict(report), screens.print_backup, report, said)
