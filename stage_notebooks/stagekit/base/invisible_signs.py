"""The signs of a text that no reader sees, and that part its words for every search."""

from __future__ import annotations

import re

_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200d\u2060\ufeff]")


def without_invisible_signs(text: str) -> str:
    """Return a text without soft hyphens and signs that have no width."""
    return _INVISIBLE.sub("", text)
