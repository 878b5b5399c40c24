"""Tells people by mail, chat or webhook what became of a run: through apprise, to addresses in a secret."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from runner.after.metrics import points_counted
from runner.errors import StateManagementError
from runner.events import read_events
from runner.models import ExecutionMode, PipelineState
from runner.record.hooks import EndedRun, Hook
from runner.record.report_generator import RunRows, document_outcomes
from runner.record.state_manager import StateManager
from runner.wording import _, counted, number, pgettext, term, worded
from stagekit.base.imports.extras import install_command
from stagekit.base.redaction import Redactor, secret_values
from stagekit.contract import ExecutionStatus

URLS_VARIABLE = "NIC_ETL_NOTIFY_URLS"
Row = dict[str, Any]
Kind = Literal["success", "warning", "failure"]
_PROBLEMS = 5
_LONGEST_NAME = 300
_KINDS: dict[str, Kind] = {
    "recovered": "success",
    "success": "success",
    "partial": "warning",
    "cancelled": "warning",
}
_OCCASIONS = {"failed", "partial", "cancelled", "success"}  # ends of a run
_WHOLE = {ExecutionMode.FULL, ExecutionMode.INCREMENTAL}


def notification_urls(environment: Mapping[str, str] | None = None) -> list[str]:
    """Return the apprise addresses of ``NIC_ETL_NOTIFY_URLS``, or of the file that ``…_FILE`` names.

    They are separated by spaces, commas before the next ``name://``, or lines.

    Raises:
        OSError: if the file cannot be read.
    """
    env = os.environ if environment is None else environment
    text = env.get(URLS_VARIABLE, "")
    file = env.get(f"{URLS_VARIABLE}_FILE", "")
    if not text.strip() and file:
        text = Path(file).expanduser().read_text(encoding="utf-8")
    # A comma may be part of an address, as in mailto://…?to=a@x,b@x.
    return [word.strip(",") for word in re.split(r"\s+|,(?=\w+://)", text) if word.strip(",")]


def occasion(manager: StateManager, state: PipelineState) -> str:
    """Return what a run is the occasion of: failed, partial, cancelled, success, or recovered.

    A success is a recovery if the whole run before it, or an earlier start of the same one, failed or was
    partial. Trials and reruns of single stages are no occasion, because somebody sits in front of them;
    for them, and for a run that goes on, the answer is empty.
    """
    if state.mode not in _WHOLE or state.status not in _OCCASIONS:
        return ""
    if state.status is ExecutionStatus.SUCCESS and _status_before(manager, state) in {"failed", "partial"}:
        return "recovered"
    return str(state.status)


class Notification(Hook):
    """Sends what became of a run, if the setting ``notify_on`` names its occasion."""

    def finish(self, ended: EndedRun) -> list[str]:
        """Send it; there is a warning if it could not be sent to every address."""
        if not any(os.environ.get(name) for name in (URLS_VARIABLE, f"{URLS_VARIABLE}_FILE")):
            return []
        try:
            happened = occasion(ended.manager, ended.state)
            if happened not in ended.state.pipeline_config.get("notify_on", []):
                return []
            title, body = run_message(ended.manager, ended.state, ended.summary, happened, ended.rows)
            warning = send(title, body, _KINDS.get(happened, "failure"))
        except Exception as error:  # a notification tells of the run, and must never be what fails it
            warning = _could_not(f"{type(error).__name__}: {error}")
        return [warning] if warning else []


def run_message(
    manager: StateManager, state: PipelineState, summary: Row, happened: str, rows: RunRows | None = None
) -> tuple[str, str]:
    """Return title and text: what happened, how many documents, the first problems, what to do next."""
    run, said = state.execution_id, _became(happened)
    collection = state.pipeline_config.get("collection_name", "")
    title = _("nic-etl: {collection} {said}", collection=collection, said=said)
    lines = [_("Run {run} on {host} {said}.", run=run, host=socket.gethostname(), said=said)]
    if state.error:
        lines += ["", worded(state.error)]
    lines += ["", _figures(state, summary)]
    wanted = {"failed", "stale", "rejected"} if happened in {"failed", "partial"} else {"failed", "stale"}
    # Ours first: a rejected document is its author's to mend.
    bad = document_outcomes(manager, state, rows, only_bad=True)
    outcomes = [row for row in bad if row["status"] in wanted]
    problems = sorted(outcomes, key=lambda row: bool(row["status"] == "rejected"))
    if problems:
        lines += ["", _("Documents that need attention:")]
        lines += [_problem(row) for row in problems[:_PROBLEMS]]
    if len(problems) > _PROBLEMS:
        lines.append(_("… and {count} more: nic-etl show {run}", count=len(problems) - _PROBLEMS, run=run))
    if happened in {"failed", "cancelled"} and "To continue: " not in state.error:
        lines += ["", _("To continue: nic-etl resume {run}", run=run)]
    report = manager.run_dir(run) / "report.html"
    if report.exists():
        lines += ["", _("Report: {report}", report=report)]
    return title, "\n".join(lines)


def _became(happened: str) -> str:
    return {
        "failed": pgettext("a run", "failed"),
        "partial": _("ended, but not every document is in step"),
        "cancelled": _("was cancelled"),
        "recovered": _("ended well again"),
        "success": _("ended well"),
    }[happened]


def _figures(state: PipelineState, summary: Row) -> str:
    documents = ", ".join(counted(name, count) for name, count in summary["documents"].items() if count)
    said = _("Documents: {documents}.", documents=documents or term("none"))
    if points_counted(state):
        said += " " + _("Points: {count}.", count=number(summary["points"]["total"]))
    return said


def send(title: str, body: str, kind: Kind) -> str:
    """Send a message to every address, without secrets, and return a warning if that failed somewhere."""
    try:
        urls = notification_urls()
    except OSError as error:
        return _could_not(f"{URLS_VARIABLE}_FILE cannot be read: {error.strerror}")
    if not urls:
        return _could_not("there is no address in it")
    try:
        with warnings.catch_warnings():  # its import of imghdr is deprecated
            warnings.simplefilter("ignore", DeprecationWarning)
            return _send(urls, title, body, kind)
    except ImportError:
        return _could_not(f"the package apprise is not installed: {install_command('notify')}")


def _send(urls: list[str], title: str, body: str, kind: Kind) -> str:
    import apprise

    redact = Redactor(secret_values(pdf_passwords=False))
    faults = []
    with _captured_log("apprise") as said:
        for number, url in enumerate(urls, 1):
            said.clear()
            service = apprise.Apprise.instantiate(url)
            if service is None:
                faults.append(f"address {number} is none that apprise knows")
            elif not service.notify(body=redact(body), title=redact(title), notify_type=kind):
                reason = f": {said[-1]}" if said else ""
                faults.append(f"address {number} ({service.service_name}) did not take it{reason}")
    return _could_not(Redactor(secret_values())("; ".join(faults))) if faults else ""


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(" ".join(record.getMessage().split()))


@contextlib.contextmanager
def _captured_log(name: str) -> Iterator[list[str]]:
    """Keep a library's warnings and errors off the terminal, and yield the list that takes each as a line."""
    logger, collector = logging.getLogger(name), _Collector()
    passed_on, logger.propagate = logger.propagate, False
    logger.addHandler(collector)
    try:
        yield collector.said
    finally:
        logger.removeHandler(collector)
        logger.propagate = passed_on


def _status_before(manager: StateManager, state: PipelineState) -> str:
    if state.resumed:
        earlier = read_events(manager.run_dir(state.execution_id) / "events.jsonl")
        ends = [line.get("status") for line in earlier if line.get("kind") == "run_finished"]
        return str(ends[-2]) if len(ends) > 1 else ""
    for execution_id in reversed(manager.execution_ids()):
        if execution_id >= state.execution_id:
            continue
        with contextlib.suppress(StateManagementError):  # a damaged record tells nothing
            before = manager.load_checkpoint(execution_id)
            if before.mode in _WHOLE and before.status in {"success", "failed", "partial"}:
                return str(before.status)
    return ""


def _problem(row: Row) -> str:
    message, remedy = (worded(str(row.get(name) or ""))[:_LONGEST_NAME] for name in ("message", "remedy"))
    advice = " " + _("What to do: {remedy}.", remedy=remedy.rstrip(".")) if remedy else ""
    return f"- {row['path']} ({term(row['status'])}): {message}{advice}"


def _could_not(reason: str) -> str:
    return (
        f"The notification could not be sent ({reason.rstrip('.')}); the run is not affected. "
        f"See to {URLS_VARIABLE}, or unset it."
    )
