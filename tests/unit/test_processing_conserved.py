"""What a conversion loses is put back at its place, or the verdict and the report say that it is missing."""

import io

import pytest
from docling_core.types.doc import BoundingBox, CoordOrigin, DocItemLabel, DoclingDocument, ProvenanceItem
from docling_core.types.doc.document import TableCell, TableData
from docx import Document

from stagekit.chunking import build_markdown
from stagekit.processing.conserved import conserve_text
from stagekit.processing.pdf.page_coverage import measure_coverage
from stagekit.processing.process import process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings
from stagekit.processing.verdict import quality_verdict

SETTINGS = ProcessingSettings()
PARAGRAPHS = [
    "O pedido é feito pela internet.",
    "A resposta sai em quinze dias úteis.",
    "Da decisão cabe recurso à chefia.",
]
ROWS = [["Etapa", "Prazo"], ["Análise", "45 dias"], ["Parecer jurídico", "12 dias"]]


def word_file(paragraphs=PARAGRAPHS, rows=ROWS):
    document = Document()
    for text in paragraphs:
        document.add_paragraph(text)
    table = document.add_table(len(rows), len(rows[0]))
    for row, texts in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def converted(paragraphs=PARAGRAPHS, rows=ROWS):
    """What a converter made of the file; an empty text is a cell that lost its text."""
    document = DoclingDocument(name="d")
    for text in paragraphs:
        document.add_text(label=DocItemLabel.TEXT, text=text)
    data = TableData(num_rows=len(rows), num_cols=len(rows[0]))
    for at, row in enumerate(rows):
        for column, text in enumerate(row):
            data.table_cells.append(
                TableCell(
                    text=text,
                    start_row_offset_idx=at,
                    end_row_offset_idx=at + 1,
                    start_col_offset_idx=column,
                    end_col_offset_idx=column + 1,
                    column_header=at == 0,
                )
            )
    document.add_table(data=data)
    return document


def lines(document):
    return [line for line in build_markdown(document).text.split("\n") if line]


WHOLE = lines(converted())


class TestPutBack:
    def test_a_document_that_kept_everything_is_not_touched(self):
        document = converted()
        coverage, notes = conserve_text(document, word_file(), "docx")
        assert (coverage.total, coverage.losses, coverage.added, notes) == (1.0, (), (), [])
        assert lines(document) == WHOLE

    @pytest.mark.parametrize("gone", [0, 1, 2, (0, 1), (1, 2)])
    def test_lost_paragraphs_return_between_their_neighbours(self, gone):
        lost = {gone} if isinstance(gone, int) else set(gone)
        document = converted([text for at, text in enumerate(PARAGRAPHS) if at not in lost])
        coverage, notes = conserve_text(document, word_file(), "docx")
        assert coverage.total == 1.0
        assert lines(document) == WHOLE
        named = ", ".join(f'text "{PARAGRAPHS[at]}"' for at in sorted(lost))
        assert notes == [f"Lost in the conversion and put back: {named}."]

    def test_a_lost_cell_returns_to_its_empty_place(self):
        document = converted(rows=[*ROWS[:1], ["Análise", ""], ROWS[2]])
        coverage, notes = conserve_text(document, word_file(), "docx")
        assert (coverage.total, notes) == (
            1.0,
            ['Lost in the conversion and put back: table cell "45 dias".'],
        )
        assert lines(document) == WHOLE

    def test_lost_words_return_into_their_paragraph_and_their_cell(self):
        paragraphs = [PARAGRAPHS[0], PARAGRAPHS[1].replace("quinze dias ", ""), PARAGRAPHS[2]]
        document = converted(paragraphs, [*ROWS[:2], ["jurídico", "12 dias"]])
        coverage, _ = conserve_text(document, word_file(), "docx")
        assert coverage.total == 1.0
        assert lines(document) == WHOLE

    def test_struck_words_return_struck(self):
        document = DoclingDocument(name="d")
        document.add_text(label=DocItemLabel.TEXT, text="Vale a tarifa nova.")
        page = "<p>Vale a tarifa nova.</p><p><s>Vale a tarifa velha.</s></p>"
        conserve_text(document, page, "html")
        assert lines(document) == ["Vale a tarifa nova.", "~~Vale a tarifa velha.~~"]

    def test_a_paragraph_with_struck_words_is_not_overwritten(self):
        document = DoclingDocument(name="d")
        document.add_text(label=DocItemLabel.TEXT, text="A ~~multa~~ é de cem.")
        conserve_text(document, "A multa diária é de cem.", "txt")
        assert lines(document) == ["A ~~multa~~ é de cem."]

    def test_a_lost_header_stands_once_at_the_start(self):
        document = DoclingDocument(name="d")
        document.add_text(label=DocItemLabel.TEXT, text="Texto da página.")
        page = "<header>Norma IN-047</header><p>Texto da página.</p><footer>Revisão 6</footer>"
        coverage, _ = conserve_text(document, page, "html")
        assert lines(document) == ["Norma IN-047", "Revisão 6", "Texto da página."]
        assert coverage.total == 1.0


