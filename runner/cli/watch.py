"""``nic-etl watch``: keeps the collection in step with its source, within seconds of each change."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.call import Configured
from runner.cli.common import open_console, parse_duration
from runner.errors import ConfigurationError


def _refuse_webhook(value: str | None) -> None:
    if value is not None:  # it may still stand in service units
        raise ConfigurationError(
            "--webhook was taken away: leave it and NIC_ETL_WEBHOOK_TOKEN out, and look more often, as with "
            "--every 10s (one small request a look); what asked for /health calls "
            "`nic-etl status --max-age 26h`."
        )


def watch(
    call: Configured,
    every: Annotated[str, typer.Option(help="Time between two looks at the source (2s, 1m, 1h).")] = "60s",
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
    _webhook: Annotated[str | None, typer.Option("--webhook", hidden=True, callback=_refuse_webhook)] = None,
) -> None:
    """Watch the source, and run the chain when it changed; kernels stay warm in between.

    Example: nic-etl watch --every 10s --idle-release 1h
    """
    from runner.watch.loop import WatchPlan
    from runner.watch.start import start_watch  # with the orchestrator, which few commands need

    start_watch(
        lambda: call.load().config,
        WatchPlan(
            every_s=parse_duration(every, "--every", least=1),
            run_every_s=parse_duration(run_every, "--run-every"),
            idle_release_s=parse_duration(idle_release, "--idle-release"),
        ),
        light=light,
        console=open_console(as_json),
        as_json=as_json,
    )
