"""A document loads no more of Docling than its format needs, and comes out the same however it was read."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
import pytest
from docling.datamodel.base_models import DocumentStream
from docling.document_converter import DocumentConverter

from stagekit.artifacts.store import ArtifactStore
from stagekit.base.imports.absent import without_packages
from stagekit.errors import DocumentRejected
from stagekit.processing.effort import WORTH_A_WORKER_S, expected_seconds
from stagekit.processing.pdf.converter import PagedConverter, build_converter
from stagekit.processing.process import document_json
from stagekit.processing.reader import DocumentReader
from stagekit.processing.worker import open_processor
from stagekit.stage.execution import Workplace
from stagekit.workers.team import DocumentWorkers
from tests.unit.test_processing_documents import pdf_report, scan

Row = dict[str, Any]
HEAVY = ["torch", "transformers", "onnxruntime", "openvino", "rapidocr", "docling.document_converter"]
SETTINGS: Row = {
    "layout_profile": "packaged",
    "ocr_engine": "rapidocr",
    "inference_engine": "onnx",
    "ocr_languages": ["pt"],
    "artifacts_path": "",
    "min_confidence_threshold": 0.8,
    "min_text_coverage": 0.98,
    "enable_quality_gates": True,
    "ocr_embedded_images": False,
    "max_pages": 100,
}
MARKDOWN = """# Norma de acesso

O acesso é pessoal. <b>Senhas</b> mudam a cada ano.

- uma lista
- com dois itens

| Perfil | Prazo |
|---|---|
| Leitor | 30 dias |

```python
print("olá")
```
""".encode()


def saved(document: Any) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def word() -> bytes:
    document = docx.Document()
    document.add_heading("Plano de contingência", 1)
    document.add_paragraph("A rede volta em quatro horas.")
    document.add_paragraph("primeiro passo", style="List Bullet")
    table = document.add_table(2, 2)
    for cell, text in zip(table._cells, ("Sistema", "Prazo", "Correio", "2 h"), strict=True):
        cell.text = text
    return saved(document)


def sheet() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["Sistema", "Prazo"])
    book.active.append(["Correio", "2 h"])
    return saved(book)


def slides() -> bytes:
    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Segurança"
    slide.placeholders[1].text = "Três regras"
    return saved(show)


def read_elsewhere(files: dict[str, bytes], watched: list[str]) -> tuple[list[str], list[str]]:
    """Return the formats that a fresh process has read, and which of the packages it has loaded for that."""
    code = f"""
