"""Exact words, codes and numbers are found at any --top, in each build, in the store as on a server."""

import random

import pytest
from qdrant_client.models import FieldCondition, Filter, FilterSelector, MatchAny

from stagekit.search.query import search
from stagekit.search.ranking import Question, Ranking
from stagekit.storage import connect
from stagekit.storage.embedded.reader import EmbeddedReader
from tests.servers.qdrant_server import QdrantServer
from tests.unit.search_store import fill, meaning
from tests.unit.storage_rows import COLLECTION

WORDS = """
    processo prazo servidor licença pedido chefia setor contrato valor edital análise reunião compra
    arquivo equipe sistema acesso viagem diária férias decisão recurso portaria norma
"""
NUMBERED, REVOKING, CODED, LONG = (
    f"30-Aprovados/{name}.md" for name in ("almoxarifado", "transporte", "patrimonio", "manual")
)
ONLY_THERE = {
    "4711": NUMBERED,
    "qual é o prazo do processo de licença da portaria 4711 para o servidor do setor?": NUMBERED,
    "revogou": REVOKING,
    "que norma revogou o contrato do sistema de compra?": REVOKING,
    "tx0099b": CODED,
    "R$ 123.456,7": CODED,
    "ornitorrincos": LONG,
}
TOPS = (3, 4, 60)


def documents() -> dict[str, list[str]]:
    """Return 64 documents; the words of the questions, but for the rare ones, are in all of them."""
    chance = random.Random(4711)

    def sentence() -> str:
        return " ".join(chance.choices(WORDS.split(), k=12))

    made = {f"30-Aprovados/d{number:02}.md": [sentence() for _ in range(3)] for number in range(58)}
    made["30-Aprovados/d58.md"] = made["30-Aprovados/d59.md"] = list(made["30-Aprovados/d07.md"])
    made[NUMBERED] = [sentence(), f"{sentence()} 4711 {sentence()} {sentence()} {sentence()}"]
    made[REVOKING] = [f"{sentence()} revogou {sentence()}", f"{sentence()} revogada"]
    made[CODED] = [f"a guia TX-0099/B {sentence()}", f"{sentence()} R$ 123.456,70 {sentence()}", sentence()]
    made[LONG] = [f"{sentence()} ornitorrinco {sentence()}" for _ in range(30)]
    return made


def shuffled(seed: int) -> dict[str, list[str]]:
    made = list(documents().items())
    random.Random(seed).shuffle(made)
    return dict(made)


def ask(outputs, question, *, top=5, mode="hybrid", url="embedded"):
    return search(
        question,
        outputs_dir=str(outputs),
        qdrant_url=url,
        embedding_model="unused",
        embed=meaning,
        mode=mode,
        top=top,
    )


def answers(outputs, url="embedded", modes=("hybrid", "sparse", "dense"), tops=TOPS):
    """Return place and score of every hit, by question, mode and number of hits asked for."""
    return {
        (question, mode, top): [
            (hit.path, hit.text, pytest.approx(hit.score, abs=1e-4))
            for hit in ask(outputs, question, top=top, mode=mode, url=url)
        ]
        for question in ONLY_THERE
        for mode in modes
        for top in tops
    }


def longest(expected):
    return {key: hits for key, hits in expected.items() if key[1:] == ("hybrid", TOPS[-1])}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    fill(folder, documents())
    return folder


@pytest.fixture(scope="module")
def expected(built):
    return answers(built)


@pytest.mark.parametrize("question", ONLY_THERE)
def test_the_only_document_that_holds_a_word_is_among_the_first_three(expected, question):
    for top in TOPS:
        for mode in ("hybrid", "sparse"):
            assert ONLY_THERE[question] in [path for path, *_ in expected[question, mode, top][:3]]


def test_an_answer_is_the_beginning_of_any_longer_one(expected):
    for question, mode, top in expected:
        assert expected[question, mode, top] == expected[question, mode, TOPS[-1]][:top]


@pytest.mark.parametrize("seed", [1, 2])
def test_each_build_gives_the_same_answers(tmp_path, expected, seed):
    fill(tmp_path, shuffled(seed))
    assert answers(tmp_path, modes=["hybrid"], tops=TOPS[-1:]) == longest(expected)


def test_a_server_gives_the_same_answers(tmp_path, expected):
    with QdrantServer() as server:
        fill(tmp_path, shuffled(3), url=server.url)
        assert answers(tmp_path, server.url, ["hybrid"], TOPS[-1:]) == longest(expected)


def test_neither_edits_nor_a_reopening_change_the_answers(tmp_path, expected):
    added = {f"30-Aprovados/x{number}.md": ["revogou 4711 portaria ornitorrinco"] for number in range(100)}
    fill(tmp_path, documents() | added)
    client = connect("embedded", tmp_path)

    def ranked():
        asked = [Question(text, meaning(text)) for text in ONLY_THERE]
        rankings = [Ranking(EmbeddedReader(client), COLLECTION, one, "hybrid") for one in asked]
        return [[(point.id, point.score) for point in ranking.first(50)] for ranking in rankings]

    there = [FieldCondition(key="file_path", match=MatchAny(any=list(added)))]
    client.delete(COLLECTION, points_selector=FilterSelector(filter=Filter(must=there)), wait=True)
    before = ranked()
    client.close()
    client = connect("embedded", tmp_path)
    assert ranked() == before
    client.close()
    assert answers(tmp_path, modes=["hybrid"], tops=TOPS[-1:]) == longest(expected)


def test_of_two_documents_that_hold_a_word_none_is_its_only_one(built):
    paths = [hit.path for hit in ask(built, "revogada revogou", top=60)]
    assert REVOKING in paths[:3]


def test_copies_are_one_document(tmp_path):
    copied = documents()
    copied["30-Aprovados/z/almoxarifado.md"] = list(copied[NUMBERED])
    fill(tmp_path, copied)
    assert ask(tmp_path, "4711", top=3)[0].path.endswith("almoxarifado.md")
