"""What counts as a loss of text, and what is only another way of writing it."""

import random
import time

import pytest

from stagekit.conservation.comparison import compare, compare_units
from stagekit.conservation.coverage import TextCoverage, coverage_of, named_losses
from stagekit.conservation.source_text import SourceText, Unit
from stagekit.conservation.words import words_of

TEXT = "O prazo de defesa é de quinze dias úteis. Parágrafo único. O recurso tem efeito suspensivo."


def losses(source, text, kind="paragraph"):
    found = compare_units([Unit(source, kind)], text)
    return [(loss.text, loss.proven) for loss in found.losses]


class TestTheSameText:
    @pytest.mark.parametrize(
        ("source", "text"),
        [
            ("o contracheque do mês", "o contra cheque do mês"),
            ("o contra cheque do mês", "o contracheque do mês"),
            ("R E S O L U Ç Ã O nº 9", "RESOLUÇÃO nº 9"),
            ("a antecedência mínima", "a antece-\ndência mínima"),
            ("a ante\u00adcedência\u200b mínima", "a antecedência mínima"),
            ("ﬁnalidade e oﬃcio", "finalidade e officio"),
            ("ação", "ac\u0327a\u0303o"),
            ("Art. 1º da Lei 8.112-90", "**Art. 1o** da | Lei 8.112‑90"),
            ("área de 40 m²", "área de 40 m2"),
            ("prazo de dez dias", "## PRAZO de ~~dez~~ dias [1]"),
            ("uma linha e outra", "e outra uma linha"),
            ("", ""),
        ],
    )
    def test_another_way_of_writing_is_no_loss(self, source, text):
        assert losses(source, text) == []

    def test_a_word_divided_into_several_pieces_is_found(self):
        assert losses("conforme a nor ma vi gente", "conforme a norma vigente") == []

    def test_one_of_the_ways_to_show_a_number_is_enough(self):
        cell = Unit("0.125", "cell", readings=("12.5",))
        assert compare_units([cell], "| Taxa | 12,5 % |").losses == ()
        assert compare_units([cell], "| Taxa | |").losses[0].proven


class TestLosses:
    def test_a_paragraph_that_stands_twice_in_the_file_stands_twice(self):
        clause, other = Unit("O recurso tem efeito suspensivo."), Unit("Cabe recurso da decisão.")
        source = SourceText([clause, other, clause])
        once = f"{clause.text}\n\n{other.text}"
        assert [loss.text for loss in compare(source, once).proven] == [clause.text]
        assert compare(source, f"{once}\n\n{clause.text}").losses == ()

    def test_a_word_that_stands_there_less_often_is_missing(self):
        assert losses("não cabe recurso e não cabe revisão", "não cabe recurso e cabe revisão") == [
            ("não", False)
        ]

    @pytest.mark.parametrize(
        ("source", "text", "proven"),
        [
            (TEXT, TEXT.replace("quinze ", ""), False),
            (TEXT, TEXT.replace("quinze dias ", ""), False),
            (TEXT, TEXT.replace("de quinze dias ", ""), True),
            (TEXT, TEXT.replace("Parágrafo único. ", ""), True),
            (TEXT, "", True),
            ("Nota", "", False),
        ],
    )
    def test_a_clause_or_three_words_in_a_row_prove_a_loss(self, source, text, proven):
        assert [said for _, said in losses(source, text)] == [proven]

    def test_a_whole_cell_proves_a_loss_however_short(self):
        assert losses("45", "| Análise | |", "cell") == [("45", True)]
        assert losses("Prazo em dias", "| Prazo dias |", "cell") == [("em", False)]

    def test_what_is_missing_whole_is_named_as_the_file_writes_it(self):
        assert losses("Valor: R$ 35,00.", "nada") == [("Valor: R$ 35,00.", True)]

    def test_of_two_equal_paragraphs_a_missing_one_is_missed(self):
        units = [Unit("Pague até o dia dez."), Unit("Outro texto daqui."), Unit("Pague até o dia dez.")]
        found = compare_units(units, "Pague até o dia dez.\n\nOutro texto daqui.")
        assert (len(found.losses), found.wanted - found.found) == (1, 5)

    def test_of_equal_headers_one_copy_is_enough(self):
        source = SourceText()
        for text in ("Norma IN-047", "Texto do corpo", "Norma IN-047"):
            source.add(text, "furniture" if "Norma" in text else "paragraph")
        assert compare(source, "Norma IN-047\n\nTexto do corpo").losses == ()
        assert compare(source, "Texto do corpo").losses[0].text == "Norma IN-047"

    def test_the_place_of_a_loss_is_its_number_in_the_source(self):
        source = SourceText()
        for text in ("Norma IN-047", "Norma IN-047", "Texto do corpo perdido"):
            source.add(text, "furniture" if "Norma" in text else "paragraph")
        assert [loss.unit for loss in compare(source, "Norma IN-047").losses] == [2]

    def test_losses_within_random_texts_are_found_whatever_the_order(self):
        words = [
            "prazo",
            "multa",
            "recurso",
            "servidor",
            "processo",
            "norma",
            "artigo",
            "dia",
            "valor",
            "sede",
        ]
        for seed in range(60):
            chance = random.Random(seed)
            units = [Unit(" ".join(chance.choices(words, k=chance.randint(1, 9)))) for _ in range(12)]
            kept = [unit for unit in units if chance.random() < 0.8]
            chance.shuffle(kept)
            found = compare_units(units, "\n\n".join(unit.text for unit in kept))
            gone = sum(len(unit.text.split()) for unit in units) - sum(len(u.text.split()) for u in kept)
            assert found.wanted - found.found == gone


