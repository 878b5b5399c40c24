"""Lists the physical collections and drops replaced ones; ``nic-etl collections`` starts it as a process."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from stagekit.base.paths import outputs_path
from stagekit.tools.existing_store import existing_store

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
    from stagekit.storage import drop_superseded, physical_collections

    with existing_store(qdrant_url, outputs_path(outputs_dir), settings, writing=clean) as client:
        dropped = drop_superseded(client, collection_name, grace_hours) if clean else []
        left = physical_collections(client, collection_name)
    return {"collections": [asdict(one) for one in left], "dropped": dropped}


tool = collections
