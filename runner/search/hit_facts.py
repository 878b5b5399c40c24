"""What a passage says of itself beside its text, in words: terminal and dashboard show the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.search.passage_text import short_hashes
from runner.wording import _, day, decimal, term

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
        yield _("clause {clause}", clause=clause) if clause[0].isdigit() else clause
    if hit["pages"]:
        first, last = hit["pages"][0], hit["pages"][-1]
        yield (
            _("page {page}", page=first)
            if first == last
            else _("pages {first}–{last}", first=first, last=last)
        )
    if hit["version"]:
        yield _("version {version}", version=short_hashes(str(hit["version"])))
    yield _("score {score}", score=decimal(f"{hit['score']:.3f}"))
    if hit["status"] not in {"approved", "published"}:
        yield _("status {status}", status=term(hit["status"]))
    if hit["expired"]:
        yield _("expired on {day}", day=day(hit["expiration_date"]))
    if hit["superseded_by"]:
        yield _("superseded by {title}", title=hit["superseded_by"]["title"])
    if hit["has_struck_text"]:
        yield _("some of it is struck out or revoked")
    if hit["stale"]:
        yield _("an older version: the present one cannot be read")
    if hit["watermark"]:
        yield _("marked {watermark}", watermark=hit["watermark"])
    if others := hit["paths"][1:]:
        paths, more = ", ".join(others[:_MOST_PATHS]), len(others) - _MOST_PATHS
        if more > 0:
            yield _("the same text is in {paths} and {count} more", paths=paths, count=more)
        else:
            yield _("the same text is in {paths}", paths=paths)
