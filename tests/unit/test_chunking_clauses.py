"""In chunks each clause of a norm has its line and its name, and what is struck out is not served as law."""

import re
import time

import pytest
from docling_core.types.doc import DocItemLabel, DoclingDocument, ProvenanceItem, Size
from docling_core.types.doc.base import BoundingBox, CoordOrigin
from docling_core.types.doc.document import Formatting, TableCell, TableData
from docling_core.types.doc.labels import GroupLabel
from hypothesis import given, settings
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel

from stagekit.chunking import Chunking, ChunkSettings, chunk_document
from stagekit.chunking.sentences import sentence_spans
from stagekit.chunking.struck import has_struck, is_wholly_struck, struck, without_struck
from stagekit.embedding import TokenCounter
from tests.unit.norms import Norm, norms


def _words() -> TokenCounter:
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return TokenCounter(tokenizer, "test@1", 8192)


WORDS = _words()


def document(*paragraphs: str) -> DoclingDocument:
    made = DoclingDocument(name="norma")
    for text in paragraphs:
        if text.startswith("## "):
            made.add_heading(text.removeprefix("## "))
        else:
            made.add_text(label=DocItemLabel.TEXT, text=text)
    return made


def chunks_of(*paragraphs: str, size: int = 500, struck_text: str = "mark", title: str = "") -> Chunking:
    sizes = ChunkSettings(size, size // 5, struck_text=struck_text)
    return chunk_document(document(*paragraphs), WORDS, sizes, title)


def test_clauses_that_were_run_together_get_a_line_each() -> None:
    (chunk,) = chunks_of(
        "Art. 23. O usuário deve: I - limpar a sala; II - guardar tudo. Parágrafo único. O monitor confere."
    ).chunks
    assert chunk.text.split("\n") == [
        "Art. 23. O usuário deve:",
        "I - limpar a sala;",
        "II - guardar tudo.",
        "Parágrafo único. O monitor confere.",
    ]
    assert chunk.clauses == ("Art. 23", "Art. 23, I", "Art. 23, II", "Art. 23, parágrafo único")


def test_a_chunk_names_its_clauses_and_then_those_that_they_lie_in() -> None:
    long = "palavra " * 60
    chunking = chunks_of(
        "CAPÍTULO I", "DO USO", f"Art. 1º O uso é livre: {long.strip()}.", f"§ 1º De dia {long.strip()}.",
        f"§ 2º De noite {long.strip()}.", size=80,
    )  # fmt: skip
    assert [chunk.clauses[0] for chunk in chunking.chunks] == ["Art. 1º", "Art. 1º, § 1º", "Art. 1º, § 2º"]
    assert chunking.chunks[2].clauses == ("Art. 1º, § 2º", "Art. 1º", "Capítulo I")
    *_, last = chunks_of(
        "ANEXO I", "CAPÍTULO I", "DO USO", "SEÇÃO II", "DA SALA", f"Art. 1º O uso é livre: {long.strip()}.",
        f"Art. 2º É pago: {long.strip()}.", size=80,
    ).chunks  # fmt: skip
    names = ("Anexo I, Art. 2º", "Anexo I", "Anexo I, Capítulo I", "Anexo I, Capítulo I, Seção II")
    assert last.clauses == names


def test_a_numbered_heading_is_the_clause_that_its_numbered_paragraphs_lie_in() -> None:
    made = DoclingDocument(name="regras")
    for heading, paragraphs in (
        ("1. Das férias", ["1.1 São de um mês.", "1.2 Valem para todos."]),
        ("2. Do prazo", ["2.1 Corre já.", "3. Assim o quis a lei."]),
    ):
        made.add_heading(heading)
        for text in paragraphs:
            made.add_text(label=DocItemLabel.TEXT, text=text)
    (chunk,) = chunk_document(made, WORDS, ChunkSettings(500, 100), "").chunks
    assert chunk.clauses == ("1", "1.1", "1.2", "2", "2.1")


def test_prose_that_cites_norms_is_left_as_it_is() -> None:
    text = "A lista segue o art. 5º, I e II, da Lei: a) a regra; b) o prazo. Parágrafo único. Nada mais."
    (chunk,) = chunks_of(text).chunks
    assert (chunk.text, chunk.clauses) == (text, ())


def test_code_holds_no_clauses() -> None:
    made = DoclingDocument(name="norma")
    made.add_code(text="Art. 1º x = 1; Art. 2º y = 2")
    (chunk,) = chunk_document(made, WORDS).chunks
    assert (chunk.clauses, chunk.text) == ((), "```\nArt. 1º x = 1; Art. 2º y = 2\n```")


@given(norms())
@settings(max_examples=60, deadline=None)
def test_any_norm_has_all_its_clauses_in_its_chunks_and_every_word(norm: Norm) -> None:
    for paragraphs in (norm.lines, [" ".join(norm.lines)]):
        chunking = chunks_of(*paragraphs, size=40)
        named = {name for chunk in chunking.chunks for name in chunk.clauses}
        assert set(norm.clauses) <= named
        lines = {line.strip() for chunk in chunking.chunks for line in chunk.text.split("\n")}
        assert all(any(line.startswith(text[:12]) for line in lines) for text in norm.lines)
        assert chunking.markdown.split() == " ".join(norm.lines).split()


def test_a_caput_is_not_parted_from_its_own_text_where_it_fits() -> None:
    filler = ["Nada aqui é norma e cada frase tem dez palavras." for _ in range(9)]
    caput = "Art. 1º O uso é livre. Ele vale para todos os dias. Ele vale em todas as salas."
    for before in range(1, 10):  # wherever the caput falls
        others = (f"Art. {n}º Outro artigo vale aqui." for n in range(2, 9))
        chunking = chunks_of(*filler[:before], caput, *others, size=100)
        assert any(caput in chunk.text for chunk in chunking.chunks)


# Struck text


def test_text_that_word_or_html_strikes_out_is_marked() -> None:
    made = DoclingDocument(name="norma")
    group = made.add_inline_group()
    made.add_text(label=DocItemLabel.TEXT, text="Prazo:", parent=group)
    gone = Formatting(strikethrough=True)
    made.add_text(label=DocItemLabel.TEXT, text="dez", parent=group, formatting=gone)
    made.add_text(label=DocItemLabel.TEXT, text="dias", parent=group, formatting=gone)
    made.add_text(label=DocItemLabel.TEXT, text="quinze dias.", parent=group)
    made.add_text(label=DocItemLabel.TEXT, text="Tudo revogado.", formatting=gone)
    (chunk,) = chunk_document(made, WORDS).chunks
    assert chunk.text == "Prazo: ~~dez dias~~ quinze dias.\n\n~~Tudo revogado.~~"
    assert chunk.has_struck_text


def test_an_underline_is_no_strike() -> None:
    made = DoclingDocument(name="norma")
    made.add_text(label=DocItemLabel.TEXT, text="Vale.", formatting=Formatting(underline=True, bold=True))
    (chunk,) = chunk_document(made, WORDS).chunks
    assert (chunk.text, chunk.has_struck_text) == ("Vale.", False)


def test_neither_the_model_nor_the_words_of_a_chunk_count_what_is_struck() -> None:
    (chunk,) = chunks_of("O prazo é de ~~dez~~ quinze dias.", "~~Art. 2º Some.~~", title="Prazos").chunks
    assert chunk.embedded_text == "Prazos\n\nO prazo é de quinze dias.\n"
    assert "~~dez~~" in chunk.text
    assert chunk.embedded_token_count == WORDS.count_embedded(chunk.embedded_text)


def test_struck_text_can_be_left_out_of_chunks() -> None:
    chunking = chunks_of("O prazo é de ~~dez~~ quinze dias.", "~~Art. 2º Some.~~", "Fim.", struck_text="drop")
    (chunk,) = chunking.chunks
    assert chunk.text == "O prazo é de quinze dias.\n\nFim."
    assert not chunk.has_struck_text


def test_struck_text_that_a_chunk_cuts_stays_struck_on_both_sides() -> None:
    text = "~~" + " ".join(f"Frase revogada de número {n}." for n in range(60)) + "~~"
    chunking = chunks_of(text, size=50)
    assert len(chunking.chunks) > 3
    assert all(chunk.has_struck_text and is_wholly_struck(chunk.text) for chunk in chunking.chunks)
    assert all("revogada" not in chunk.embedded_text for chunk in chunking.chunks)


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        (["Art. 10. (Revogado pela Portaria nº 33, de 2022)", "Art. 11. Vale."],
         ["Art. 10. (Revogado pela Portaria nº 33, de 2022)", "Art. 11. Vale."]),
        (["Art. 10. O prazo é curto. (Revogado pela Lei nº 9, de 2022)", "Art. 11. Vale."],
         ["~~Art. 10. O prazo é curto.~~ (Revogado pela Lei nº 9, de 2022)", "Art. 11. Vale."]),
        (["Art. 10. O prazo é curto. [Revogado - Decreto 9/2022]", "Art. 11. Corre. (Derogado por la Ley 3)"],
         ["~~Art. 10. O prazo é curto.~~ [Revogado - Decreto 9/2022]",
          "~~Art. 11. Corre.~~ (Derogado por la Ley 3)"]),
        (["Art. 10. Vale. (VETADO o § 1º)", "Art. 11. O prazo é curto. (Tornado sem efeito pela Lei 5)"],
         ["Art. 10. Vale. (VETADO o § 1º)", "~~Art. 11. O prazo é curto.~~ (Tornado sem efeito pela Lei 5)"]),
        (["Art. 10. O prazo é curto.", "Art. 10. O prazo é longo. (NR)", "Art. 11. Vale."],
         ["~~Art. 10. O prazo é curto.~~", "Art. 10. O prazo é longo. (NR)", "Art. 11. Vale."]),
        (["Art. 20-A. Revogado pelo Decreto nº 10.756, de 2021 Vigência", "Art. 21. Vale."],
         ["Art. 20-A. Revogado pelo Decreto nº 10.756, de 2021 Vigência", "Art. 21. Vale."]),
        (["Art. 11. Dez dias.", "Art. 11. Quinze dias. (Redação dada pela Portaria nº 41, de 2023)"],
         ["~~Art. 11. Dez dias.~~", "Art. 11. Quinze dias. (Redação dada pela Portaria nº 41, de 2023)"]),
        (["Art. 10. O prazo é curto. (Revogado pela Lei nº 9)", "Brasília, 2 de maio.", "JOSÉ DA SILVA"],
         ["~~Art. 10. O prazo é curto.~~ (Revogado pela Lei nº 9)", "Brasília, 2 de maio.", "JOSÉ DA SILVA"]),
        (["Art. 10. Prazo", "curto.", "(Revogado pela Lei 9)", "## CAPÍTULO II", "Art. 11. Vale."],
         ["~~Art. 10. Prazo~~", "~~curto.~~", "(Revogado pela Lei 9)", "## CAPÍTULO II", "Art. 11. Vale."]),
        (["Art. 10. O prazo é curto.", "(Revogado pela Lei 9)", "## Das multas", "Aplica-se o resto."],
         ["~~Art. 10. O prazo é curto.~~", "(Revogado pela Lei 9)", "## Das multas", "Aplica-se o resto."]),
        (["Art. 10. Dez dias.", "Art. 10. Onze. (Redação dada pela MP 9) (Vigência encerrada)", "Art. 11. Vale."],
         ["Art. 10. Dez dias.", "~~Art. 10. Onze. (Redação dada pela MP 9)~~ (Vigência encerrada)",
          "Art. 11. Vale."]),
        (["Art. 1º Tem:", "I - sal;", "I - açúcar; (Redação dada pela Lei nº 2)", "II - água."],
         ["Art. 1º Tem:", "~~I - sal;~~", "I - açúcar; (Redação dada pela Lei nº 2)", "II - água."]),
    ],
)  # fmt: skip
def test_what_planalto_says_is_revoked_is_marked(lines: list[str], shown: list[str]) -> None:
    (chunk,) = chunks_of(*lines).chunks
    assert chunk.text.split("\n\n") == shown
    assert chunk.has_struck_text


