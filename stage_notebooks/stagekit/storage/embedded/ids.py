"""Ids of points, as the engine takes them and as people are given them."""

from __future__ import annotations

import uuid
from typing import Any

from stagekit.errors import StageError


def edge_id(point_id: Any) -> int | str:
    """Return a point's id, an unsigned integer or a UUID; raise StageError if it is neither."""
    try:
        return point_id if isinstance(point_id, int) else str(uuid.UUID(str(point_id)))
    except ValueError:
        raise StageError(f"{point_id!r} is no id of a point: it takes a whole number or a UUID.") from None


def plain_id(point_id: Any) -> int | str:
    """Return an id of the engine as a server gives it."""
    return point_id if isinstance(point_id, int) else str(point_id)
