"""Promises of the small parts of chunking: titles, numerals, addresses, headers of tables, struck text."""

from __future__ import annotations

import re

import pytest
from docling_core.types.doc import DoclingDocument
from docling_core.types.doc.base import BoundingBox, CoordOrigin
from docling_core.types.doc.document import ProvenanceItem, TableCell, TableData

from stagekit.chunking.context import fit_context, heading_context
from stagekit.chunking.markdown import Block, Section
from stagekit.chunking.normative.address import Level, Part, ancestors, printed
from stagekit.chunking.normative.endings import asks_for_more, has_ended, names_another
from stagekit.chunking.normative.numerals import from_letter, from_roman, from_word, next_letter, to_roman
from stagekit.chunking.repeated_header import NO_HEADER, repeated_header
from stagekit.chunking.struck import has_struck, is_wholly_struck, merged, struck, without_struck
from stagekit.chunking.table_pages import first_rows
from stagekit.chunking.tokens import TokenIndex
from tests.unit.test_chunking_chunker import MARKED
from tests.unit.test_chunking_structures import counter_of

# Titles


def test_the_titles_of_a_chunk_are_named_once_and_without_the_heading_that_it_opens_with() -> None:
    assert heading_context("Norma", ["Capítulo", "Norma", "", "Prazo"], "Prazo") == ("Norma", "Capítulo")
    assert heading_context("", ["Capítulo"], "") == ("Capítulo",)


@pytest.mark.parametrize(
    ("titles", "budget", "fitted"),
    [
        (["a b", "c d"], 5, ("a b > c d\n\n", 5)),
        (["a b", "c d"], 4, ("c d\n\n", 2)),
        (["a b", "c d"], 2, ("c d\n\n", 2)),
        (["a b", "c d"], 1, ("c\n\n", 1)),
        (["a b", "c d"], 0, ("", 0)),
        ([], 9, ("", 0)),
    ],
)
def test_titles_are_dropped_from_outside_and_the_innermost_is_cut(
    titles: list[str], budget: int, fitted: tuple[str, int]
) -> None:
    assert fit_context(titles, counter_of("words"), budget) == fitted


def test_a_title_is_cut_until_what_is_left_fits_by_itself() -> None:
    assert fit_context(["abcdef"], MARKED, 3) == ("ab\n\n", 3)


# Numerals and addresses


def test_roman_numerals_are_read_as_they_are_printed_and_no_other_word_is_one() -> None:
    assert [from_roman(to_roman(number)) for number in range(1, 3999)] == list(range(1, 3999))
    assert [to_roman(number) for number in (4, 9, 14, 40, 90, 400, 1994)] == [
        "IV", "IX", "XIV", "XL", "XC", "CD", "MCMXCIV",
    ]  # fmt: skip
    assert [from_roman(word) for word in ("", "CIVIL", "IIII", "VX", "i")] == [0] * 5


def test_letters_count_on_behind_z_and_old_texts_leave_some_out() -> None:
    assert [from_letter(letters) for letters in ("a", "z", "aa", "bb", "zz")] == [1, 26, 27, 28, 52]
    assert [from_letter(letters) for letters in ("ab", "aaa", "A", "`", "{")] == [0] * 5
    assert [next_letter(number) for number in (1, 9, 10, 11, 22, 24)] == [
        {2}, {10}, {11, 12}, {12}, {23, 24}, {25, 26},
    ]  # fmt: skip


def test_ordinals_in_words_are_numbers() -> None:
    words = (
        "primeiro segunda terceiro quarta quinto sexta setimo oitava nono decima undecimo duodecima vigesimo "
        "trigesima quadragesimo quinquagesima sexagesimo septuagesima octogesimo nonagesima"
    )
    spanish = "primera tercero cuarta septimo octava noveno cuadragesima quincuagesimo"
    assert [from_word(word) for word in words.split()] == [*range(1, 13), *range(20, 100, 10)]
    assert [from_word(word) for word in spanish.split()] == [1, 3, 4, 7, 8, 9, 40, 50]
    several = ("decimo primeiro", "decimo-primeiro", "vigesimo terceiro", "Décimo", "um")
    assert [from_word(word) for word in several] == [11, 11, 23, 0, 0]


@pytest.mark.parametrize(
    ("before", "ended", "asks", "names"),
    [
        (" ", True, False, False),
        ("Vale.", True, False, False),
        ("a sala; e", True, False, False),
        ("a sala", False, False, False),
        ("conforme o disposto no ", False, True, False),
        ("da alínea", False, True, False),
        ("alínea a)", True, False, True),
    ],
)
def test_how_a_text_ended_says_whether_a_label_may_follow(
    before: str, ended: bool, asks: bool, names: bool
) -> None:
    assert (has_ended(before), asks_for_more(before), names_another(before)) == (ended, asks, names)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (Part(Level.ANEXO), "Anexo"),
        (Part(Level.ANEXO, 2, "A"), "Anexo II-A"),
        (Part(Level.ANEXO, word="Único"), "Anexo Único"),
        (Part(Level.TITULO, 4), "Título IV"),
        (Part(Level.SECAO), "Seção Única"),
        (Part(Level.PARTE, word="Geral"), "Parte Geral"),
        (Part(Level.DECIMAL, word="4.2.1"), "4.2.1"),
        (Part(Level.ARTIGO, 9), "Art. 9º"),
        (Part(Level.ARTIGO, 10, "B"), "Art. 10-B"),
        (Part(Level.ARTIGO, 1048), "Art. 1.048"),
        (Part(Level.ARTIGO), "Art. único"),
        (Part(Level.ARTIGO, 5, word="Cláusula"), "Cláusula 5ª"),
        (Part(Level.ARTIGO, word="Cláusula"), "Cláusula única"),
        (Part(Level.ARTIGO, 5, "BIS", "Artículo"), "Artículo 5 bis"),
        (Part(Level.ARTIGO, 5, "", "Section"), "Section 5"),
        (Part(Level.PARAGRAFO, 9), "§ 9º"),
        (Part(Level.PARAGRAFO, 10, "A"), "§ 10-A"),
        (Part(Level.PARAGRAFO), "parágrafo único"),
        (Part(Level.INCISO, 19, "A"), "XIX-A"),
        (Part(Level.ALINEA, 26), "z"),
        (Part(Level.ALINEA, 27), "aa"),
        (Part(Level.ITEM, 3), "3"),
        (Part(Level.ALTERACAO), "alteração"),
    ],
)
def test_each_part_of_an_address_is_printed_as_it_is_cited(part: Part, text: str) -> None:
    assert printed((part,)) == text


