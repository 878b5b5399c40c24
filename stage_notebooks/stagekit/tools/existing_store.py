"""How the tools open a store: one that is there, for as long as they need it, its errors in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stagekit.base.store_address import connection_options
from stagekit.errors import StageError

if TYPE_CHECKING:
    from qdrant_client import QdrantClient


@contextlib.contextmanager
def existing_store(
    qdrant_url: str, outputs: Path, settings: Mapping[str, Any] | None, *, writing: bool
) -> Iterator[QdrantClient]:
    """Open a store that a run has made, with those of the settings that concern the connection.

    Without ``writing`` an embedded store can be read only, beside a process that writes to it.

    Raises:
        StageError: if there is no store yet, or it is locked or cannot be reached.
    """
    from stagekit.storage import connect, embedded_path, is_embedded, qdrant_errors

    if is_embedded(qdrant_url) and not embedded_path(outputs).is_dir():
        raise StageError(f"There is no store in {outputs} yet: run `nic-etl run` first, which fills one.")
    client = connect(qdrant_url, outputs, read_only=not writing, **connection_options(settings or {}))
    with contextlib.closing(client), qdrant_errors(qdrant_url):
        yield client
