"""Starts a watch: what its options mean, its webhook, its note and its kernels."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack

from rich.console import Console

from runner.config_manager import PipelineConfig
from runner.errors import ConfigurationError
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.pipeline.stages import default_stages
from runner.record.state_manager import StateManager
from runner.watch.code import code_state
from runner.watch.loop import Restart, Watch, WatchPlan
from runner.watch.note import hold_watch
from runner.watch.runs import WatchRuns
from runner.watch.times import parse_interval
from runner.watch.webhook import WebhookServer, parse_address
from runner.watch.words import WatchLog

__all__ = ["start_watch"]

# What a change meets first, and the model: the kernels of the others get ready while these work.
_FEW = ("gitlab_ingestion", "document_processing", "embedding_generation")


def start_watch(
    load: Callable[[], PipelineConfig],
    *,
    every: str,
    webhook: str,
    run_every: str,
    idle_release: str,
    light: bool,
    console: Console,
    as_json: bool,
) -> None:
    """Watch the source until somebody ends it; the options are those of ``nic-etl watch``.

    Raises:
        ConfigurationError: if an option or a setting cannot work.
    """
    code = code_state()
    config = load()
    plan = WatchPlan(
        every_s=parse_interval(every, "--every", least=1),
        run_every_s=parse_interval(run_every, "--run-every"),
        idle_release_s=parse_interval(idle_release, "--idle-release"),
    )
    address = parse_address(webhook) if webhook else None
    if address and config.source != "gitlab":
        raise ConfigurationError("--webhook: it is GitLab that calls it, and source is 'git': leave it out.")
    tell = WatchLog(console, as_json=as_json)
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
    load: Callable[[], PipelineConfig],
) -> None:
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
