"""Lets several processes use one embedded store: the engine opens its files once, so that they take turns.

A process keeps the files open for as long as nobody else wants them: one that works lets another in between
two requests, one that is idle within a fraction of a second. The locks are those of the operating system,
which end with their process, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

from stagekit.base.locks import share, still_named, try_lock
from stagekit.errors import StageError
from stagekit.storage.embedded.files import readable

PATIENCE_S = 120.0
"""Seconds to wait for a turn; the longest request, building the graph of 50,000 points, takes a minute."""
SHARE_S: Final = 0.5
"""Seconds that a turn lasts at least while it is used: opening the files again takes about as long."""
_COURTESY_S: Final = 1.0  # that who comes waits at most for those who wait already to come in
_LOOK_S: Final = 0.1  # between two looks of an idle process whether another waits
_FIRST_PAUSE_S: Final = 0.005
_LONGEST_PAUSE_S: Final = 0.1

_LOCK_FILE: Final = ".lock"  # held by the process whose turn it is
_QUEUE_FILE: Final = ".queue"  # shared by those that wait


def lock_file(path: Path) -> IO[str] | None:
    """Lock a file until the returned one is closed; None if another holds it."""
    file = _opened(path)
    # Where the folder was replaced, who comes now locks another file.
    if try_lock(file) and still_named(file, path):
        return file
    file.close()
    return None


def _opened(path: Path) -> IO[str]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")


class Turns:
    """The turns of one opened store; its requests may come from several threads."""

    def __init__(self, folder: Path, begin: Callable[[], None], end: Callable[[], None]) -> None:
        """Take the first turn.

        Args:
            folder: of the store.
            begin: reads, at the begin of a turn, what another process may have changed.
            end: closes, at the end of a turn, every file of the engine.

        Raises:
            StageError: if no turn came within :data:`PATIENCE_S`; also whatever ``begin`` raises.
        """
        self._folder = folder
        self._begin, self._end = begin, end
        self._changed = threading.Condition()
        self._lock: IO[str] | None = None
        self._since = 0.0
        self._requests = 0  # under way
        self._ending = False
        self._thread = threading.local()
        self._closed = threading.Event()
        self._take()
        threading.Thread(target=self._look, name="turns of the embedded store", daemon=True).start()

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """Hold the turn while a request is answered; one inside another belongs to it.

        Raises:
            StageError: if no turn came within :data:`PATIENCE_S`, or the store was closed.
        """
        if getattr(self._thread, "inside", False):
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._ending)
            if self._closed.is_set():
                raise StageError(f"The embedded store {self._folder} was closed here: open it again.")
            if self._lock is None:
                self._take()
            self._requests += 1
        self._thread.inside = True
        try:
            yield
        finally:
            self._thread.inside = False
            with self._changed:
                self._requests -= 1
                self._let_others_in()

    def close(self) -> None:
        """End the turn for good, after the requests that are under way; a second call does nothing."""
        with self._changed:
            if self._closed.is_set():
                return
            self._closed.set()
            self._changed.wait_for(lambda: not self._requests)
            if self._lock is not None:
                self._leave()

    def _take(self) -> None:
        # Whoever waits already comes first: it looks now and then, and would always find another one inside.
        until = time.monotonic() + _COURTESY_S
        while self._wanted() and time.monotonic() < until:
            time.sleep(_FIRST_PAUSE_S)
        with readable(self._folder):
            lock = lock_file(self._folder / _LOCK_FILE) or self._waited()
        try:
            self._begin()
        except BaseException:
            lock.close()
            raise
        self._lock, self._since = lock, time.monotonic()

    def _waited(self) -> IO[str]:
        until, pause = time.monotonic() + PATIENCE_S, _FIRST_PAUSE_S
        with _opened(self._folder / _QUEUE_FILE) as queue:
            share(queue)
            while time.monotonic() < until:
                lock = lock_file(self._folder / _LOCK_FILE)
                if lock is not None:
                    return lock
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
        raise StageError(
            f"The embedded store {self._folder} is in use by another process, which did not let this one in "
            f"for {PATIENCE_S:.0f} s: wait until its run or search ends, or close the notebook that holds it "
            "open, and try again."
        )

    def _wanted(self) -> bool:
        try:
            alone = lock_file(self._folder / _QUEUE_FILE)
        except OSError:  # the folder was moved away: nobody waits there
            return False
        if alone is not None:
            alone.close()
        return alone is None

    def _let_others_in(self) -> None:
        if self._lock is None:
            return
        if not self._ending:
            self._ending = time.monotonic() - self._since >= SHARE_S and self._wanted()
        if self._ending and not self._requests:
            try:
                self._leave()
            finally:
                self._ending = False
        self._changed.notify_all()

    def _leave(self) -> None:
        assert self._lock is not None
        lock, self._lock = self._lock, None
        try:
            self._end()
        finally:
            lock.close()

    def _look(self) -> None:
        while not self._closed.wait(_LOOK_S):
            with self._changed:
                if not self._requests and not self._closed.is_set():
                    self._let_others_in()
