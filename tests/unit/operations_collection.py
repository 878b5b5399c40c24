"""An outputs folder with a collection, and the executed notebooks of which it should be the image."""

import json

from runner.record.state_manager import StateManager
from stagekit.artifacts.store import ArtifactStore
from stagekit.artifacts.tables import encode_rows
from stagekit.storage import connect
from tests.unit.core_notebooks import executed_notebook
from tests.unit.storage_rows import DIMENSION, IDENTITY, SOURCE, create, document_id, reconcile


def executed(outputs, corpus, listed=()):
    """Leave the executed notebooks that storage reads, as the newest good ones."""
    store = ArtifactStore(outputs / "artifacts")
    parts = {key: store.put_table(key[1], table).model_dump() for key, table in corpus.parts.items()}
    model = {"embedding_model": IDENTITY.embedding_model, "vector_dimension": DIMENSION}
    embeddings = [row | model | {"embeddings": parts[row["embeddings"]]} for row in corpus.embeddings]
    payloads = [row | {"payloads": parts[row["payloads"]]} for row in corpus.payloads]
    paths = [*(row["path"] for row in corpus.payloads), *listed]
    documents = [{"document_id": document_id(path), "path": path, "status": "ok"} for path in paths]
    snapshot = json.dumps({"source_id": SOURCE}).encode()
    products = {
        "01_gitlab_ingestion": [
            store.put_table("documents", encode_rows(documents)),
            store.put("source_snapshot", snapshot, "application/json"),
        ],
        "04_embedding_generation": [store.put_table("embeddings", encode_rows(embeddings))],
        "05_metadata_enrichment": [store.put_table("payloads", encode_rows(payloads))],
    }
    manager = StateManager(outputs)
    for name, refs in products.items():
        scraps = {ref.name: ref.model_dump(mode="json") for ref in refs}
        manager.set_latest(executed_notebook(outputs / "runs" / "r1" / f"{name}.ipynb", scraps))


def fill(outputs, corpus):
    """Store the corpus in the embedded collection."""
    client = connect("embedded", outputs)
    create(client)
    reconcile(client, corpus.desired())
    client.close()
