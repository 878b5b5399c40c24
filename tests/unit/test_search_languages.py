"""A passage that answers in another language is found among many that only speak the question's language."""

import random

import numpy as np
import pytest
from qdrant_client.models import FieldCondition, Filter, FilterSelector, MatchAny

from stagekit.search.query import search
from stagekit.storage import connect, create_payload_indexes, keep_language_centroids
from stagekit.storage.metadata.languages import LANGUAGE_CENTROIDS, LEAST_POINTS
from tests.servers.qdrant_server import QdrantServer
from tests.unit.search_store import fill
from tests.unit.storage_rows import COLLECTION, vector

AXES = {"pt": 0, "en": 1, "fr": 2}
QUESTION = "por quanto tempo guardamos atas"
PORTUGUESE = "setor férias viagem contrato edital servidor licença norma prazo chefia pedido sistema"
ENGLISH = "department holiday journey contract notice server licence rule deadline boss request"
ANSWER, SAID = "30-Aprovados/en/minutes.md", "keep minutes ten years"


def multilingual(language):
    """Stand in for a model to which a language weighs more than what is said in it."""

    def embed(text):
        made = vector(SAID if text == QUESTION else text)
        made[list(AXES.values())] = 0
        made /= np.linalg.norm(made)
        made[AXES[language]] = 4
        return made / np.linalg.norm(made)

    return embed


def question(text):
    return multilingual("pt")(text).tolist()


def documents(seed=0):
    """Return path -> texts of 130 passages in Portuguese and 31 in English, in an order of their own."""
    chance = random.Random(7)

    def texts(words):
        return [" ".join(chance.choices(words.split(), k=8)) for _ in range(10)]

    made = {f"30-Aprovados/pt/{number}.md": texts(PORTUGUESE) for number in range(13)}
    made |= {f"30-Aprovados/en/{number}.md": texts(ENGLISH) for number in range(3)}
    made[ANSWER] = [SAID]
    order = list(made.items())
    random.Random(seed).shuffle(order)
    return dict(order)


def build(folder, made=None, *, url="embedded", regions=(), centroids=True):
    """Store documents in the language that their folder names, with centroids as stage 06 keeps them."""
    groups = {}
    for path, texts in (made or documents()).items():
        language = path.split("/")[1]
        value = f"{language}-PT" if path in regions else language
        groups.setdefault((language, value), {})[path] = texts
    for number, ((language, value), some) in enumerate(groups.items()):
        said = {"front_matter": {"language": value}, "embed": multilingual(language)}
        fill(folder, some, create=number == 0, url=url, **said)
    client = connect(url, folder)
    if url != "embedded":  # which insists on an index
        create_payload_indexes(client, COLLECTION)
    if centroids:
        keep_language_centroids(client, COLLECTION)
    client.close()
    return folder


def kept(folder, url="embedded"):
    client = connect(url, folder)
    metadata = client.get_collection(COLLECTION).config.metadata
    client.close()
    return metadata.get(LANGUAGE_CENTROIDS)


def ask(folder, *, top=5, mode="hybrid", url="embedded"):
    hits = search(
        QUESTION,
        outputs_dir=str(folder),
        qdrant_url=url,
        embedding_model="unused",
        embed=question,
        mode=mode,
        top=top,
    )
    return [(hit.path, pytest.approx(hit.score, abs=1e-4)) for hit in hits]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    return build(tmp_path_factory.mktemp("without"), centroids=False)


def test_the_answer_is_first_although_all_passages_in_the_questions_language_are_nearer(built, without):
    assert all(path.startswith("30-Aprovados/pt/") for path, _ in ask(built, mode="dense", top=26))
    assert ANSWER not in [path for path, _ in ask(without, top=24)]
    assert ask(built)[0][0] == ANSWER


def test_by_meaning_alone_passages_keep_their_cosine_and_its_order(built, without):
    assert ask(built, mode="dense", top=33) == ask(without, mode="dense", top=33)


def test_an_answer_is_the_beginning_of_any_longer_one_where_languages_are_weighed(built):
    longest = ask(built, top=33)
    assert len(longest) == 33
    for top in (1, 3, 20):
        assert ask(built, top=top) == longest[:top]


def test_a_server_and_another_build_weigh_alike(tmp_path, built):
    longest = ask(built, top=33)
    assert ask(build(tmp_path / "again", documents(1)), top=33) == longest
    with QdrantServer() as server:
        build(tmp_path, documents(2), url=server.url)
        assert ask(tmp_path, top=33, url=server.url) == longest


def test_after_edits_the_centroids_are_those_of_a_fresh_build(tmp_path, built):
    extra = {f"30-Aprovados/en/x{part}.md": [f"text {part} {n}" for n in range(50)] for part in "ab"}
    folder = build(tmp_path, documents() | extra)
    before = kept(folder)
    client = connect("embedded", folder)
    there = FieldCondition(key="file_path", match=MatchAny(any=list(extra)))
    client.delete(COLLECTION, points_selector=FilterSelector(filter=Filter(must=[there])), wait=True)
    keep_language_centroids(client, COLLECTION)
    client.close()
    assert before != kept(folder) == kept(built)


def test_regions_of_a_language_are_one(tmp_path):
    regions = [path for path in documents() if path.startswith("30-Aprovados/pt/1")]
    found = kept(build(tmp_path, regions=regions))
    assert {language: one["values"] for language, one in found.items()} == {
        "en": ["en"],
        "pt": ["pt-BR", "pt-PT"],
    }


def test_a_language_of_few_passages_is_weighed_as_the_mean_of_the_others(tmp_path):
    few = {"30-Aprovados/fr/autre.md": [f"autre chose {number}" for number in range(LEAST_POINTS - 1)]}
    folder = build(tmp_path, documents() | few)
    assert set(kept(folder)) == {"en", "pt"}
    assert ask(folder)[0][0] == ANSWER
    assert len(ask(folder, top=40)) == 35


def test_one_language_alone_is_not_weighed(tmp_path):
    some = {path: texts for path, texts in documents().items() if path.startswith("30-Aprovados/pt/")}
    assert kept(build(tmp_path, some)) == {}


def test_where_nothing_changed_no_vector_is_read(built, monkeypatch):
    client = connect("embedded", built)
    before = client.get_collection(COLLECTION).config.metadata
    with monkeypatch.context() as forbidden:
        forbidden.setattr(client, "scroll", None)
        forbidden.setattr(client, "update_collection", None)
        keep_language_centroids(client, COLLECTION, changed=False)
    assert client.get_collection(COLLECTION).config.metadata == before
    client.close()


def test_a_collection_without_centroids_gets_them_from_a_run_with_nothing_to_do(tmp_path, built):
    folder = build(tmp_path, centroids=False)
    client = connect("embedded", folder)
    keep_language_centroids(client, COLLECTION, changed=False)
    client.close()
    assert kept(folder) == kept(built)
