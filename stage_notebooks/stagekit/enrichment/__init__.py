"""Stage 05: what each chunk's payload says, by the NIC schema v1.1.

Names are imported at their first use: a search, which reads payloads, needs no Arrow.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from stagekit.enrichment.completion import complete_payload
    from stagekit.enrichment.inputs import join_documents, payload_inputs
    from stagekit.enrichment.metadata import EnrichmentSettings
    from stagekit.enrichment.migration import migrate_payload
    from stagekit.enrichment.payload import build_payloads, chunk_ids
    from stagekit.enrichment.relations import relate_documents
    from stagekit.enrichment.schema import SCHEMA_VERSION, NicPayload, PayloadDraft, nullable_fields

__all__ = [
    "SCHEMA_VERSION",
    "EnrichmentSettings",
    "NicPayload",
    "PayloadDraft",
    "build_payloads",
    "chunk_ids",
    "complete_payload",
    "join_documents",
    "migrate_payload",
    "nullable_fields",
    "payload_inputs",
    "relate_documents",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "stagekit.enrichment.completion": ("complete_payload",),
        "stagekit.enrichment.inputs": (
            "join_documents",
            "payload_inputs",
        ),
        "stagekit.enrichment.metadata": ("EnrichmentSettings",),
        "stagekit.enrichment.migration": ("migrate_payload",),
        "stagekit.enrichment.payload": (
            "build_payloads",
            "chunk_ids",
        ),
        "stagekit.enrichment.relations": ("relate_documents",),
        "stagekit.enrichment.schema": (
            "SCHEMA_VERSION",
            "NicPayload",
            "PayloadDraft",
            "nullable_fields",
        ),
    },
)
