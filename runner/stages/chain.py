"""The six stages of the chain: what each depends on, which code makes it, and which secrets it may see."""

from __future__ import annotations

from runner.models import PipelineStage, ResourceRequirements
from stagekit.base.paths import source_notebook

__all__ = ["default_stages"]


def default_stages() -> list[PipelineStage]:
    """Return the chain of the six stage notebooks."""
    return [
        PipelineStage(
            "gitlab_ingestion",
            "reads the approved documents of the repository",
            source_notebook("gitlab_ingestion"),
            code=("declared", "ingestion"),
            secrets=("GITLAB_TOKEN", "CI_JOB_TOKEN"),
            outside="source",
        ),
        PipelineStage(
            "document_processing",
            "converts each document with Docling, with OCR where it is needed",
            source_notebook("document_processing"),
            dependencies=("gitlab_ingestion",),
            code=("declared", "processing"),
            secrets=("HF_TOKEN", "NIC_ETL_PDF_PASSWORDS"),
            warm_imports=("stagekit.processing", "stagekit.workers.team"),
            worker_imports=("stagekit.processing.worker", "stagekit.processing.light_libraries"),
            resource_requirements=ResourceRequirements(memory_mb=2500),
        ),
        PipelineStage(
            "text_chunking",
            "cuts the documents into chunks along their structure",
            source_notebook("text_chunking"),
            dependencies=("document_processing",),
            code=("chunking", "embedding"),
            secrets=("HF_TOKEN",),
            warm_imports=("stagekit.chunking", "docling_core.types.doc"),
            warm_up="stagekit.embedding.warm_up:tokenizer",
            resource_requirements=ResourceRequirements(memory_mb=800),
        ),
        PipelineStage(
            "embedding_generation",
            "turns each chunk into a vector",
            source_notebook("embedding_generation"),
            dependencies=("text_chunking",),
            code=("embedding",),
            secrets=("HF_TOKEN",),
            # torch is left to the notebook: ONNX Runtime does without its 6 s and 1 GB.
            warm_imports=("stagekit.embedding", "onnxruntime", "tokenizers"),
            warm_up="stagekit.embedding.warm_up:model",
            resource_requirements=ResourceRequirements(memory_mb=3000),
        ),
        PipelineStage(
            "metadata_enrichment",
            "describes each chunk by the NIC schema",
            source_notebook("metadata_enrichment"),
            dependencies=("gitlab_ingestion", "document_processing", "text_chunking"),
            code=("declared", "enrichment"),
            warm_imports=("stagekit.enrichment",),
            warm_up="stagekit.enrichment.language_model:warm_up",
            resource_requirements=ResourceRequirements(memory_mb=600),
        ),
        PipelineStage(
            "qdrant_storage",
            "makes the Qdrant collection equal to the desired state",
            source_notebook("qdrant_storage"),
            dependencies=("gitlab_ingestion", "embedding_generation", "metadata_enrichment"),
            code=("declared", "enrichment", "storage"),
            secrets=("QDRANT_API_KEY",),
            warm_imports=("qdrant_client", "stagekit.storage"),
            outside="store",
            resource_requirements=ResourceRequirements(memory_mb=1000),
        ),
    ]
