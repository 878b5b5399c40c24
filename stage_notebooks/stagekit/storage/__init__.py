"""Stage 06: the vector store, kept equal to what the stages before it made."""

from stagekit.storage.batching import batches
from stagekit.storage.client import (
    EMBEDDED,
    connect,
    embedded_path,
    is_embedded,
    qdrant_errors,
    require_completed,
)
from stagekit.storage.collection import (
    PAYLOAD_INDEXES,
    CollectionIdentity,
    check_collection,
    create_payload_indexes,
)
from stagekit.storage.desired import DesiredDocument, DesiredPoint, desired_documents, embedding_identity
from stagekit.storage.reconcile import (
    DocumentChange,
    Plan,
    apply_change,
    guard_deletions,
    plan_changes,
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

__all__ = [
    "EMBEDDED",
    "PAYLOAD_INDEXES",
    "CollectionIdentity",
    "DesiredDocument",
    "DesiredPoint",
    "Difference",
    "DocumentChange",
    "Plan",
    "StoredPoint",
    "Verification",
    "apply_change",
    "batches",
    "check_collection",
    "compare",
    "connect",
    "count_points",
    "create_payload_indexes",
    "desired_documents",
    "embedded_path",
    "embedding_identity",
    "foreign_points",
    "guard_deletions",
    "is_embedded",
    "of_source",
    "plan_changes",
    "qdrant_errors",
    "refuse_foreign",
    "require_completed",
    "stored_points",
    "verify_sample",
]
