"""What is looked up by its letters is found: words in any inflection, names, numbers and codes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagekit.embedding import embeddings_table, sparse_document_vector, sparse_query_vector, sparse_terms
from stagekit.embedding.reuse import EmbeddedTexts
from stagekit.embedding.sparse import SparseVector, path_text


def terms(text):
    return list(sparse_terms(text))


def score(question, text, path=""):
    """Return the BM25 score, each term as rare as every other."""
    document = sparse_document_vector(text, path)
    weights = dict(zip(document.indices, document.values, strict=True))
    return sum(weights.get(index, 0.0) for index in sparse_query_vector(question).indices)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gestão", "GESTAO"),
        ("informação", "informac\u0327a\u0303o"),
        ("servidores", "servidor"),
        ("senhas", "senha"),
        ("políticas", "política"),
        ("retention", "retentions"),
        ("informaciones", "información"),
        ("infor\u00admação", "informação"),
    ],
)
def test_case_accents_and_endings_do_not_matter(one, other):
    assert terms(one) == terms(other) != []


PAIRS = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parent / "word_pairs.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize("kind", ["same", "apart"])
@pytest.mark.parametrize("language", ["pt", "es", "en"])
def test_words_numbers_and_dates_match_where_a_reader_says_so_and_only_there(kind, language):
    pairs = [(one, other) for said, of, one, other in PAIRS if (said, of) == (kind, language)]
    assert len(pairs) >= 15
    joined = [(one, other) for one, other in pairs if set(terms(one)) & set(terms(other))]
    assert joined == (pairs if kind == "same" else [])


def test_the_pairs_are_a_fair_number():
    assert len(PAIRS) == len(set(PAIRS)) >= 400


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("POL-012", "conforme a POL-012, de 2024"),
        ("pol 12", "conforme a POL-012, de 2024"),
        ("lei 12527", "Lei nº 12.527/2011"),
        ("12.527/2011", "a Lei 12527, de 2011"),
        ("portaria 58", "Portaria n° 058/2024"),
        ("R$ 1.200,50", "diária de R$ 1.200,50."),
        ("SELIC", "taxa Selic"),
        ("v2.1", "versão V2.1"),
        ("fulano", "fulano@valeverde.gov.br"),
        ("artigo 8", "artigo 8º"),
        ("art. 5o", "Art. 5º"),
        ("1a via", "A 1ª via"),
        ("as 2as vias", "2ª"),
        ("d'água", "caixa d’água"),
    ],
)
def test_numbers_codes_and_names_are_found_however_they_are_written(question, text):
    assert score(question, text) > 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "Lei nº 12.527, de 18 de novembro de 2011",
            ["lei", "12527", "18", "novembro", "2011", "18/11/2011"],
        ),
        ("31/12/2024", ["31/12/2024", "2024"]),
        ("em 31/12/24", ["31/12/2024", "2024"]),
        ("99/99/2024", ["99/99/2024", "99", "99", "2024"]),
        ("3.3.90.30", ["3.3.90.30"]),
        ("23075.012345/2024-11", ["23075012345202411", "23075.012345", "23075", "12345", "2024", "11"]),
        ("0,5 e 0.50", ["0.5", "0.50"]),
        ("aplica-se", ["aplico"]),
        ("valor/hora", ["valor", "hor"]),
        ("SUS", ["sus"]),
    ],
)
def test_what_a_text_is_found_by(text, found):
    assert terms(text) == found


def test_a_code_alone_does_not_match_another_that_shares_only_its_year():
    assert score("12.527/2011", "Lei 12.527/2011") > 2 * score("12.527/2011", "Lei 9.610/2011") > 0


@pytest.mark.parametrize("question", ["o que é isso?", "what is it", "¿cuál es?", "…", "", "a - e"])
def test_a_question_of_function_words_has_no_terms(question):
    assert sparse_query_vector(question) == SparseVector([], [])


def test_a_question_weighs_each_of_its_words_once():
    assert sparse_query_vector("senha Senha senhas").values == [1.0]


def test_a_word_that_occurs_often_counts_more_but_not_without_bound_and_less_in_a_long_text():
    once, twice, often = (score("senha", "senha " * times) for times in (1, 2, 500))
    assert once < twice < often < 2.2
    assert score("senha", "senha " + "outro " * 400) < once


def test_the_words_of_the_path_are_found():
    path = "30-Aprovados/rh/PoliticaFerias_v2-final.pdf"
    assert path_text(path) == "30 Aprovados rh Politica Ferias v2 final"
    assert score("política de férias", "texto qualquer", path) > 0
    assert path_text("normas/decreto-9203-2017.docx") == "normas decreto 9203-2017"
    assert score("decreto 9203", "texto qualquer", "normas/decreto-9203-2017.docx") > 0


@given(st.text(max_size=200), st.text(max_size=40))
def test_any_text_gives_a_vector_that_qdrant_takes(text, path):
    made = sparse_document_vector(text, path)
    assert made == sparse_document_vector(text, path)
    assert made.indices == sorted(set(made.indices))
    assert all(0 <= index < 2**32 for index in made.indices)
    assert len(made.values) == len(made.indices)
    assert all(0 < value < 10 for value in made.values)


def test_the_same_word_has_the_same_index_in_every_process():
    code = "from stagekit.embedding import sparse_query_vector; print(sparse_query_vector('férias').indices)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.strip() == str(sparse_query_vector("férias").indices) == "[2697371465]"


def test_the_table_of_a_document_holds_its_sparse_vectors_where_there_are_any():
    embedded = EmbeddedTexts(
        np.eye(2, dtype=np.float32), ["a" * 64, "b" * 64], ["float32 onnx"] * 2, reused=0
    )
    sparse = [sparse_document_vector("férias"), sparse_document_vector("")]
    table = embeddings_table([0, 1], embedded, sparse)
    assert table.schema.field("sparse_indices").type == pa.list_(pa.uint32())
    assert table.schema.field("sparse_values").type == pa.list_(pa.float32())
    assert table["sparse_indices"].to_pylist() == [sparse[0].indices, []]
    assert embeddings_table([0, 1], embedded).column_names == [
        "chunk_index",
        "vector",
        "vector_key",
        "computation",
    ]
