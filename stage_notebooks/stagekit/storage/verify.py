"""Compares a collection with the desired points, a sample after every run or point by point on demand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from qdrant_client import QdrantClient
from qdrant_client.models import SparseVector

from stagekit.errors import StageError
from stagekit.storage.collection import DENSE, SPARSE
from stagekit.storage.desired import DesiredDocument, DesiredPoint
from stagekit.storage.limits import largest_page, pages
from stagekit.storage.stored import count_points, stored_points

PAGE: Final = 128
NEAREST: Final = 10
ITSELF: Final = 0.999  # cosine; quantized vectors are compared with some loss
TOLERANCE: Final = 1e-4  # of the unit vectors' components: float32 through JSON and the store's normalisation


@dataclass(frozen=True, slots=True)
class Difference:
    """One point that is not as it should be."""

    kind: str  # ``missing``, ``payload``, ``vector`` or ``extra``; after a run also ``search``
    point_id: str  # of the point
    path: str  # of its document, where known
    detail: str = ""  # which fields, or how far the vectors are apart


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked after a run, and what was wrong."""

    expected_points: int
    found_points: int
    sampled_points: int
    differences: tuple[Difference, ...]

    def require(self) -> None:
        """Refuse a collection that is not as desired.

        Raises:
            StageError: with the first difference.
        """
        if self.found_points != self.expected_points:
            raise StageError(
                f"The collection holds {self.found_points} points of this source instead of "
                f"{self.expected_points}: something else writes to it; run the stage again."
            )
        if self.differences:
            first = self.differences[0]
            raise StageError(
                f"{len(self.differences)} of {self.sampled_points} sampled points differ from what was "
                f"written, the first in {first.path} ({first.kind} {first.detail}): "
                "run `nic-etl verify --repair`."
            )


def compare(
    client: QdrantClient,
    collection_name: str,
    desired: Iterable[DesiredDocument],
    source_id: str,
    *,
    in_source: Collection[str] = (),
) -> list[Difference]:
    """Compare every point of a source, payload field by field and vector by vector.

    Fingerprints are not trusted: a payload altered by hand under its old fingerprint is found. Surplus points
    of documents in the source are kept, see :func:`stagekit.storage.reconcile.plan_changes`. Memory holds the
    ids of all points, and vectors and payloads of one page.
    """
    differences: list[Difference] = []
    wanted: set[str] = set()
    documents: set[str] = set()
    for document in desired:
        differences += _differences(client, collection_name, document.path, document.points())
        wanted.update(document.fingerprints)
        documents.add(document.document_id)
    kept = set(in_source) - documents
    for point_id, point in sorted(stored_points(client, collection_name, source_id).items()):
        if point_id not in wanted and point.document_id not in kept:
            differences.append(Difference("extra", point_id, point.path or ""))
    return differences


def verify_sample(
    client: QdrantClient,
    collection_name: str,
    desired: Sequence[DesiredDocument],
    source_id: str,
    *,
    expected_points: int,
    sample: int = 20,
) -> Verification:
    """Count the points of a source exactly, and compare a sample spread evenly over all ids.

    Each sampled point is also searched for by its vector, and has to be found.
    """
    ids = sorted(point_id for document in desired for point_id in document.fingerprints)
    step = max(1, len(ids) // sample)
    chosen = set(ids[::step][:sample])
    differences: list[Difference] = []
    for document in desired:
        if mine := chosen & document.fingerprints.keys():
            points = list(document.points(mine))
            differences += _differences(client, collection_name, document.path, points)
            differences += _unfound(client, collection_name, document.path, points)
    found = count_points(client, collection_name, source_id)
    return Verification(expected_points, found, len(chosen), tuple(differences))


def _differences(
    client: QdrantClient, collection_name: str, path: str, points: Iterable[DesiredPoint]
) -> Iterator[Difference]:
    for page in pages(points, largest_page(client, collection_name, PAGE)):
        ids = [point.id for point in page]
        records = client.retrieve(collection_name, ids=ids, with_payload=True, with_vectors=True)
        found = {str(record.id): record for record in records}
        for point in page:
            record = found.get(point.id)
            if record is None:
                yield Difference("missing", point.id, path)
                continue
            if fields := _altered(point.payload, record.payload or {}):
                yield Difference("payload", point.id, path, ", ".join(fields))
            vectors: Any = record.vector if isinstance(record.vector, Mapping) else {}
            if (apart := _distance(point.vector, vectors.get(DENSE))) > TOLERANCE:
                yield Difference("vector", point.id, path, f"{apart:.2g} apart")
            elif not _same_sparse(point.sparse, vectors.get(SPARSE)):
                yield Difference("vector", point.id, path, "in its sparse part")


def _unfound(
    client: QdrantClient, collection_name: str, path: str, points: Iterable[DesiredPoint]
) -> Iterator[Difference]:
    nearest = largest_page(client, collection_name, NEAREST)
    for point in points:
        best = client.query_points(
            collection_name, query=point.vector, using=DENSE, limit=nearest, with_payload=False
        ).points
        # Another point with the same text, and so the same vector, may take its place.
        if not best or (best[0].score < ITSELF and point.id not in {str(one.id) for one in best}):
            yield Difference("search", point.id, path, "is not found by its own vector")


def _altered(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    absent = object()
    names = wanted.keys() | found.keys()
    return sorted(name for name in names if wanted.get(name, absent) != found.get(name, absent))


def _same_sparse(wanted: tuple[list[int], list[float]] | None, found: SparseVector | None) -> bool:
    left = dict(zip(*wanted, strict=True)) if wanted else {}
    right = dict(zip(found.indices, found.values, strict=True)) if found else {}
    if left.keys() != right.keys():
        return False
    return bool(np.allclose([left[index] for index in right], list(right.values()), rtol=TOLERANCE))


def _distance(wanted: Sequence[float], found: Any) -> float:
    """Return the largest difference between the components of two vectors made unit vectors."""
    if found is None:
        return float("inf")
    left, right = np.asarray(wanted, dtype=np.float64), np.asarray(found, dtype=np.float64)
    if left.shape != right.shape or not right.any():
        return float("inf")
    return float(np.abs(left / np.linalg.norm(left) - right / np.linalg.norm(right)).max())
