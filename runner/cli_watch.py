"""``nic-etl watch``: keeps the collection in step with its source, within seconds of each change."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import Annotated, Any

import typer

from runner.cli_common import Profile, Setting, open_console
from runner.config_manager import PipelineConfig, load_config, parse_assignments
from runner.errors import ConfigurationError
from runner.stages import default_stages
from runner.state_manager import StateManager
from runner.watch import Restart, Watch, WatchPlan
from runner.watch_code import code_state
from runner.watch_note import hold_watch
from runner.watch_runs import WatchRuns
from runner.watch_times import parse_interval
from runner.watch_webhook import WebhookServer, parse_address
from runner.watch_words import WatchLog

__all__ = ["register"]

# What a change meets first, and the model: the kernels of the others get ready while these work.
_FEW = ("gitlab_ingestion", "document_processing", "embedding_generation")


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
    code = code_state()

    def load() -> PipelineConfig:
        return load_config(profile, parse_assignments(parameter or [])).config

    config = load()
    plan = WatchPlan(
        every_s=parse_interval(every, "--every", least=1),
        run_every_s=parse_interval(run_every, "--run-every"),
        idle_release_s=parse_interval(idle_release, "--idle-release"),
    )
    address = parse_address(webhook) if webhook else None
    if address and config.source != "gitlab":
        raise ConfigurationError("--webhook: it is GitLab that calls it, and source is 'git': leave it out.")
    tell = WatchLog(open_console(as_json), as_json=as_json)
    try:
        warm = _FEW if light else tuple(stage.name for stage in default_stages())
        _watch(config, plan, warm, address, tell, code, load)
    except Restart as reason:
        tell("restart", reason=str(reason))
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    except KeyboardInterrupt:
        tell("ended")


def _watch(
    config: PipelineConfig,
    plan: WatchPlan,
    warm: tuple[str, ...],
    address: tuple[str, int] | None,
    tell: WatchLog,
    code: str,
    load: Any,
) -> None:
    from runner.orchestrator import PipelineOrchestrator

    problems = PipelineOrchestrator(config=config).validate_pipeline_config().problems
    if problems:
        raise ConfigurationError("\n".join(problems))
    manager = StateManager(config.outputs)
    with ExitStack() as stack:
        note = stack.enter_context(hold_watch(config.outputs))
        runs = WatchRuns(config, warm, tell)
        watch = Watch(config, plan, runs, tell, note, code, load)
        stack.callback(runs.close)
        listening = ""
        if address:
            server = WebhookServer(address, watch.deliver, watch.health)
            stack.callback(server.close)
            server.start()
            listening = server.address
            if not server.local:
                tell("unencrypted", address=listening)
        note.update(webhook=listening)
        manager.audit("watch_started", {"every_s": plan.every_s, "webhook": listening})
        stack.callback(manager.audit, "watch_ended", {})
        tell(
            "watching",
            outputs=str(config.outputs),
            every=f"{plan.every_s:g} s",
            webhook=f"webhook at http://{listening}/" if listening else "no webhook",
        )
        watch.run()


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(watch)
