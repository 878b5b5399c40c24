"""Runs stages as their dependencies are done: one thread a running stage, the main thread free to cancel."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from runner.kernels.resource_manager import ResourceManager
from runner.pipeline.dependency_resolver import DependencyResolver


def run_in_order(
    resolver: DependencyResolver,
    advance: Callable[[str], None],
    resources: ResourceManager,
    stop: threading.Event,
) -> dict[str, BaseException]:
    """Call ``advance`` with every stage, after those that it depends on, side by side where memory allows.

    A failed stage holds up those that depend on it and no others.

    Returns:
        the error of each stage that failed. Ctrl-C sets ``stop``, which ends the stages that run.
    """
    stages, sorter = resolver.stages, resolver.sorter()
    waiting: list[str] = []
    running: dict[Future[None], str] = {}
    errors: dict[str, BaseException] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(stages))) as pool:
        while True:
            try:
                waiting += sorted(sorter.get_ready(), key=resolver.order.index)
                for name in list(waiting):
                    busy = [stages[other] for other in running.values()]
                    if not stop.is_set() and resources.fits(stages[name], busy):
                        waiting.remove(name)
                        running[pool.submit(advance, name)] = name
                if not running:
                    return errors
                # Short waits: a blocked main thread would not see Ctrl-C.
                done, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in done:
                    name = running.pop(future)
                    error = future.exception()
                    if error is None:
                        sorter.done(name)
                    else:
                        errors[name] = error
            except KeyboardInterrupt:
                stop.set()
