"""Stage 06: the vector store, kept equal to what the stages before it made.

Public for other programs is :func:`connect`, which opens the store that the setting ``qdrant_url`` names.
"""

from stagekit.base.collection_settings import CollectionSettings
from stagekit.storage.batching import point_struct
from stagekit.storage.carried import CarriedPoints, as_left, carried_points, forget_carried, keep_carried
from stagekit.storage.client import (
    EMBEDDED,
    connect,
    embedded_path,
    is_embedded,
    patience_of,
    qdrant_errors,
    require_completed,
)
from stagekit.storage.collection import (
    DENSE,
    PAYLOAD_INDEXES,
    SPARSE,
    CollectionIdentity,
    check_collection,
    create_collection,
    create_payload_indexes,
)
from stagekit.storage.collections import (
    PhysicalCollection,
    Target,
    drop_superseded,
    finish_load,
    open_target,
    physical_collections,
    publish,
    require_vectors,
    require_writable,
    served_collection,
    sources_of,
)
from stagekit.storage.desired import DesiredDocument, DesiredPoint, desired_documents, embedding_identity
from stagekit.storage.embedded.store import EmbeddedQdrant, open_embedded
from stagekit.storage.limits import largest_upsert
from stagekit.storage.metadata.languages import keep_language_centroids
from stagekit.storage.metadata.source_marks import SourceMark, begin_writing, finish_writing, source_mark
from stagekit.storage.outdated import mark_outdated, outdated_points
from stagekit.storage.reconcile import (
    DocumentChange,
    Plan,
    apply_change,
    guard_deletions,
    plan_changes,
)
from stagekit.storage.sources import (
    adopt_former,
    collections_of,
    drop_points,
    known_source,
    record_source,
    staying,
    take_over,
)
from stagekit.storage.stored import (
    StoredPoint,
    count_points,
    foreign_points,
    of_source,
    refuse_foreign,
    stored_points,
)
from stagekit.storage.verify import Difference, Verification, compare, verify_sample
from stagekit.storage.version import server_version
from stagekit.storage.writing import PointWriter

__all__ = [
    "DENSE",
    "EMBEDDED",
    "PAYLOAD_INDEXES",
    "SPARSE",
    "CarriedPoints",
    "CollectionIdentity",
    "CollectionSettings",
    "DesiredDocument",
    "DesiredPoint",
    "Difference",
    "DocumentChange",
    "EmbeddedQdrant",
    "PhysicalCollection",
    "Plan",
    "PointWriter",
    "SourceMark",
    "StoredPoint",
    "Target",
    "Verification",
    "adopt_former",
    "apply_change",
    "as_left",
    "begin_writing",
    "carried_points",
    "check_collection",
    "collections_of",
    "compare",
    "connect",
    "count_points",
    "create_collection",
    "create_payload_indexes",
    "desired_documents",
    "drop_points",
    "drop_superseded",
    "embedded_path",
    "embedding_identity",
    "finish_load",
    "finish_writing",
    "foreign_points",
    "forget_carried",
    "guard_deletions",
    "is_embedded",
    "keep_carried",
    "keep_language_centroids",
    "known_source",
    "largest_upsert",
    "mark_outdated",
    "of_source",
    "open_embedded",
    "open_target",
    "outdated_points",
    "patience_of",
    "physical_collections",
    "plan_changes",
    "point_struct",
    "publish",
    "qdrant_errors",
    "record_source",
    "refuse_foreign",
    "require_completed",
    "require_vectors",
    "require_writable",
    "served_collection",
    "server_version",
    "source_mark",
    "sources_of",
    "staying",
    "stored_points",
    "take_over",
    "verify_sample",
]