@pytest.mark.parametrize(
    "lines",
    [
        ["Art. 4º Fica revogada a Portaria nº 3 (revogado o anexo) e mantido o resto."],
        ["Art. 5º Vale. (Incluído pela Lei nº 8) (Vide Lei nº 9)"],
        ["Art. 6º Um.", "Art. 6º Dois, sem nota nenhuma."],
        ["Art. 7º A Lei passa a ter:", "“Art. 1º (Revogado).” (NR)"],
        ["Art. 8º Exigem-se:", "certidão;", "alvará; (Revogado pela Lei nº 9)", "contrato social."],
    ],
)
def test_what_is_in_force_is_not_marked(lines: list[str]) -> None:
    (chunk,) = chunks_of(*lines).chunks
    assert chunk.text.split("\n\n") == lines
    assert not chunk.has_struck_text


def test_marks_of_struck_text_are_read_as_people_write_them() -> None:
    assert struck("a\nb ~~c~~") == "~~a~~\n~~b c~~"
    assert not has_struck("~~~\ncódigo\n~~~")
    assert not has_struck("5 ~~ 6 ~~ 7")
    assert without_struck("um ~~dois~~ três") == "um três"
    assert without_struck("um\n- ~~dois~~\ntrês") == "um\ntrês"
    assert is_wholly_struck("## Título\n\n~~tudo~~")
    assert not is_wholly_struck("## Título\n\n~~tudo~~ menos isto")
    assert not is_wholly_struck("nada")


