"""Tells a text layer that can be used from one whose characters have lost their meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence

_UNMAPPED = re.compile(r"GLYPH<[^>]*>|\(cid:\d+\)|[\ufffd\ue000-\uf8ff]")


def is_broken_text(texts: Sequence[str]) -> bool:
    """Whether a text layer is unusable: more than a tenth of its characters have no mapping to Unicode."""
    joined = "".join(texts)
    unmapped = sum(len(match) for match in _UNMAPPED.findall(joined))
    return unmapped > 0.1 * max(1, len(joined))
