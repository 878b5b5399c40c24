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


def print_artifacts(console: Console, artifacts: CheckedArtifacts) -> None:
    """Print which artifacts are damaged or missing."""
    for sentence in artifacts.damaged:
        say(console, worded(sentence))
    say(
        console,
        _(
            "{checked} artifacts read: {count} damaged or missing.",
            checked=artifacts.checked,
            count=len(artifacts.damaged),
        ),
    )


def print_verification(console: Console, report: Row) -> None:
    """Print what differs between collection and artifacts, document by document."""
    if report["documents"]:
        columns = ("missing", "altered", "superfluous", "document")
        rows = [
            (row["missing"], row["altered"], row["superfluous"], row["path"]) for row in report["documents"]
        ]
        _print_table(console, _("Points that are not as they should be"), columns, rows, lead=4)
    compared = _(
        "{points} points of {compared_documents} documents compared",
        points=report["points"],
        compared_documents=report["compared_documents"],
    )
    found = ", ".join(counted(kind, report[kind]) for kind in ("missing", "altered", "superfluous"))
    say(console, f"{compared}: {found}.")
    if "remaining" in report:
        say(
            console,
            _(
                "Repaired: {upserted} written, {deleted} deleted; {remaining} still differ.",
                upserted=report["upserted"],
                deleted=report["deleted"],
                remaining=report["remaining"],
            ),
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
    say(
        console,
        _(
            "{said}: {files} files, {bytes} MB ({written} MB written).",
            said=said,
            files=report.files,
            bytes=_megabytes(report.bytes),
            written=_megabytes(report.written),
        ),
    )
    for uri in report.damaged:
        say(console, _("Left out: the artifact {uri} was altered; the next run makes it again.", uri=uri))


def print_environment(console: Console, report: Row) -> None:
    """Print with what a run was made, and what differs from now."""
    entries = report["environments"]
    if not entries:
        say(
            console,
            _("{execution_id} has no record of its environment.", execution_id=report["execution_id"]),
        )
    last = entries[-1] if entries else {}
    rows = []
    for group in ("code", "system", "libraries", "configuration"):
        rows += [
            (term(group), term(name.replace("_", " ")), value) for name, value in last.get(group, {}).items()
        ]
    rows += [(term("models"), name, value) for name, value in report["models"].items()]
    rows += [
        (term("source"), term(name.replace("_", " ")), value) for name, value in report["source"].items()
    ]
    _print_table(
        console,
        _("Environment of {execution_id}", execution_id=report["execution_id"]),
        ("group", "name", "value"),
        rows,
    )
    if len(entries) > 1:
        say(
            console,
            _("It was resumed in another environment; this is the last of {count}.", count=len(entries)),
        )
    if report["differences"]:
        changed = [(row["group"], row["name"], row["then"], row["now"]) for row in report["differences"]]
        _print_table(console, _("Different now"), ("group", "name", "then", "now"), changed)
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
