"""Rows as the stages before enrichment hand them on, for the tests of enrichment, storage and search."""

import hashlib
import uuid

from stagekit.enrichment import EnrichmentSettings, build_payloads

DOCUMENT_ID = str(uuid.uuid5(uuid.NAMESPACE_DNS, "nic-etl.test"))
WHEN = "2026-03-01T12:00:00Z"
SETTINGS = EnrichmentSettings(
    organization="NIC",
    approved_folders=("30-Aprovados",),
    embedding_model="packaged/multilingual-e5-small",
    repository_url="https://gitlab.example.org/nic/docs.git",
    repository_branch="main",
    source_id="0123456789abcdef",
    pipeline_version="0.1.0",
)
TEXT = (
    "Esta política define como os dados mantidos pela Secretaria devem ser protegidos contra perda. "
    "Ela vale para todos os servidores."
)


def source(path="30-Aprovados/seguranca/acesso/senhas.md", **changes):
    row = {
        "document_id": DOCUMENT_ID,
        "path": path,
        "file_name": path.rpartition("/")[2],
        "file_extension": path.rpartition(".")[2],
        "size_bytes": 1234,
        "blob_id": "a" * 40,
        "repository_commit": "b" * 40,
        "repository_commit_timestamp": "2025-02-03T10:00:00Z",
        "author": "Ana Souza",
        "created": "2024-01-02T08:00:00Z",
        "modified": "2025-02-03T10:00:00Z",
    }
    return row | changes


def processed(**changes):
    row = {
        "title": None,
        "language": None,
        "ocr_applied": False,
        "ocr_confidence": None,
        "confidence": None,
        "front_matter": {},
        "properties": {},
        "warnings": [],
    }
    return row | changes


def chunk(index=0, text=TEXT, **changes):
    row = {
        "chunk_index": index,
        "text": text,
        "token_count": 30,
        "start": 10,
        "end": 10 + len(text),
        "content_type": "paragraph",
        "section_titles": [],
        "section_hierarchy": [],
        "pages": [],
        "regions": [],
        "content_hash": hashlib.sha256(text.encode()).hexdigest(),
    }
    return row | changes


def payloads(*texts, **changes):
    """Return the payloads of a document whose chunks hold the given texts, or are rows of more fields."""
    rows = [
        chunk(index, **text) if isinstance(text, dict) else chunk(index, text)
        for index, text in enumerate(texts or [TEXT])
    ]
    front_matter = changes.pop("front_matter", {})
    return build_payloads(
        source(**changes), processed(front_matter=front_matter), rows, SETTINGS, processing_timestamp=WHEN
    )
