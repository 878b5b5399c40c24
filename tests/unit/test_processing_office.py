"""Formats that are off until their extension is listed: PPTX, XLSX, ODT and HTML; and all of a DOCX."""

import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import docx
import odfdo
import openpyxl
import pptx
import pytest
from docling_core.types.doc import DocItemLabel, SectionHeaderItem

from stagekit.declared.formats import name_hint
from stagekit.declared.html_head import html_properties
from stagekit.declared.office import office_properties
from stagekit.errors import DocumentRejected
from stagekit.processing.content_type import detect_format
from stagekit.processing.process import document_json, process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings
from tests.unit.processing_pdfs import SENTENCES, picture_of

SETTINGS = ProcessingSettings()


def no_models():
    raise AssertionError("these formats need no model")


READER = DocumentReader(no_models)


def saved(document):
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def presentation():
    slides = pptx.Presentation()
    slides.core_properties.author = "Ana Souza"
    slides.core_properties.title = "Plano de Metas"
    slide = slides.slides.add_slide(slides.slide_layouts[1])
    slide.shapes.title.text = "Metas de 2025"
    slide.placeholders[1].text = "ampliar o atendimento\nreduzir o prazo"
    slide.notes_slide.notes_text_frame.text = "Explicar o prazo com calma."
    return saved(slides)


def workbook():
    book = openpyxl.Workbook()
    book.active.title = "Taxas de 2025"
    for row in (["Serviço", "Valor"], ["Alvará", 120.5], ["Certidão", 18]):
        book.active.append(row)
    book.create_sheet("Vazia")
    other = book.create_sheet("Prazos")
    other.append(["Serviço", "Dias"])
    other.append(["Alvará", 30])
    book.properties.creator = "Finanças"
    return saved(book)


def open_text():
    document = odfdo.Document("text")
    document.body.clear()
    document.body.append(odfdo.Header(1, "Ofício Circular"))
    document.body.append(odfdo.Paragraph("Informamos que o prazo é de trinta dias."))
    document.meta.title = "Ofício 12"
    document.meta.creator = "Gabinete"
    return saved(document)


HTML = """<!DOCTYPE html>
<html lang="pt-BR"><head><title>Carta de Serviços</title>
<meta name="author" content="Ouvidoria"><meta name="keywords" content="carta, serviços">
<meta name="date" content="2024-03-01"></head>
<body><h1>Carta</h1><p>Veja a <a href="https://exemplo.gov.br/lei">lei</a> da cidade.</p>
<table><tr><th>Serviço</th><th>Prazo</th></tr><tr><td>Poda</td><td>10 dias</td></tr></table>
<pre><code>primeira linha
  segunda linha</code></pre><img src="{image}"><script>aviso()</script></body></html>
"""


def processed(content, name="arquivo"):
    return process_document(READER, content, name, SETTINGS)


def markdown(result):
    return result.document.export_to_markdown()


class TestContentType:
    @pytest.mark.parametrize(
        ("content", "name", "found"),
        [
            (presentation(), "x.docx", "pptx"),
            (workbook(), "x.zip", "xlsx"),
            (open_text(), "x.docx", "odt"),
            (HTML.encode(), "carta.html", "html"),
            (HTML.encode("utf-8-sig"), "sem-extensao", "html"),
            (b"<?xml version='1.0'?>\n<!-- a -->\n<html><body>x</body></html>", "x.txt", "html"),
            (b"<p>um peda\xc3\xa7o</p>", "trecho.htm", "html"),
            (HTML.encode(), "exemplo.md", "md"),
            (b"<htmlx> is no tag", "a.txt", "txt"),
        ],
    )
    def test_the_bytes_tell_the_format_whatever_the_name(self, content, name, found):
        assert detect_format(content, name) == found

    def test_a_name_says_only_what_bytes_cannot(self):
        assert [name_hint(f"pasta/a{e}") for e in (".MD", ".htm", ".pdf", "")] == ["md", "html", "", ""]

    def test_an_encrypted_open_document_is_named_as_such(self):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
            archive.writestr("META-INF/manifest.xml", "<manifest:encryption-data/>")
        with pytest.raises(DocumentRejected) as verdict:
            detect_format(stream.getvalue(), "a.odt")
        assert verdict.value.category == "encrypted"

    def test_other_archives_stay_unsupported(self):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.graphics")
        with pytest.raises(DocumentRejected, match="another kind") as verdict:
            detect_format(stream.getvalue(), "a.odt")
        assert "ODT" in verdict.value.remedy


