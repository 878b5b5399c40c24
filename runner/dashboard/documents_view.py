"""Documents that need attention: by cause, each with its reason, each cause with its remedy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from runner.dashboard.background import Action
from runner.dashboard.boxes import by_itself, growing, row
from runner.dashboard.markup import badge, note, plain, remark, span
from runner.dashboard.workspace import Workspace
from runner.wording import _, ngettext, number, term, worded

if TYPE_CHECKING:
    from runner.models import PipelineState
    from runner.report.model import DocumentNote, ProblemGroup, RunReport

_MOST = 200  # documents of a cause that are listed: the filter finds the others
_BUTTONS = 25  # rejected documents of a cause that have a button of their own
_KINDS = ("ok", "rejected", "failed", "stale")
_WHOLE = {"success", "partial"}
_ALL: tuple[str, ...] = ()  # in place of a cause


class DocumentList(widgets.VBox):  # type: ignore[misc]
    """Documents by cause, a button beside each rejected one.

    Args:
        retry: is given a document's path; lets the next run try it again, and returns HTML.
    """

    def __init__(self, retry: Callable[[str], str]) -> None:
        super().__init__()
        self._retry = retry
        self.actions: dict[str, Action] = {}

    @property
    def value(self) -> str:
        """What it says, as HTML."""
        parts = [part for child in self.children for part in getattr(child, "children", (child,))]
        return "".join(part.value for part in parts if isinstance(part, widgets.HTML))

    def show(self, groups: list[tuple[ProblemGroup, list[DocumentNote]]], otherwise: str) -> None:
        """Show documents, or a text where there are none."""
        self.actions = {}
        parts = [part for group, documents in groups for part in self._group(group, documents)]
        self.children = parts or [widgets.HTML(note(otherwise))]

    def _group(self, group: ProblemGroup, documents: list[DocumentNote]) -> list[widgets.Widget]:
        own = documents[:_BUTTONS] if group.status == "rejected" else []
        rows = [part for document in own for part in self._row(document)]
        rest = documents[len(own) : _MOST]
        left = len(documents) - _MOST
        found = _("… and {count} more: the filter finds them.", count=number(left))
        more = span(found, "soft") if left > 0 else ""
        listed = f"<ul>{''.join(map(_listed, rest))}</ul>" if rest else ""
        end = [widgets.HTML(note(listed + more))] if listed or more else []
        return [widgets.HTML(note(_heading(group))), *rows, *end]

    def _row(self, document: DocumentNote) -> list[widgets.Widget]:
        path = document.path
        tooltip = _("Let the next run try {path} again", path=path)
        action = self.actions[path] = Action(_("Try again"), partial(self._retry, path), tooltip)
        text = widgets.HTML(note(f"<ul>{_listed(document)}</ul>"), layout=growing(240))
        return [row(text, action.button), action.output]


class DocumentsView:
    """The documents of one run that are not as they should be.

    Attributes:
        summary: how many they are.
        cause: which of them are listed.
        filter: a part of their path.
        documents: the list.
        retry: the button that lets the next run try the listed documents again.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._groups: list[ProblemGroup] = []
        self.summary = widgets.HTML()
        self.cause = widgets.Dropdown(layout=growing(280))
        self.filter = widgets.Text(placeholder=_("part of a path"), layout=growing(180))
        self.documents = DocumentList(self._retry_one)
        self.retry = Action(
            _("Try these again"),
            self._retry,
            _("What nic-etl quarantine retry does, after you changed what was wrong"),
        )
        self._choice = row(self.cause, self.filter, self.retry.button)
        self.widget = widgets.VBox([self.summary, self._choice, self.retry.output, self.documents])
        for field in (self.cause, self.filter):
            field.observe(self._list, "value")

    def show(self, state: PipelineState) -> None:
        """Show the documents of a run; the cause that was chosen stays chosen where it is still there."""
        report = self._workspace.report(state)
        self._groups = report.problems
        before = self.cause.value
        count = sum(len(group.documents) for group in self._groups)
        options = [(_("Everything that needs attention ({count})", count=count), _ALL)]
        options += [
            (f"{term(group.status)}: {_category(group)} ({len(group.documents)})", _key(group))
            for group in self._groups
        ]
        self.cause.options = options
        self.cause.value = before if before in [value for _words, value in options] else _ALL
        self._choice.layout.display = None if count else "none"
        self._list(None)
        # Last: whoever reads the number finds the list that belongs to it.
        self.summary.value = note(_summary(report, count))

    def _shown(self) -> list[tuple[ProblemGroup, list[DocumentNote]]]:
        wanted = self.filter.value.strip().lower()
        found = [
            (group, [one for one in group.documents if wanted in one.path.lower()])
            for group in self._groups
            if self.cause.value in {_ALL, _key(group)}
        ]
        return [(group, documents) for group, documents in found if documents]

    def _list(self, _changed: Any) -> None:
        self.retry.output.value = ""
        shown = self._shown()
        self.documents.show(shown, span(_("No document is listed."), "soft") if self._groups else "")

    def _retry(self) -> str:
        count = self._forget({one.path for _group, documents in self._shown() for one in documents})
        if not count:
            return remark(_("None of these is in quarantine: the next run tries them again by itself."))
        said = ngettext(
            "The next run tries {count} of these again: press Start run.",
            "The next run tries {count} of these again: press Start run.",
            count,
            count=count,
        )
        return remark(said)

    def _retry_one(self, path: str) -> str:
        if not self._forget({path}):
            return remark(_("It is not in quarantine: the next run tries it again by itself."))
        return remark(_("The next run tries it again: press Start run."))

    def _forget(self, paths: set[str]) -> int:
        """Let the next run try those that are in quarantine again, and return how many."""
        waiting = {row["path"] for row in self._workspace.ask("quarantine", "list")}
        if chosen := sorted(paths & waiting):
            # Many that are all of them are not named: a command line is not endless.
            every = len(chosen) > 1 and waiting <= paths
            self._workspace.ask("quarantine", "retry", words=() if every else tuple(chosen))
        return len(chosen)


