"""Where a stage's documents are worked on: here, or on the cluster that a setting names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stagekit.embedding.documents import DocumentEmbedding
    from stagekit.stage.execution import Executor


def embedding_executor(documents: DocumentEmbedding, scheduler: str) -> Executor:
    """Return what applies the embedding to documents, here or on the Dask cluster at `scheduler`."""
    if not scheduler:
        return documents.in_batches()
    from stagekit.cluster.embedding import ClusterEmbedding

    documents.elsewhere = cluster = ClusterEmbedding(
        scheduler,
        documents.embed,
        documents.texts,
        model=documents.model,
        prompt=documents.files.passage_prompt,
        batch_size=documents.batch_size,
        fingerprint=documents.files.fingerprint,
        accepted=documents.accepted,
        store=documents.store,
    )
    return cluster