# Tables, pages, sizes


def _table(names: list[str], rows: list[list[str]]) -> DoclingDocument:
    made = DoclingDocument(name="tabela")
    cells = [
        TableCell(text=text, start_row_offset_idx=y, end_row_offset_idx=y + 1, start_col_offset_idx=x,
                  end_col_offset_idx=x + 1, column_header=y == 0)
        for y, row in enumerate([names, *rows])
        for x, text in enumerate(row)
    ]  # fmt: skip
    made.add_table(TableData(table_cells=cells, num_rows=len(rows) + 1, num_cols=len(names)))
    return made


@pytest.mark.parametrize("words", [2, 12, 40])
def test_each_chunk_of_a_table_says_what_its_columns_are(words: int) -> None:
    names = [f"Coluna{n} " + " ".join(["de dados"] * words) for n in range(5)]
    rows = [[f"{y}.{x}" for x in range(5)] for y in range(80)]
    chunking = chunk_document(_table(names, rows), WORDS, ChunkSettings(200, 40))
    assert len(chunking.chunks) > 2
    assert all(chunk.token_count <= 208 for chunk in chunking.chunks)
    with_rows = [chunk for chunk in chunking.chunks if ".4 |" in chunk.text]
    for chunk in with_rows:
        assert all(f"Coluna{n}" in chunk.text for n in range(5))
    assert all(any(row[0] + " |" in chunk.text for chunk in chunking.chunks) for row in rows)


