"""Tables get their rows and columns from where the words stand and from the rules around them."""

from dataclasses import replace

import numpy as np
import pytest
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


def test_a_heading_right_below_the_last_rule_of_a_table_is_no_row_of_it():
    words = words_of([*ROWS, ["", "ANEXO II", ""]], [0, 150, 250])
    around = [-5, 140, 240, 330]
    outside = texts(find_grid(words, around, [Rule(y) for y in (-2, 12, 26, 40)]))
    assert outside[(2, 1)] == "1 dia"
    within = texts(find_grid(words, around, [Rule(y) for y in (-2, 12, 26, 40, 54)]))
    assert within[(3, 1)] == "ANEXO II"


def test_a_dash_stands_where_it_stands_however_low_it_is():
    words = words_of([["Setor", "Horário"], ["Balcão", "8h - 12h"], ["Pátio", "9h - 11h"]], [0, 150])
    low = [
        replace(word, top=word.top + 6, bottom=word.top + 7) if word.text == "-" else word for word in words
    ]
    found = texts(find_grid(low))
    assert (found[(1, 1)], found[(2, 1)]) == ("8h - 12h", "9h - 11h")


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


def test_the_names_below_a_label_of_several_columns_are_of_the_header():
    rows = [["Ano", "2023", "2024"], ["Total", "10", "12"], ["Média", "5", "6"], ["Pico", "9", "8"]]
    words = [*words_of(rows, [0, 100, 200]), Word("Resultado_dos_dois_anos", 100, -14, 215, -4)]
    cells = find_grid(words, vertical=[60, 160])
    assert {cell.row for cell in cells if cell.header} == {0, 1}


def test_bold_rows_at_the_top_are_the_header():
    rows = [["Código", "Prazo de guarda"], ["", "corrente"], ["010", "2 anos"], ["020", "5 anos"]]
    words = [replace(word, bold=word.top < 20) for word in words_of(rows, [0, 100])]
    cells = find_grid(words, vertical=[-5, 80, 200], horizontal=[Rule(y) for y in (-2, 12, 26, 40, 54)])
    assert {cell.row for cell in cells if cell.header} == {0, 1}


def test_the_only_rule_of_a_table_stands_below_its_header():
    rows = [["Serviço", "Prazo"], ["de balcão", "em dias"], ["Cópia", "2"], ["Busca", "5"], ["Vista", "1"]]
    found = find_grid(words_of(rows, [0, 100]), horizontal=[Rule(-3), Rule(25), Rule(70)])
    assert {" ".join(cell.lines) for cell in found if cell.header} == {
        "Serviço de balcão",
        "Prazo em dias",
    }
    assert not any(cell.header for cell in found if cell.lines[0] in ("Cópia", "Busca", "Vista"))


def test_a_label_that_no_rule_parts_stands_for_several_rows():
    rows = [["Setor", "Serviço", "Taxa"], ["", "Poda", "10"], ["Obras", "", ""], ["", "Corte", "20"]]
    words = words_of(rows[:2], [0, 100, 200], pitch=20)
    words += [Word("Corte", 100, 40, 125, 50), Word("20", 200, 40, 210, 50), Word("Obras", 0, 30, 25, 40)]
    rules = [Rule(-3, -5, 230), Rule(15, -5, 230), Rule(35, 90, 230), Rule(56, -5, 230)]
    cells = find_grid(words, vertical=[-5, 90, 190, 230], horizontal=rules)
    label = next(cell for cell in cells if cell.lines == ["Obras"])
    assert (label.row, label.row_end) == (1, 3)


SCANNED = [
    ["Tabela de preços públicos", "", ""],
    ["Serviço", "Unidade", "Valor"],
    ["Cópia simples", "por folha", "R$ 0,40"],
    ["Vistoria de obra", "por visita", "R$ 88,00"],
    ["Busca em arquivo", "por pedido", "isento"],
]


