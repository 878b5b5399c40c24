"""Work beside the notebook's own thread, so that a button answers at once and the page stays live."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from runner.dashboard.markup import remark
from runner.wording import _, worded

_TICKERS: dict[str, Ticker] = {}


class Action:
    """A button, and beside it a text with what came of it: the work goes on in a thread.

    Args:
        words: of the button.
        work: is called in the thread; returns HTML.
        help_text: shown as the button's tooltip.
        busy: shown while the work goes on; "": that it does.
    """

    def __init__(self, words: str, work: Callable[[], str], help_text: str = "", busy: str = "") -> None:
        layout = widgets.Layout(width="auto", min_width="110px", align_self="flex-start")
        self.button = widgets.Button(description=words, tooltip=help_text, layout=layout)
        self.output = widgets.HTML()
        self._work, self._busy = work, busy or _("Working …")
        self._thread: threading.Thread | None = None
        self.button.on_click(self.begin)

    def begin(self, _clicked: Any = None) -> None:
        """Begin the work, unless it goes on already."""
        if self._thread is not None and self._thread.is_alive():
            return
        self.button.disabled = True
        self.output.value = remark(self._busy, "busy")
        self._thread = threading.Thread(target=self._do, daemon=True)
        self._thread.start()

    def join(self, timeout: float = 60.0) -> None:
        """Wait until the work has ended."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _do(self) -> None:
        try:
            said = self._work()
        except Exception as error:  # shown: in a thread of a kernel nobody would see it otherwise
            said = remark(worded(str(error)), "bad")
        self.output.value = said
        self.button.disabled = False


class Ticker:
    """Calls a function again and again in a thread, until it is stopped; the latest one replaces the others.

    Executing a cell of a notebook anew would otherwise leave one more thread behind each time.
    """

    def __init__(self, function: Callable[[], None], seconds: float, name: str) -> None:
        self._function, self._seconds, self._name = function, seconds, name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=name)

    def start(self) -> None:
        """Begin; an earlier ticker of the same name ends."""
        if self._name in _TICKERS:
            _TICKERS[self._name].stop()
        _TICKERS[self._name] = self
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._stop.set()
        if _TICKERS.get(self._name) is self:
            del _TICKERS[self._name]
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            with contextlib.suppress(Exception):  # a file may be on its way: the next look tells
                self._function()


def stop_tickers() -> None:
    """End every thread that refreshes widgets."""
    for ticker in list(_TICKERS.values()):
        ticker.stop()
