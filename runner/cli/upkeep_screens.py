"""What the operating commands print, ``show --environment`` among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console

from runner.cli.layout.tables import print_table
from runner.terminal import say
from runner.wording import _, counted, grouped, term, worded

if TYPE_CHECKING:
    from runner.record.damage import CheckedArtifacts
    from runner.upkeep.backup import BackupReport
    from runner.upkeep.prune import PrunePlan
    from runner.upkeep.quarantine import QuarantinedDocument

Row = dict[str, Any]
_LISTED = 50
_DIFFERENCES = ("missing", "altered", "superfluous")


def print_artifacts(console: Console, artifacts: CheckedArtifacts) -> None:
    """Print which artifacts are damaged or missing."""
    for sentence in artifacts.damaged:
        say(console, worded(sentence))
    count, checked = len(artifacts.damaged), artifacts.checked
    say(console, _("{checked} artifacts read: {count} damaged or missing.", checked=checked, count=count))


def print_verification(console: Console, report: Row, artifacts: CheckedArtifacts | None = None) -> None:
    """Print what differs between collection and artifacts, document by document."""
    if artifacts:
        print_artifacts(console, artifacts)
    if report["documents"]:
        rows = [(*(row[kind] for kind in _DIFFERENCES), row["path"]) for row in report["documents"]]
        columns = (*_DIFFERENCES, "document")
        _print_table(console, _("Points that are not as they should be"), columns, rows, lead=4)
    compared = _("{points} points of {compared_documents} documents compared", **report)
    found = ", ".join(counted(kind, report[kind]) for kind in _DIFFERENCES)
    say(console, f"{compared}: {found}.")
    if "remaining" in report:
        say(
            console, _("Repaired: {upserted} written, {deleted} deleted; {remaining} still differ.", **report)
        )
    elif report["documents"]:
        say(console, _("`nic-etl verify --repair` writes only what differs."))


def print_health(console: Console, rows: Sequence[Row]) -> None:
    """Print one line a check, and whether all is well."""
    lines = [
        (_("ok") if row["ok"] else _("NOT WELL"), term(row["check"]), worded(row["detail"])) for row in rows
    ]
    _print_table(console, _("Health"), ("", "check", "found"), lines, lead=2)
    failed = [term(row["check"]) for row in rows if not row["ok"]]
    say(console, _("Not well: {failed}.", failed=", ".join(failed)) if failed else _("All is well."))


def print_quarantine(console: Console, documents: Sequence[QuarantinedDocument]) -> None:
    """Print the documents in quarantine, and how to get them out."""
    if not documents:
        say(console, _("No document is in quarantine."))
        return
    columns = ("document", "why", "what to do", "since", "run", "by", "in the collection")
    rows = [
        (
            one.path,
            f"{term(one.category.replace('_', ' '))}: {worded(one.message)}",
            worded(one.remedy),
            one.since,
            one.execution_id or _("(not known)"),
            one.user or _("(not known)"),
            _("an earlier version") if one.served else _("no"),
        )
        for one in documents
    ]
    _print_table(console, _("Not tried again until their content changes"), columns, rows)
    say(console, _("`nic-etl quarantine retry PATH` lets the next run try one again."))


def print_retried(console: Console, paths: Sequence[str]) -> None:
    """Print the documents that are in quarantine no more."""
    for path in paths:
        say(console, _("Tried again by the next run: {path}", path=path))
    if not paths:
        say(console, _("No document is in quarantine."))


def print_prune(console: Console, plan: PrunePlan, *, done: bool) -> None:
    """Print what a prune removes, or has removed."""
    columns = ("count", "MB", "what")
    runs = len(plan.runs) + len(plan.folders)
    rows = [
        (runs, _megabytes(plan.run_bytes), _("runs")),
        (len(plan.artifacts), _megabytes(plan.artifact_bytes), _("artifacts")),
        (len(plan.memo_keys) + len(plan.good_documents), "", _("remembered outcomes")),
        (len(plan.logs), "", _("logs and damaged files")),
    ]
    _print_table(console, _("Removed") if done else _("Would be removed"), columns, rows)
    for execution_id in plan.runs:
        say(console, f"  {execution_id}")
    for execution_id, reason in plan.protected.items():
        say(console, _("  {execution_id} stays: {reason}.", execution_id=execution_id, reason=worded(reason)))


def print_backup(console: Console, report: BackupReport, said: str) -> None:
    """Print what a backup or restoration came to."""
    size = {"bytes": _megabytes(report.bytes), "written": _megabytes(report.written)}
    figures = {"said": said, "files": report.files, **size}
    say(console, _("{said}: {files} files, {bytes} MB ({written} MB written).", **figures))
    for uri in report.damaged:
        say(console, _("Left out: the artifact {uri} was altered; the next run makes it again.", uri=uri))


def print_environment(console: Console, report: Row) -> None:
    """Print with what a run was made, and what differs from now."""
    entries, run = report["environments"], report["execution_id"]
    if not entries:
        say(console, _("{execution_id} has no record of its environment.", execution_id=run))
    last = entries[-1] if entries else {}
    groups = {group: last.get(group, {}) for group in ("code", "system", "libraries", "configuration")}
    groups |= {"models": report["models"], "source": report["source"]}
    rows = [
        (term(group), name if group == "models" else term(name.replace("_", " ")), value)
        for group, facts in groups.items()
        for name, value in facts.items()
    ]
    title = _("Environment of {execution_id}", execution_id=run)
    _print_table(console, title, ("group", "name", "value"), rows)
    if len(entries) > 1:
        said = _("It was resumed in another environment; this is the last of {count}.", count=len(entries))
        say(console, said)
    if report["differences"]:
        columns = ("group", "name", "then", "now")
        changed = [[row[name] for name in columns] for row in report["differences"]]
        _print_table(console, _("Different now"), columns, changed)
    elif entries:
        say(console, _("Nothing differs now."))


def _print_table(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], lead: int = 1
) -> None:
    print_table(console, title, columns, rows[:_LISTED], lead=lead, names={"document"})
    if len(rows) > _LISTED:
        say(console, _("… and {count} more: --json lists them all.", count=len(rows) - _LISTED))


def _megabytes(size: int) -> str:
    return grouped(size / 1e6, 1)
