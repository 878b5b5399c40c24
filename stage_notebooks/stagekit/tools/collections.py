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
    """Return the collections that nic-etl made in a store, of one alias (``collection_name``) or all.

    With ``clean`` those are dropped that another one replaced ``grace_hours`` ago; 0 drops them at once. The
    other arguments are those of :func:`stagekit.search.query.search`.

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
