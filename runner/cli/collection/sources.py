"""The commands ``nic-etl sources list``, ``adopt`` and ``drop``: whose documents the collection holds."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from runner.cli.call import Call, Commands
from runner.cli.layout.tables import print_table
from runner.errors import ConfigurationError
from runner.terminal import say
from runner.wording import _

Row = dict[str, Any]
sources_app = Commands(
    name="sources", no_args_is_help=True, help="The sources whose documents the collection holds."
)
_Name = Annotated[str, typer.Argument(help="A source's id, or its project where that is recorded.")]


@sources_app.command("list")
def sources_list(call: Call) -> None:
    """List the sources of the outputs folder and of collection_name, with their documents.

    Example: nic-etl sources list
    """
    call.answer(_ask(call)["sources"], _print_sources)


@sources_app.command("adopt")
def sources_adopt(call: Call, old: _Name) -> None:
    """Make the points of another source this one's; the next run brings them in step, under the guard.

    Example: nic-etl sources adopt 7d0c1f9b2a4e6833
    """
    found = _change(call, "sources_adopt", old, adopt=old)
    call.say(_("Taken over: {points} points of {old}.", points=found["points"], old=old))
    call.answer(found, _print_sources, found["sources"])


@sources_app.command("drop")
def sources_drop(
    call: Call,
    name: _Name,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them; without it, count them.")] = False,
) -> None:
    """Remove a source's points from collection_name, and the source from the record.

    Example: nic-etl sources drop 7d0c1f9b2a4e6833 --yes
    """
    if not yes:
        named = [row for row in _ask(call)["sources"] if name in {row["source_id"], row["project"]}]
        counts = ", ".join(_("{documents} documents, {points} points", **row) for row in named)
        raise ConfigurationError(
            f"This would remove {name} from the search ({counts or 'no such source'}): say so with --yes."
        )
    found = _change(call, "sources_drop", name, drop=name)
    call.say(_("Removed: {points} points of {name}.", points=found["points"], name=name))
    call.answer(found, _print_sources, found["sources"])


def _change(call: Call, what: str, name: str, **wanted: str) -> Row:
    with call.state.lock():
        found = _ask(call, **wanted)
        call.state.audit(what, {"source": name, "points": found["points"]})
    return found


def _ask(call: Call, **wanted: str) -> Row:
    named = {"collection_name": call.config.collection_name, "project": call.config.project}
    return dict(call.ask_store("stagekit.tools.sources", **named, **wanted))


def _print_sources(console: Console, rows: list[Row]) -> None:
    if not rows:
        say(console, _("No source was stored yet: `nic-etl run` stores one."))
        return
    cells = []
    for row in rows:
        project = row["project"] if row["recorded"] else _("(not of this outputs folder)")
        cells.append((row["documents"], row["points"], row["kind"], row["source_id"], project))
    print_table(console, "", ("documents", "points", "kind", "source", "project"), cells, lead=4)
