"""The commands ``nic-etl sources list``, ``adopt`` and ``drop``: whose documents the collection holds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from runner.cli.common import AsJson, Profile, Setting, open_console, print_json, read_config
from runner.cli.layout.tables import print_table
from runner.errors import ConfigurationError
from runner.record.state_manager import StateManager
from runner.settings.pipeline_config import PipelineConfig
from runner.terminal import say
from runner.tools import run_tool
from runner.wording import _

Row = dict[str, Any]
sources_app = typer.Typer(no_args_is_help=True, help="The sources whose documents the collection holds.")
_Name = Annotated[str, typer.Argument(help="A source's id, or its project where that is recorded.")]


@sources_app.command("list")
def sources_list(profile: Profile = None, parameter: Setting = None, as_json: AsJson = False) -> None:
    """List the sources of the outputs folder and of collection_name, with their documents.

    Example: nic-etl sources list
    """
    found = _ask(read_config(profile, parameter))
    _show(found["sources"], found["sources"], as_json)


@sources_app.command("adopt")
def sources_adopt(
    old: _Name, profile: Profile = None, parameter: Setting = None, as_json: AsJson = False
) -> None:
    """Make the points of another source this one's; the next run brings them in step, under the guard.

    Example: nic-etl sources adopt 7d0c1f9b2a4e6833
    """
    config = read_config(profile, parameter)
    found = _change(config, "sources_adopt", old, adopt=old)
    say(open_console(as_json), _("Taken over: {points} points of {old}.", points=found["points"], old=old))
    _show(found, found["sources"], as_json)


@sources_app.command("drop")
def sources_drop(
    name: _Name,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them; without it, count them.")] = False,
    profile: Profile = None,
    parameter: Setting = None,
    as_json: AsJson = False,
) -> None:
    """Remove a source's points from collection_name, and the source from the record.

    Example: nic-etl sources drop 7d0c1f9b2a4e6833 --yes
    """
    config = read_config(profile, parameter)
    if not yes:
        named = [row for row in _ask(config)["sources"] if name in {row["source_id"], row["project"]}]
        counts = ", ".join(
            _("{documents} documents, {points} points", documents=row["documents"], points=row["points"])
            for row in named
        )
        raise ConfigurationError(
            f"This would remove {name} from the search ({counts or 'no such source'}): say so with --yes."
        )
    found = _change(config, "sources_drop", name, drop=name)
    say(open_console(as_json), _("Removed: {points} points of {name}.", points=found["points"], name=name))
    _show(found, found["sources"], as_json)


def _change(config: PipelineConfig, what: str, name: str, **wanted: str) -> Row:
    manager = StateManager(config.outputs)
    with manager.lock():
        found = _ask(config, **wanted)
        manager.audit(what, {"source": name, "points": found["points"]})
    return found


def _ask(config: PipelineConfig, **wanted: str) -> Row:
    request = {
        "outputs_dir": str(config.outputs),
        "qdrant_url": config.qdrant_url,
        "collection_name": config.collection_name,
        "project": config.project,
        "settings": config.model_dump(mode="json"),
    }
    return dict(run_tool("stagekit.tools.sources", request | wanted))


def _show(document: Any, rows: list[Row], as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    console = open_console(as_json)
    if not rows:
        say(console, _("No source was stored yet: `nic-etl run` stores one."))
        return
    cells = []
    for row in rows:
        project = row["project"] if row["recorded"] else _("(not of this outputs folder)")
        cells.append((row["documents"], row["points"], row["kind"], row["source_id"], project))
    print_table(console, "", ("documents", "points", "kind", "source", "project"), cells, lead=4)
