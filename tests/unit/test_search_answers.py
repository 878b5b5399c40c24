"""Promises of the highlighted sentence: it is the passage's own, and the one that the question is about."""

from __future__ import annotations

import pytest

from runner.search.passage_text import BEGIN, END, marked, plain_lines, short_hashes
from stagekit.search.answer_sentences import answer_sentences, sentences


def test_the_sentence_that_shares_the_rare_words_is_found_in_any_form() -> None:
    text = (
        "## Prazos\n\nO prazo de guarda é de um ano. O incidente é comunicado em 2 horas, no prazo da norma. "
        "A Sra. Ana guarda os prazos.\n\n- Não apague vestígios de incidentes.\n"
    )
    other = "Prazo: um dia. O prazo conta em dias úteis."
    found = answer_sentences("prazo para comunicar incidentes", [text, other, "Nada disso."])
    assert found[0] == "O incidente é comunicado em 2 horas, no prazo da norma."
    assert found[1:] == ["Prazo: um dia.", ""]


def test_an_answer_is_a_sentence_an_item_or_a_row_but_no_heading() -> None:
    text = (
        "# Férias\n\nVão até 30 dias. A Dra. Eva decide, cf. Art. 5º.\n\n1. Peça já!\n\n"
        "| a | b |\n|---|---|\n| c | 1. D |\n"
    )
    assert list(sentences(text)) == [
        "Vão até 30 dias.", "A Dra. Eva decide, cf. Art. 5º.", "Peça já!", "| a | b |", "| c | 1. D |",
    ]  # fmt: skip
    assert all(sentence in text for sentence in sentences(text))
    assert list(sentences("")) == []


@pytest.mark.parametrize("most", [20, 60, 200, 5000])
def test_what_is_cut_keeps_the_answer_whole(most: int) -> None:
    text = "\n".join(f"Linha {n} do texto, com palavras." for n in range(40))
    shown = marked(text, "Linha 17 do texto", most)
    assert f"{BEGIN}Linha 17 do texto{END}" in shown
    assert len(shown) <= max(most, len("Linha 17 do texto")) + 20
    long = marked("palavra " * 100 + "RESPOSTA" + " palavra" * 100, "RESPOSTA", 100)
    assert f"{BEGIN}RESPOSTA{END}" in long
    assert long.startswith("… palavra")
    assert long.endswith("palavra …")


def test_the_signs_of_markdown_are_not_shown_and_a_row_keeps_its_cells() -> None:
    text = marked(
        "# A\n\n**forte** e \\*estrela\\*\n\n---\n\n| x \\| y | z |\n|:--|--:|\n| 1 | 2 |", "| 1 | 2 |", 500
    )
    lines = plain_lines(text)
    assert [line.text.replace(BEGIN, "[").replace(END, "]") for line in lines] == [
        "A", "forte e *estrela*", "x | y · z", "[1] · [2]",
    ]  # fmt: skip
    assert [line.heading for line in lines] == [True, False, False, False]
    assert short_hashes(f"a@{'0123abcd' * 5} {'f' * 12}") == f"a@0123abcd {'f' * 12}"
