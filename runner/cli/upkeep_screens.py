"""What the operating commands print, ``show --environment`` among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console

from runner.cli.tables import print_table

if TYPE_CHECKING:
    from runner.record.damage import CheckedArtifacts
    from runner.upkeep.backup import BackupReport
    from runner.upkeep.prune import PrunePlan
    from runner.upkeep.quarantine import QuarantinedDocument

__all__ = [
    "print_artifacts",
    "print_backup",
    "print_environment",
    "print_health",
    "print_prune",
    "print_quarantine",
    "print_verification",
]

Row = dict[str, Any]
_LISTED = 50


def print_artifacts(console: Console, artifacts: CheckedArtifacts) -> None:
    """Print which artifacts are damaged or missing."""
    for sentence in artifacts.damaged:
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"{artifacts.checked} artifacts read: {len(artifacts.damaged)} damaged or missing.", highlight=False
    )


def print_verification(console: Console, report: Row) -> None:
    """Print what differs between collection and artifacts, document by document."""
    if report["documents"]:
        columns = ("missing", "altered", "superfluous", "document")
        rows = [
            (row["missing"], row["altered"], row["superfluous"], row["path"]) for row in report["documents"]
        ]
        _print_table(console, "Points that are not as they should be", columns, rows, lead=4)
    compared = f"{report['points']} points of {report['compared_documents']} documents compared"
    found = ", ".join(f"{report[kind]} {kind}" for kind in ("missing", "altered", "superfluous"))
    console.print(f"{compared}: {found}.", highlight=False)
    if "remaining" in report:
        console.print(
            f"Repaired: {report['upserted']} written, {report['deleted']} deleted; "
            f"{report['remaining']} still differ.",
            highlight=False,
        )
    elif report["documents"]:
        console.print("`nic-etl verify --repair` writes only what differs.", highlight=False)


def print_health(console: Console, rows: Sequence[Row]) -> None:
    """Print one line a check, and whether all is well."""
    lines = [("ok" if row["ok"] else "NOT WELL", row["check"], row["detail"]) for row in rows]
    _print_table(console, "Health", ("", "check", "found"), lines, lead=2)
    failed = [row["check"] for row in rows if not row["ok"]]
    console.print(f"Not well: {', '.join(failed)}." if failed else "All is well.", highlight=False)


def print_quarantine(console: Console, documents: Sequence[QuarantinedDocument]) -> None:
    """Print the documents in quarantine, and how to get them out."""
    if not documents:
        console.print("No document is in quarantine.")
        return
    columns = ("document", "why", "what to do", "since", "run", "by", "in the collection")
    rows = [
        (
            one.path,
            f"{one.category}: {one.message}",
            one.remedy,
            one.since,
            one.execution_id or "(not known)",
            one.user or "(not known)",
            "an earlier version" if one.served else "no",
        )
        for one in documents
    ]
    _print_table(console, "Not tried again until their content changes", columns, rows)
    console.print("`nic-etl quarantine retry PATH` lets the next run try one again.", highlight=False)


def print_prune(console: Console, plan: PrunePlan, *, done: bool) -> None:
    """Print what a prune removes, or has removed."""
    columns = ("count", "MB", "what")
    runs = len(plan.runs) + len(plan.folders)
    rows = [
        (runs, _megabytes(plan.run_bytes), "runs"),
        (len(plan.artifacts), _megabytes(plan.artifact_bytes), "artifacts"),
        (len(plan.memo_keys) + len(plan.good_documents), "", "remembered outcomes"),
        (len(plan.logs), "", "logs and damaged files"),
    ]
    _print_table(console, "Removed" if done else "Would be removed", columns, rows)
    for execution_id in plan.runs:
        console.print(f"  {execution_id}", highlight=False)
    for execution_id, reason in plan.protected.items():
        console.print(f"  {execution_id} stays: {reason}.", highlight=False)


def print_backup(console: Console, report: BackupReport, said: str) -> None:
    """Print what a backup or restoration came to."""
    console.print(
        f"{said}: {report.files} files, {_megabytes(report.bytes)} MB "
        f"({_megabytes(report.written)} MB written).",
        highlight=False,
        soft_wrap=True,
    )
    for uri in report.damaged:
        console.print(
            f"Left out: the artifact {uri} was altered; the next run makes it again.", highlight=False
        )


def print_environment(console: Console, report: Row) -> None:
    """Print with what a run was made, and what differs from now."""
    entries = report["environments"]
    if not entries:
        console.print(f"{report['execution_id']} has no record of its environment.")
    last = entries[-1] if entries else {}
    rows = []
    for group in ("code", "system", "libraries", "configuration"):
        rows += [(group, name, value) for name, value in last.get(group, {}).items()]
    rows += [("models", name, value) for name, value in report["models"].items()]
    rows += [("source", name, value) for name, value in report["source"].items()]
    _print_table(console, f"Environment of {report['execution_id']}", ("group", "name", "value"), rows)
    if len(entries) > 1:
        console.print(f"It was resumed in another environment; this is the last of {len(entries)}.")
    if report["differences"]:
        changed = [(row["group"], row["name"], row["then"], row["now"]) for row in report["differences"]]
        _print_table(console, "Different now", ("group", "name", "then", "now"), changed)
    elif entries:
        console.print("Nothing differs now.")


def _print_table(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], lead: int = 1
) -> None:
    print_table(console, title, columns, rows[:_LISTED], lead=lead, names={"document"})
    if len(rows) > _LISTED:
        console.print(f"… and {len(rows) - _LISTED} more: --json lists them all.", highlight=False)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}"
