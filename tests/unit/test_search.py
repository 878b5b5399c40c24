"""A question is answered with passages, or with one sentence that says why not and what to do."""

import io
import json
import subprocess
import sys

import pytest
from qdrant_client.models import Distance, PointStruct, VectorParams

from stagekit import StageError
from stagekit.search import SearchRequestError, main, search
from stagekit.storage import CollectionIdentity, connect
from tests.unit.storage_rows import COLLECTION, Corpus, create, reconcile, vector

FERIAS, RECURSO, COPIA = "30-Aprovados/rh/ferias.md", "30-Aprovados/recurso.md", "30-Aprovados/z/copia.md"
TEXTS = {
    FERIAS: ["férias de trinta dias", "férias em dois períodos", "férias coletivas em dezembro"],
    RECURSO: ["prazo para recorrer da decisão", "quem decide o recurso"],
    COPIA: ["prazo para recorrer da decisão"],
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outputs")
    client = connect("embedded", folder)
    create(client)
    reconcile(client, Corpus(TEXTS).desired())
    create(client, "empty")
    client.close()
    return folder


def ask(outputs, question, **options):
    options = {"embedding_model": "unused", "embed": lambda text: vector(text).tolist()} | options
    return search(question, outputs_dir=str(outputs), **options)


def test_the_best_passage_comes_first_with_all_that_is_needed_to_cite_it(outputs):
    first = ask(outputs, "quem decide o recurso")[0]
    assert (first.rank, first.path, first.text) == (1, RECURSO, "quem decide o recurso")
    assert first.score == pytest.approx(1, abs=1e-3)
    assert (first.title, first.version, first.page_number) == ("recurso", "1.0", None)
    assert first.repository_commit == "b" * 40
    assert len(first.chunk_id) == len(first.document_id) == 36


def test_one_document_never_fills_the_whole_list(outputs):
    hits = ask(outputs, "férias em dias", top=10)
    paths = [hit.path for hit in hits]
    assert paths.count(FERIAS) == 2
    assert len(hits) == 5
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len(ask(outputs, "férias", top=1)) == 1


def test_a_long_document_does_not_hide_the_others(tmp_path):
    client = connect("embedded", tmp_path)
    create(client)
    long = {"30-Aprovados/longo.md": [f"férias parte {n}" for n in range(60)], RECURSO: TEXTS[RECURSO]}
    reconcile(client, Corpus(long).desired())
    emptied = PointStruct(id=7, vector=vector("férias parte 1").tolist())
    client.upsert(COLLECTION, points=[emptied])
    client.close()
    hits = ask(tmp_path, "férias parte 1", top=3)
    assert [hit.path for hit in hits].count("30-Aprovados/longo.md") == 2
    assert [hit.path for hit in hits].count(RECURSO) == 1


def test_the_same_text_at_two_paths_is_shown_twice_and_said(outputs):
    first, second = ask(outputs, "prazo para recorrer da decisão", top=2)
    assert (first.path, first.duplicate_of) == (RECURSO, None)
    assert (second.path, second.duplicate_of) == (COPIA, RECURSO)


@pytest.mark.parametrize(
    ("filters", "paths"),
    [
        ({"category": "rh"}, {FERIAS}),
        ({"category": ["rh", "z"]}, {FERIAS, COPIA}),
        ({"chunk_index": "1"}, {FERIAS, RECURSO}),
        ({"is_latest": "true", "language": "pt-BR"}, {FERIAS, RECURSO, COPIA}),
        ({"is_latest": False}, set()),
        ({"tags": "x"}, set()),
    ],
)
def test_filters_match_payload_fields(outputs, filters, paths):
    assert {hit.path for hit in ask(outputs, "férias", top=10, filters=filters)} == paths


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"langage": "pt-BR"}, "no such field; did you mean language?"),
        ({"xyz": 1}, "no such field; see config/nic_schema"),
        ({"page_number": "four"}, "the field page_number takes integer values"),
        ({"is_latest": "perhaps"}, "takes boolean values"),
        ({"custom_fields": "x"}, "cannot be matched by a value"),
        ({"ocr_confidence": "0.5"}, "cannot be matched by a value"),
    ],
)
def test_a_filter_that_cannot_work_is_refused_before_anything_is_opened(tmp_path, filters, said):
    with pytest.raises(SearchRequestError, match=said.replace("?", r"\?")):
        ask(tmp_path / "nowhere", "férias", filters=filters)


@pytest.mark.parametrize(("question", "options"), [("  ", {}), ("férias", {"top": 0})])
def test_an_empty_question_or_list_is_refused(outputs, question, options):
    with pytest.raises(SearchRequestError, match=r"set it to 1 or more|question is empty"):
        ask(outputs, question, **options)


def test_a_store_that_does_not_exist_yet_is_not_created_by_a_search(tmp_path):
    with pytest.raises(StageError, match="run `nic-etl run` first"):
        ask(tmp_path, "férias")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [("absent", "no collection absent: run `nic-etl run`"), ("empty", "empty is empty: run")],
)
def test_a_missing_or_empty_collection_names_the_remedy(outputs, name, said):
    with pytest.raises(StageError, match=said):
        ask(outputs, "férias", collection_name=name)


