"""Papermill and nbclient, imported without a second of work that nothing here needs."""

from __future__ import annotations

import sys

_OPTIONAL = "rfc3987_syntax"
# jsonschema imports it for the format "iri", which no notebook schema has, and it compiles a grammar then. It
# comes with Jupyter's server; jsonschema does without it.
_missing = _OPTIONAL not in sys.modules
if _missing:
    sys.modules[_OPTIONAL] = None  # type: ignore[assignment]  # Python's own way to say: not importable
try:
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError
finally:
    if _missing:
        del sys.modules[_OPTIONAL]

__all__ = ["CellTimeoutError", "DeadKernelError", "PapermillExecutionError", "papermill"]