class TestPresentation:
    def test_slides_notes_and_properties_arrive(self):
        found = processed(presentation())
        assert (found.file_format, found.title, found.page_count) == ("pptx", "Plano de Metas", 1)
        assert found.properties["author"] == "Ana Souza"
        assert found.document.origin.mimetype.endswith("presentationml.presentation")
        text = markdown(found)
        assert text.index("Metas de 2025") < text.index("- reduzir o prazo") < text.index("com calma")


class TestWorkbook:
    def test_each_sheet_is_a_section_with_its_table(self):
        found = processed(workbook())
        headings = [t.text for t in found.document.texts if isinstance(t, SectionHeaderItem)]
        assert headings == ["Taxas de 2025", "Prazos"]
        text = markdown(found)
        assert text.index("Taxas de 2025") < text.index("120,5") < text.index("Prazos") < text.index("Dias")
        assert [table.prov[0].page_no for table in found.document.tables] == [1, 3]
        assert found.properties["author"] == "Finanças"


class TestOpenDocument:
    def test_text_and_properties_arrive(self):
        found = processed(open_text())
        assert (found.title, found.properties["author"]) == ("Ofício 12", "Gabinete")
        assert "o prazo é de trinta dias" in markdown(found)

    def test_properties_that_cannot_be_read_cost_no_text(self):
        original, stream = zipfile.ZipFile(io.BytesIO(open_text())), io.BytesIO()
        with original, zipfile.ZipFile(stream, "w") as archive:
            for member in original.infolist():
                data = b"<broken" if member.filename == "meta.xml" else original.read(member)
                archive.writestr(member, data)
        with pytest.raises(Exception, match=r"no element|unclosed|not well-formed"):
            office_properties(stream.getvalue())


