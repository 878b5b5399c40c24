"""Clauses are found by label, sequence, parent and how the text before ended; unsure opens nothing."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings

from stagekit.chunking.normative.address import printed
from stagekit.chunking.normative.citations import clause_values, read_citations, read_norm
from stagekit.chunking.normative.labels import fold, labels_at
from stagekit.chunking.normative.outline import read_outline
from tests.unit.norms import Norm, lexml, names, norms

BLOCKS = json.loads((Path(__file__).parent / "data" / "normative_blocks.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("block", BLOCKS, ids=[block["id"] for block in BLOCKS])
def test_a_block_has_exactly_its_clauses(block: dict) -> None:
    text = block["text"]
    found = [
        (lexml(clause.address), " ".join(text[clause.text_start : clause.end].split()))
        for clause in read_outline(text)
    ]
    assert [address for address, _ in found] == [expected["address"] for expected in block["expect"]]
    for (_, own), expected in zip(found, block["expect"], strict=True):
        assert own.startswith(" ".join(expected.get("starts", "").split()))


OTHER_BLOCKS = {
    "spanish": (
        "Artículo 5. Plazos.\n1. El plazo es de un mes.\n2. Se amplía:\na) por causa mayor;\nb) de oficio.",
        ["Artículo 5", "Artículo 5, 1", "Artículo 5, 2", "Artículo 5, 2, a", "Artículo 5, 2, b"],
    ),
    "inserted in spanish": (
        "CAPÍTULO I\nDisposiciones generales\nArtículo 1. Objeto.\nArtículo 5 bis. Prórroga.",
        ["Capítulo I", "Artículo 1", "Artículo 5 bis"],
    ),
    "english": (
        "Article 1\nSubject\nArticle 2\n1. It applies.\n2. It does not apply:\n(a) at sea;\n(b) in the air.",
        ["Article 1", "Article 2", "Article 2, 1", "Article 2, 2", "Article 2, 2, a", "Article 2, 2, b"],
    ),
    "groupings": (
        "PARTE GERAL\nLIVRO I\nTÍTULO ÚNICO\nArt. 1º Vale para todos.",
        ["Parte Geral", "Parte Geral, Livro I", "Parte Geral, Livro I, Título Único", "Art. 1º"],
    ),
    "signs of Markdown": (
        "## CAPÍTULO I – Das férias\n\n**Art. 1º** As férias são de um mês.\n\n- § 1º Podem ser parceladas.",
        ["Capítulo I", "Art. 1º", "Art. 1º, § 1º"],
    ),
    "annexed regulation": (
        "Art. 1º Fica aprovado o Regulamento.\nANEXO I\nREGULAMENTO\nArt. 1º O uso é livre.\nI - de dia;",
        ["Art. 1º", "Anexo I", "Anexo I, Art. 1º", "Anexo I, Art. 1º, I"],
    ),
    "ordinals with a dot": (
        "Artigo 1.º – Isto.\nArtigo 2.º – Outro.\n§ Único – Sim.\nArtigo 10º - Dez.\nParágrafo Único: Sim.",
        ["Art. 1º", "Art. 2º", "Art. 2º, parágrafo único", "Art. 10", "Art. 10, parágrafo único"],
    ),
    "contract": (
        ("CLÁUSULA PRIMEIRA – DO OBJETO\nPapel.\nParágrafo Primeiro – Branco.\nParágrafo segundo: Liso.\n"
        "CLÁUSULA 2ª – DO PREÇO\nDez reais:\nI – à vista;\na) em maio.\nCláusula Décima Primeira. O foro."),
        ["Cláusula 1ª", "Cláusula 1ª, § 1º", "Cláusula 1ª, § 2º", "Cláusula 2ª", "Cláusula 2ª, I",
         "Cláusula 2ª, I, a", "Cláusula 11ª"],
    ),
    "contract with numbers": (
        ("CLÁUSULA PRIMEIRA – DO OBJETO\n1.1. Papel.\n1.2. Tinta:\na) azul.\nParágrafo único. Sim.\n"
        "CLÁUSULA SEGUNDA – DO PRAZO\n2.1. Um ano."),
        ["Cláusula 1ª", "1.1", "1.2", "1.2, a", "Cláusula 1ª, parágrafo único", "Cláusula 2ª", "2.1"],
    ),
    "contract in spanish": (
        "CLÁUSULA PRIMERA.- OBJETO. La casa.\nCLÁUSULA SEGUNDA.- Según la cláusula primera, un año.",
        ["Cláusula 1ª", "Cláusula 2ª"],
    ),
    "contract in english": (
        "Clause 1. Definitions\nIt means this.\nClause 2. Term\nTwo years.\nSection 2.1 Notice\nIn writing.",
        ["Clause 1", "Clause 2", "2.1"],
    ),
    "inserted paragraph": (
        "Art. 1º Vale.\n§ 1º Um.\n§ 1º-A Inserido.\n§ 2º Dois.",
        ["Art. 1º", "Art. 1º, § 1º", "Art. 1º, § 1º-A", "Art. 1º, § 2º"],
    ),
    "one line": (
        "Art. 3º São partes: I - a sala; II - o pátio, com: a) a horta; b) o poço; e III - a rua.",
        ["Art. 3º", "Art. 3º, I", "Art. 3º, II", "Art. 3º, II, a", "Art. 3º, II, b", "Art. 3º, III"],
    ),
    "edital": (
        "1. DO OBJETO\n1.1. O objeto é a limpeza.\n1.2. Não inclui vidros.\n1.2.1. Salvo um.\n2. DO PRAZO",
        ["1", "1.1", "1.2", "1.2.1", "2"],
    ),
    "subitems": (
        "Art. 1º O kit tem:\nI - jogo:\na) de peças:\n1. grandes:\n1.1. azuis;\n1.2. verdes;\n2. pequenas.",
        [
            "Art. 1º", "Art. 1º, I", "Art. 1º, I, a", "Art. 1º, I, a, 1", "Art. 1º, I, a, 1, 1.1",
            "Art. 1º, I, a, 1, 1.2", "Art. 1º, I, a, 2",
        ],
    ),
    "amendment without quotes": (
        "Art. 2º A Lei passa a vigorar com a seguinte redação:\nArt. 15. Não.\n§ 1º Também.\nArt. 3º Vale.",
        ["Art. 2º", "Art. 2º, alteração, Art. 15", "Art. 2º, alteração, Art. 15, § 1º", "Art. 3º"],
    ),
    "opinion that quotes a law": (
        ("1. RELATÓRIO\n1.1. Consulta.\n1.2. Dispõe a Lei nº 14.133, de 2021:\nArt. 75. É dispensável:\n"
        "II - o menor valor;\n1.3. Não é o caso.\n2. CONCLUSÃO\n2.1. Sim."),
        ["1", "1.1", "1.2", "1.2, alteração, Art. 75", "1.2, alteração, Art. 75, II", "1.3", "2", "2.1"],
    ),
    "articles below a number": (
        "1. DO OBJETO\n1.1. São normas gerais:\nArt. 1º O uso é livre.\nArt. 2º A sala é fechada.",
        ["1", "1.1", "Art. 1º", "Art. 2º"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "clauses"), OTHER_BLOCKS.values(), ids=OTHER_BLOCKS)
def test_other_blocks_have_their_clauses(text: str, clauses: list[str]) -> None:
    assert names(read_outline(text)) == clauses


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        ("Art. 5º A lei", ["Art. 5º | A lei"]),
        ("Art. 5-A. A lei", ["Art. 5º-A | A lei"]),
        ("Art. 5º", ["Art. 5º bare | "]),
        ("Art. 5º do Regimento", []),
        ("Art. 5º, a lei", []),
        ("Art. único. A lei", ["Art. único | A lei"]),
        ("Art. único", ["Art. único bare | "]),
        ("Article 5 Scope", ["Article 5 | Scope"]),
        ("Article 5 of the Act", []),
        ("Artículo 5 bis. Plazo", ["Artículo 5 bis | Plazo"]),
        ("Section 2.1 Notice", ["2.1 named | Notice"]),
        ("Section 2.1", ["2.1 bare named | "]),
        ("Section 2.1 shall apply", []),
        ("Cláusula III – Preço", ["Cláusula 3ª | Preço"]),
        ("Cláusula IIII – Preço", []),
        ("Cláusula única. Preço", ["Cláusula única | Preço"]),
        ("Cláusula 2ª Preço", ["Cláusula 2ª | Preço"]),
        ("Cláusula 2ª: preço", ["Cláusula 2ª | preço"]),
        ("Cláusula 2ª do contrato", []),
        ("Cláusula quinta (cinco)", ["Cláusula 5ª | (cinco)"]),
        ("Cláusula quinta – diz", ["Cláusula 5ª | diz"]),
        ("Cláusula quinta diz", []),
        ("Clause 4 Term", ["Clause 4 | Term"]),
        ("§ 2º A lei", ["§ 2º | A lei"]),
        ("§ 1º-B A lei", ["§ 1º-B | A lei"]),
        ("§ 2º do art. 5º", []),
        ("Parágrafo único. A lei", ["parágrafo único | A lei"]),
        ("§ único do art. 5º", []),
        ("Parágrafo primeiro – A", ["§ 1º | A"]),
        ("Parágrafo primeiro do art. 5º", []),
        ("Parágrafo 2º A lei", ["§ 2º | A lei"]),
        ("PARTE GERAL", ["Parte Geral bare | "]),
        ("Parte Especial – Nome", ["Parte Especial | Nome"]),
        ("TÍTULO GERAL", []),
        ("TÍTULO ÚNICO", ["Título Único bare | "]),
        ("SEÇÃO ÚNICA", ["Seção Única bare | "]),
        ("CAPÍTULO II DO USO", ["Capítulo II | DO USO"]),
        ("CAPÍTULO I-A DO USO", ["Capítulo I-A | DO USO"]),
        ("Capítulo II – Do uso", ["Capítulo II | Do uso"]),
        ("Capítulo II", ["Capítulo II bare | "]),
        ("CAPÍTULO II trata", []),
        ("Capítulo II, que", []),
        ("Capítulo II; ", []),
        ("capítulo II – Do uso", []),
        ("Capítulo II/III", []),
        ("CAPÍTULO XYZ", []),
        ("ANEXO I", ["Anexo I bare | "]),
        ("ANEXO I DA LEI", ["Anexo I | DA LEI"]),
        ("ANEXO I da lei", []),
        ("Anexo I Da lei", []),
        ("Anexo I (art. 2º)", ["Anexo I | (art. 2º)"]),
        ("Anexo I – Tabela", ["Anexo I | Tabela"]),
        ("Anexo B", ["Anexo B bare | "]),
        ("Anexo único", ["Anexo Único bare | "]),
        ("ANEXO 3", ["Anexo III bare | "]),
        ("II - sala", ["II | sala"]),
        ("II-A - sala", ["II-A | sala"]),
        ("lll - sala", ["III next | sala"]),
        ("II) sala", ["II next | sala"]),
        ("II. sala", ["II next | sala"]),
        ("IIII - x", []),
        ("II -", ["II bare | "]),
        ("a) sala", ["a | sala"]),
        ("a-B) sala", ["a-B | sala"]),
        ("aa) sala", ["aa | sala"]),
        ("(a) sala", ["a next | sala"]),
        ("ab) sala", []),
        ("1. sala", ["1 next | sala", "1 | sala"]),
        ("12 – sala", ["12 next | sala", "12 | sala"]),
        ("1.2. sala", ["1.2 next | sala", "1.2 | sala"]),
        ("1.2.3 sala", ["1.2.3 | sala"]),
        ("Sala", []),
        ("; II - sala", []),
    ],
)
def test_what_a_line_may_open_with_and_where_its_own_text_begins(line: str, labels: list[str]) -> None:
    """A label is named with its marks: it opens as the next one only, is alone on its line, says its kind."""
    found = []
    for label in labels_at(fold(line), 0, len(line)):
        marks = {" next": label.only_next, " bare": label.bare, " named": label.named}
        shown = printed((label.part,)) + "".join(mark for mark, has in marks.items() if has)
        found.append(f"{shown} | {line[label.end :]}")
    assert found == labels


@pytest.mark.parametrize(
    "text",
    [
        "A política segue o art. 5º da Constituição.\n\nI - este não é um inciso, pois não há artigo.",
        "# Manual\n\n1. Ligue a máquina.\n2. Espere.\n3. Desligue.",
        "Conforme o disposto no\nArt. 5º da Lei nº 8.112, o prazo corre.",
        "Sumário\n\nANEXO I ........ 12\nArt. 1º ........ 3",
        "12.3.2024 foi feriado.\n10.000 pessoas vieram.\n2.1 GHz é a frequência.",
        "MIX - o mercado\nCD - disco\nD - letra\nVI - editor de textos",
        "a) primeiro\nb) segundo",
        "O Capítulo III deste Regimento trata disso.\nCapítulo III deste Regimento: veja acima.",
        "A multa segue a\nCláusula Terceira do contrato anterior.\nCláusula quinta estabelece o prazo.",
        "Cláusula penal é a que fixa a multa.\nClause 4 of the deed applies.\nSection 2.1 shall apply.",
        "Version 4.2 of the tool\nSection of the wall",
        "# Chapter 4\n\nHow it began.\n\n# Chapter 5\n\nHow it ended.\n\n# Anexo II\n\nFotografias.",
    ],
)
def test_a_look_alike_opens_nothing(text: str) -> None:
    assert names(read_outline(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "Art. 1º Um. § 1º Dois: " + "I - três; " * 10_000,
        "Art. 1º “" + "a) x; b) y; " * 5_000,
        "\n".join(f"Art. {n}º Um." for n in range(1, 3000)),
        "§ " * 10_000 + "I - " * 10_000,
        "1. " * 10_000,
        "“Art. 1º Um.\n" * 5_000,
    ],
    ids=["incisos", "letters", "articles", "signs", "numbers", "quotes"],
)
def test_a_text_made_to_take_long_does_not(text: str) -> None:
    begin = time.process_time()
    read_outline(text)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("ANEXO", "Anexo"),
        ("ANEXO A", "Anexo A"),
        ("ANEXO III", "Anexo III"),
        ("ANEXO ÚNICO", "Anexo Único"),
        ("ANEXO IV TABELA DE VALORES", "Anexo IV"),
        ("ANEXO V desta Lei.", ""),
        ("Anexo II – Tabela", "Anexo II"),
        ("Anexo 2 (a que se refere o art. 3º)", "Anexo II"),
        ("Anexo III Tabela", ""),
    ],
)
def test_an_annex_has_a_line_of_its_own_with_its_title_or_what_refers_to_it(line: str, name: str) -> None:
    found = names(read_outline(f"Art. 1º Um.\n{line}\nArt. 2º Dois."))
    assert found == (["Art. 1º", name, f"{name}, Art. 2º"] if name else ["Art. 1º", "Art. 2º"])


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("parte part", "Parte"),
        ("livro libro book", "Livro"),
        ("título titulo title", "Título"),
        ("capítulo chapter", "Capítulo"),
        ("seção sección", "Seção"),
        ("subseção", "Subseção"),
    ],
)
def test_a_grouping_is_cited_in_portuguese_whatever_its_language(words: str, printed: str) -> None:
    for word in words.split():
        for line in (f"{word.upper()} II", f"{word.capitalize()} II – Nome"):
            assert names(read_outline(f"{line}\nArt. 1º Um.")) == [f"{printed} II", "Art. 1º"]


def test_a_running_title_does_not_begin_the_annex_anew() -> None:
    text = "ANEXO II\nTABELA\nArt. 1º Um.\n\nANEXO II\n\nArt. 2º Dois."
    assert names(read_outline(text)) == ["Anexo II", "Anexo II, Art. 1º", "Anexo II, Art. 2º"]


def test_the_line_at_the_end_of_a_planalto_page_is_no_part_of_the_last_article() -> None:
    text = "Art. 9º Vale hoje.\nEste texto não substitui o publicado no DOU de 1.2.2020.\n§ 1º Sem artigo."
    (clause,) = read_outline(text)
    assert text[clause.start : clause.end].strip() == "Art. 9º Vale hoje."


@given(norms())
@settings(max_examples=150, deadline=None)
def test_a_random_norm_has_the_clauses_it_was_made_of(norm: Norm) -> None:
    assert names(read_outline("\n".join(norm.lines))) == norm.clauses


@given(norms())
@settings(max_examples=150, deadline=None)
def test_a_norm_that_was_run_together_into_one_line_has_the_same_clauses(norm: Norm) -> None:
    assert names(read_outline(" ".join(norm.lines))) == norm.clauses


@given(norms())
@settings(max_examples=50, deadline=None)
def test_each_clause_is_found_by_what_cites_it(norm: Norm) -> None:
    for name in norm.clauses:
        assert name in clause_values(name)
        assert [printed(address) for address in read_citations(f"O que diz o {name}?")] == [name]


@pytest.mark.parametrize(
    ("question", "addresses"),
    [
        ("art. 12, § 1º, III, a", "art12_par1_inc3_ali1"),
        ("alínea “a” do inciso III do § 1º do art. 12", "art12_par1_inc3_ali1"),
        ("inciso III do § 1º do art. 12", "art12_par1_inc3"),
        ("art. 12, caput, II", "art12_cpt_inc2"),
        ("art. 12, II", "art12_cpt_inc2"),
        ("caput do art. 7º", "art7_cpt"),
        ("art. 7º, parágrafo único, inciso I", "art7_par1u_inc1"),
        ("art. 5º-A, § 1º-B", "art5-1_par1-2"),
        ("artigo 15, parágrafo 2o", "art15_par2"),
        ("§§ 1º e 2º do art. 9º", "art9_par1 art9_par2"),
        ("arts. 5º e 6º", "art5_cpt art6_cpt"),
        ("arts. 5º a 8º", "art5_cpt art6_cpt art7_cpt art8_cpt"),
        ("itens 1 e 2 da alínea “e” do inciso II do caput do art. 4º",
         "art4_cpt_inc2_ali5_ite1 art4_cpt_inc2_ali5_ite2"),
        ("item 4.2.1 do edital", "4.2.1"),
        ("incisos I a III do art. 8º", "art8_cpt_inc1 art8_cpt_inc2 art8_cpt_inc3"),
        ("art. 12, a multa é de quanto?", "art12_cpt"),
        ("art. 12, iii, da lei", "art12_cpt_inc3"),
        ("art. 1022 e art. 1.022", "art1022_cpt"),
        ("o que diz o capítulo II?", "cap2"),
        ("capítulo 2 do regimento", "cap2"),
        ("cap. II", "cap2"),
        ("art. 37, XI e § 4º", "art37_cpt_inc11 art37_par4"),
        ("art. 6º, I a III", "art6_cpt_inc1 art6_cpt_inc2 art6_cpt_inc3"),
        ("art. 7o., par. 2o., inc. III", "art7_par2_inc3"),
        ("arts. 9 ao 11", "art9_cpt art10_cpt art11_cpt"),
        ("o art. 5º. A multa", "art5_cpt"),
        ("qual é a multa? a) alta b) baixa", ""),
        ("obra de arte 5 do museu", ""),
        ("o art. 5º e o caput, e a multa", "art5_cpt"),
        ("o § 2º diz o quê?", ""),
        ("art. 12, ab", "art12_cpt"),
        ("art. 5º, c", "art5_ali3"),
        ("art. 5º, v", "art5_cpt_inc5"),
        ("art. 5º, “v”", "art5_ali22"),
        ("art. 5º, a, b", "art5_ali1"),
        ("art. 5º, III-A", "art5_cpt_inc3-1"),
        ("arts. 5º e 8º", "art5_cpt art8_cpt"),
        ("art. 5º do capítulo II", "art5_cpt"),
    ],
)  # fmt: skip
def test_a_question_names_the_clauses_that_it_cites(question: str, addresses: str) -> None:
    assert [lexml(address) for address in read_citations(question)] == addresses.split()


@pytest.mark.parametrize(
    ("question", "clause"),
    [
        ("artículo 5.1.a) de la ley", "Artículo 5, 1, a"),
        ("Article 2(1)", "Article 2, 1"),
        ("what does section 5 say", "Section 5"),
        ("artículo 5 bis", "Artículo 5 bis"),
        ("art. 2º do anexo II", "Anexo II, Art. 2º"),
        ("o anexo 3", "Anexo III"),
        ("o anexo único", "Anexo Único"),
        ("o anexo", "Anexo"),
        ("a parte geral", "Parte Geral"),
        ("a parte especial", "Parte Especial"),
        ("o título único", "Título Único"),
        ("a seção única", "Seção Única"),
    ],
)
def test_citations_are_understood_in_spanish_and_english_and_of_annexes_and_groupings(
    question: str, clause: str
) -> None:
    assert [printed(address) for address in read_citations(question)] == [clause]


@pytest.mark.parametrize(
    ("question", "clause"),
    [
        ("o que diz a cláusula quinta?", "Cláusula 5ª"),
        ("cláusula 5 do contrato", "Clause 5"),
        ("parágrafo primeiro da cláusula décima segunda", "Cláusula 12ª, § 1º"),
        ("cláusula 4.2", "4.2"),
        ("section 2.1", "2.1"),
    ],
)
def test_clauses_of_contracts_are_found_as_they_are_cited(question: str, clause: str) -> None:
    assert clause in clause_values(question)


@pytest.mark.parametrize("value", ["art 5", "Art. 5o", "5°", "5º", "Art.5", "artigo 5", "ARTIGO 5º", "5"])
def test_a_filter_takes_a_clause_however_it_is_typed(value: str) -> None:
    assert {"Art. 5º", "Anexo I, Art. 5º"} <= set(clause_values(value))


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (" alguma coisa ", ["alguma coisa"]),
        ("4.2.", ["4.2"]),
        ("4.2, alínea b)", ["4.2, b"]),
        ("anexo", ["Anexo"]),
    ],
)
def test_a_filter_for_what_is_no_article_matches_only_itself(value: str, names: list[str]) -> None:
    assert clause_values(value) == names


def test_an_article_may_stand_in_each_of_thirty_annexes_and_a_clause_is_its_number_too() -> None:
    found = clause_values("art. 5")
    assert (len(found), found[-1], "5" in found) == (36, "Anexo XXX, Art. 5º", False)
    assert "5" in clause_values("cláusula quinta")
    assert clause_values("cláusula única")[:3] == [
        "Cláusula única",
        "Anexo, Cláusula única",
        "Anexo Único, Cláusula única",
    ]
    assert len(read_citations("arts. 1º a 90")) == 51  # the first fifty, and the last


@pytest.mark.parametrize(
    ("question", "kind", "number", "year", "name"),
    [
        ("art. 5º da Lei nº 8.112, de 11 de dezembro de 1990", "lei", "8112", "1990", ""),
        ("art. 3º da Portaria 33/2022", "portaria", "33", "2022", ""),
        ("art. 9º do Regimento Geral sobre multa", "regimento", "", "", "geral"),
        ("o Regulamento Geral de Uso das Salas de Aula", "regulamento", "", "", "geral de uso das salas"),
    ],
)
def test_the_norm_of_a_question_is_known(question: str, kind: str, number: str, year: str, name: str) -> None:
    norm = read_norm(question)
    assert norm is not None
    assert (norm.kind, norm.number, norm.year, norm.name) == (kind, number, year, name)
