"""A question that names a clause is answered with that clause first; a filter finds what is below it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from docling_core.types.doc import DocItemLabel, DoclingDocument
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel

from stagekit.chunking import ChunkSettings, chunk_document
from stagekit.embedding import TokenCounter
from stagekit.sealing.cipher import KEY_VARIABLE
from stagekit.sealing.marker import prepare_folder
from stagekit.search.clauses import NamedClauses
from stagekit.search.query import Hit, SearchRequestError, search
from tests.servers.qdrant_server import QdrantServer
from tests.unit.encryption_keys import KEY
from tests.unit.search_store import fill, meaning

PORTARIA = "30-Aprovados/portaria-33-2022.md"
REGIMENTO = "30-Aprovados/regimento-geral.md"
AVISO = "30-Aprovados/aviso.md"
PARAGRAPHS = {
    PORTARIA: [
        "Art. 4º As chaves ficam na portaria do prédio central desde a primeira hora.",
        "Art. 5º O acesso dos visitantes ao acervo é livre de segunda a sexta.",
        "§ 1º O visitante usa crachá provisório em todas as salas do acervo.",
        "§ 2º Não entra no acervo quem traz: I - comida de qualquer tipo; II - bebida em copo aberto.",
    ],
    REGIMENTO: [
        "CAPÍTULO II",
        "DAS SESSÕES",
        "Art. 5º A sessão dura três horas e pode ser prorrogada uma vez só.",
        "Art. 6º A ata é lida no fim de cada sessão por quem a escreveu.",
    ],
    AVISO: ["O acesso de visitantes ao acervo é livre, ver art. 5º da portaria e o crachá do visitante."],
}


def rows_of(paragraphs: list[str]) -> list[dict[str, object]]:
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    document = DoclingDocument(name="norma")
    for text in paragraphs:
        document.add_text(label=DocItemLabel.TEXT, text=text)
    chunks = chunk_document(document, TokenCounter(tokenizer, "test@1", 8192), ChunkSettings(16, 0)).chunks
    return [
        {"text": chunk.text, "clauses": list(chunk.clauses), "has_struck_text": chunk.has_struck_text}
        for chunk in chunks
    ]


@dataclass(frozen=True)
class Store:
    outputs: Path
    url: str = "embedded"


@pytest.fixture(params=["clear", "encrypted", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    documents = {path: rows_of(paragraphs) for path, paragraphs in PARAGRAPHS.items()}
    if request.param == "encrypted":
        monkeypatch.setenv(KEY_VARIABLE, KEY)
        prepare_folder(tmp_path)
    if request.param == "server":
        with QdrantServer() as server:
            fill(tmp_path, documents, url=server.url)
            yield Store(tmp_path, server.url)
    else:
        fill(tmp_path, documents)
        yield Store(tmp_path)


def ask(store: Store, question: str, **options: object) -> list[Hit]:
    options = {"embedding_model": "unused", "embed": meaning, "mode": "hybrid", "top": 3} | options
    return search(question, qdrant_url=store.url, outputs_dir=str(store.outputs), **options)


@pytest.mark.parametrize("mode", ["dense", "sparse", "hybrid"])
def test_the_clause_that_is_named_comes_first(store: Store, mode: str) -> None:
    for question in ("O que diz o art. 5º, § 1º, sobre crachá?", "crachá no § 1º do art 5o"):
        first = ask(store, question, mode=mode)[0]
        assert (first.path, first.clause) == (PORTARIA, "Art. 5º, § 1º")


def test_an_inciso_of_a_paragraph_is_found(store: Store) -> None:
    first = ask(store, "inciso II do § 2º do art. 5º")[0]
    assert "bebida" in first.text


def test_of_several_norms_the_one_that_is_named_comes_first(store: Store) -> None:
    assert ask(store, "o que diz o art. 5º do Regimento Geral?")[0].path == REGIMENTO
    assert ask(store, "o que diz o art. 5º da Portaria nº 33, de 2022?")[0].path == PORTARIA
    assert ask(store, "art. 5º da Portaria 33/2022: quanto dura a sessão?")[0].path == PORTARIA


def test_a_clause_that_no_norm_has_is_answered_by_the_one_that_it_would_lie_in(store: Store) -> None:
    assert ask(store, "ata, art. 6º, § 9º, III")[0].clause == "Art. 6º"


def test_a_citation_inside_a_sentence_is_no_clause(store: Store) -> None:
    found = [hit for hit in ask(store, "acesso livre de visitantes", top=10) if hit.path == AVISO]
    assert {hit.clause for hit in found} == {None}


@pytest.mark.parametrize("value", ["Art. 5º", "art 5", "Art. 5o", "5°"])
def test_a_filter_by_clause_matches_it_and_what_is_below_it(store: Store, value: str) -> None:
    hits = ask(store, "acesso", top=10, filters={"clause": value, "file_path": PORTARIA})
    assert sorted(hit.clause for hit in hits) == [
        "Art. 5º", "Art. 5º, § 1º", "Art. 5º, § 2º", "Art. 5º, § 2º, II"
    ]  # fmt: skip
    below = ask(store, "acesso", top=10, filters={"clause": "art. 5º, § 2º"})
    assert below
    assert all(hit.clause.startswith("Art. 5º, § 2º") for hit in below)


def test_a_filter_by_clause_takes_groupings_and_several_values(store: Store) -> None:
    hits = ask(store, "sessão", filters={"clause": "capítulo II"})
    assert {hit.path for hit in hits} == {REGIMENTO}
    hits = ask(store, "sessão ou chaves", filters={"clause": ["art. 4", "art. 6"]})
    assert {hit.clause for hit in hits} == {"Art. 4º", "Art. 6º"}
    with pytest.raises(SearchRequestError, match="art. 99: no passage here has it; clause is one of: Art"):
        ask(store, "sessão", filters={"clause": "art. 99"})


@pytest.mark.parametrize("mode", ["dense", "sparse", "hybrid"])
def test_what_is_wholly_struck_out_comes_after_all_else(tmp_path: Path, mode: str) -> None:
    others = {f"30-Aprovados/{n}.md": [f"prazo do recurso, caso {n}"] for n in range(30)}
    struck = {"text": "~~prazo do recurso~~", "has_struck_text": True}
    partly = {"text": "prazo do recurso ~~velho~~ novo", "has_struck_text": True}
    fill(tmp_path, {"30-Aprovados/velha.md": [struck], "30-Aprovados/nova.md": [partly], **others})
    hits = ask(Store(tmp_path), "prazo do recurso", mode=mode, top=40)
    assert [hit.path for hit in hits][-1] == "30-Aprovados/velha.md"
    assert "30-Aprovados/velha.md" not in {
        hit.path for hit in ask(Store(tmp_path), "prazo do recurso", mode=mode, top=5)
    }
    (nova,) = [hit for hit in hits if hit.path.endswith("nova.md")]
    assert nova.has_struck_text


def test_a_question_without_a_clause_is_answered_as_ever() -> None:
    assert NamedClauses.of("qual é o prazo do recurso?") is None


@pytest.mark.parametrize(
    ("question", "title", "path", "near"),
    [
        ("art. 1º da Lei 8.112/1990", "Lei nº 8.112, de 1990", "a.md", 5),
        ("art. 1º da Lei 8.112/1990", "Regime jurídico", "lei-8112.md", 4),
        ("art. 1º da Lei 8.112/1990", "Lei nº 9.784", "a.md", 0),
        ("art. 1º do regimento geral", "Regimento Geral", "a.md", 2),
        ("art. 1º do regimento geral", "Regimento interno", "a.md", 1),
        ("art. 1º do regimento geral", "Política geral", "a.md", 0),
        ("art. 1º", "Lei nº 9.784", "a.md", 0),
    ],
)
def test_a_norm_is_known_by_number_or_name_in_title_or_path(
    question: str, title: str, path: str, near: int
) -> None:
    named = NamedClauses.of(question)
    assert named is not None
    assert named.nearness({"title": title, "file_path": path}) == near
