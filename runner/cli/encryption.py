"""The commands of encryption: ``state new-key`` and ``state rekey``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from runner.cli.common import AsJson, Profile, Setting, open_console, print_json, read_config
from runner.terminal import say
from runner.wording import _
from stagekit.sealing.cipher import new_key


def print_new_key() -> None:
    """Print a new random key for NIC_ETL_ENCRYPTION_KEY; it is kept nowhere.

    Without the key an encrypted outputs folder cannot be read by anybody: keep it where only you can read
    it, and name that file in NIC_ETL_ENCRYPTION_KEY_FILE.

    Example: nic-etl state new-key
    """
    sys.stdout.write(new_key() + "\n")


def rekey(
    to_clear: Annotated[bool, typer.Option("--to-clear", help="Take the encryption away.")] = False,
    artifacts_url: Annotated[
        str,
        typer.Option(
            "--artifacts-url", help="An empty place for the artifacts, where NIC_ETL_ARTIFACTS_URL is set."
        ),
    ] = "",
    profile: Profile = None,
    parameter: Setting = None,
    as_json: AsJson = False,
) -> None:
    """Put everything in the outputs folder under the key in NIC_ETL_ENCRYPTION_KEY.

    A folder that is clear is encrypted. One that is encrypted needs its former
    key in NIC_ETL_ENCRYPTION_OLD_KEY; both may name files, with _FILE behind the
    variable. A copy is made beside it, checked, and takes its place: a change
    that is broken off has changed nothing.

    Example: nic-etl state rekey
    """
    from runner.upkeep.rekey import change_key  # which few commands need

    config = read_config(profile, parameter)
    report = change_key(config.outputs, to_clear=to_clear, second_artifacts=artifacts_url)
    if as_json:
        print_json(asdict(report))
        return
    before, after = report.key_id_before or "clear", report.key_id or "clear"
    told = _(
        "{outputs} was {before} and is {after} now: {artifacts} artifacts, {outcomes} "
        "outcomes, {vectors} vectors and {points} points were copied; the previews in "
        "{notebooks} executed notebooks were taken out.",
        outputs=config.outputs,
        before=before,
        after=after,
        artifacts=report.artifacts,
        outcomes=report.outcomes,
        vectors=report.vectors,
        points=report.points,
        notebooks=report.notebooks,
    )
    if report.damaged:
        told += _(
            " {damaged} damaged artifacts were left out: `nic-etl run` makes them again.",
            damaged=report.damaged,
        )
    if artifacts_url and report.artifacts:
        told += _(
            " Set NIC_ETL_ARTIFACTS_URL to {artifacts_url}; the artifacts are left in the former place.",
            artifacts_url=artifacts_url,
        )
    say(open_console(as_json), told)
