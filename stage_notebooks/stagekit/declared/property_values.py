"""Values of properties as plain JSON, whatever file they come from."""

from __future__ import annotations

import re
from typing import Any


def present(**values: Any) -> dict[str, Any]:
    """Return the values without those that are empty, texts without spaces at their ends."""
    cleaned = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    return {name: value for name, value in cleaned.items() if value not in (None, "", [], {})}


def keywords(text: str | None) -> list[str]:
    """Return keywords from a text with commas or semicolons, each once."""
    parts = re.split(r"[;,]", text or "")
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))