def test_a_table_of_more_columns_than_a_chunk_has_room_for_is_still_cut_whole() -> None:
    names = [f"Nome{n}" for n in range(90)]
    chunking = chunk_document(_table(names, [["x"] * 90] * 4), WORDS, ChunkSettings(100, 20))
    assert all(chunk.token_count <= 104 for chunk in chunking.chunks)
    assert all(any(f"Nome{n}" in chunk.text.split() for chunk in chunking.chunks) for n in range(90))


def test_the_page_of_a_passage_is_the_one_that_its_text_stands_on() -> None:
    made = DoclingDocument(name="páginas")
    for number in (1, 2):
        made.add_page(page_no=number, size=Size(width=595, height=842))
    first = " ".join(f"Na primeira página a frase {n}." for n in range(30))
    second = " ".join(f"Na segunda página a frase {n}." for n in range(30))
    box = BoundingBox(l=50, t=50, r=500, b=800, coord_origin=CoordOrigin.TOPLEFT)
    provs = [
        ProvenanceItem(page_no=1, bbox=box, charspan=(0, len(first))),
        ProvenanceItem(page_no=2, bbox=box, charspan=(len(first) + 1, len(first) + 1 + len(second))),
    ]
    item = made.add_text(label=DocItemLabel.TEXT, text=f"{first} {second}", prov=provs[0])
    item.prov.append(provs[1])
    chunks = chunk_document(made, WORDS, ChunkSettings(60, 10)).chunks
    for chunk in chunks:
        assert chunk.pages == tuple(
            page for page, word in ((1, "primeira"), (2, "segunda")) if word in chunk.text
        )
    assert {chunk.pages for chunk in chunks} >= {(1,), (2,)}


