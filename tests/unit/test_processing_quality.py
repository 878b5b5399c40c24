"""Nothing of a page is lost or doubled: running headers, low coverage, text layers with wrong letters."""

import io
import unicodedata

import pypdfium2
import pytest
from docling_core.types.doc import DocItemLabel

from stagekit.processing.pdf.converter import build_converter
from stagekit.processing.pdf.file import inspect_pdf, text_layer_lines
from stagekit.processing.pdf.lost_text import put_back_lost_text
from stagekit.processing.pdf.page_coverage import measure_coverage
from stagekit.processing.process import process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings
from stagekit.processing.text.quality import page_ranges, text_fault
from stagekit.processing.verdict import quality_verdict
from tests.unit.processing_pdfs import SENTENCES, TOPICS, pdf, report_with_edges, scan_with_layer

SETTINGS = ProcessingSettings()
PARAGRAPH = " ".join(SENTENCES * 2)


@pytest.fixture(scope="module")
def converter():
    return build_converter()


@pytest.fixture(scope="module")
def reader(converter):
    return DocumentReader(lambda: converter)


def without_accents(text):
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def with_look_alikes(text):
    return text.translate(str.maketrans("aeop", "аеор"))


def body_text(document):
    return " ".join(item.text for item, _ in document.iterate_items() if hasattr(item, "text"))


def furniture(document):
    return {item.text: item.label for item in document.texts if item.content_layer.value == "furniture"}


@pytest.fixture(scope="module")
def report(reader):
    return process_document(reader, report_with_edges(), "manual.pdf", SETTINGS)


class TestRunningEdges:
    def test_what_repeats_at_the_edges_of_the_pages_is_not_part_of_the_text(self, report):
        body = body_text(report.document)
        assert body.startswith("Prefeitura de Vale Verde")  # one copy is kept
        assert body.count("Prefeitura de Vale Verde") == 1
        assert "Página" not in body
        assert furniture(report.document) == {
            "Prefeitura de Vale Verde - Manual da Ouvidoria": DocItemLabel.PAGE_HEADER,
            **{f"Página {number} de 4": DocItemLabel.PAGE_FOOTER for number in range(1, 5)},
        }

    def test_the_text_between_them_stays(self, report):
        body = body_text(report.document)
        for number in range(1, 5):
            assert body.count(f"justificativa escrita da unidade responsável ({TOPICS[number % 6]})") == 1
        assert report.text_coverage.minimum == 1.0

    def test_a_single_page_has_no_running_header(self, reader):
        found = process_document(reader, report_with_edges(pages=1), "m.pdf", SETTINGS)
        assert found.text_coverage.minimum == 1.0


class LosingReader(DocumentReader):
    """A reader that drops every paragraph with a word in it, as a layout model may do."""

    word = "anônimas"

    def convert(self, content, file_format, **options):
        result = super().convert(content, file_format, **options)
        gone = [item for item in result.document.texts if self.word in item.text]
        result.document.delete_items(node_items=gone)
        return result


class TestLowCoverage:
    def test_lost_lines_come_back_at_their_place_and_the_page_is_named(self, converter):
        losing = LosingReader(lambda: converter)

        def draw(page):
            page.setFont("Helvetica", 10)
            for block in range(4):
                for line in range(2):
                    page.drawString(60, 780 - 100 * block - 14 * line, SENTENCES[2 * block + line])
            page.showPage()

        found = process_document(losing, pdf(draw), "a.pdf", SETTINGS)
        body = body_text(found.document)
        order = [body.index(sentence[:40]) for sentence in SENTENCES]
        assert order == sorted(order)
        assert found.pages_reconverted == [1]
        assert found.text_coverage.minimum == 1.0
        assert quality_verdict(found, SETTINGS) == "pass"
        assert found.warnings == [
            "Page 1: words of the text layer were missing after the conversion, and were put back."
        ]

    def test_a_page_of_which_nothing_is_left_is_read_from_its_text_layer(self, converter):
        losing = LosingReader(lambda: converter)
        losing.word = ""
        found = process_document(losing, report_with_edges(2), "a.pdf", SETTINGS)
        assert found.pages_reconverted == [1, 2]
        assert found.text_coverage.minimum == 1.0
        body = body_text(found.document)
        assert body.index(f"({TOPICS[1]})") < body.index(f"({TOPICS[2]})")

    def test_words_lost_within_a_line_come_back_without_the_rest(self, reader):
        content = report_with_edges(1)
        document = process_document(reader, content, "a.pdf", SETTINGS).document
        for item in document.texts:
            item.text = item.orig = item.text.replace("Denúncias anônimas são", "Denúncias são")
        layers = inspect_pdf(content, 10).page_texts
        before = measure_coverage(layers, document)
        assert before.minimum < 1
        pages = put_back_lost_text(document, before, 1.0, lambda pages: text_layer_lines(content, pages))
        assert pages == [1]
        assert document.texts[-1].text == "anônimas"
        assert measure_coverage(layers, document).minimum == 1.0

    def test_a_page_that_kept_its_words_is_left_alone(self, reader):
        assert process_document(reader, report_with_edges(1), "a.pdf", SETTINGS).pages_reconverted == []


