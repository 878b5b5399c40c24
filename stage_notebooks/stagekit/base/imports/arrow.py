"""Keeps PyArrow from importing pandas, which none of our tables needs, and from keeping freed memory."""

from __future__ import annotations

import os
import sys
from functools import lru_cache


@lru_cache(maxsize=1)
def leave_pandas_out() -> None:
    """Let PyArrow find no pandas when it looks for it, which it does once, with the first array it makes.

    That import takes half a second of processor time in each process. ``Table.to_pandas`` looks again by
    itself, so whoever asks for a data frame gets one.

    Tables take their memory from the system and give it back there, unless ``ARROW_DEFAULT_MEMORY_POOL``
    names another allocator: PyArrow's own keeps what many short-lived columns had.
    """
    import pyarrow as pa

    if not os.environ.get("ARROW_DEFAULT_MEMORY_POOL"):
        pa.set_memory_pool(pa.system_memory_pool())
    if "pandas" in sys.modules:
        return

    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)


class _NoPandas:
    """A finder of modules that says there is no pandas (importlib's ``MetaPathFinder`` protocol).

    `without_packages` would not do: PyArrow's compiled import takes its mark in ``sys.modules`` for pandas.
    """

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)
