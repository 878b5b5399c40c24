"""The commands ``nic-etl collections list`` and ``clean``: what lies behind the name that readers use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from runner.cli.common import AsJson, Profile, Setting, open_console, print_json, read_config
from runner.cli.layout.tables import print_table
from runner.record.state_manager import StateManager
from runner.settings.pipeline_config import PipelineConfig
from runner.terminal import say
from runner.tools import run_tool
from runner.wording import _

Row = dict[str, Any]
collections_app = typer.Typer(no_args_is_help=True, help="The collections behind the name that readers use.")


@collections_app.command("list")
def collections_list(profile: Profile = None, parameter: Setting = None, as_json: AsJson = False) -> None:
    """List the collections that nic-etl made in the store: which one readers see, which were replaced.

    Example: nic-etl collections list
    """
    found = _ask(read_config(profile, parameter))
    if as_json:
        print_json(found["collections"])
    else:
        _print(found["collections"], as_json)


@collections_app.command("clean")
def collections_clean(
    now: Annotated[bool, typer.Option("--now", help="Do not wait for collection_grace_hours.")] = False,
    profile: Profile = None,
    parameter: Setting = None,
    as_json: AsJson = False,
) -> None:
    """Drop the collections of collection_name that another one replaced long enough ago.

    Example: nic-etl collections clean --now
    """
    config = read_config(profile, parameter)
    manager = StateManager(config.outputs)
    hours = 0.0 if now else config.collection_grace_hours
    with manager.lock():
        found = _ask(config, collection_name=config.collection_name, clean=True, grace_hours=hours)
        if found["dropped"]:
            manager.audit("collections_clean", {"dropped": found["dropped"]})
    if as_json:
        print_json(found)
        return
    for name in found["dropped"]:
        say(open_console(as_json), _("Dropped: {name}", name=name))
    _print(found["collections"], as_json)


def _ask(config: PipelineConfig, **wanted: Any) -> Row:
    request = {
        "outputs_dir": str(config.outputs),
        "qdrant_url": config.qdrant_url,
        "settings": config.model_dump(mode="json"),
    }
    return dict(run_tool("stagekit.tools.collections", request | wanted))


def _print(rows: list[Row], as_json: bool) -> None:
    console = open_console(as_json)
    if not rows:
        say(console, _("There is no collection of nic-etl yet: `nic-etl run` makes one."))
        return
    columns = ("points", "state", "age", "fingerprint", "alias", "model")
    cells = []
    for row in rows:
        state = _("not yet serving")
        if row["serving"] or row["superseded_at"]:
            state = _("serving") if row["serving"] else _("replaced")
        named = (row["fingerprint"][:12], row["collection_name"], row["embedding_model"])
        cells.append((row["points"], state, _age(row), *named))
    print_table(console, "", columns, cells, lead=5)


def _age(row: Row) -> str:
    if not row["created_at"]:
        return "unknown"
    age = datetime.now(UTC) - datetime.fromisoformat(row["created_at"])
    return f"{age.days} d" if age.days else f"{age.seconds // 3600} h {age.seconds % 3600 // 60} min"
