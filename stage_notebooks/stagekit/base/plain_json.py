"""Plain JSON: its one text for a value, and values out of files that may be damaged or made to do harm.

Whatever is wrong with such a file is a ValueError.
"""

from __future__ import annotations

import json
from typing import Any

_DEPTH = 100  # levels; no product has more than a dozen, and walking through a value must not overflow


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, UTF-8 characters kept."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: if it is none, or is nested so deeply that the parser gives up.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def require_plain(value: Any) -> Any:
    """Return a parsed JSON value if it can be walked through and written again.

    Raises:
        ValueError: if it has more than 100 levels, or half a surrogate pair in a text, which no file holds.
    """
    waiting = [(value, 1)]
    while waiting:
        inside, depth = waiting.pop()
        if isinstance(inside, str):
            inside.encode()
        elif isinstance(inside, dict | list):
            if depth > _DEPTH:
                raise ValueError(f"it is nested in more than {_DEPTH} levels")
            waiting += [
                (inner, depth + 1) for inner in (inside.values() if isinstance(inside, dict) else inside)
            ]
            waiting += [(name, depth + 1) for name in inside] if isinstance(inside, dict) else []
    return value
