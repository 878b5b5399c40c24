"""The commands ``nic-etl collections list`` and ``clean``: what lies behind the name that readers use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from runner.cli.call import Call, Commands
from runner.cli.layout.tables import print_table
from runner.terminal import say
from runner.wording import _

Row = dict[str, Any]
collections_app = Commands(
    name="collections", no_args_is_help=True, help="The collections behind the name that readers use."
)
_TOOL = "stagekit.tools.collections"


@collections_app.command("list")
def collections_list(call: Call) -> None:
    """List the collections that nic-etl made in the store: which one readers see, which were replaced.

    Example: nic-etl collections list
    """
    call.answer(call.ask_store(_TOOL)["collections"], _print_builds)


@collections_app.command("clean")
def collections_clean(
    call: Call,
    now: Annotated[bool, typer.Option("--now", help="Do not wait for collection_grace_hours.")] = False,
) -> None:
    """Drop the collections of collection_name that another one replaced long enough ago.

    Example: nic-etl collections clean --now
    """
    name = call.config.collection_name
    hours = 0.0 if now else call.config.collection_grace_hours
    with call.state.lock():
        found = call.ask_store(_TOOL, collection_name=name, clean=True, grace_hours=hours)
        if found["dropped"]:
            call.state.audit("collections_clean", {"dropped": found["dropped"]})
    call.answer(found, _print_cleaned)


def _print_cleaned(console: Console, found: Row) -> None:
    for name in found["dropped"]:
        say(console, _("Dropped: {name}", name=name))
    _print_builds(console, found["collections"])


def _print_builds(console: Console, rows: list[Row]) -> None:
    if not rows:
        say(console, _("There is no collection of nic-etl yet: `nic-etl run` makes one."))
        return
    columns = ("points", "state", "age", "fingerprint", "alias", "model")
    cells = [
        (row["points"], _state(row), _age(row), row["fingerprint"][:12], row["collection_name"],
         row["embedding_model"])
        for row in rows
    ]  # fmt: skip
    print_table(console, "", columns, cells, lead=5)


def _state(row: Row) -> str:
    if row["serving"]:
        return _("serving")
    return _("replaced") if row["superseded_at"] else _("not yet serving")


def _age(row: Row) -> str:
    if not row["created_at"]:
        return "unknown"
    age = datetime.now(UTC) - datetime.fromisoformat(row["created_at"])
    return f"{age.days} d" if age.days else f"{age.seconds // 3600} h {age.seconds % 3600 // 60} min"