import base64, json, sys
from stagekit.processing.worker import open_processor
process = open_processor({SETTINGS!r}, read=base64.b64decode, threads=1)
made = [process(row).fields["file_format"] for row in json.load(sys.stdin)]
print(json.dumps([made, [name for name in {watched!r} if name in sys.modules]]))
"""
    rows = [{"content": base64.b64encode(data).decode(), "file_name": name} for name, data in files.items()]
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(rows), text=True, capture_output=True, check=True
    )
    made, loaded = json.loads(done.stdout)
    return made, loaded


def test_texts_and_office_files_are_read_without_torch_and_without_any_model() -> None:
    files = {
        "a.md": MARKDOWN,
        "a.txt": b"Apenas uma frase.",
        "a.html": b"<!DOCTYPE html><html><body><h1>Norma</h1><p>Texto.</p></body></html>",
        "a.docx": word(),
        "a.xlsx": sheet(),
        "a.pptx": slides(),
    }
    formats = ["md", "txt", "html", "docx", "xlsx", "pptx"]
    assert read_elsewhere(files, HEAVY) == (formats, [])


def test_pdf_and_scans_are_read_without_torch() -> None:
    torch = ["torch", "transformers", "torchvision", "docling.document_converter"]
    assert read_elsewhere({"a.pdf": pdf_report(), "b.png": scan(90)}, torch) == (["pdf", "png"], [])


@pytest.mark.parametrize(
    ("content", "file_format"), [(word(), "docx"), (sheet(), "xlsx"), (slides(), "pptx")]
)
def test_a_document_without_pages_comes_out_as_from_doclings_own_converter(
    content: bytes, file_format: str
) -> None:
    stream = DocumentStream(name=f"document.{file_format}", stream=io.BytesIO(content))
    theirs = DocumentConverter().convert(stream).document
    ours = DocumentReader(build_converter).convert(content, file_format).document
    assert document_json(ours) == document_json(theirs)


def test_the_converter_with_models_is_opened_once_and_only_for_what_needs_it() -> None:
    opened = []

    def open_converter() -> PagedConverter:
        opened.append(1)
        return build_converter(ocr_engine="none")

    reader = DocumentReader(open_converter)
    reader.convert(word(), "docx")
    assert opened == []
    for _ in range(2):
        assert reader.convert(pdf_report(), "pdf").document.texts
    assert opened == [1]


def test_a_word_file_that_cannot_be_opened_is_corrupt() -> None:
    with pytest.raises(DocumentRejected) as verdict:
        DocumentReader(build_converter).convert(word()[:900], "docx")
    assert verdict.value.category == "corrupt"
    assert "DOCX" in verdict.value.message


def test_what_docling_fails_on_is_no_verdict_on_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    from docling.backend.msword_backend import MsWordDocumentBackend

    def fail(self: MsWordDocumentBackend) -> None:
        raise KeyError("estilo")

    monkeypatch.setattr(MsWordDocumentBackend, "convert", fail)
    with pytest.raises(RuntimeError, match="could not convert the docx document: 'estilo'"):
        DocumentReader(build_converter).convert(word(), "docx")


def test_a_package_is_absent_only_within_the_block_and_one_in_use_is_left_alone() -> None:
    with without_packages("wave", "json"):
        with pytest.raises(ImportError):
            import wave
        assert json.loads("1") == 1
        assert sys.modules["json"] is json
    import wave

    assert wave.open
    with without_packages("wave"):
        assert sys.modules["wave"] is wave


@pytest.mark.slow
def test_a_document_is_the_same_whatever_was_read_before_it_by_whom_and_with_how_many_threads(
    tmp_path: Path,
) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    files = {"a.md": MARKDOWN, "b.docx": word(), "c.pdf": pdf_report(), "d.png": scan(90)}
    rows = [
        {"path": name, "file_name": name, "content": store.put(name, data, "x").model_dump()}
        for name, data in files.items()
    ]
    place = Workplace(store, str(tmp_path / "artifacts"), tmp_path / "logs" / "workers.log")
    workers = DocumentWorkers("stagekit.processing.worker:open_processor", SETTINGS, 2)
    by_workers = {
        rows[index]["path"]: value for index, value in workers.run(rows, place, lambda *_, **__: None)
    }
    here: Callable[[Row], Any] = open_processor(SETTINGS, read=store.read, threads=3)
    for row in reversed(rows):
        output = here(row)
        data, _ = output.blobs["docling_document"]
        other = by_workers[row["path"]]
        assert other["docling_document"]["sha256"] == hashlib.sha256(data).hexdigest(), row["path"]
        assert other["confidence"] == output.fields["confidence"]


@pytest.mark.parametrize(
    ("rows", "workers"),
    [
        ([("md", 5_000)], 1),
        ([("md", 5_000)] * 40, 1),
        ([("md", 5_000)] * 1000, 6),
        ([("pdf", 60_000), ("pdf", 90_000)], 1),
        ([("pdf", 3_000_000), ("png", 900_000)], 2),
        ([("odt", 40_000), ("PDF", 1_500_000)], 2),
    ],
)
def test_as_many_workers_are_started_as_the_work_is_worth(rows: list[tuple[str, int]], workers: int) -> None:
    pool = DocumentWorkers(
        "module:function", count=8, weight=lambda row: expected_seconds(*row["file"]), worth=WORTH_A_WORKER_S
    )
    assert pool.size([{"file": file} for file in rows]) == workers
