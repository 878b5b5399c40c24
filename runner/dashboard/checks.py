"""What can be asked before a run: is the configuration valid, are the parts well, what would a run do."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from runner.dashboard.background import Action
from runner.dashboard.markup import STYLE, badge, note, plain, span, table
from runner.dashboard.workspace import Workspace
from runner.wording import N_, _, ngettext, term, worded

_ACTIONS = {"run": N_("will run"), "carry over": N_("carried over"), "decide": N_("decided later")}


def validation_action(workspace: Workspace) -> Action:
    """Return the button that checks the configuration as a whole."""

    def validate() -> str:
        answer = workspace.ask("config", "validate")
        if answer["valid"]:
            return note(span(_("✔ The configuration is valid: a run can start."), "good"))
        rows = "".join(f"<li>{plain(worded(problem))}</li>" for problem in answer["problems"])
        return note(f"{span(_('✖ A run cannot start:'), 'bad')}<ul>{rows}</ul>")

    return Action(_("Check configuration"), validate, _("Check all settings together, as a run does first"))


def health_action(workspace: Workspace) -> Action:
    """Return the button that checks source, models, store, disk and memory."""

    def check() -> str:
        rows: list[dict[str, Any]] = workspace.ask("doctor")
        ill = [row for row in rows if not row["ok"]]
        head = _("✔ All {count} are well.", count=len(rows))
        if ill:
            head = ngettext(
                "✖ {count} of {total} is not well.",
                "✖ {count} of {total} are not well.",
                len(ill),
                count=len(ill),
                total=len(rows),
            )
        cells = [
            (
                badge("ok" if row["ok"] else "failed"),
                plain(term(row["check"])),
                plain(worded(row["detail"])),
            )
            for row in sorted(rows, key=lambda row: bool(row["ok"]))
        ]
        return note(span(head, "bad" if ill else "good") + table(["", "part", "found"], cells))

    return Action(
        _("Check health"),
        check,
        _("What nic-etl doctor does"),
        busy=_("Asking source, models and store …"),
    )


def plan_action(workspace: Workspace) -> Action:
    """Return the button that says what a run would do now, and why."""

    def plan() -> str:
        rows: list[dict[str, Any]] = workspace.ask("plan")
        todo = sum(row["action"] != "carry over" for row in rows)
        head = _("A run would carry everything over: nothing changed.")
        if todo:
            head = _(
                "A run would execute up to {todo} of {count} stages. Nothing was started.",
                todo=todo,
                count=len(rows),
            )
        cells = [
            (plain(row["stage"]), plain(_(_ACTIONS.get(row["action"], row["action"]))),
             plain("; ".join(map(worded, row["reasons"]))))
            for row in rows
        ]  # fmt: skip
        return note(f"<b>{plain(_('Dry run.'))}</b> {plain(head)}" + table(["stage", "do", "because"], cells))

    return Action(
        _("Dry run"),
        plan,
        _("What would a run do now, and why? Starts nothing."),
        busy=_("Planning …"),
    )


def validate_configuration_widget(workspace: Workspace | None = None) -> widgets.VBox:
    """Return a button that checks the configuration as a whole, and the problems it finds.

    Args:
        workspace: the configuration; None: the default one.
    """
    return _boxed(validation_action(workspace or Workspace.open()))


def component_health_checker(workspace: Workspace | None = None) -> widgets.VBox:
    """Return a button that checks what a run depends on, and a table of what it finds.

    Args:
        workspace: the configuration; None: the default one.
    """
    return _boxed(health_action(workspace or Workspace.open()))


def pipeline_dry_run(workspace: Workspace | None = None) -> widgets.VBox:
    """Return a button that says what a run would do with each stage, and why; nothing is started.

    Args:
        workspace: the configuration; None: the default one.
    """
    return _boxed(plan_action(workspace or Workspace.open()))


def _boxed(action: Action) -> widgets.VBox:
    return widgets.VBox([widgets.HTML(STYLE), action.button, action.output])
