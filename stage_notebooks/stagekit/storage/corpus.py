"""The documents of a source as they should be stored, and which of them a run has to look at.

Of a collection that is as the last run left it, only the documents that changed since are compared with their
points; of any other, all are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from qdrant_client import QdrantClient

from stagekit.storage.carried import CarriedPoints, as_left, keep_carried
from stagekit.storage.desired import DesiredDocument, desired_documents
from stagekit.storage.reconcile import Plan, plan_changes
from stagekit.storage.stored import StoredPoint, stored_points

if TYPE_CHECKING:
    import pyarrow as pa

    from stagekit.artifacts.memo import Memo
    from stagekit.artifacts.rows import Rows
    from stagekit.artifacts.store import ArtifactStore
    from stagekit.storage.collection import CollectionIdentity
    from stagekit.storage.collections import Target


@dataclass(frozen=True)
class Corpus:
    """The documents of a source as they should be stored."""

    source_id: str  # of the source, which owns the points
    payloads: Rows  # rows of ``metadata_enrichment.payloads``
    embeddings: Rows  # rows of ``embedding_generation.embeddings``
    # reads the table of a reference, see :meth:`stagekit.stage.stage.Stage.read_part`
    read_part: Callable[[Any], pa.Table]
    identity: CollectionIdentity  # of the collection for these vectors
    # what the last run left in that collection, see :func:`stagekit.storage.carried.carried_points`
    last: CarriedPoints

    @cached_property
    def unchanged(self) -> CarriedPoints:
        """The documents of the last run whose payloads and vectors are still the same."""
        return self.last.unchanged(self.payloads, self.embeddings)

    @cached_property
    def changed(self) -> list[DesiredDocument]:
        """The other documents, read.

        Raises:
            StageError: if payloads and vectors of a document do not belong together, or are damaged.
        """
        rows = (self.unchanged.without(self.payloads), self.unchanged.without(self.embeddings))
        return desired_documents(*rows, self.read_part, self.identity)

    def __len__(self) -> int:
        return len(self.changed) + len(self.unchanged)

    @property
    def points(self) -> int:
        """How many points the documents should have."""
        return self.unchanged.points + sum(len(document.fingerprints) for document in self.changed)

    @property
    def contents(self) -> set[str]:
        """The git blob ids of the documents' files."""
        return {document.content for document in self.changed} | self.unchanged.contents()

    def compare(self, client: QdrantClient, target: Target) -> Comparison:
        """Return what has to be compared with what the collection that the run fills holds."""
        if not target.switches and as_left(client, target.name, self.last, self.source_id):
            stored = self.last.stored(self.unchanged)
            return Comparison(self, self.changed, stored, stored, self.unchanged, as_left=True)
        desired = [*self.changed, *self._known()]
        stored = stored_points(client, target.name, self.source_id)
        served = stored_points(client, target.served, self.source_id) if target.switches else stored
        return Comparison(self, desired, stored, served, CarriedPoints.nothing(), as_left=False)

    def _known(self, most: int | None = None) -> list[DesiredDocument]:
        return self.unchanged.desired(
            self.payloads, self.embeddings, self.read_part, self.identity, most=most
        )


@dataclass(frozen=True)
class Comparison:
    """Documents as they should be stored, and the points that a collection holds of them."""

    corpus: Corpus  # all documents
    desired: list[DesiredDocument]  # those that are compared
    stored: dict[str, StoredPoint]  # points of the collection, by id, with which they are
    # points that readers see now; those of ``stored``, unless another collection is served
    served: dict[str, StoredPoint]
    untouched: CarriedPoints  # documents whose points are carried over without a look
    as_left: bool  # whether the collection is as the last run left it

    def plan(self, in_source: Collection[str]) -> Plan:
        """Return what makes the collection what it should be.

        Args:
            in_source: ids of the documents whose points may stay without a result of today, see
                :func:`stagekit.storage.sources.staying`.
        """
        return plan_changes(self.desired, self.stored, in_source=in_source, untouched=self.untouched.counts())

    def plan_for_readers(self) -> Plan:
        """Return what changes for readers once they see the collection in place of another one."""
        return plan_changes(self.desired, self.served)

    def sample(self, most: int = 20) -> list[DesiredDocument]:
        """Return the documents that were compared and some of the others, spread evenly."""
        known = self.corpus._known(most) if len(self.untouched) else []
        return [*self.desired, *known]

    def keep(
        self, client: QdrantClient, collection_name: str, memo: Memo, store: ArtifactStore, plan: Plan
    ) -> None:
        """Remember what the physical collection holds once the plan is done, verified and published."""
        keep_carried(client, collection_name, memo, store, self, plan)
