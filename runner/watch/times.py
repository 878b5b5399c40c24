"""When a watch looks, tries again, and runs although nothing changed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner.errors import ConfigurationError

__all__ = ["Backoff", "parse_interval"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_interval(text: str, option: str, least: float = 0.0) -> float:
    """Return an interval such as ``30s``, ``5m``, ``12h`` or ``1d`` in seconds; ``0`` is none.

    Raises:
        ConfigurationError: naming the option, if the text is none, or less than ``least`` seconds.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", text)
    if not found or (not found[2] and float(found[1])):
        raise ConfigurationError(f"{option} is {text!r}: give seconds to days, as 30s, 5m, 12h or 1d.")
    seconds = float(found[1]) * _UNITS.get(found[2], 0)
    if seconds < least:
        raise ConfigurationError(f"{option} is {text!r}: give at least {least:g}s.")
    return seconds


@dataclass
class Backoff:
    """A pause that doubles with each failure, up to a limit; in seconds."""

    first: float
    longest: float
    failures: int = 0

    def fail(self) -> float:
        """Count a failure and return how long to wait."""
        pause = min(self.longest, self.first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return pause

    def reset(self) -> None:
        """Forget the failures."""
        self.failures = 0
