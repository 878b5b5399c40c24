"""Papermill and nbclient, imported without a second of work that nothing here needs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

# jsonschema imports the first for the format "iri", which no notebook schema has, and it compiles a grammar
# then (it comes with Jupyter's server). The others are papermill's doors to stores that no notebook of ours
# is written to. Whoever imports these modules later gets them.
_OPTIONAL = ("rfc3987_syntax", "boto3", "pyarrow.fs")


@contextlib.contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own way to say: not importable
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with _without(_OPTIONAL):
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError
    from papermill.iorw import papermill_io

__all__ = ["CellTimeoutError", "DeadKernelError", "PapermillExecutionError", "papermill", "papermill_io"]
