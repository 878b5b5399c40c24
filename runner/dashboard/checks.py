"""What can be asked before a run: is the configuration valid, are the parts well, what would a run do."""

from __future__ import annotations

from functools import partial
from typing import Any

import ipywidgets as widgets

from runner.dashboard.background import Action
from runner.dashboard.boxes import by_itself
from runner.dashboard.markup import badge, note, plain, remark, span, table
from runner.dashboard.workspace import Workspace
from runner.wording import N_, _, ngettext, term, worded

Row = dict[str, Any]
_ACTIONS = {"run": N_("will run"), "carry over": N_("carried over"), "decide": N_("decided later")}


def validation_action(workspace: Workspace) -> Action:
    """Return the button that checks the configuration as a whole."""
    tooltip = _("Check all settings together, as a run does first")
    return Action(_("Check configuration"), partial(_validated, workspace), tooltip)


def health_action(workspace: Workspace) -> Action:
    """Return the button that checks source, models, store, disk and memory."""
    tooltip, busy = _("What nic-etl doctor does"), _("Asking source, models and store …")
    return Action(_("Check health"), partial(_health, workspace), tooltip, busy)


def plan_action(workspace: Workspace) -> Action:
    """Return the button that says what a run would do now, and why."""
    tooltip = _("What would a run do now, and why? Starts nothing.")
    return Action(_("Dry run"), partial(_planned, workspace), tooltip, _("Planning …"))


def validate_configuration_widget(workspace: Workspace | None = None) -> widgets.VBox:
    """Return a button that checks the configuration as a whole, and the problems it finds.

    Args:
        workspace: the configuration; None: the default one.
    """
    return _shown(validation_action(workspace or Workspace.open()))


def component_health_checker(workspace: Workspace | None = None) -> widgets.VBox:
    """Return a button that checks what a run depends on, and a table of what it finds.

    Args:
        workspace: the configuration; None: the default one.
    """
    return _shown(health_action(workspace or Workspace.open()))


def pipeline_dry_run(workspace: Workspace | None = None) -> widgets.VBox:
    """Return a button that says what a run would do with each stage, and why; nothing is started.

    Args:
        workspace: the configuration; None: the default one.
    """
    return _shown(plan_action(workspace or Workspace.open()))


def _shown(action: Action) -> widgets.VBox:
    return by_itself(action.button, action.output)


def _validated(workspace: Workspace) -> str:
    answer = workspace.ask("config", "validate")
    if answer["valid"]:
        return remark(_("✔ The configuration is valid: a run can start."), "good")
    rows = "".join(f"<li>{plain(worded(problem))}</li>" for problem in answer["problems"])
    return note(f"{span(_('✖ A run cannot start:'), 'bad')}<ul>{rows}</ul>")


def _health(workspace: Workspace) -> str:
    rows: list[Row] = sorted(workspace.ask("doctor"), key=lambda row: bool(row["ok"]))
    total, count = len(rows), sum(not row["ok"] for row in rows)
    if count:
        told = ngettext(
            "✖ {count} of {total} is not well.", "✖ {count} of {total} are not well.", count,
            count=count, total=total,
        )  # fmt: skip
        head = span(told, "bad")
    else:
        head = span(_("✔ All {count} are well.", count=total), "good")
    cells = [
        (badge("ok" if row["ok"] else "failed"), plain(term(row["check"])), plain(worded(row["detail"])))
        for row in rows
    ]
    return note(head + table(["", "part", "found"], cells))


def _planned(workspace: Workspace) -> str:
    rows: list[Row] = workspace.ask("plan")
    todo, count = sum(row["action"] != "carry over" for row in rows), len(rows)
    if todo:
        told = _(
            "A run would execute up to {todo} of {count} stages. Nothing was started.", todo=todo, count=count
        )
    else:
        told = _("A run would carry everything over: nothing changed.")
    cells = [
        (
            plain(row["stage"]),
            plain(_(_ACTIONS[row["action"]])),
            plain("; ".join(map(worded, row["reasons"]))),
        )
        for row in rows
    ]
    return note(f"<b>{plain(_('Dry run.'))}</b> {plain(told)}" + table(["stage", "do", "because"], cells))