@pytest.mark.parametrize("size", [8.0, 10.0])
def test_lines_at_regular_steps_are_rows_also_where_a_title_and_a_sentence_stand_apart(size):
    words = words_of(SCANNED[:1], [0, 150, 260], size=size)
    words += [replace(w, top=w.top + 30, bottom=w.bottom + 30) for w in words_of(SCANNED[1:], [0, 150, 260])]
    words += [Word("Os valores valem até o fim do ano e são corrigidos em janeiro.", 0, 110, 300, 120)]
    found = texts(find_grid(words))
    assert found == {(r, c): text for r, row in enumerate(SCANNED[1:]) for c, text in enumerate(row)}


def test_lines_that_go_on_in_some_columns_belong_to_the_row_above():
    lines = [
        ("Item", "Descrição", "Prazo", 0),
        ("Um", "Compra de material", "2 dias", 24),
        ("", "para a oficina", "", 35),
        ("Dois", "Pintura da faixa", "5 dias", 59),
        ("", "e do muro", "", 70),
    ]
    words = [
        Word(text, left, top, left + 5.0 * len(text), top + 10)
        for *cells, top in lines
        for left, text in zip((0.0, 60.0, 200.0), cells, strict=True)
        if text
    ]
    found = texts(find_grid(words))
    assert found[1, 1] == "Compra de material para a oficina"
    assert found[2, 1] == "Pintura da faixa e do muro"


LETTER = (
    "o pedido de acesso deve ser feito por",
    "escrito e será respondido em vinte dias",
    "depois da data em que foi entregue ao",
    "protocolo da unidade, que o encaminha à",
    "área técnica e dá ciência ao cidadão de",
    "cada passo até a resposta que encerra o",
)


def columns(left, right, pitch=14.0):
    return words_of([[a, b] for a, b in zip(left, right, strict=True)], [0, 300], pitch=pitch)


def test_prose_in_two_columns_is_no_table():
    assert find_grid(columns(LETTER, LETTER[::-1])) == []


def test_lists_in_two_columns_are_no_table():
    items = [f"• {line}" if index % 2 == 0 else line for index, line in enumerate(LETTER)]
    assert find_grid(columns(items, items[::-1])) == []


def test_a_table_with_one_column_of_sentences_is_a_table():
    numbers = [f"Artigo {index}" for index in range(len(LETTER))]
    assert len({cell.row for cell in find_grid(columns(LETTER, numbers))}) > 1


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


def test_cells_at_half_of_the_rows_height_are_one_row():
    def cell(lines, left, middle):
        first = middle - 6.0 * len(lines)
        return [
            Word(
                part, left + 30 * place, first + 12 * number, left + 30 * place + 25, first + 12 * number + 10
            )
            for number, line in enumerate(lines)
            for place, part in enumerate(line.split())
        ]

    rows = [
        (["Item"], ["Texto"], ["Valor"]),
        (["1"], ["uma cadeira", "de madeira"], ["850"]),
        (["2"], ["uma mesa"], ["1200"]),
        (["3"], ["um armário", "com duas", "portas"], ["2340"]),
        (["4", "e 5"], ["uma estante"], ["99"]),
    ]
    words, top = [], 0.0
    for row in rows:
        height = 12.0 * max(map(len, row))
        for lines, left in zip(row, (0, 100, 250), strict=True):
            words += cell(lines, left, top + height / 2)
        top += height + 8
    found = [[" ".join(lines) for lines in row] for row in rows]
    cells = find_grid(words)
    assert [[" ".join(cell.lines) for cell in cells if cell.row == row] for row in range(len(rows))] == found


def test_a_label_over_columns_stands_before_each_of_the_names_below_it():
    rows = [["", "Manhã", "Tarde"], ["Sala", "8h", "13h"], ["Bar", "9h", "14h"], ["Rio", "7h", "15h"]]
    words = [
        Word(text, x, y, x + 25, y + 10)
        for y, row in zip((0, 20, 40, 60), rows, strict=True)
        for x, text in zip((0, 100, 200), row, strict=True)
        if text
    ]
    words += [Word("Turno", 0, -12, 25, -2), Word("Horário_de_atendimento", 100, -12, 215, -2)]
    header = [" ".join(cell.lines) for cell in find_grid(words) if cell.header]
    assert header == ["Turno", "Horário_de_atendimento Manhã", "Horário_de_atendimento Tarde"]
