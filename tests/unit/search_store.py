"""A small collection with vectors of meaning and of words, for the tests of search and evaluation."""

import hashlib

from qdrant_client.models import (
    Distance,
    Modifier,
    PointStruct,
    SparseVector,
    SparseVectorParams,
    VectorParams,
)

from stagekit.embedding import SPARSE_VERSION, sparse_document_vector
from stagekit.storage import connect
from tests.unit.nic_rows import payloads
from tests.unit.storage_rows import COLLECTION, DIMENSION, document_id, vector

MODEL = "test-model@1"


def fill(
    folder,
    documents,
    *,
    name=COLLECTION,
    sparse=True,
    model=MODEL,
    size=DIMENSION,
    embed=vector,
    create=True,
    url="embedded",
    **changes,
):
    """Store documents (path -> texts of the chunks) in a collection, by default of the store in a folder.

    Documents with the same texts are copies of one file.
    """
    words = {"sparse": SparseVectorParams(modifier=Modifier.IDF)} if sparse else None
    client = connect(url, folder)
    if create:
        client.create_collection(
            name,
            vectors_config={"dense": VectorParams(size=size, distance=Distance.COSINE)},
            sparse_vectors_config=words,
            metadata={"embedding_model": model, "sparse": SPARSE_VERSION if sparse else ""},
        )
    for path, texts in documents.items():
        points = []
        blob = hashlib.sha1(repr(texts).encode(), usedforsecurity=False).hexdigest()
        own = {"path": path, "document_id": document_id(path), "blob_id": blob} | changes
        for payload in payloads(*texts, **own):
            text = payload["chunk_content"]
            vectors = {"dense": embed(text).tolist()}
            if sparse:
                made = sparse_document_vector(text, path)
                vectors["sparse"] = SparseVector(indices=made.indices, values=made.values)
            points.append(PointStruct(id=payload["chunk_id"], vector=vectors, payload=payload))
        client.upsert(name, points=points, wait=True)
    client.close()


def meaning(text):
    """Stand in for the embedding model."""
    return vector(text).tolist()
