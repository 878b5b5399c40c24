"""LangChain: a loader, a token splitter and `index()` with its record manager, into Qdrant's local mode.

    python langchain_pipeline.py DOCUMENTS STATE_FOLDER MODEL CONVERTER

After docs.langchain.com, "How to use the LangChain indexing API": hashes of chunks are kept in SQLite,
unchanged chunks are skipped, those of vanished documents are deleted (cleanup "full").
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from langchain_classic.indexes import SQLRecordManager, index
from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_qdrant import QdrantVectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter
from qdrant_client import QdrantClient
from qdrant_client.models import Distance, VectorParams
from transformers import AutoTokenizer

from tests.bench.peers.reading import count_encoded, documents_of, open_reader, tell

COLLECTION = "documents"


class FolderLoader(BaseLoader):
    """Yields one document a file, read by Docling."""

    def __init__(self, folder: Path, converter: str) -> None:
        self._folder = folder
        self._read = open_reader(converter)

    def lazy_load(self) -> Iterator[Document]:
        for path in documents_of(self._folder):
            yield Document(self._read(path), metadata={"source": str(path.relative_to(self._folder))})


def main() -> None:
    folder, state, model, converter = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    seen = count_encoded()
    embeddings = HuggingFaceEmbeddings(model_name=model, encode_kwargs={"normalize_embeddings": True})
    client = QdrantClient(path=str(state / "qdrant"))
    if not client.collection_exists(COLLECTION):
        client.create_collection(COLLECTION, vectors_config=VectorParams(size=384, distance=Distance.COSINE))
    store = QdrantVectorStore(client, COLLECTION, embeddings)
    records = SQLRecordManager(f"qdrant/{COLLECTION}", db_url=f"sqlite:///{state}/records.sqlite")
    records.create_schema()
    splitter = RecursiveCharacterTextSplitter.from_huggingface_tokenizer(
        AutoTokenizer.from_pretrained(model), chunk_size=500, chunk_overlap=100
    )
    documents = list(FolderLoader(folder, converter).lazy_load())
    chunks = splitter.split_documents(documents)
    index(chunks, records, store, cleanup="full", source_id_key="source", key_encoder="sha1")
    tell(len(documents), seen["texts"], client.count(COLLECTION).count)
    client.close()


if __name__ == "__main__":
    main()
