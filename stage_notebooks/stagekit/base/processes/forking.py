"""The serving side of a process that has its libraries loaded and forks others from there.

Orders and answers are JSON: an order is answered by ``{"pid": …}``, the end of a process is told by
``{"ended": pid, "code": …}``. What serves must have one thread only.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import recv_handle
from typing import Any, NoReturn

Order = dict[str, Any]
Become = Callable[[Order, list[int]], NoReturn]


def serve(
    connection: Connection,
    become: Become,
    between: Iterable[Callable[[], None]] = (),
    before: Callable[[Order], None] = lambda _: None,
) -> None:
    """Fork a process for each order and tell how processes ended, until the connection is closed.

    Args:
        connection: to whoever gives the orders; with an order come as many descriptors as its ``handles``
            says.
        become: turns a forked process, which leads a session of its own, into what the order asks for; it
            gets the order and its descriptors.
        between: called one after the other, the first when the first process is under way, and so on.
        before: gets each order before its process is forked, which then has what this has loaded.
    """
    loading = iter(between)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler nothing is written to the pipe
    signal.set_wakeup_fd(wake)
    while True:
        ready = wait([connection, woken])
        if woken in ready:
            os.read(woken, 4096)
            for pid, code in _ended():
                _tell(connection, {"ended": pid, "code": code})
        if connection in ready:
            try:
                order = json.loads(connection.recv_bytes())
                handles = [recv_handle(connection) for _ in range(order.get("handles", 0))]
            except (EOFError, OSError):
                return
            before(order)
            pid = _fork(connection, (woken, wake), lambda: become(order, handles))  # noqa: B023 - called at once
            for handle in handles:
                os.close(handle)
            _tell(connection, {"pid": pid})
            next(loading, _nothing)()


def _fork(connection: Connection, descriptors: tuple[int, int], become: Callable[[], NoReturn]) -> int:
    """Fork, and return when the new process leads its session, so that it can be ended as a whole."""
    readable, tell = os.pipe()
    pid = os.fork()
    if not pid:
        connection.close()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.setsid()
        for descriptor in (*descriptors, readable, tell):
            os.close(descriptor)
        become()
    os.close(tell)
    os.read(readable, 1)  # until the other one has closed its end
    os.close(readable)
    return pid


def _nothing() -> None:
    """Stand for what is to be done after the last of them."""


def _tell(connection: Connection, message: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody is left who asked: the next look ends us
        connection.send_bytes(json.dumps(message).encode())


def _ended() -> list[tuple[int, int]]:
    found = []
    with contextlib.suppress(ChildProcessError):
        while (waited := os.waitpid(-1, os.WNOHANG))[0]:
            found.append((waited[0], os.waitstatus_to_exitcode(waited[1])))
    return found
