"""The commands of encryption: ``state new-key`` and ``state rekey``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from runner.cli.common import AsJson, Profile, Setting, open_console, print_json
from runner.config_manager import load_config, parse_assignments
from runner.upkeep.rekey import change_key
from stagekit.sealing.cipher import new_key

__all__ = ["register"]


def register(state: typer.Typer) -> None:
    """Add the commands to ``nic-etl state``."""
    state.command("new-key")(_new_key)
    state.command("rekey")(_rekey)


def _new_key() -> None:
    """Print a new random key for NIC_ETL_ENCRYPTION_KEY; it is kept nowhere.

    Without the key an encrypted outputs folder cannot be read by anybody: keep it where only you can read
    it, and name that file in NIC_ETL_ENCRYPTION_KEY_FILE.

    Example: nic-etl state new-key
    """
    sys.stdout.write(new_key() + "\n")


def _rekey(
    to_clear: Annotated[bool, typer.Option("--to-clear", help="Take the encryption away.")] = False,
    profile: Profile = None,
    parameter: Setting = None,
    as_json: AsJson = False,
) -> None:
    """Put everything in the outputs folder under the key in NIC_ETL_ENCRYPTION_KEY.

    A folder that is clear is encrypted. One that is encrypted needs its former
    key in NIC_ETL_ENCRYPTION_OLD_KEY; both may name files, with _FILE behind the
    variable. If it is broken off, give the command again.

    Example: nic-etl state rekey
    """
    config = load_config(profile, parse_assignments(parameter or [])).config
    report = change_key(config.outputs, to_clear=to_clear)
    if as_json:
        print_json(asdict(report))
        return
    before, after = report.key_id_before or "clear", report.key_id or "clear"
    open_console(as_json).print(
        f"{config.outputs} was {before} and is {after} now: {report.artifacts} artifacts, {report.outcomes} "
        f"outcomes, {report.vectors} vectors and {report.points} points were written anew; the previews in "
        f"{report.notebooks} executed notebooks were taken out.",
        highlight=False,
        soft_wrap=True,
    )
