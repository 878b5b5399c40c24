"""LlamaIndex: IngestionPipeline with a document store and its cache, into Qdrant's local mode.

    python llamaindex_pipeline.py DOCUMENTS STATE_FOLDER MODEL CONVERTER

After developers.llamaindex.ai, "Ingestion Pipeline" and "Redis Ingestion Pipeline": documents with the hash
that the document store knows are skipped, those of vanished files are deleted (upserts and delete).
"""

from __future__ import annotations

import sys
from pathlib import Path

from llama_index.core import Document
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.vector_stores.qdrant import QdrantVectorStore
from qdrant_client import QdrantClient
from transformers import AutoTokenizer

from tests.bench.peers.reading import count_encoded, documents_of, open_reader, tell

COLLECTION = "documents"


def main() -> None:
    folder, state, model, converter = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    seen = count_encoded()
    read = open_reader(converter)
    client = QdrantClient(path=str(state / "qdrant"))
    tokenizer = AutoTokenizer.from_pretrained(model)
    pipeline = IngestionPipeline(
        transformations=[
            SentenceSplitter(chunk_size=500, chunk_overlap=100, tokenizer=tokenizer.tokenize),
            HuggingFaceEmbedding(model_name=model, device="cpu", embed_batch_size=32),
        ],
        vector_store=QdrantVectorStore(COLLECTION, client=client),
        docstore=SimpleDocumentStore(),
        docstore_strategy=DocstoreStrategy.UPSERTS_AND_DELETE,
    )
    storage = state / "pipeline_storage"
    if storage.exists():
        pipeline.load(str(storage))
    documents = []
    for path in documents_of(folder):
        name = str(path.relative_to(folder))
        documents.append(Document(id_=name, text=read(path), metadata={"file_path": name}))
    pipeline.run(documents=documents)
    pipeline.persist(str(storage))
    tell(len(documents), seen["texts"], client.count(COLLECTION).count)
    client.close()


if __name__ == "__main__":
    main()
