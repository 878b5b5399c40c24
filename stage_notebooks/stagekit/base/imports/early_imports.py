"""Imports in the background, where it is known that something will be needed soon."""

from __future__ import annotations

import contextlib
import importlib
import threading


def load_meanwhile(*modules: str) -> None:
    """Import modules in a thread; whoever needs one waits for what is left, and hears of its errors."""

    def load() -> None:
        for module in modules:
            with contextlib.suppress(Exception):
                importlib.import_module(module)

    threading.Thread(target=load, daemon=True).start()