class TestAddedWords:
    def source(self, *texts):
        source = SourceText()
        for text in texts:
            source.add(text)
        return source

    def test_words_that_only_the_document_has_are_listed_once(self):
        found = compare(self.source("O prazo é de dez dias"), "O prazo fatal é de dez dias. Fatal!")
        assert found.added == ("fatal",)

    @pytest.mark.parametrize(
        "text",
        [
            "1. O prazo é de dez dias",
            "III - O prazo é de dez dias",
            "a) O prazo é de dez dias [2]",
            "O pra zo é de dezdias",
            r"O prazo é de dez dias $\frac{a}{b}$",
        ],
    )
    def test_numbering_joined_letters_and_commands_of_formulas_are_explained(self, text):
        assert compare(self.source("O prazo é de dez dias"), text).added == ()

    def test_what_may_stand_there_is_explained(self):
        source = self.source("O prazo é de dez dias")
        source.may_stand.append("Brasão da República")
        assert compare(source, "O prazo é de dez dias\n\nBrasão da República").added == ()


def test_a_coverage_says_what_is_missing_in_bounds():
    source = SourceText()
    for number in range(80):
        source.add(f"linha perdida número {number:04} " + "x" * 300)
    source.leave_out("deleted", "texto apagado")
    coverage = coverage_of(source, compare(source, ""))
    said = coverage.as_json()
    assert (coverage.total, coverage.minimum, coverage.is_proven_loss) == (0.0, 0.0, True)
    assert len(said["missing"]) == 50
    assert all(len(text) < 180 for text in said["missing"])
    assert said["left_out"] == {"deleted revisions": ["texto apagado"]}
    assert TextCoverage(1.0, 1.0).as_json()["missing"] == []
    assert named_losses(compare_units([Unit("45 dias", "cell")], "").losses) == ['table cell "45 dias"']


def test_a_long_document_of_which_much_is_lost_is_compared_in_bounded_time():
    chance = random.Random(1)
    syllables = ["ca", "ra", "men", "to", "li", "ção", "pre", "sen", "dor", "mi"]
    vocabulary = ["".join(chance.choices(syllables, k=4)) for _ in range(9000)]
    units = [Unit(" ".join(chance.choices(vocabulary, k=12))) for _ in range(9000)]
    text = "\n".join(unit.text for unit in units[::2])
    began = time.process_time()
    found = compare_units(units, text)
    assert 0.4 < found.share < 0.6
    assert time.process_time() - began < 8


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("guarda-chuva", ["guardachuva"]),
        ("guarda-\n  chuva", ["guardachuva"]),
        ("guarda--\u00adchuva", ["guardachuva"]),
        ("de 1- 2 a -3", ["de", "12", "a", "3"]),
        ("nome_do_campo _-x- ", ["nome", "do", "campo", "x"]),
        ("- um\n- dois", ["um", "dois"]),
    ],
)
def test_a_hyphen_within_a_word_is_none_and_one_beside_it_parts_nothing(text: str, words: list[str]) -> None:
    assert words_of(text) == words
