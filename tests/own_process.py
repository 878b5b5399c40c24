"""Tests in an interpreter of their own: what they leave behind must not meet the tests that follow.

An audit hook cannot be removed, and with one that is written in Python no two threads may begin to be
traced at the same time: "Cannot install a trace function while another trace function is being installed"
(CPython 3.11, ``_PyEval_SetTrace``), which is what coverage does in each thread that starts.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, wraps
from multiprocessing import get_context
from typing import Any


def in_own_process(test: Callable[..., None]) -> Callable[..., None]:
    """Let a test function run in the one other process that all such tests share.

    What the fixtures give it, and what it raises, goes from one process to the other: it must be picklable.
    """

    @wraps(test)
    def elsewhere(**given: Any) -> None:
        _process().submit(_run, test.__module__, test.__name__, given).result()

    return elsewhere


@lru_cache(maxsize=1)
def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))  # not a fork: pytest has threads


def _run(module: str, name: str, given: dict[str, Any]) -> None:
    getattr(importlib.import_module(module), name).__wrapped__(**given)
