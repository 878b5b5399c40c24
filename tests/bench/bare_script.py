"""The chain's work as one plain script: the same calls with the same settings, in one process.

    python tests/bench/bare_script.py SETTINGS.json STORE_FOLDER

It is the baseline of ``make bench``: no notebooks, no kernels, no artifacts, no checkpoints, no isolation;
whatever changed or not, it does all the work. What it took, phase by phase, is the last line of its output,
as JSON. SETTINGS.json holds every setting of nic-etl; BENCH_BEGIN in the environment is when it was started.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

BEGIN = float(os.environ.get("BENCH_BEGIN") or time.time())

from stagekit import chunking, embedding, enrichment, ingestion, storage  # noqa: E402
from stagekit.base.machine import cores  # noqa: E402
from stagekit.errors import DocumentRejected  # noqa: E402
from stagekit.processing.process import process_document  # noqa: E402
from stagekit.processing.reader import DocumentReader  # noqa: E402
from stagekit.processing.settings import ProcessingSettings  # noqa: E402
from stagekit.processing.verdict import quality_verdict  # noqa: E402

SECONDS: dict[str, float] = {}
COUNTS: dict[str, int] = {}


@contextmanager
def phase(name: str) -> Iterator[None]:
    begin = time.monotonic()
    try:
        yield
    finally:
        SECONDS[name] = SECONDS.get(name, 0.0) + time.monotonic() - begin


def list_documents(given: SimpleNamespace) -> tuple[list[dict[str, Any]], list[bytes], Any]:
    """Return a row and the bytes of each document, and the snapshot they are of."""
    rules = ingestion.SelectionRules.from_settings(
        given.target_folder,
        given.include_extensions,
        given.max_file_size_mb,
        given.include_paths,
        given.exclude_paths,
    )
    source = ingestion.open_source(
        given.source, given.source_path, folders=rules.folders, target_branch=given.target_branch
    )
    selection = ingestion.select(source.files(), rules, source.read)
    rows = ingestion.document_rows(source, selection.documents)
    contents = [source.read(document.content) for document in selection.documents]
    approval = ingestion.Approval.from_settings(given.include_statuses)
    for row, content in zip(rows, contents, strict=True):
        row.update(ingestion.approval_fields(content, row["file_name"], approval.words))
    kept = [approval.reason(row) is None for row in rows]
    source.close()
    rows = [row for row, wanted in zip(rows, kept, strict=True) if wanted]
    contents = [content for content, wanted in zip(contents, kept, strict=True) if wanted]
    identity = ingestion.identify(source, "", [], lambda _: None)
    record = ingestion.snapshot_record(
        source.snapshot(), rules.folders, rows, [], identity=identity, traits=source.traits()
    )
    return rows, contents, record


def open_reader(given: SimpleNamespace) -> tuple[DocumentReader, ProcessingSettings]:
    def open_converter() -> Any:
        import cv2

        from stagekit.processing.pdf.converter import build_converter

        cv2.setNumThreads(cores())
        return build_converter(
            given.layout_profile,
            given.ocr_engine,
            given.ocr_languages,
            given.artifacts_path,
            threads=cores(),
        )

    rules = ProcessingSettings(
        max_pages=given.max_pages,
        min_confidence_threshold=given.min_confidence_threshold,
        min_text_coverage=given.min_text_coverage,
        enable_quality_gates=given.enable_quality_gates,
        upright_scans=given.ocr_engine != "none",
        ocr_embedded_images=given.ocr_embedded_images,
    )
    return DocumentReader(open_converter), rules


def convert(
    rows: list[dict[str, Any]], contents: list[bytes], given: SimpleNamespace
) -> Iterator[tuple[dict[str, Any], Any, dict[str, Any]]]:
    """Yield (row, document, what is known of it) for each document that can be read."""
    reader, rules = open_reader(given)
    for row, content in zip(rows, contents, strict=True):
        try:
            with phase("converting"):
                result = process_document(reader, content, row["file_name"], rules)
        except DocumentRejected:
            continue
        known = {
            "title": result.title,
            "front_matter": result.front_matter,
            "properties": result.properties,
            "ocr_applied": result.ocr_applied,
            "ocr_confidence": result.ocr_confidence,
            "confidence": result.confidence,
            "quality_verdict": quality_verdict(result, rules),
            "warnings": result.warnings,
        }
        yield row, result.document, known


def main() -> None:
    given = SimpleNamespace(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    files = embedding.resolve_model(given.embedding_model, given.model_revision)
    counter = embedding.load_tokenizer(files)
    dtype = embedding.resolve_dtype(given.embedding_dtype, given.device, given.embedding_backend)
    backend = embedding.resolve_backend(given.embedding_backend, files, dtype=dtype, device=given.device)
    model = embedding.load_model(
        given.embedding_model, given.model_revision, dtype=dtype, device=given.device, backend=backend
    )
    SECONDS["start-up"] = time.time() - BEGIN

    with phase("listing"):
        rows, contents, snapshot = list_documents(given)
    documents = list(convert(rows, contents, given))

    with phase("chunking"):
        sizes = chunking.ChunkSettings(chunk_size=given.chunk_size, chunk_overlap=given.chunk_overlap)
        cut = []
        for row, document, known in documents:
            chunks = chunking.chunk_document(document, counter, sizes, title=known["title"] or "").chunks
            if chunks:
                cut.append((row, known, chunking.chunks_to_table(chunks).to_pylist()))

    with phase("embedding"):
        texts = [chunk["embedded_text"] for _, _, chunks in cut for chunk in chunks]
        vectors = embedding.embed_texts(model, texts, files.passage_prompt, given.batch_size)
        sparse: list[Any] = [None] * len(texts)
        if given.hybrid_search:
            paths = [row["path"] for row, _, chunks in cut for _ in chunks]
            pairs = zip(texts, paths, strict=True)
            sparse = [embedding.sparse_document_vector(text, path) for text, path in pairs]

    with phase("enriching"):
        settings = enrichment.EnrichmentSettings(
            organization=given.organization,
            approved_folders=tuple(snapshot["target_folder"]),
            embedding_model=given.embedding_model,
            repository_url=snapshot["repository_url"],
            repository_branch=snapshot["repository_branch"],
            source_id=snapshot["source_id"],
            pipeline_version="bare",
            min_confidence_threshold=given.min_confidence_threshold,
        )
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        payloads = [
            payload
            for row, known, chunks in cut
            for payload in enrichment.build_payloads(row, known, chunks, settings, processing_timestamp=now)
        ]

    with phase("storing"):
        identity = storage.CollectionIdentity(
            files.fingerprint,
            vectors.shape[1],
            chunk_size=given.chunk_size,
            chunk_overlap=given.chunk_overlap,
            sparse=embedding.SPARSE_VERSION if given.hybrid_search else "",
        )
        arithmetic = embedding.computation_of(model)
        keys = [embedding.vector_key(files.passage_prompt + t, files.fingerprint, arithmetic) for t in texts]
        store(given, identity, keys, payloads, vectors, sparse)

    COUNTS.update(documents=len(rows), texts=len(set(texts)), points=len(payloads))
    print(json.dumps({"phases": SECONDS, "counts": COUNTS}))


def store(
    given: SimpleNamespace,
    identity: Any,
    keys: list[str],
    payloads: list[Any],
    vectors: Any,
    sparse: list[Any],
) -> None:
    client = storage.connect(given.qdrant_url, Path(sys.argv[2]))
    settings = storage.CollectionSettings.of(given.qdrant_collection)
    target = storage.open_target(client, given.collection_name, identity, settings, len(payloads))
    with storage.PointWriter(
        client,
        target.name,
        given.qdrant_url,
        statuses=given.include_statuses,
        batch_size=given.upsert_batch_size,
    ) as writer:
        for key, payload, vector, words in zip(keys, payloads, vectors, sparse, strict=True):
            complete = enrichment.complete_payload(
                payload,
                vector_key=key,
                vector_dimension=identity.dimension,
                embedding_model=identity.embedding_model,
            )
            terms = None if words is None else (list(words.indices), list(words.values))
            point = storage.DesiredPoint(complete["chunk_id"], vector.tolist(), complete, terms)
            writer.upsert([point.as_struct()])
    storage.finish_load(client, target, settings)
    storage.publish(client, target, given.collection_name, payloads[0]["source_id"] if payloads else "")
    client.close()


if __name__ == "__main__":
    main()
