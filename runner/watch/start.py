"""Starts a watch: its note, its runs and its loop; starts the program anew when what it has loaded is old."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack

from rich.console import Console

from runner.errors import ConfigurationError
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.record.state_manager import StateManager
from runner.settings.pipeline_config import PipelineConfig
from runner.stages.chain import default_stages
from runner.watch.code import code_state
from runner.watch.loop import Restart, Watch, WatchPlan
from runner.watch.note import hold_watch
from runner.watch.runs import WatchRuns
from runner.watch.words import WatchLog

# What a change meets first, and the model: the kernels of the others get ready while these work.
_FEW = ("gitlab_ingestion", "document_processing", "embedding_generation")


def start_watch(
    load: Callable[[], PipelineConfig], plan: WatchPlan, *, light: bool, console: Console, as_json: bool
) -> None:
    """Watch the source until somebody ends it.

    Args:
        load: reads the configuration; called again before each run.
        plan: when it looks, and when it runs.
        light: keep the kernels of a few stages warm, and not of all.
        console: for people.
        as_json: print JSON lines to standard output instead.

    Raises:
        ConfigurationError: if a setting cannot work.
    """
    code = code_state()
    tell = WatchLog(console, as_json=as_json)
    try:
        config = load()
        if problems := PipelineOrchestrator(config=config).validate_pipeline_config().problems:
            raise ConfigurationError("\n".join(problems))
        warm = _FEW if light else [stage.name for stage in default_stages()]
        manager = StateManager(config.outputs)
        with ExitStack() as stack:
            note = stack.enter_context(hold_watch(config.outputs))
            runs = WatchRuns(config, warm, tell)
            stack.callback(runs.close)
            manager.audit("watch_started", {"every_s": plan.every_s})
            stack.callback(manager.audit, "watch_ended", {})
            tell("watching", outputs=str(config.outputs), every=f"{plan.every_s:g} s")
            Watch(config, plan, runs, tell, note, code, load).run()
    except Restart as reason:
        tell("restart", reason=str(reason))
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    except KeyboardInterrupt:
        tell("ended")
