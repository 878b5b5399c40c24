"""Tables get their rows and columns from where the words stand and from the rules around them."""

import numpy as np
from PIL import Image, ImageDraw

from stagekit.processing.pdf.tables.drawn_rules import rule_positions
from stagekit.processing.pdf.tables.table_grid import Rule, Word, find_grid


def words_of(rows, lefts, pitch=14.0, size=10.0):
    """Words of a table; a cell's text may hold several words."""
    words = []
    for index, row in enumerate(rows):
        top = index * pitch
        for left, text in zip(lefts, row, strict=True):
            x = left
            for part in text.split():
                width = 5.0 * len(part)
                words.append(Word(part, x, top, x + width, top + size))
                x += width + 3.0
    return words


def texts(cells):
    return {(cell.row, cell.column): " ".join(cell.lines) for cell in cells}


ROWS = [
    ["Tipo de afastamento", "Prazo", "Quem autoriza"],
    ["Licença", "90 dias", "Secretário"],
    ["Doação de sangue", "1 dia", "Chefia imediata"],
]


def test_columns_without_lines_are_found_in_the_white_between_them():
    found = texts(find_grid(words_of(ROWS, [0, 150, 250])))
    assert found == {(r, c): text for r, row in enumerate(ROWS) for c, text in enumerate(row)}


def test_every_word_of_a_table_is_in_one_cell():
    words = words_of(ROWS, [0, 150, 250])
    joined = " ".join(text for _, text in sorted(texts(find_grid(words)).items()))
    assert sorted(joined.split()) == sorted(word.text for word in words)


def test_an_empty_cell_stays_empty():
    rows = [["A", "B", "C"], ["um", "", "três"], ["quatro", "cinco", "seis"]]
    assert (1, 1) not in texts(find_grid(words_of(rows, [0, 100, 200])))


def test_drawn_rules_keep_the_lines_of_a_cell_together():
    rows = [
        ["Item", "Texto"],
        ["um", "primeira linha"],
        ["", "segunda linha"],
        ["dois", "outra"],
        ["", "mais"],
    ]
    words = words_of(rows, [0, 80])
    found = texts(find_grid(words, vertical=[-5, 60, 200], horizontal=[Rule(12), Rule(40)]))
    assert found[(1, 1)] == "primeira linha segunda linha"
    assert found[(2, 1)] == "outra mais"


def test_wider_steps_between_rows_than_between_lines_separate_the_rows():
    lines = [("Item", "Descrição", 0), ("um", "primeira", 20), ("", "segunda", 31), ("dois", "terceira", 51)]
    words = [
        Word(text, left, top, left + 5.0 * len(text), top + 10)
        for first, second, top in lines
        for left, text in ((0.0, first), (80.0, second))
        if text
    ]
    found = texts(find_grid(words, vertical=[50]))
    assert found == {
        (0, 0): "Item",
        (0, 1): "Descrição",
        (1, 0): "um",
        (1, 1): "primeira segunda",
        (2, 0): "dois",
        (2, 1): "terceira",
    }


def test_a_heading_over_two_columns_spans_both():
    rows = [["Ano", "2023", "2024"], ["Total", "10", "12"], ["Média", "5", "6"]]
    words = [*words_of(rows, [0, 100, 200], pitch=14), Word("Resultado_dos_dois_anos", 100, -14, 215, -4)]
    spanning = next(
        cell for cell in find_grid(words, vertical=[60, 160]) if cell.lines[0].startswith("Resultado")
    )
    assert (spanning.column, spanning.column_end) == (1, 3)


def test_running_text_is_no_table():
    prose = [
        ["Este é um parágrafo comum de texto corrido que segue"],
        ["na linha de baixo sem nenhuma coluna."],
    ]
    assert find_grid(words_of(prose * 3, [0])) == []
    assert find_grid([Word("só", 0, 0, 10, 10)]) == []


def test_a_single_line_is_no_table():
    assert find_grid(words_of([["a", "b", "c", "d"]], [0, 50, 100, 150]), vertical=[25, 75, 125]) == []


def test_lines_drawn_on_the_page_are_found_and_text_is_not():
    image = Image.new("L", (300, 200), 255)
    draw = ImageDraw.Draw(image)
    for x in (10, 150, 290):
        draw.line([(x, 10), (x, 190)], fill=0, width=2)
    for y in (10, 100, 190):
        draw.line([(10, y), (290, y)], fill=0, width=1)
    draw.text((30, 40), "texto numa linha da tabela", fill=0)
    xs, ys = rule_positions(np.asarray(image))
    assert [round(x / 10) for x in xs] == [1, 15, 29]
    assert [round(y / 10) for y in ys] == [1, 10, 19]


def test_a_sliver_of_a_page_has_no_rules():
    assert rule_positions(np.full((5, 300), 255, np.uint8)) == ([], [])
