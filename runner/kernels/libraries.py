"""Papermill and nbclient, imported without a second of work that nothing here needs."""

from __future__ import annotations

from stagekit.base.imports.absent import without_packages

# jsonschema imports the first for the format "iri", which no notebook schema has, and it compiles a grammar
# then (it comes with Jupyter's server). The others are papermill's doors to stores that no notebook of ours
# is written to.
_OPTIONAL = ("rfc3987_syntax", "boto3", "pyarrow.fs")


with without_packages(*_OPTIONAL):
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError
    from papermill.iorw import papermill_io

__all__ = ["CellTimeoutError", "DeadKernelError", "PapermillExecutionError", "papermill", "papermill_io"]