def test_a_locked_store_names_the_remedy(outputs):
    code = (
        "import sys; from pathlib import Path; from stagekit.storage import connect\n"
        f"connect('embedded', Path({str(outputs)!r})); print('open', flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert owner.stdout.readline() == "open\n"
        with pytest.raises(StageError, match="in use by another process"):
            ask(outputs, "férias")
    finally:
        owner.communicate("")


def test_a_vector_of_another_length_names_the_model_of_the_collection(outputs):
    with pytest.raises(SearchRequestError, match=r"has 3 dimensions and those .* have 8: .*test-model@1"):
        ask(outputs, "férias", embed=lambda _: [1.0, 0.0, 0.0])


def test_a_collection_of_another_model_is_refused_before_the_model_is_loaded(outputs):
    with pytest.raises(
        SearchRequestError, match="was built with test-model@1 and embedding_model is packaged/"
    ):
        ask(outputs, "férias", embedding_model="packaged/all-MiniLM-L6-v2", embed=None)
    with pytest.raises(SearchRequestError, match="no embedding model packaged/nothing"):
        ask(outputs, "férias", embedding_model="packaged/nothing", embed=None)


def test_a_collection_with_named_vectors_is_not_searched(tmp_path):
    client = connect("embedded", tmp_path)
    config = {"text": VectorParams(size=2, distance=Distance.COSINE)}
    client.create_collection("foreign", vectors_config=config)
    client.upsert("foreign", points=[PointStruct(id=1, vector={"text": [1.0, 0.0]})])
    client.close()
    with pytest.raises(SearchRequestError, match="was not made by nic-etl"):
        ask(tmp_path, "férias", collection_name="foreign")


def answer(monkeypatch, capsys, request):
    text = request if isinstance(request, str) else json.dumps(request)
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    code = main()
    return code, capsys.readouterr()


@pytest.mark.parametrize(
    ("request_", "code", "said"),
    [
        ("{", 2, "The request is not JSON"),
        ("[]", 2, "The request needs question and embedding_model"),
        ({"question": "x"}, 2, "The request needs question and embedding_model"),
        ({"question": "x", "embedding_model": "m", "limit": 3}, 2, "and may have"),
        (
            {"question": "x", "embedding_model": "m", "filters": {"langage": "en"}},
            2,
            "did you mean language?",
        ),
        ({"question": "x", "embedding_model": "m"}, 1, "run `nic-etl run` first"),
    ],
)
def test_the_command_says_in_one_line_what_is_wrong(monkeypatch, capsys, tmp_path, request_, code, said):
    monkeypatch.setenv("NIC_ETL_OUTPUTS_DIR", str(tmp_path))
    got, captured = answer(monkeypatch, capsys, request_)
    assert got == code
    assert said in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""


@pytest.mark.slow
def test_the_command_answers_with_json_alone_on_standard_output(monkeypatch, capsys, tmp_path):
    from stagekit.embedding import embed_texts, load_model, resolve_model

    files = resolve_model("packaged/all-MiniLM-L6-v2")
    identity = CollectionIdentity(files.fingerprint, 384)
    texts = ["Reports are due on Friday.", "The cafeteria closes at noon.", "Passwords have eight letters."]
    client = connect("embedded", tmp_path)
    create(client, COLLECTION, identity)
    documents = Corpus({"30-Aprovados/a.md": texts}).desired()
    vectors = embed_texts(load_model(files.name), texts, files.passage_prompt)
    points = list(documents[0].points())
    client.upsert(
        COLLECTION,
        points=[
            PointStruct(id=point.id, vector=row.tolist(), payload=point.payload)
            for point, row in zip(points, vectors, strict=True)
        ],
    )
    client.close()
    request = {
        "question": "How long must a password be?",
        "embedding_model": files.name,
        "outputs_dir": str(tmp_path),
        "top": 2,
    }
    code, captured = answer(monkeypatch, capsys, request)
    assert code == 0, captured.err
    hits = json.loads(captured.out)
    assert [hit["rank"] for hit in hits] == [1, 2]
    assert hits[0]["text"] == texts[2]
    assert set(hits[0]) == {
        "rank", "score", "path", "title", "page_number", "section_titles", "text", "document_id", "chunk_id",
        "version", "repository_commit", "duplicate_of",
    }  # fmt: skip
    code, captured = answer(monkeypatch, capsys, request | {"question": "palavra " * 600})
    assert code == 2
    assert "cannot be embedded" in captured.err.splitlines()[-1]


def test_the_module_is_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "stagekit.search"], input="{", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("The request is not JSON")


def test_a_server_that_is_not_there_is_said(outputs):
    with pytest.raises(StageError, match="cannot be reached"):
        ask(outputs, "férias", qdrant_url="http://127.0.0.1:9")
