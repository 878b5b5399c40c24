"""What cannot be read is refused with a category, a reason and a remedy; a name deceives nobody."""

import io
import zipfile

import docx
import pypdfium2
import pytest
from PIL import Image

from stagekit.errors import DocumentRejected
from stagekit.processing import process
from stagekit.processing.content_type import detect_format
from stagekit.processing.pdf.file import inspect_pdf
from stagekit.processing.process import process_document
from stagekit.processing.settings import ProcessingSettings


def docx_bytes(text="Conteúdo"):
    document = docx.Document()
    document.add_paragraph(text)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def pdf_bytes(pages=1):
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(200, 200)
    stream = io.BytesIO()
    document.save(stream)
    document.close()
    return stream.getvalue()


def png_bytes(size=(40, 40)):
    stream = io.BytesIO()
    Image.new("RGB", size, "white").save(stream, "PNG")
    return stream.getvalue()


def zip_bytes(name="a.txt"):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, "x")
    return stream.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("content", "name", "found"),
    [
        (docx_bytes(), "na verdade word.pdf", "docx"),
        (pdf_bytes(), "relatorio.docx", "pdf"),
        (b"\x00\x00lixo antes\n" + pdf_bytes(), "r.pdf", "pdf"),
        (png_bytes(), "foto.jpg", "png"),
        (b"\xff\xd8\xff\xe0rest", "foto.png", "jpeg"),
        ("# Título".encode(), "a.MD", "md"),
        ("# Título".encode(), "a.txt", "txt"),
        ("texto".encode("utf-16"), "a.txt", "txt"),
    ],
)
def test_the_bytes_tell_the_format(content, name, found):
    assert detect_format(content, name) == found


@pytest.mark.parametrize(
    ("content", "name", "category"),
    [
        (b"", "vazio.md", "empty"),
        (b"\x05Maria", "~$oficio.docx", "office_lock"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "manual.pdf", "lfs_pointer"),
        (docx_bytes()[:2000], "cortado.docx", "corrupt"),
        (zip_bytes(), "arquivo.docx", "unsupported"),
        (OLE + b"\x00" * 600, "antigo.doc", "unsupported"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "secreto.docx", "encrypted"),
        (b"MZ\x90\x00" + bytes(range(256)) * 8, "programa.pdf", "unsupported"),
        (b"{\\rtf1 texto}", "oficio.rtf", "unsupported"),
    ],
)
def test_a_file_that_is_no_readable_document_is_refused(content, name, category):
    with pytest.raises(DocumentRejected) as verdict:
        detect_format(content, name)
    assert verdict.value.category == category
    assert verdict.value.message.endswith(".")
    assert verdict.value.remedy.endswith(".")


def test_a_word_file_that_unpacks_to_gigabytes_is_refused(monkeypatch):
    monkeypatch.setattr("stagekit.processing.office.archive_limits.MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(DocumentRejected) as verdict:
        detect_format(docx_bytes(), "bomba.docx")
    assert verdict.value.category == "too_large"


def test_a_pdf_that_is_cut_short_is_refused():
    with pytest.raises(DocumentRejected) as verdict:
        inspect_pdf(b"%PDF-1.4\n" + b"\x00" * 500, 10)
    assert verdict.value.category == "corrupt"


def test_a_pdf_without_pages_is_refused():
    with pytest.raises(DocumentRejected) as verdict:
        inspect_pdf(pdf_bytes(pages=0), 10)
    assert verdict.value.category == "corrupt"


def test_a_pdf_with_too_many_pages_is_refused_and_the_limit_is_named():
    with pytest.raises(DocumentRejected) as verdict:
        inspect_pdf(pdf_bytes(pages=3), 2)
    assert verdict.value.category == "too_many_pages"
    assert "3 pages; the limit is 2" in verdict.value.message


def test_a_pdf_with_a_password_is_refused():
    canvas = pytest.importorskip("reportlab.pdfgen.canvas")
    stream = io.BytesIO()
    sheet = canvas.Canvas(stream, encrypt="1234")
    sheet.drawString(50, 50, "segredo")
    sheet.save()
    with pytest.raises(DocumentRejected) as verdict:
        inspect_pdf(stream.getvalue(), 10)
    assert verdict.value.category == "encrypted"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b" \n\t\r\n", "espacos.txt"),
        (b"---\ntitle: So o cabecalho\n---\n\n", "so-cabecalho.md"),
        (b"\xef\xbb\xbf\n", "bom.txt"),
    ],
)
def test_a_text_with_nothing_in_it_is_blank(content, name):
    with pytest.raises(DocumentRejected) as verdict:
        process_document(None, content, name, ProcessingSettings())
    assert verdict.value.category == "blank"


def test_a_damaged_image_is_refused():
    with pytest.raises(DocumentRejected) as verdict:
        process_document(None, png_bytes((400, 400))[:60], "foto.png", ProcessingSettings())
    assert verdict.value.category == "corrupt"


def test_an_enormous_image_is_refused(monkeypatch):
    monkeypatch.setattr(process, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DocumentRejected) as verdict:
        process_document(None, png_bytes(), "foto.png", ProcessingSettings())
    assert verdict.value.category == "too_large"
