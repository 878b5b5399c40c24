"""Opens the store that the settings name, to be read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stagekit.base.store_address import connection_options, embedded_path, is_embedded
from stagekit.storage.reading.reader import StoreReader


@contextlib.contextmanager
def reading(qdrant_url: str, outputs: Path, settings: Mapping[str, Any]) -> Iterator[StoreReader]:
    """Give a reader of a server or of the embedded store, and word what a server answers in the context.

    Raises:
        StageError: if the store is locked or cannot be reached.
    """
    if is_embedded(qdrant_url):
        from stagekit.storage.embedded.engine import EmbeddedEngine
        from stagekit.storage.embedded.reader import EmbeddedReader

        engine = EmbeddedEngine(embedded_path(outputs), read_only=True)
        with contextlib.closing(EmbeddedReader(engine)) as embedded:
            yield embedded
        return
    # The client library takes a second to import: the embedded store does without.
    from stagekit.storage.client import connect
    from stagekit.storage.reading.server import ServerReader
    from stagekit.storage.refusals import qdrant_errors

    client = connect(qdrant_url, outputs, read_only=True, **connection_options(settings))
    with contextlib.closing(ServerReader(client)) as server, qdrant_errors(qdrant_url):
        yield server
