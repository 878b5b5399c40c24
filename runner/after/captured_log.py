"""Keeps what a library logs off the terminal, and at hand for one plain sentence."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(" ".join(record.getMessage().split()))


@contextmanager
def captured_log(name: str) -> Iterator[list[str]]:
    """Yield the list that takes the warnings and errors of a library's logger, one line each."""
    logger, collector = logging.getLogger(name), _Collector()
    passed_on, logger.propagate = logger.propagate, False
    logger.addHandler(collector)
    try:
        yield collector.said
    finally:
        logger.removeHandler(collector)
        logger.propagate = passed_on
