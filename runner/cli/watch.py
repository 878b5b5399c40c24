"""``nic-etl watch``: keeps the collection in step with its source, within seconds of each change."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.common import Profile, Setting, open_console
from runner.config_manager import PipelineConfig, load_config, parse_assignments

__all__ = ["register"]


def watch(
    profile: Profile = None,
    parameter: Setting = None,
    every: Annotated[str, typer.Option(help="Time between two looks at the source (2s, 1m, 1h).")] = "60s",
    webhook: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT",
            help="Listen for GitLab's push webhook there; its secret: NIC_ETL_WEBHOOK_TOKEN or …_FILE.",
        ),
    ] = "",
    run_every: Annotated[
        str, typer.Option(help="Run at least so often, changed or not: that looks at the collection, too.")
    ] = "12h",
    idle_release: Annotated[
        str, typer.Option(help="End the warm kernels after such a time without a run (1h); 0: keep them.")
    ] = "0",
    light: Annotated[
        bool, typer.Option("--light", help="Keep three kernels warm and not all: 0.5 GB less, a bit slower.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Watch the source, and run the chain when it changed; kernels stay warm in between.

    Example: nic-etl watch --every 30s --webhook 127.0.0.1:8080
    """
    from runner.watch.start import start_watch  # a web server and more, which no other command needs

    def load() -> PipelineConfig:
        return load_config(profile, parse_assignments(parameter or [])).config

    start_watch(
        load,
        every=every,
        webhook=webhook,
        run_every=run_every,
        idle_release=idle_release,
        light=light,
        console=open_console(as_json),
        as_json=as_json,
    )


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(watch)
