"""Protected PDFs open with passwords from the environment, which appear nowhere else."""

import io

import pypdfium2
import pytest

from stagekit.base.redaction import Redactor, secret_values
from stagekit.errors import DocumentRejected, StageError
from stagekit.processing.pdf.converter import build_converter
from stagekit.processing.pdf.file import inspect_pdf
from stagekit.processing.pdf.passwords import pdf_passwords
from stagekit.processing.process import process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings
from stagekit.processing.worker import open_processor
from tests.unit.processing_pdfs import SENTENCES, pdf

SECRET = "praça das flores 1908"


def protected(password=SECRET):
    encryption = pytest.importorskip("reportlab.lib.pdfencrypt").StandardEncryption(password, strength=128)

    def draw(page):
        page.setFont("Helvetica", 10)
        for index, text in enumerate(SENTENCES):
            page.drawString(60, 780 - 14 * index, text)
        page.showPage()

    return pdf(draw, encrypt=encryption)


class TestWhereTheyComeFrom:
    def test_each_line_is_a_password(self):
        assert pdf_passwords({"NIC_ETL_PDF_PASSWORDS": "um\ncom espaço \n\num"}) == ("um", "com espaço ")
        assert pdf_passwords({}) == ()

    def test_a_file_may_hold_them(self, tmp_path):
        file = tmp_path / "senhas"
        file.write_text("dois\ntrês\n", encoding="utf-8")
        found = pdf_passwords({"NIC_ETL_PDF_PASSWORDS": "um", "NIC_ETL_PDF_PASSWORDS_FILE": str(file)})
        assert found == ("um", "dois", "três")

    @pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
    def test_a_file_that_cannot_be_read_is_named(self, tmp_path, content):
        file = tmp_path / "senhas"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(
            StageError, match=r"NIC_ETL_PDF_PASSWORDS_FILE names .*senhas, which cannot be read"
        ):
            pdf_passwords({"NIC_ETL_PDF_PASSWORDS_FILE": str(file)})

    def test_each_of_them_is_taken_out_of_whatever_is_written(self):
        redact = Redactor(secret_values({"NIC_ETL_PDF_PASSWORDS": f"outra senha\n{SECRET}\n"}))
        assert redact(f"tried {SECRET} and outra senha") == "tried [redacted] and [redacted]"


class TestProtectedPdfs:
    def test_the_right_one_of_several_opens_the_document(self):
        found = inspect_pdf(protected(), 10, ("errada", SECRET))
        assert "manifestações" in found.page_texts[0]
        plain = pypdfium2.PdfDocument(io.BytesIO(found.rewritten))
        assert len(plain) == 1
        plain.close()

    @pytest.mark.parametrize("passwords", [(), ("errada", "outra")])
    def test_without_it_the_document_is_refused_with_a_remedy_and_no_secret(self, passwords):
        with pytest.raises(DocumentRejected) as verdict:
            inspect_pdf(protected(), 10, passwords)
        assert verdict.value.category == "encrypted"
        assert "NIC_ETL_PDF_PASSWORDS" in verdict.value.remedy
        assert "nic-etl quarantine retry" in verdict.value.remedy
        assert not any(word in str(verdict.value.__dict__) for word in passwords)

    def test_passwords_do_not_make_a_damaged_file_an_encrypted_one(self):
        with pytest.raises(DocumentRejected) as verdict:
            inspect_pdf(b"%PDF-1.7\nlixo", 10, (SECRET,))
        assert verdict.value.category == "corrupt"

    def test_a_document_that_needs_no_password_is_left_as_it_is(self):
        content = pdf(lambda page: page.showPage())
        assert inspect_pdf(content, 10, (SECRET,)).rewritten == inspect_pdf(content, 10).rewritten

    def test_the_settings_do_not_show_them(self):
        assert SECRET not in repr(ProcessingSettings(pdf_passwords=(SECRET,)))

    def test_a_protected_document_is_converted_like_any_other(self):
        reader = DocumentReader(build_converter)
        settings = ProcessingSettings(pdf_passwords=("errada", SECRET))
        found = process_document(reader, protected(), "sigiloso.pdf", settings)
        assert found.text_coverage.minimum == 1.0
        assert "Denúncias anônimas" in found.document.export_to_markdown()
        assert SECRET not in found.document.model_dump_json()
        assert SECRET not in str(found.warnings)


def test_a_worker_finds_them_in_its_environment(monkeypatch):
    monkeypatch.setenv("NIC_ETL_PDF_PASSWORDS", "errada")
    settings = {
        "layout_profile": "packaged",
        "ocr_engine": "none",
        "inference_engine": "onnx",
        "ocr_languages": ["pt"],
        "artifacts_path": "",
        "min_confidence_threshold": 0.8,
        "min_text_coverage": 0.98,
        "enable_quality_gates": True,
        "max_pages": 10,
        "ocr_embedded_images": False,
    }
    process = open_processor(settings, read=lambda _: protected(), threads=1)
    with pytest.raises(DocumentRejected, match="protected with a password"):
        process({"content": {}, "file_name": "a.pdf"})
