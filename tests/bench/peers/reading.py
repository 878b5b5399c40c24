"""What the three pipelines share: Docling, which reads their documents, and the count of embedded texts.

Docling's own layout model comes from a model hub. So that all work on the same text without a network,
``packaged`` gives Docling the options of the chain's converter (its layout model, OCR and tables);
``native`` is Docling's pipeline without any model, which makes less of a PDF in less time, and reads no scan.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

SUFFIXES = (".md", ".txt", ".docx", ".pdf", ".png", ".jpg", ".jpeg")


def documents_of(folder: Path) -> list[Path]:
    """Return the documents below a folder, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def open_reader(kind: str) -> Callable[[Path], str]:
    """Return a function from a document to its Markdown; Docling is imported here and not before."""
    from docling.datamodel.base_models import InputFormat
    from docling.document_converter import DocumentConverter, PdfFormatOption

    if kind == "native":
        from docling.pipeline.native_pdf_pipeline import NativePdfPipeline

        options: Any = {InputFormat.PDF: PdfFormatOption(pipeline_cls=NativePdfPipeline)}
    else:
        from stagekit.processing.pdf.converter import format_options, pdf_pipeline_options

        options = format_options(pdf_pipeline_options("packaged", "rapidocr", ["pt", "en", "es"]))
    converter = DocumentConverter(format_options=options)

    def read(path: Path) -> str:
        if path.suffix.lower() == ".txt":
            return path.read_text(encoding="utf-8")
        return str(converter.convert(path).document.export_to_markdown())

    return read


def count_encoded() -> dict[str, int]:
    """Count from now on the texts that go through sentence-transformers."""
    from sentence_transformers import SentenceTransformer

    seen = {"texts": 0}
    inner: Callable[..., Any] = SentenceTransformer.encode

    def encode(self: Any, texts: Any, *arguments: Any, **named: Any) -> Any:
        seen["texts"] += 1 if isinstance(texts, str) else len(texts)
        return inner(self, texts, *arguments, **named)

    SentenceTransformer.encode = encode  # type: ignore[assignment,method-assign]
    return seen


def tell(documents: int, texts: int, points: int) -> None:
    """Print the figures as the last line, as JSON."""
    print(json.dumps({"counts": {"documents": documents, "texts": texts, "points": points}}))