def test_the_rows_of_a_table_that_goes_on_over_pages_have_their_own_page() -> None:
    made = _table(["Código", "Prazo"], [[f"c{y}", f"{y} dias"] for y in range(90)])
    (table,) = made.tables
    for cell in table.data.table_cells:
        top = 50 + 20 * (cell.start_row_offset_idx % 30)
        cell.bbox = BoundingBox(l=50, t=top, r=90, b=top + 15, coord_origin=CoordOrigin.TOPLEFT)
    box = BoundingBox(l=50, t=50, r=500, b=800, coord_origin=CoordOrigin.TOPLEFT)
    for page in (1, 2, 3, 4):
        made.add_page(page_no=page, size=Size(width=595, height=842))
        table.prov.append(ProvenanceItem(page_no=page, bbox=box, charspan=(0, 0)))
    chunks = chunk_document(made, WORDS, ChunkSettings(100, 0)).chunks
    pages = {int(row): chunk.pages for chunk in chunks for row in re.findall(r"c(\d+) ", chunk.text)}
    assert (pages[0], pages[88]) == ((1,), (3, 4))
    assert all(row // 30 + 1 in found or (row + 1) // 30 + 1 in found for row, found in pages.items())


def test_the_pages_of_formatted_text_are_those_of_its_parts() -> None:
    made = DoclingDocument(name="páginas")
    box = BoundingBox(l=50, t=50, r=500, b=800, coord_origin=CoordOrigin.TOPLEFT)
    group = made.add_inline_group(name="g")
    assert group.label == GroupLabel.INLINE
    for page, word in ((1, "primeira"), (2, "segunda")):
        made.add_page(page_no=page, size=Size(width=595, height=842))
        text = " ".join(f"Na {word} página a frase {n}." for n in range(30))
        prov = ProvenanceItem(page_no=page, bbox=box, charspan=(0, len(text)))
        made.add_text(label=DocItemLabel.TEXT, text=text, prov=prov, parent=group)
    chunks = chunk_document(made, WORDS, ChunkSettings(60, 10)).chunks
    assert chunks[0].pages == (1,)
    assert chunks[-1].pages == (2,)


def test_a_paragraph_without_sentence_ends_is_cut_in_linear_time() -> None:
    def seconds(words: int) -> float:
        text = " ".join("palavra" for _ in range(words))
        begin = time.process_time()
        chunks_of(text, size=100)
        return time.process_time() - begin

    seconds(1000)
    short, long = seconds(10_000), seconds(40_000)
    assert long < 8 * short  # quadratic would be 16 times


def test_abbreviations_end_no_sentence_however_many_there_are() -> None:
    text = "Veja o art. 5, o inc. 2 e a p. 3 do vol. 4. " * 200
    begin = time.process_time()
    assert len(sentence_spans(text)) == 200
    assert time.process_time() - begin < 1
