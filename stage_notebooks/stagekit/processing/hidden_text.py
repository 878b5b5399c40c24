"""Says in the report which text of a document was left out because no reader of it sees it."""

from __future__ import annotations

from collections.abc import Sequence

_LONGEST_SAMPLE = 60


def hidden_text_warning(hidden: Sequence[str]) -> list[str]:
    """Return the sentence for the texts that were left out; none where there are none."""
    if not hidden:
        return []
    first = (
        hidden[0] if len(hidden[0]) <= _LONGEST_SAMPLE else f"{hidden[0][: _LONGEST_SAMPLE - 1].rstrip()}…"
    )
    passages = "1 passage" if len(hidden) == 1 else f"{len(hidden)} passages"
    return [f"Hidden text was left out ({passages}): “{first}”."]