def create_error_analysis_widget(workspace: Workspace | None = None, execution_id: str = "") -> widgets.VBox:
    """Return what went wrong in a run: stages that broke off, documents by cause, and what to do.

    Args:
        workspace: which outputs folder; None: that of the default configuration.
        execution_id: of the run; empty: the last one.

    Raises:
        StateManagementError: if there is no such run.
    """
    chosen = workspace or Workspace.open()
    view = DocumentsView(chosen)
    view.show(chosen.manager.load_checkpoint(execution_id))
    return by_itself(view.widget)


def _summary(report: RunReport, count: int) -> str:
    total = sum(report.documents.get(kind, 0) for kind in _KINDS)
    figures = {"count": count, "total": total}
    if report.status not in _WHOLE:  # the later stages have not looked at them
        head = plain(_("None of {total} documents needs attention so far", **figures))
        if count:
            words = ngettext(
                "{count} of {total} documents needs attention so far",
                "{count} of {total} documents need attention so far",
                count,
                **figures,
            )
            head = span(words, "warn")
    elif count:
        words = ngettext(
            "{count} of {total} documents needs attention",
            "{count} of {total} documents need attention",
            count,
            **figures,
        )
        head = span(words, "warn")
    else:
        head = span(_("All {total} documents are in order", **figures), "good")
    broken = "".join(
        f"<p>{badge(stage.status)} {plain(stage.name)}: {plain(worded(stage.error))}</p>"
        for stage in report.stages
        if stage.error
    )
    run = _("run {run}, {status}", run=report.execution_id, status=term(report.status))
    return f"<h3>{head}</h3>{span(run, 'soft')}{broken}"


def _key(group: ProblemGroup) -> tuple[str, ...]:
    return (group.status, group.stage, group.category, group.remedy)


def _category(group: ProblemGroup) -> str:
    return term(group.category.replace("_", " ")) or _("no reason given")


def _heading(group: ProblemGroup) -> str:
    remedy = f"<p><b>{plain(_('What to do:'))}</b> {plain(worded(group.remedy))}</p>" if group.remedy else ""
    stage = span(_("in {stage}", stage=group.stage), "soft")
    return f"<h3>{badge(group.status)} {plain(_category(group))} {stage}</h3>{remedy}"


def _listed(document: DocumentNote) -> str:
    path = f"<b>{plain(document.path)}</b>"
    if document.link:
        path = f'<a href="{plain(document.link)}" target="_blank" rel="noopener">{path}</a>'
    return f"<li>{path}<br>{plain(worded(document.message))}</li>"
