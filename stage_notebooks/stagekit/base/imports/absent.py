"""Lets imports find packages absent that would cost seconds and that nothing here uses."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_packages(*names: str) -> Iterator[None]:
    """Let the import of packages fail as if they were not installed; those imported already stay.

    Whoever imports them afterwards gets them.
    """
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type] # None is Python's mark for "not there"
    try:
        yield
    finally:
        for name in absent:
            if sys.modules.get(name) is None:
                sys.modules.pop(name, None)


def leave_out(*names: str) -> None:
    """Let the import of packages fail from now on, whoever asks; those imported already stay."""
    for name in names:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type] # Python's mark for "not there"
