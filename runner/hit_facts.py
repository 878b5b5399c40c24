"""What a passage says of itself beside its text, in words: terminal and dashboard show the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.passage_text import short_hashes

__all__ = ["hit_facts"]

_MOST_PATHS = 5


def hit_facts(hit: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a passage stands, and whatever keeps it from being relied on as it is.

    Args:
        hit: fields of ``stagekit.search.Hit``, as ``nic-etl search --json`` gives them.
    """
    if hit["section_titles"]:
        yield " › ".join(hit["section_titles"])
    if hit["clause"]:
        clause = str(hit["clause"])  # as "Art. 5º, § 2º", or "4, c" of a numbered text
        yield f"clause {clause}" if clause[0].isdigit() else clause
    if hit["pages"]:
        first, last = hit["pages"][0], hit["pages"][-1]
        yield f"page {first}" if first == last else f"pages {first}–{last}"
    if hit["version"]:
        yield f"version {short_hashes(str(hit['version']))}"
    yield f"score {hit['score']:.3f}"
    if hit["status"] not in {"approved", "published"}:
        yield f"status {hit['status']}"
    if hit["expired"]:
        yield f"expired on {hit['expiration_date']}"
    if hit["superseded_by"]:
        yield f"superseded by {hit['superseded_by']['title']}"
    if hit["has_struck_text"]:
        yield "some of it is struck out or revoked"
    if hit["stale"]:
        yield "an older version: the present one cannot be read"
    if hit["watermark"]:
        yield f"marked {hit['watermark']}"
    if others := hit["paths"][1:]:
        more = f" and {len(others) - _MOST_PATHS} more" if len(others) > _MOST_PATHS else ""
        yield f"the same text is in {', '.join(others[:_MOST_PATHS])}{more}"
