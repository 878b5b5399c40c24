"""Lists the physical collections and drops replaced ones; ``nic-etl collections`` starts it as a process.

``python -m stagekit.tools.collections`` reads a request as JSON from standard input (the arguments of
:func:`collections`) and writes its answer as JSON to standard output. Exit codes: 0 done, 1 the store cannot
answer, 2 the request is wrong; standard error then holds one sentence.
"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import asdict
from typing import Any

from stagekit.base.paths import outputs_path
from stagekit.base.store_address import connection_options
from stagekit.errors import StageError
from stagekit.tools.tool import answer

__all__ = ["collections", "main"]

Row = dict[str, Any]


def collections(
    *,
    outputs_dir: str = "",
    qdrant_url: str = "embedded",
    collection_name: str = "",
    clean: bool = False,
    grace_hours: float = 24,
    settings: Row | None = None,
) -> Row:
    """Return the collections that nic-etl made in a store.

    Args:
        outputs_dir: see :func:`stagekit.base.paths.outputs_path`.
        qdrant_url: address of a Qdrant server, or "embedded".
        collection_name: the alias whose collections are meant; empty for all of ours.
        clean: drop those that another one replaced ``grace_hours`` ago.
        grace_hours: 0 drops them at once.
        settings: by name; those of the connection are taken.

    Returns:
        ``collections`` (rows with the fields of :class:`stagekit.storage.PhysicalCollection`, without those
        that were dropped) and ``dropped`` (their names).

    Raises:
        StageError: if there is no store, or it is locked or cannot be reached.
    """
    from stagekit.storage import (
        connect,
        drop_superseded,
        embedded_path,
        is_embedded,
        physical_collections,
        qdrant_errors,
    )

    outputs = outputs_path(outputs_dir)
    if is_embedded(qdrant_url) and not embedded_path(outputs).is_dir():
        raise StageError(f"There is no store in {outputs} yet: run `nic-etl run` first.")
    options = connection_options(settings or {})
    client = connect(qdrant_url, outputs, read_only=not clean, **options)
    with contextlib.closing(client), qdrant_errors(qdrant_url):
        dropped = drop_superseded(client, collection_name, grace_hours) if clean else []
        left = physical_collections(client, collection_name)
    return {"collections": [asdict(one) for one in left], "dropped": dropped}


def main() -> int:
    """Answer the request on standard input and return the exit code."""
    return answer(collections, "stagekit.tools.collections")


if __name__ == "__main__":
    sys.exit(main())
