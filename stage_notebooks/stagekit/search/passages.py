"""Chooses the passages of an answer from ranked points: so many of a document, and each text once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from stagekit.storage.reading.conditions import AnyOf, Where

if TYPE_CHECKING:
    from stagekit.storage.reading.reader import Point, StoreReader

Payload = Mapping[str, Any]
_MOST_COPIES: Final = 1000


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that answers."""

    score: float  # of the best point that has it
    payloads: list[Payload]  # of the points that have it, each of another document, the best first


def pick_passages(
    points: Sequence[Point], *, top: int, per_document: int | None, join_copies: bool
) -> tuple[list[Passage], int]:
    """Return the best passages, and how many points were left out because they are not as they were written.

    Args:
        points: with their payloads, best first.
        top: most passages.
        per_document: most passages of one document (and its exact copies, if they are joined); None is all.
        join_copies: count the same text of several documents once. What a document says twice stays twice.
    """
    quota: Counter[str] = Counter()
    said: Counter[tuple[str, str]] = Counter()
    places: dict[tuple[str, int], Passage | None] = {}
    kept: list[Passage] = []
    altered = 0
    for point in points:
        payload = point.payload
        document = payload.get("document_id")
        family = str(payload.get("file_hash") if join_copies else document)
        full = bool(document) and per_document is not None and quota[family] >= per_document
        if not join_copies and (len(kept) == top or full):
            continue
        if not document or not as_written(payload):
            altered += len(kept) < top
            continue
        text = str(payload["content_hash"])
        said[document, text] += 1
        place = (text, said[document, text])
        if join_copies and (first := places.get(place)):
            first.payloads.append(payload)
        elif len(kept) < top and not full:
            quota[family] += 1
            kept.append(Passage(float(point.score), [payload]))
            places[place] = kept[-1]
    return kept, altered


def as_written(payload: Payload) -> bool:
    """Tell whether a payload is the one that was written, by its ``point_fingerprint``."""
    from stagekit.enrichment.canonical import point_fingerprint

    written = payload.get("point_fingerprint")  # none in a point that a source has just taken over
    return not written or point_fingerprint(payload) == written


def copies(
    store: StoreReader, collection: str, texts: Sequence[str], where: Where | None
) -> dict[str, list[Payload]]:
    """Return by ``content_hash`` the payloads of all points that have one of some texts and meet a condition.

    In an encrypted embedded store nothing can be looked for by a text's hash: there none are found.
    """
    if not store.filters_by("content_hash"):
        return {}
    has_text = AnyOf("content_hash", list(dict.fromkeys(texts)))
    having = Where(must=[has_text, *([where] if where is not None else [])])
    points, _ = store.page(collection, having, limit=_MOST_COPIES)
    found: dict[str, list[Payload]] = {}
    for payload in (point.payload for point in points):
        if as_written(payload):
            found.setdefault(str(payload["content_hash"]), []).append(payload)
    return found
