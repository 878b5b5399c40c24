"""Docling's own models from a folder, and Tesseract where installed: the same pipeline, other engines."""

import shutil

import pytest

from stagekit.errors import StageError
from stagekit.processing.pdf.converter import build_converter
from stagekit.processing.process import process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings, check_settings
from tests.unit.docling_models import LAYOUT, TABLES, write_models
from tests.unit.processing_pdfs import SENTENCES, report_with_edges, scan_with_layer

SETTINGS = ProcessingSettings()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return write_models(tmp_path_factory.mktemp("models"))


class TestDoclingsOwnModels:
    def test_a_page_goes_through_layout_and_table_models_and_keeps_its_words(self, models):
        reader = DocumentReader(lambda: build_converter("docling", artifacts_path=str(models)))
        found = process_document(reader, report_with_edges(1), "a.pdf", SETTINGS)
        assert found.document.tables  # heron's part, drawn at random, sees tables everywhere
        assert found.text_coverage.minimum == 1.0
        assert "Denúncias anônimas são aceitas" in found.document.export_to_markdown()

    @pytest.mark.parametrize(
        "name", [f"{LAYOUT}/preprocessor_config.json", f"{TABLES}/tableformer_accurate.safetensors"]
    )
    def test_a_file_that_is_missing_is_named_before_anything_is_loaded(self, models, tmp_path, name):
        shutil.copytree(models, tmp_path / "models")
        (tmp_path / "models" / name).unlink()
        with pytest.raises(StageError, match=f"has no file {name}: fetch .*docling-tools models download"):
            check_settings("docling", "rapidocr", str(tmp_path / "models"))

    def test_a_damaged_file_stops_the_stage_and_is_no_fault_of_a_document(self, models, tmp_path):
        shutil.copytree(models, tmp_path / "models")
        (tmp_path / "models" / LAYOUT / "model.safetensors").write_bytes(b"damaged")
        with pytest.raises(
            StageError, match="models cannot be loaded from artifacts_path .*fetch them again"
        ):
            build_converter("docling", artifacts_path=str(tmp_path / "models"))


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_tesseract_reads_a_scanned_page_with_its_accents():
    reader = DocumentReader(lambda: build_converter(ocr_engine="tesseract"))
    found = process_document(reader, scan_with_layer(SENTENCES, ()), "scan.pdf", SETTINGS)
    text = " ".join(item.text for item in found.document.texts)
    assert found.ocr_applied
    assert found.ocr_confidence > 0.7
    for word in ("manifestações", "Denúncias anônimas", "informação", "comissão"):
        assert word in text