class TestWhatCannotBePutBack:
    def test_text_without_a_known_neighbour_is_named_as_missing(self):
        document = converted(["Outro."], [["x"]])
        coverage, notes = conserve_text(document, word_file(PARAGRAPHS[:1], [["Etapa", "Prazo"]]), "docx")
        assert coverage.is_proven_loss
        assert notes == [
            f'Missing in the text: text "{PARAGRAPHS[0]}", table cell "Etapa", table cell "Prazo".'
        ]
        assert set(coverage.added) == {"outro"}

    def test_many_texts_are_counted_beyond_the_first_ones(self):
        texts = "\n\n".join(f"Parágrafo perdido número {number}." for number in range(9))
        _, notes = conserve_text(converted(["Outro."], [["x"]]), texts, "txt")
        assert notes[0].endswith(" and 4 more.")

    def test_a_file_that_the_second_reader_cannot_read_says_so(self):
        coverage, notes = conserve_text(converted(), b"PK", "docx")
        assert coverage is None
        assert notes == ["Whether all of the text arrived could not be checked: File is not a zip file."]

    def test_pictures_have_no_second_reader(self):
        assert conserve_text(converted(), b"", "png") == (None, [])


class TestPdfPages:
    LAYERS = (
        "O pedido é feito\r\npela inter-\r\nnet. " * 30,
        "Da decisão cabe recurso. " * 40 + "\r\nFica sem efeito a nota.",
    )

    def document(self, *pages):
        document = DoclingDocument(name="d")
        box = BoundingBox(l=0, t=9, r=9, b=0, coord_origin=CoordOrigin.BOTTOMLEFT)
        for number, text in enumerate(pages, start=1):
            prov = ProvenanceItem(page_no=number, bbox=box, charspan=(0, len(text)))
            document.add_text(label=DocItemLabel.TEXT, text=text, prov=prov)
        return document

    def test_a_page_that_lost_a_clause_is_low_whatever_its_share_of_words(self):
        document = self.document("O pedido é feito pela internet. " * 30, "Da decisão cabe recurso. " * 40)
        coverage = measure_coverage(self.LAYERS, document)
        assert coverage.minimum > 0.95
        assert coverage.low_pages(0.9) == [2]
        assert coverage.is_low(0.9)
        assert coverage.as_json()["missing"] == ['text "Fica sem efeito a nota." of page 2']

    def test_what_nobody_sees_is_named_as_left_out(self):
        document = self.document("O pedido é feito pela internet. " * 30)
        coverage = measure_coverage(self.LAYERS[:1], document, unseen={1: "segredo", 2: " "})
        assert (coverage.total, coverage.losses) == (1.0, ())
        assert coverage.as_json()["left_out"] == {"hidden text": ["segredo"]}


class Forgetful(DocumentReader):
    """A reader that loses a table's cells and says nothing."""

    def convert(self, content, file_format):
        result = super().convert(content, file_format)
        for table in result.document.tables:
            for cell in table.data.table_cells:
                cell.text = ""
        return result


def test_the_verdict_of_a_document_that_lost_cells_is_low_coverage_and_it_is_served_all_the_same():
    reader = Forgetful(lambda: pytest.fail("no model is needed"))
    found = process_document(reader, word_file(PARAGRAPHS * 60), "a.docx", SETTINGS)
    assert found.text_coverage.minimum > SETTINGS.min_text_coverage
    assert quality_verdict(found, SETTINGS) == "low_coverage"
    assert found.warnings[-1].startswith('Missing in the text: table cell "Etapa", table cell "Prazo"')
    assert found.document.texts


def test_a_single_missing_word_of_many_is_listed_and_no_reason_for_a_mark():
    document = converted(PARAGRAPHS * 20)
    document.texts[0].text = document.texts[0].text.replace("internet", "rede")
    coverage, notes = conserve_text(document, word_file(PARAGRAPHS * 20), "docx")
    assert (coverage.is_low(0.98), notes) == (False, [])
    assert coverage.as_json()["missing_words"] == ["internet"]
    assert coverage.added == ("rede",)