class TestHtml:
    def test_structure_and_code_arrive_and_links_as_their_text(self):
        found = processed(HTML.encode())
        text = markdown(found)
        assert "Veja a lei da cidade." in text
        assert "```\nprimeira linha\n  segunda linha\n```" in text
        assert "aviso" not in text
        assert found.document.tables[0].data.grid[1][1].text == "10 dias"
        assert found.title == "Carta de Serviços"
        assert found.properties == {
            "title": "Carta de Serviços",
            "author": "Ouvidoria",
            "keywords": ["carta", "serviços"],
            "created": "2024-03-01",
            "language": "pt-BR",
        }

    def test_nothing_is_fetched(self):
        asked = []

        class Recorder(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(404)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            page = HTML.replace("{image}", f"http://127.0.0.1:{server.server_port}/logo.png")
            page = page.replace("</head>", "<link rel='stylesheet' href='http://127.0.0.1:%d/a.css'></head>")
            found = processed(page.replace("%d", str(server.server_port)).encode())
            server.shutdown()
            thread.join()
        assert asked == []
        assert "Carta" in markdown(found)

    @pytest.mark.parametrize(
        "page",
        [
            HTML.encode(),
            HTML.replace("<head>", "<head><meta charset='iso-8859-1'>").encode("iso-8859-1"),
            HTML.encode("cp1252"),
            HTML.replace("<head>", "<head><meta charset='nonsense'>").encode(),
            HTML.encode("utf-16"),
        ],
    )
    def test_accents_survive_every_encoding(self, page):
        assert processed(page, "a.html").document.tables[0].data.grid[0][0].text == "Serviço"

    def test_a_page_says_things_once_and_a_date_as_it_stands(self):
        found = html_properties("<title>A</title><svg><title>B</title></svg><meta name=date content=ontem>")
        assert found == {"title": "A", "created": "ontem"}


@pytest.mark.parametrize("make", [presentation, workbook, open_text, HTML.encode])
def test_equal_bytes_give_equal_documents(make):
    content = make()
    again = DocumentReader(no_models)
    assert document_json(processed(content).document) == document_json(
        process_document(again, content, "outro nome", SETTINGS).document
    )


FOOTNOTES = """<?xml version="1.0"?><w:footnotes
xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:footnote w:id="2">
<w:p><w:r><w:t>Conforme a Lei 13.460, de 2017.</w:t></w:r></w:p></w:footnote></w:footnotes>"""


def word_with_footnote():
    document = docx.Document()
    core = document.core_properties
    core.category, core.keywords, core.version = "Política", "sigilo; dados", "2.1"
    core.content_status, core.comments = "Draft", "Regras de sigilo."
    reference = docx.oxml.OxmlElement("w:footnoteReference")
    reference.set(docx.oxml.ns.qn("w:id"), "2")
    document.add_paragraph("O cidadão tem direito à resposta.").add_run()._r.append(reference)
    part = docx.opc.part.Part(
        docx.opc.packuri.PackURI("/word/footnotes.xml"),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml",
        FOOTNOTES.encode(),
        document.part.package,
    )
    document.part.relate_to(part, docx.opc.constants.RELATIONSHIP_TYPE.FOOTNOTES)
    return saved(document)


class TestWord:
    def test_footnotes_are_part_of_the_text_and_marked(self):
        found = processed(word_with_footnote())
        notes = [t.text for t in found.document.texts if t.label == DocItemLabel.FOOTNOTE]
        assert notes == ["[^1]: Conforme a Lei 13.460, de 2017."]
        assert notes[0] in markdown(found)

    def test_all_that_word_says_about_a_document_is_kept(self):
        found = processed(word_with_footnote()).properties
        assert found["category"] == "Política"
        assert found["keywords"] == ["sigilo", "dados"]
        assert found["version"] == "2.1"
        assert found["content_status"] == "Draft"
        assert found["description"] == "Regras de sigilo."

    def test_a_link_keeps_its_address(self):
        document = docx.Document()
        paragraph = document.add_paragraph("Veja ")
        address = "https://exemplo.gov.br/lei"
        kind = docx.opc.constants.RELATIONSHIP_TYPE.HYPERLINK
        link = docx.oxml.OxmlElement("w:hyperlink")
        link.set(docx.oxml.ns.qn("r:id"), document.part.relate_to(address, kind, is_external=True))
        run = paragraph.add_run("a lei")
        link.append(run._r)
        paragraph._p.append(link)
        assert f"[a lei]({address})" in markdown(processed(saved(document)))


@pytest.mark.parametrize("name", ["a.md"])
def test_markdown_keeps_the_text_of_links_and_the_lines_of_code(name):
    text = "# T\n\nVeja [a lei](https://exemplo.gov.br/lei).\n\n```sh\num\n  dois\n```\n"
    found = markdown(processed(text.encode(), name))
    assert "Veja a lei." in found
    assert "um\n  dois" in found


class TestPicturesInOfficeDocuments:
    @staticmethod
    def document():
        word = docx.Document()
        word.add_paragraph("Segue a cópia do aviso.")
        for picture in (picture_of(SENTENCES[:3], (1240, 300)), picture_of(("ok",), (60, 20))):
            stream = io.BytesIO()
            picture.save(stream, "PNG")
            stream.seek(0)
            word.add_picture(stream)
        word.add_paragraph("Fim da cópia.")
        return saved(word)

    def test_their_text_is_read_where_the_setting_says_so(self):
        settings = ProcessingSettings(ocr_embedded_images=True)
        found = process_document(READER, self.document(), "a.docx", settings)
        text = markdown(found)
        assert text.index("Segue a cópia") < text.index("Denúncias anônimas são aceitas") < text.index("Fim")
        assert found.ocr_applied
        assert found.ocr_confidence > 0.9

    def test_and_left_alone_otherwise(self):
        found = processed(self.document())
        assert "Denúncias" not in markdown(found)
        assert (found.ocr_applied, found.ocr_confidence) == (False, None)