class TestTextFaults:
    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            (PARAGRAPH, None),
            ("", None),
            (without_accents(PARAGRAPH), "lost_accents"),
            (PARAGRAPH.encode().decode("cp1252", "replace"), "mojibake"),
            (with_look_alikes(PARAGRAPH), "mixed_alphabets"),
            (PARAGRAPH.replace("ç", "c¸ ").replace("ã", "˜a"), "detached_accents"),
            ("\ue001\ue002\ue003 a", "unmapped"),
            ("(cid:12)(cid:44) abc", "unmapped"),
            (without_accents(SENTENCES[0]), None),
            ("sudo apt install nginx; systemctl restart nginx " * 40, None),
            ("The council answers every request within thirty days as the law says. " * 20, None),
            (PARAGRAPH + " Ele escreveu Ã§ em vez de ç. A resistência é de 5 kΩ e 3 μmol. Москва.", None),
        ],
    )
    def test_a_fault_is_told_from_text_that_may_look_so(self, text, fault):
        assert text_fault(text) == fault

    def test_page_numbers_are_joined_to_ranges(self):
        assert page_ranges([3]) == "Page 3"
        assert page_ranges([7, 1, 5, 6]) == "Pages 1, 5-7"


class TestFaultyTextLayers:
    SHOWN = SENTENCES * 2

    @pytest.mark.parametrize(
        ("spoil", "reason"),
        [
            (without_accents, "its letters have lost their accents"),
            (lambda text: "".join(f"(cid:{ord(c)})" for c in text), "have lost their meaning"),
        ],
    )
    def test_a_page_is_read_by_ocr_and_the_report_says_why(self, reader, spoil, reason):
        content = scan_with_layer(self.SHOWN, tuple(spoil(line) for line in self.SHOWN))
        found = process_document(reader, content, "scan.pdf", SETTINGS)
        assert found.ocr_applied
        assert "informação" in body_text(found.document)
        assert "informacao" not in body_text(found.document)
        assert reason in found.warnings[0]
        assert found.warnings[0].endswith("so OCR read it.")
        assert found.text_coverage is None

    def test_a_page_that_was_written_without_accents_keeps_its_exact_text(self, reader):
        plain = tuple(without_accents(line) for line in self.SHOWN)
        found = process_document(reader, scan_with_layer(plain, plain), "scan.pdf", SETTINGS)
        assert not found.ocr_applied
        assert found.ocr_confidence is None
        assert found.text_coverage.minimum == 1.0
        assert found.warnings == ["Page 1: the text may be wrong: its letters have lost their accents."]

    def test_without_ocr_the_page_is_named(self):
        silent = DocumentReader(lambda: build_converter(ocr_engine="none"))
        content = scan_with_layer(self.SHOWN, tuple(map(with_look_alikes, self.SHOWN)))
        found = process_document(silent, content, "scan.pdf", SETTINGS)
        assert found.warnings == [
            "Page 1: the text may be wrong: it mixes letters of several alphabets within words."
        ]


def test_lines_of_a_text_layer_have_their_place_on_the_cropped_page():
    def draw(page):
        page.drawString(100, 700, "primeira linha")
        page.drawString(100, 680, "segunda ")
        page.setFont("Courier", 12)
        page.drawString(160, 680, "linha")
        page.showPage()

    document = pypdfium2.PdfDocument(pdf(draw))
    document[0].set_cropbox(50, 60, 500, 800)
    stream = io.BytesIO()
    document.save(stream)
    document.close()
    first, second = text_layer_lines(stream.getvalue(), [1])[1]
    assert (first.text, second.text) == ("primeira linha", "segunda linha")
    assert first.left == pytest.approx(50, abs=2)
    assert first.bottom == pytest.approx(640, abs=4)


@pytest.mark.parametrize("name", ["ata.txt", "ata.md"])
def test_text_files_that_lost_their_accents_are_named_too(reader, name):
    found = process_document(reader, without_accents(PARAGRAPH).encode(), name, SETTINGS)
    assert found.warnings == ["The text may be wrong: its letters have lost their accents."]
    assert process_document(reader, PARAGRAPH.encode(), name, SETTINGS).warnings == []
