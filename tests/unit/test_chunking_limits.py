"""Chunk sizes that cannot work are refused before anything runs, with the remedy."""

import pytest

import stagekit.chunking
from stagekit.chunking import ChunkSettings, check_chunk_settings
from stagekit.chunking.sentences import clause_spans, sentence_spans


@pytest.mark.parametrize(
    ("size", "overlap", "message"),
    [
        (0, 0, "chunk_size is 0"),
        (10, 0, "at least 16"),
        (100, -1, "chunk_overlap is -1"),
        (100, 100, "set chunk_overlap to at most 50"),
        (510, 100, "set chunk_size to at most 508"),
    ],
)
def test_a_wrong_size_is_named_with_its_remedy(size: int, overlap: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_chunk_settings(size, overlap, 512)


def test_the_default_sizes_fit_a_model_of_512_tokens() -> None:
    settings = ChunkSettings()
    check_chunk_settings(settings.chunk_size, settings.chunk_overlap, 512)
    assert (settings.full, settings.largest) == (480, 520)


def test_the_package_offers_what_it_lists_and_nothing_else() -> None:
    for name in stagekit.chunking.__all__:
        assert getattr(stagekit.chunking, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = stagekit.chunking.nothing


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Um. Dois! Três? Quatro", ["Um.", "Dois!", "Três?", "Quatro"]),
        (
            "O art. 5 da Lei nº. 8.666 vale. E o Sr. João?",
            ["O art. 5 da Lei nº. 8.666 vale.", "E o Sr. João?"],
        ),
        ("Segundo J. Silva, sim. Não.", ["Segundo J. Silva, sim.", "Não."]),
        ("Vale R$ 1.500,00. “Sim”, disse.", ["Vale R$ 1.500,00.", "“Sim”, disse."]),
        ("linha um\nlinha dois", ["linha um", "linha dois"]),
        ("versão v. nova", ["versão v. nova"]),
        ("¿Cómo? ¡Así! bien", ["¿Cómo?", "¡Así! bien"]),
        ("  ", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentence_spans(text)] == expected


def test_clauses_end_at_commas_semicolons_and_colons() -> None:
    text = "se couber, sim; senão: não"
    assert [text[s:e] for s, e in clause_spans(text)] == ["se couber,", "sim;", "senão:", "não"]
