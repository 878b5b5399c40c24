"""Documents with vectors as the stages before storage hand them on, and a collection to put them into."""

import hashlib
import json
import uuid

import numpy as np
import pyarrow as pa
from qdrant_client.models import (
    Distance,
    Modifier,
    PointIdsList,
    PointStruct,
    SparseVectorParams,
    VectorParams,
)

from stagekit.storage import (
    DENSE,
    SPARSE,
    CollectionIdentity,
    apply_change,
    desired_documents,
    plan_changes,
    stored_points,
)
from tests.unit.nic_rows import payloads

DIMENSION = 8
SOURCE = "0123456789abcdef"  # of nic_rows.SETTINGS
IDENTITY = CollectionIdentity("test-model@1", DIMENSION)
COLLECTION = "nic_documents"


def vector(text):
    """Return a unit vector that depends on the text's words, so that similar texts are near each other."""
    total = np.zeros(DIMENSION)
    for word in text.lower().split():
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        total += np.random.default_rng(seed).normal(size=DIMENSION)
    return (total / np.linalg.norm(total)).astype(np.float32)


def document_id(path):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, path))


class Corpus:
    """Rows and parts of some documents: path -> texts of its chunks."""

    def __init__(self, documents, **changes):
        self.parts = {}
        self.payloads, self.embeddings = [], []
        for path, texts in documents.items():
            made = payloads(*texts, path=path, document_id=document_id(path), **changes)
            head = {"document_id": document_id(path), "path": path, "chunks_sha256": path}
            self.payloads.append({**head, "payloads": self._keep(path, "payloads", self._payloads(made))})
            self.embeddings.append(
                {**head, "embeddings": self._keep(path, "embeddings", self._vectors(texts))}
            )

    def _keep(self, path, name, table):
        self.parts[path, name] = table
        return (path, name)

    def _payloads(self, made):
        return pa.table(
            {
                "chunk_index": [row["chunk_index"] for row in made],
                "chunk_id": [row["chunk_id"] for row in made],
                "payload": [json.dumps(row) for row in made],
            }
        )

    def _vectors(self, texts):
        values = np.concatenate([vector(text) for text in texts])
        return pa.table(
            {
                "chunk_index": list(range(len(texts))),
                "vector": pa.FixedSizeListArray.from_arrays(pa.array(values), DIMENSION),
                "vector_key": [hashlib.sha256(text.encode()).hexdigest() for text in texts],
            }
        )

    def desired(self):
        return desired_documents(self.payloads, self.embeddings, self.parts.__getitem__, IDENTITY)


def create(client, name=COLLECTION, identity=IDENTITY):
    """Create a collection without indexes: making them takes the embedded store longer than a test should."""
    sparse = {SPARSE: SparseVectorParams(modifier=Modifier.IDF)} if identity.sparse else None
    client.create_collection(
        name,
        vectors_config={DENSE: VectorParams(size=identity.dimension, distance=Distance.COSINE)},
        sparse_vectors_config=sparse,
        metadata=identity.metadata(),
    )


class Writes:
    """The two writing calls of the notebook, counted."""

    def __init__(self, client, name=COLLECTION):
        self.client, self.name = client, name
        self.upserted, self.deleted = [], []

    def upsert(self, points):
        points = list(points)
        self.upserted.append([point.id for point in points])
        self.client.upsert(self.name, points=points, wait=True)

    def delete(self, ids):
        self.deleted.append(ids)
        self.client.delete(self.name, points_selector=PointIdsList(points=ids), wait=True)


def reconcile(client, desired, *, in_source=(), name=COLLECTION):
    """Do what the storage notebook does; return the report and the writes."""
    writes = Writes(client, name)
    plan = plan_changes(desired, stored_points(client, name, SOURCE), in_source=in_source)
    report = [apply_change(change, upsert=writes.upsert, delete=writes.delete) for change in plan.changes]
    return report, writes


def alter(client, point_id, payload=None, vector=None, *, empty=False, name=COLLECTION):
    """Change a stored point by hand, as no run does: some payload fields, the vector, or all payload away."""
    (record,) = client.retrieve(name, ids=[point_id], with_payload=True, with_vectors=True)
    vectors = record.vector if vector is None else {DENSE: vector}
    fields = {} if empty else {**record.payload, **(payload or {})}
    client.upsert(name, points=[PointStruct(id=point_id, vector=vectors, payload=fields)])