def test_an_address_is_printed_from_outside_in_and_a_contracts_number_says_its_clause() -> None:
    article, clause = Part(Level.ARTIGO, 5), Part(Level.ARTIGO, 4, word="Cláusula")
    assert printed((article, Part(Level.PARAGRAFO, 2), Part(Level.INCISO, 3))) == "Art. 5º, § 2º, III"
    assert printed((clause, Part(Level.DECIMAL, word="4.2"))) == "4.2"
    assert printed((Part(Level.ANEXO, 1), Part(Level.DECIMAL, word="4.2"))) == "Anexo I, 4.2"


def test_a_clause_lies_in_each_that_stands_above_it() -> None:
    annex, deep = Part(Level.ANEXO, 1), Part(Level.DECIMAL, word="4.2.1")
    assert [printed(one) for one in ancestors((annex, deep))] == ["Anexo I", "Anexo I, 4", "Anexo I, 4.2"]
    assert ancestors((annex,)) == []


# Tables


def rows_of_pages(tops: list[float | None], pages: int, origin: CoordOrigin) -> list[int]:
    """Return the first rows of a table of one column whose cells stand at these heights."""
    document = DoclingDocument(name="tabela")
    cells = []
    for row, top in enumerate(tops):
        box = None if top is None else BoundingBox(l=0, t=top, r=9, b=top, coord_origin=origin)
        span = {"start_row_offset_idx": row, "end_row_offset_idx": row + 1}
        cells.append(TableCell(text="x", bbox=box, start_col_offset_idx=0, end_col_offset_idx=1, **span))
    item = document.add_table(TableData(num_rows=len(tops), num_cols=1, table_cells=cells))
    place = BoundingBox(l=0, t=0, r=9, b=9)
    item.prov = [ProvenanceItem(page_no=page + 1, bbox=place, charspan=(0, 0)) for page in range(pages)]
    return first_rows(item)


def test_a_row_that_stands_above_the_one_before_begins_a_page() -> None:
    down, up = CoordOrigin.TOPLEFT, CoordOrigin.BOTTOMLEFT
    assert rows_of_pages([700, 720, 30, 50, 20], 3, down) == [0, 2, 4]
    assert rows_of_pages([100, 80, 790, 770], 2, up) == [0, 2]
    assert rows_of_pages([700, None, 30], 2, down) == [0, 2]  # a row whose place is not known begins none
    assert rows_of_pages([50, 50, 60], 1, down) == [0]  # side by side
    assert rows_of_pages([700, 720], 2, down) == []  # where the pages begin is not known
    assert rows_of_pages([None, None], 1, down) == [0]


HEADER = "| Nome do órgão central | Prazo |\n| - | - |\n"


@pytest.mark.parametrize(
    ("most", "text"),
    [
        (13, HEADER),  # it has as many words
        (12, "| Nome do… | Prazo |\n| - | - |\n"),
        (11, "| Nome… | Prazo |\n| - | - |\n"),
        (8, "| Nome… | Prazo |\n| - | - |\n"),
        (7, ""),  # it would take more than half as much again
    ],
)
def test_a_header_is_repeated_whole_or_with_the_beginning_of_its_names(most: int, text: str) -> None:
    spans = [match.span() for match in re.finditer(r"\S+", HEADER)]
    block = Block("table", 0, len(HEADER) + 9, Section(), (), header_end=len(HEADER))
    found = repeated_header(HEADER, block, TokenIndex(spans), most)
    assert found.text == text
    assert (found == NO_HEADER) == (not text)


# Struck text


def test_struck_text_is_marked_line_by_line_and_can_be_left_out() -> None:
    assert struck(" uma \n\nduas~~ ") == " ~~uma~~ \n\n~~duas~~ "
    assert merged("~~a~~ ~~b~~~~c~~") == "~~a bc~~"
    assert (has_struck("a ~~b~~"), has_struck("a ~~ b ~~"), has_struck("~~a\n\nb~~")) == (True, False, False)
    assert without_struck("fica ~~sai~~ fica\n~~sai~~\n- ~~sai~~\nfica") == "fica fica\nfica"
    assert without_struck("a  b") == "a  b"
    assert is_wholly_struck("## Título\n\n- ~~sai~~\n| ~~sai~~ |\n| --- |")
    assert not is_wholly_struck("~~sai~~ fica")
    assert not is_wholly_struck("## Título")
