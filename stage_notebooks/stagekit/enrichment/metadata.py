"""What a document is called, who wrote it and what kind it is: the best source for each field wins."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from stagekit.declared import StatusWords, judge_status, validity
from stagekit.declared.dates import parse_timestamp
from stagekit.declared.fields import DeclaredFields, parse_tags, parse_text, texts
from stagekit.declared.status import UNKNOWN
from stagekit.enrichment.document_types import parse_document_type, type_from_words
from stagekit.enrichment.language import detect_language, normalize_language
from stagekit.enrichment.schema import SCHEMA_VERSION

Row = Mapping[str, Any]
DESCRIPTION_LIMIT: Final = 300


@dataclass(frozen=True, slots=True)
class EnrichmentSettings:
    """What is the same for all documents of a run."""

    organization: str  # whose documents these are
    approved_folders: tuple[str, ...]  # folders whose content is approved, relative to the repository's root
    embedding_model: str  # name of the model whose tokenizer counted the chunks
    repository_url: str  # credentials in it are removed
    repository_branch: str  # branch the documents were read from
    source_id: str  # owner of the points in the collection
    pipeline_version: str  # version of this package
    # an OCR confidence below it is noted in ``validation_warnings``, 0 to 1
    min_confidence_threshold: float = 0.8
    default_language: str = "pt-BR"  # tag for a document that is too short to tell


@dataclass(frozen=True, slots=True)
class DocumentMetadata:
    """The fields that all chunks of a document share, what is left of the front matter, and warnings."""

    fields: dict[str, Any]
    custom_fields: dict[str, Any]
    warnings: list[str]


def describe_document(
    source: Row,
    processed: Row,
    chunks: Sequence[Row],
    settings: EnrichmentSettings,
    processing_timestamp: str,
) -> DocumentMetadata:
    """Fill the document, lineage, repository and quality fields of a document.

    All rows are those of the version that was processed, chunks in order. The time of processing stands in
    for dates that neither author, file nor history know.
    """
    declared = DeclaredFields(processed.get("front_matter") or {}, processed.get("properties") or {})
    folders = folders_below(source["path"], settings.approved_folders)
    fields = _titles(declared, source, processed, chunks)
    language = declared.read("language", normalize_language) or _language(
        processed, chunks, declared.warnings, settings.default_language
    )
    fields |= _dates(declared, source, processing_timestamp, language)
    fields |= {
        "document_id": source["document_id"],
        "status": _status(declared, source, processed),
        "version": declared.read("version", parse_text) or "1.0",
        "document_type": declared.read("document_type", parse_document_type)
        or type_from_words([*reversed(folders), fields["title"], PurePosixPath(source["path"]).stem]),
        "category": folders[0] if folders else None,
        "subcategory": folders[1] if len(folders) > 1 else None,
        "tags": declared.read("tags", parse_tags) or [],
        "author": declared.read("author", parse_text) or parse_text(source.get("author")),
        "reviewer": declared.read("reviewer", parse_text),
        "approver": declared.read("approver", parse_text),
        "department": declared.read("department", parse_text),
        "organization": settings.organization,
        "language": language,
        "watermark": parse_text(processed.get("watermark")),
        "schema_version": SCHEMA_VERSION,
    }
    fields |= _lineage(processed, settings) | _repository(source, settings, fields["modified"])
    _warn(fields, settings, declared.warnings)
    return DocumentMetadata(fields, declared.rest(), declared.warnings + texts(processed.get("warnings")))


def _status(declared: DeclaredFields, source: Row, processed: Row) -> str:
    """Return the status that ingestion read; it judged the document, and nobody judges it again.

    What is left to read is which keys of the front matter said it. A row of an earlier release has no
    verdict: it is judged here by the same function, and what nobody knows is a draft.
    """
    front_matter, properties = processed.get("front_matter") or {}, processed.get("properties") or {}
    found = judge_status(front_matter.items(), properties, StatusWords())
    declared.understood(found.keys)
    known = "declared_status" in source
    warning = source.get("status_warning") if known else found.warning
    declared.warnings.extend([warning] if warning else [])
    status = source.get("declared_status") if known else found.status
    # Who puts a file into an approved folder approves it, unless author or file say otherwise.
    return "draft" if status == UNKNOWN else status or "approved"


def folders_below(path: str, approved_folders: Sequence[str]) -> list[str]:
    """Return the folders of a file below the approved folder, outermost first.

    An approved folder is a path from the repository's root, or a name that occurs somewhere in the path.
    Outside all of them every folder counts.
    """
    parts = list(PurePosixPath(path).parent.parts)
    composed = [unicodedata.normalize("NFC", part) for part in parts]  # macOS stores letters decomposed
    for folder in approved_folders:
        wanted = list(PurePosixPath(unicodedata.normalize("NFC", folder.strip("/"))).parts)
        for start in range(len(parts) - len(wanted) + 1):
            if wanted and composed[start : start + len(wanted)] == wanted:
                return parts[start + len(wanted) :]
    return parts


def _titles(declared: DeclaredFields, source: Row, processed: Row, chunks: Sequence[Row]) -> dict[str, Any]:
    stem = PurePosixPath(source["path"]).stem
    title = (
        declared.read("title", parse_text)
        or parse_text(processed.get("title"))
        or parse_text(re.sub(r"[_\-\s]+", " ", stem))
        or stem
    )
    description = declared.read("description", parse_text) or _first_paragraph(chunks)
    return {"title": title, "description": _cut(description, DESCRIPTION_LIMIT)}


def _first_paragraph(chunks: Sequence[Row]) -> str:
    """Return the first paragraph of running text: no heading, table, picture, list item or struck text."""
    for chunk in chunks:
        for block in re.split(r"\n\s*\n", chunk["text"]):
            text = " ".join(block.split())
            if text and not re.match(r"#|\||!\[|<!--|```|~~|[-*+•] |\d+[.)] ", text):
                return text.lstrip("> ")
    return ""


def _cut(text: str, limit: int) -> str:
    """Shorten text to at most ``limit`` characters, at the end of a sentence, else of a word."""
    if len(text) <= limit:
        return text
    head = text[: limit + 1]
    ends = [match.end() for match in re.finditer(r"[.!?](?=\s)", head)]
    if ends and ends[-1] >= limit // 4:
        return head[: ends[-1]]
    return head[: limit - 1].rsplit(" ", 1)[0] + "…"


def _dates(declared: DeclaredFields, source: Row, default: str, language: str) -> dict[str, Any]:
    read = partial(parse_timestamp, language=language)
    created = declared.read("created", read) or parse_timestamp(source.get("created"))
    modified = declared.read("modified", read) or parse_timestamp(source.get("modified"))
    if created is None and modified is None:
        declared.warnings.append(
            "neither author nor history date the document: the time of processing stands in"
        )
    first, last = validity(declared, language)
    return {
        "created": created or modified or default,
        "modified": modified or created or default,
        "effective_date": first,
        "expiration_date": last,
    }


def _lineage(processed: Row, settings: EnrichmentSettings) -> dict[str, Any]:
    ocr = bool(processed.get("ocr_applied"))
    ocr_confidence = _share(processed.get("ocr_confidence")) if ocr else None
    confidence = _share(processed.get("confidence"))
    if confidence is None:  # text formats go through no model, so Docling has nothing to be unsure of
        confidence = (ocr_confidence or 0.0) if ocr else 1.0
    return {
        "pipeline_version": settings.pipeline_version,
        "ocr_applied": ocr,
        "ocr_confidence": ocr_confidence,
        "processing_confidence": confidence,
        "embedding_model": settings.embedding_model,
        "source_id": settings.source_id,
    }


def _repository(source: Row, settings: EnrichmentSettings, modified: str) -> dict[str, Any]:
    path = PurePosixPath(source["path"])
    return {
        "repository_url": _strip_credentials(settings.repository_url),
        "repository_branch": settings.repository_branch,
        "repository_commit": source.get("repository_commit") or "unknown",
        "repository_commit_timestamp": parse_timestamp(source.get("repository_commit_timestamp")) or modified,
        "file_path": source["path"],
        "file_name": path.name,
        "file_extension": source.get("file_extension") or path.suffix.lower(),
        "file_size_bytes": int(source["size_bytes"]),
        "file_hash": source["blob_id"],
    }


def _warn(fields: Row, settings: EnrichmentSettings, warnings: list[str]) -> None:
    if fields["status"] == "approved" and fields["approver"] is None:
        warnings.append("approved, but no approver is named")
    ocr_confidence = fields["ocr_confidence"]
    if ocr_confidence is not None and ocr_confidence < settings.min_confidence_threshold:
        warnings.append(
            f"ocr_confidence {ocr_confidence:.2f} is below min_confidence_threshold "
            f"{settings.min_confidence_threshold:.2f}"
        )


def _language(processed: Row, chunks: Sequence[Row], warnings: list[str], default: str) -> str:
    found = detect_language("\n".join(chunk["text"] for chunk in chunks[:20]))
    found = found or normalize_language(processed.get("language"))
    if found is None:
        warnings.append(f"the text is too short to tell its language: {default} assumed")
    return found or default


def _share(value: Any) -> float | None:
    """Return a confidence within 0..1, None for what is missing or NaN."""
    if value is None or isinstance(value, bool) or value != value:
        return None
    return round(min(1.0, max(0.0, float(value))), 4)


def _strip_credentials(url: str) -> str:
    parts = urlsplit(url)
    if not parts.scheme or "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
