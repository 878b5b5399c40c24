"""Stage 05: what each chunk's payload says, by the NIC schema v1.1.

Names are imported at their first use: a search, which reads payloads, needs no Arrow.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from stagekit.enrichment.completion import complete_payload as complete_payload
    from stagekit.enrichment.inputs import join_documents as join_documents
    from stagekit.enrichment.inputs import payload_inputs as payload_inputs
    from stagekit.enrichment.metadata import EnrichmentSettings as EnrichmentSettings
    from stagekit.enrichment.migration import migrate_payload as migrate_payload
    from stagekit.enrichment.payload import build_payloads as build_payloads
    from stagekit.enrichment.payload import chunk_ids as chunk_ids
    from stagekit.enrichment.relations import relate_documents as relate_documents
    from stagekit.enrichment.schema import SCHEMA_VERSION as SCHEMA_VERSION
    from stagekit.enrichment.schema import NicPayload as NicPayload
    from stagekit.enrichment.schema import PayloadDraft as PayloadDraft
    from stagekit.enrichment.schema import nullable_fields as nullable_fields

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
