"""Chunk sizes that cannot work are refused before anything runs, with the remedy."""

import pytest

import stagekit.chunking
from stagekit.chunking import ChunkSettings, check_chunk_settings
from stagekit.chunking.sentences import clause_spans, sentence_spans


@pytest.mark.parametrize(
    ("size", "overlap", "message"),
    [
        (0, 0, "chunk_size is 0: set it to a positive"),
        (1, 0, "at least 16"),
        (15, 0, "at least 16"),
        (100, -1, "chunk_overlap is -1"),
        (100, 100, "set chunk_overlap to at most 50"),
        (509, 100, "set chunk_size to at most 508"),
    ],
)
def test_a_wrong_size_is_named_with_its_remedy(size: int, overlap: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_chunk_settings(size, overlap, 512)


@pytest.mark.parametrize(("size", "overlap"), [(500, 100), (16, 15), (508, 0)])
def test_sizes_up_to_the_limits_are_accepted(size: int, overlap: int) -> None:
    check_chunk_settings(size, overlap, 512)


def test_a_chunk_is_full_within_four_percent_of_its_size_or_of_what_the_model_leaves() -> None:
    settings = ChunkSettings()
    assert settings == ChunkSettings(500, 100, 0.04, 24, 0.25, "mark")
    rooms = {521: (480, 520), 520: (480, 520), 519: (479, 519), 260: (240, 260), 0: (0, 1)}
    assert {room: settings.window(room) for room in rooms} == rooms


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
        ("Disse sim. “não fui” nem vou. ~~“ e nada~~", ["Disse sim. “não fui” nem vou. ~~“ e nada~~"]),
        ("Item 5. ~~“ Depois.~~ Fim", ["Item 5.", "~~“ Depois.~~", "Fim"]),
        ("   um \n  dois   ", ["um", "dois"]),
        ("¿Cómo? ¡Así! bien", ["¿Cómo?", "¡Así! bien"]),
        ("  ", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentence_spans(text)] == expected


def test_clauses_end_at_commas_semicolons_and_colons() -> None:
    text = "se couber, sim; senão: não"
    assert [text[s:e] for s, e in clause_spans(text)] == ["se couber,", "sim;", "senão:", "não"]
