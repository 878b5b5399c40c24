"""The fingerprint of a payload: the same bytes for the same content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from stagekit.base.plain_json import canonical_json


def point_fingerprint(payload: Mapping[str, Any]) -> str:
    """Return the sha256 of a payload's canonical JSON, its own ``point_fingerprint`` left out.

    The payload holds the vector's key, so a changed vector changes the fingerprint too.
    """
    rest = {name: value for name, value in payload.items() if name != "point_fingerprint"}
    return hashlib.sha256(canonical_json(rest).encode()).hexdigest()
