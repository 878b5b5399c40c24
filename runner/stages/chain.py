"""The six stages of the chain: what each depends on, which code makes it, and which secrets it may see."""

from __future__ import annotations

from typing import Any, Final

from runner.models import PipelineStage, ResourceRequirements
from stagekit.base.paths import source_notebook

# What the kernels of the last two stages load ahead.
_TOKENIZER = "stagekit.embedding.warm_up:tokenizer"
_ENRICHMENT = (
    "stagekit.enrichment.inputs",
    "stagekit.enrichment.migration",
    "stagekit.enrichment.payload",
    "stagekit.enrichment.relations",
)
_STORAGE = (
    "qdrant_client",
    "stagekit.storage.client",
    "stagekit.storage.corpus",
    "stagekit.storage.collections",
    "stagekit.storage.metadata.languages",
    "stagekit.storage.outdated",
    "stagekit.storage.sources",
    "stagekit.storage.verify",
    "stagekit.storage.writing",
)

# No stage warms torch up: ONNX Runtime does without its 6 s and 1 GB.
_CHAIN: Final[dict[str, dict[str, Any]]] = {
    "gitlab_ingestion": {
        "description": "reads the approved documents of the repository",
        "code": ("declared", "ingestion"),
        "secrets": ("GITLAB_TOKEN", "CI_JOB_TOKEN"),
        "outside": "source",
    },
    "document_processing": {
        "description": "converts each document with Docling, with OCR where it is needed",
        "dependencies": ("gitlab_ingestion",),
        "code": ("chunking", "conservation", "declared", "processing"),
        "secrets": ("HF_TOKEN", "NIC_ETL_PDF_PASSWORDS"),
        "warm_imports": ("stagekit.processing", "stagekit.workers.team"),
        "worker_imports": ("stagekit.processing.worker", "stagekit.processing.light_libraries"),
        "resource_requirements": ResourceRequirements(memory_mb=2500),
    },
    "text_chunking": {
        "description": "cuts the documents into chunks along their structure",
        "dependencies": ("document_processing",),
        "code": ("chunking", "conservation", "embedding"),
        "secrets": ("HF_TOKEN",),
        "warm_imports": ("stagekit.chunking", "docling_core.types.doc"),
        "warm_up": _TOKENIZER,
        "common_warm_up": _TOKENIZER,
        "resource_requirements": ResourceRequirements(memory_mb=800),
    },
    "embedding_generation": {
        "description": "turns each chunk into a vector",
        "dependencies": ("text_chunking",),
        "code": ("embedding",),
        "secrets": ("HF_TOKEN",),
        "warm_imports": ("stagekit.embedding", "tokenizers"),  # what computes comes with the model
        "warm_up": "stagekit.embedding.warm_up:model",
        "common_warm_up": _TOKENIZER,
        "resource_requirements": ResourceRequirements(memory_mb=3000),
    },
    "metadata_enrichment": {
        "description": "describes each chunk by the NIC schema",
        "dependencies": ("gitlab_ingestion", "document_processing", "text_chunking"),
        "code": ("declared", "enrichment"),
        "warm_imports": _ENRICHMENT,
        "warm_up": "stagekit.enrichment.language_model:warm_up",
        "resource_requirements": ResourceRequirements(memory_mb=600),
    },
    "qdrant_storage": {
        "description": "makes the Qdrant collection equal to the desired state",
        "dependencies": ("gitlab_ingestion", "embedding_generation", "metadata_enrichment"),
        "code": ("declared", "enrichment", "storage"),
        "secrets": ("QDRANT_API_KEY",),
        "warm_imports": _STORAGE,
        "outside": "store",
        "resource_requirements": ResourceRequirements(memory_mb=1000),
    },
}


def default_stages() -> list[PipelineStage]:
    """Return the chain of the six stage notebooks."""
    return [PipelineStage(name, notebook=source_notebook(name), **said) for name, said in _CHAIN.items()]
