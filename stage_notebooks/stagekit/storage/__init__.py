"""Stage 06: the vector store, kept equal to what the stages before it made.

Public for other programs is :func:`connect`, which opens the store that the setting ``qdrant_url`` names.

Names are imported at their first use: whoever only reads the embedded store needs no client of a server.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from stagekit.base.collection_settings import CollectionSettings as CollectionSettings
    from stagekit.base.store_address import EMBEDDED as EMBEDDED
    from stagekit.base.store_address import connection_options as connection_options
    from stagekit.base.store_address import embedded_path as embedded_path
    from stagekit.base.store_address import is_embedded as is_embedded
    from stagekit.storage.carried import CarriedPoints as CarriedPoints
    from stagekit.storage.carried import as_left as as_left
    from stagekit.storage.carried import carried_points as carried_points
    from stagekit.storage.carried import forget_carried as forget_carried
    from stagekit.storage.carried import keep_carried as keep_carried
    from stagekit.storage.client import connect as connect
    from stagekit.storage.client import patience_of as patience_of
    from stagekit.storage.client import qdrant_errors as qdrant_errors
    from stagekit.storage.client import require_completed as require_completed
    from stagekit.storage.collection import DENSE as DENSE
    from stagekit.storage.collection import PAYLOAD_INDEXES as PAYLOAD_INDEXES
    from stagekit.storage.collection import SPARSE as SPARSE
    from stagekit.storage.collection import CollectionIdentity as CollectionIdentity
    from stagekit.storage.collection import check_collection as check_collection
    from stagekit.storage.collection import create_collection as create_collection
    from stagekit.storage.collection import create_payload_indexes as create_payload_indexes
    from stagekit.storage.collections import PhysicalCollection as PhysicalCollection
    from stagekit.storage.collections import Target as Target
    from stagekit.storage.collections import drop_superseded as drop_superseded
    from stagekit.storage.collections import finish_load as finish_load
    from stagekit.storage.collections import open_target as open_target
    from stagekit.storage.collections import physical_collections as physical_collections
    from stagekit.storage.collections import publish as publish
    from stagekit.storage.collections import require_vectors as require_vectors
    from stagekit.storage.collections import require_writable as require_writable
    from stagekit.storage.collections import served_collection as served_collection
    from stagekit.storage.collections import sources_of as sources_of
    from stagekit.storage.corpus import Comparison as Comparison
    from stagekit.storage.corpus import Corpus as Corpus
    from stagekit.storage.desired import DesiredDocument as DesiredDocument
    from stagekit.storage.desired import DesiredPoint as DesiredPoint
    from stagekit.storage.desired import desired_documents as desired_documents
    from stagekit.storage.desired import embedding_identity as embedding_identity
    from stagekit.storage.embedded.store import EmbeddedQdrant as EmbeddedQdrant
    from stagekit.storage.embedded.store import open_embedded as open_embedded
    from stagekit.storage.limits import largest_upsert as largest_upsert
    from stagekit.storage.metadata.languages import keep_language_centroids as keep_language_centroids
    from stagekit.storage.metadata.source_marks import SourceMark as SourceMark
    from stagekit.storage.metadata.source_marks import begin_writing as begin_writing
    from stagekit.storage.metadata.source_marks import finish_writing as finish_writing
    from stagekit.storage.metadata.source_marks import source_mark as source_mark
    from stagekit.storage.outdated import mark_outdated as mark_outdated
    from stagekit.storage.reconcile import DocumentChange as DocumentChange
    from stagekit.storage.reconcile import Plan as Plan
    from stagekit.storage.reconcile import apply_change as apply_change
    from stagekit.storage.reconcile import guard_deletions as guard_deletions
    from stagekit.storage.reconcile import plan_changes as plan_changes
    from stagekit.storage.sources import adopt_former as adopt_former
    from stagekit.storage.sources import collections_of as collections_of
    from stagekit.storage.sources import drop_points as drop_points
    from stagekit.storage.sources import known_source as known_source
    from stagekit.storage.sources import record_source as record_source
    from stagekit.storage.sources import staying as staying
    from stagekit.storage.sources import take_over as take_over
    from stagekit.storage.stored import StoredPoint as StoredPoint
    from stagekit.storage.stored import count_points as count_points
    from stagekit.storage.stored import foreign_points as foreign_points
    from stagekit.storage.stored import of_source as of_source
    from stagekit.storage.stored import refuse_foreign as refuse_foreign
    from stagekit.storage.stored import stored_points as stored_points
    from stagekit.storage.verify import Difference as Difference
    from stagekit.storage.verify import Verification as Verification
    from stagekit.storage.verify import compare as compare
    from stagekit.storage.verify import verify_sample as verify_sample
    from stagekit.storage.version import server_version as server_version
    from stagekit.storage.writing import PointWriter as PointWriter

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
