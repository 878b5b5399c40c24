"""Stage 06: the vector store, kept equal to what the stages before it made.

Public for other programs is :func:`connect`, which opens the store that the setting ``qdrant_url`` names.

Names are imported at their first use: whoever only reads the embedded store needs no client of a server.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from stagekit.base.collection_settings import CollectionSettings
    from stagekit.base.store_address import EMBEDDED, connection_options, embedded_path, is_embedded
    from stagekit.storage.carried import CarriedPoints, as_left, carried_points, forget_carried, keep_carried
    from stagekit.storage.client import connect, patience_of, qdrant_errors, require_completed
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
    from stagekit.storage.corpus import Comparison, Corpus
    from stagekit.storage.desired import DesiredDocument, DesiredPoint, desired_documents, embedding_identity
    from stagekit.storage.embedded.store import EmbeddedQdrant, open_embedded
    from stagekit.storage.limits import largest_upsert
    from stagekit.storage.metadata.languages import keep_language_centroids
    from stagekit.storage.metadata.source_marks import SourceMark, begin_writing, finish_writing, source_mark
    from stagekit.storage.outdated import mark_outdated
    from stagekit.storage.reconcile import DocumentChange, Plan, apply_change, guard_deletions, plan_changes
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
    "Comparison",
    "Corpus",
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
    "connection_options",
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
    "patience_of",
    "physical_collections",
    "plan_changes",
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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "stagekit.base.collection_settings": ("CollectionSettings",),
        "stagekit.storage.carried": (
            "CarriedPoints",
            "as_left",
            "carried_points",
            "forget_carried",
            "keep_carried",
        ),
        "stagekit.base.store_address": (
            "EMBEDDED",
            "connection_options",
            "embedded_path",
            "is_embedded",
        ),
        "stagekit.storage.client": (
            "connect",
            "patience_of",
            "qdrant_errors",
            "require_completed",
        ),
        "stagekit.storage.collection": (
            "DENSE",
            "PAYLOAD_INDEXES",
            "SPARSE",
            "CollectionIdentity",
            "check_collection",
            "create_collection",
            "create_payload_indexes",
        ),
        "stagekit.storage.collections": (
            "PhysicalCollection",
            "Target",
            "drop_superseded",
            "finish_load",
            "open_target",
            "physical_collections",
            "publish",
            "require_vectors",
            "require_writable",
            "served_collection",
            "sources_of",
        ),
        "stagekit.storage.corpus": (
            "Comparison",
            "Corpus",
        ),
        "stagekit.storage.desired": (
            "DesiredDocument",
            "DesiredPoint",
            "desired_documents",
            "embedding_identity",
        ),
        "stagekit.storage.embedded.store": (
            "EmbeddedQdrant",
            "open_embedded",
        ),
        "stagekit.storage.limits": ("largest_upsert",),
        "stagekit.storage.metadata.languages": ("keep_language_centroids",),
        "stagekit.storage.metadata.source_marks": (
            "SourceMark",
            "begin_writing",
            "finish_writing",
            "source_mark",
        ),
        "stagekit.storage.outdated": ("mark_outdated",),
        "stagekit.storage.reconcile": (
            "DocumentChange",
            "Plan",
            "apply_change",
            "guard_deletions",
            "plan_changes",
        ),
        "stagekit.storage.sources": (
            "adopt_former",
            "collections_of",
            "drop_points",
            "known_source",
            "record_source",
            "staying",
            "take_over",
        ),
        "stagekit.storage.stored": (
            "StoredPoint",
            "count_points",
            "foreign_points",
            "of_source",
            "refuse_foreign",
            "stored_points",
        ),
        "stagekit.storage.verify": (
            "Difference",
            "Verification",
            "compare",
            "verify_sample",
        ),
        "stagekit.storage.version": ("server_version",),
        "stagekit.storage.writing": ("PointWriter",),
    },
)
