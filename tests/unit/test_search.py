"""A question is answered with passages, or with one sentence that says why not and what to do."""

import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from qdrant_client.models import Distance, PointStruct, VectorParams

from runner.tools import run_tool
from stagekit import StageError
from stagekit.enrichment.canonical import point_fingerprint
from stagekit.search.query import SearchRequestError, file_link, search
from stagekit.storage import connect
from stagekit.tools.__main__ import answer as answer_of
from tests.unit.search_store import fill, meaning
from tests.unit.storage_rows import COLLECTION

FERIAS, RECURSO, COPIA = "30-Aprovados/rh/ferias.md", "30-Aprovados/recurso.md", "30-Aprovados/z/copia.md"
TEXTS = {
    FERIAS: ["férias de trinta dias", "férias em dois períodos", "férias coletivas em dezembro"],
    RECURSO: ["prazo para recorrer da decisão", "quem decide o recurso"],
    COPIA: ["prazo para recorrer da decisão"],
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outputs")
    fill(folder, TEXTS)
    fill(folder, TEXTS, name="meaning only", sparse=False)
    fill(folder, {}, name="empty")
    return folder


def ask(outputs, question, **options):
    options = {"embedding_model": "unused", "embed": meaning, "mode": "dense"} | options
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
    assert len(hits) == 4
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len(ask(outputs, "férias", top=1)) == 1


@pytest.mark.parametrize("mode", ["dense", "sparse", "hybrid"])
def test_a_long_document_does_not_hide_the_others(tmp_path, mode):
    long = {"30-Aprovados/longo.md": [f"férias parte {n}" for n in range(60)], RECURSO: TEXTS[RECURSO]}
    fill(tmp_path, long)
    client = connect("embedded", tmp_path)
    emptied = PointStruct(id=7, vector={"dense": meaning("férias parte 1")})
    client.upsert(COLLECTION, points=[emptied])
    client.close()
    hits = ask(tmp_path, "férias e recurso, parte 1", top=3, mode=mode)
    assert len(hits) == 3
    assert {hit.path for hit in hits} == {"30-Aprovados/longo.md", RECURSO}


def fingerprinted(folder, alter):
    """Store RECURSO as stage 06 does, but one passage with another payload than its fingerprint says."""
    fill(folder, {RECURSO: TEXTS[RECURSO]})
    client = connect("embedded", folder)
    points = []
    for record in client.scroll(COLLECTION, with_vectors=True)[0]:
        payload = record.payload | {"point_fingerprint": point_fingerprint(record.payload)}
        if payload["chunk_content"] == TEXTS[RECURSO][0]:
            payload |= alter
        points.append(PointStruct(id=record.id, vector=record.vector, payload=payload))
    client.upsert(COLLECTION, points=points)
    client.close()


def test_a_passage_that_was_altered_in_the_store_is_left_out_and_said(tmp_path, capfd):
    fingerprinted(tmp_path, {"chunk_content": "prazo de mil dias"})
    request = {"question": "prazo e quem decide", "embedding_model": "unused", "mode": "sparse"}
    hits = run_tool("stagekit.search.query", request | {"outputs_dir": str(tmp_path)})
    assert [hit["text"] for hit in hits] == [TEXTS[RECURSO][1]]
    said = capfd.readouterr().err
    assert said.startswith("Warning: 1 passages of the collection are not what nic-etl wrote")
    assert "`nic-etl verify --repair`" in said


@pytest.mark.parametrize("alter", [{}, {"source_id": "taken over", "point_fingerprint": ""}])
def test_a_passage_as_it_was_written_or_of_a_source_just_taken_over_is_served(tmp_path, caplog, alter):
    fingerprinted(tmp_path, alter)
    assert {hit.text for hit in ask(tmp_path, "prazo")} == set(TEXTS[RECURSO])
    assert caplog.text == ""


# The three modes


def test_words_are_found_that_the_model_does_not_understand(outputs):
    def confused(_text):
        return meaning("férias coletivas em dezembro")

    question = "recorrer das decisões"
    assert ask(outputs, question, embed=confused)[0].path == FERIAS
    best = ask(outputs, question, embed=confused, mode="sparse")
    assert {path for hit in best for path in hit.paths} == {RECURSO, COPIA}
    both = ask(outputs, question, embed=confused, mode="hybrid")
    assert {hit.path for hit in both[:2]} & {RECURSO, COPIA}
    assert {path for hit in both for path in hit.paths} == {RECURSO, COPIA, FERIAS}


def test_what_both_searches_find_first_comes_first_with_the_highest_score(outputs):
    hits = ask(outputs, "quem decide o recurso", mode="hybrid")
    assert hits[0].text == "quem decide o recurso"
    assert hits[0].score > hits[1].score


def test_the_words_of_a_files_path_are_searched_too(outputs):
    assert ask(outputs, "cópia", mode="sparse")[0].path == COPIA


def test_a_search_by_words_needs_no_model(outputs):
    hits = search("férias", embedding_model="packaged/nothing", outputs_dir=str(outputs), mode="sparse")
    assert {hit.path for hit in hits} == {FERIAS}


def test_a_question_of_function_words_is_answered_by_meaning_alone(outputs):
    question = "o que é isso?"
    assert ask(outputs, question, mode="hybrid") == ask(outputs, question, mode="dense")
    assert ask(outputs, question, mode="sparse") == []


def test_without_a_mode_the_search_is_hybrid_where_the_collection_has_sparse_vectors(outputs):
    question = "férias coletivas"
    assert ask(outputs, question, mode="") == ask(outputs, question, mode="hybrid")
    plain = ask(outputs, question, mode="", collection_name="meaning only")
    assert [hit.score for hit in plain] == [hit.score for hit in ask(outputs, question)]


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("fuzzy", "mode is 'fuzzy': set it to hybrid, dense, sparse"),
        ("hybrid", "meaning only has no sparse vectors .*run `nic-etl run` with hybrid_search"),
        ("sparse", "meaning only has no sparse vectors"),
    ],
)
def test_a_mode_that_cannot_work_is_refused(outputs, mode, said):
    with pytest.raises(SearchRequestError, match=said):
        ask(outputs, "férias", collection_name="meaning only", mode=mode)


# The link


@pytest.mark.parametrize(
    ("fields", "link"),
    [
        ({}, "https://gitlab.example/nic/docs/-/blob/abc/30-Aprovados/a%20%C3%A7.txt"),
        (
            {"file_path": "p.pdf", "page_number": 3},
            "https://gitlab.example/nic/docs/-/blob/abc/p.pdf#page=3",
        ),
        (
            {"file_path": "p.md", "section_titles": ["1. Acesso", "2.1 Senhas - regras (novas)"]},
            "https://gitlab.example/nic/docs/-/blob/abc/p.md#21-senhas-regras-novas",
        ),
        ({"file_path": "p.md", "section_titles": []}, "https://gitlab.example/nic/docs/-/blob/abc/p.md"),
        (
            {"repository_url": "https://gitlab.example/nic/docs.git", "file_path": "p.docx"},
            "https://gitlab.example/nic/docs/-/blob/abc/p.docx",
        ),
        ({"repository_url": "file:docs"}, "30-Aprovados/a ç.txt@abc"),
        ({"repository_url": "ssh://gitlab.example/nic/docs"}, "30-Aprovados/a ç.txt@abc"),
    ],
)
def test_the_link_leads_to_the_file_at_its_commit(fields, link):
    payload = {
        "repository_url": "https://gitlab.example/nic/docs",
        "repository_commit": "abc",
        "file_path": "30-Aprovados/a ç.txt",
        "page_number": None,
        "section_titles": ["Acesso"],
    }
    assert file_link(payload | fields) == link


# Copies, and how much of a document


def test_the_same_text_at_two_paths_counts_once_with_both(outputs):
    first, second = ask(outputs, "prazo para recorrer da decisão", top=2)
    assert (first.path, first.paths) == (RECURSO, [RECURSO, COPIA])
    assert COPIA not in second.paths
    [only] = ask(outputs, "prazo para recorrer da decisão", filters={"path": COPIA})
    assert only.paths == [COPIA]


def test_copies_that_are_ranked_far_behind_are_named_too_and_take_no_place(tmp_path):
    copies = {f"30-Aprovados/{n}/ato.md": ["a portaria entra em vigor hoje"] for n in range(40)}
    fill(tmp_path, copies | {RECURSO: TEXTS[RECURSO]})
    first, second = ask(tmp_path, "a portaria entra em vigor hoje", top=2)
    assert sorted(first.paths) == sorted(copies)
    assert second.path == RECURSO


def test_of_copies_the_one_in_force_is_shown(tmp_path):
    text = ["valor da diária"]
    fill(tmp_path, {"30-Aprovados/a.md": text}, front_matter={"validade": "2020-12-31"})
    fill(tmp_path, {"30-Aprovados/b.md": text}, create=False)
    [hit] = ask(tmp_path, "valor da diária", today="2021-01-01")
    assert (hit.path, hit.paths, hit.expired) == (
        "30-Aprovados/b.md",
        ["30-Aprovados/b.md", "30-Aprovados/a.md"],
        False,
    )


def test_what_a_document_says_twice_is_two_passages_of_it_and_of_its_copy(tmp_path):
    twice = ["o mesmo aviso", "outra coisa", "o mesmo aviso"]
    fill(tmp_path, {"30-Aprovados/a.md": twice, "30-Aprovados/b.md": twice})
    hits = ask(tmp_path, "o mesmo aviso", top=10, passages_per_document=0)
    assert [hit.text for hit in hits] == ["o mesmo aviso", "o mesmo aviso", "outra coisa"]
    assert [hit.paths for hit in hits] == [["30-Aprovados/a.md", "30-Aprovados/b.md"]] * 3
    assert len(ask(tmp_path, "o mesmo aviso", top=10)) == 2


@pytest.mark.parametrize(
    ("options", "passages"),
    [
        ({}, 2),
        ({"passages_per_document": 1}, 1),
        ({"passages_per_document": 3}, 3),
        ({"passages_per_document": 0}, 3),
        ({"filters": {"file_path": FERIAS}}, 3),
        ({"filters": {"path": FERIAS}, "passages_per_document": 1}, 1),
        ({"filters": {"category": "rh"}}, 3),  # no other is in it
        ({"filters": {"category": "rh"}, "passages_per_document": 2}, 2),
        ({"filters": {"file_path": [FERIAS, RECURSO]}}, 2),
    ],
)
def test_a_document_gives_as_many_passages_as_were_asked_for(outputs, options, passages):
    paths = [hit.path for hit in ask(outputs, "férias", top=10, **options)]
    assert paths.count(FERIAS) == passages


# Filters


@pytest.mark.parametrize("mode", ["dense", "hybrid"])
@pytest.mark.parametrize(
    ("filters", "paths"),
    [
        ({"category": "rh"}, {FERIAS}),
        ({"category": ["rh", "z"]}, {FERIAS, COPIA}),
        ({"chunk_index": "1"}, {FERIAS, RECURSO}),
        ({"is_latest": "true", "language": "pt-BR"}, {FERIAS, RECURSO, COPIA}),
        ({"is_latest": False}, set()),
    ],
)
def test_filters_match_payload_fields(outputs, filters, paths, mode):
    hits = ask(outputs, "férias", top=10, filters=filters, mode=mode)
    assert {path for hit in hits for path in hit.paths} == paths


EXPIRED = "30-Aprovados/diarias-2020.md"


@pytest.fixture(scope="module")
def dated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dated")
    fill(folder, {EXPIRED: ["valor da diária"]}, front_matter={"validade": "2020-12-31"})
    fill(folder, {FERIAS: ["valor da diária nacional"]}, create=False)
    return folder


@pytest.mark.parametrize(("today", "expired"), [("2020-12-31", False), ("2021-01-01", True), ("", True)])
@pytest.mark.parametrize("mode", ["dense", "sparse", "hybrid"])
def test_what_has_expired_is_told_and_filtered_on_the_day_of_the_question(dated, today, expired, mode):
    hits = ask(dated, "valor da diária", today=today, mode=mode)
    assert {hit.path: hit.expired for hit in hits} == {EXPIRED: expired, FERIAS: False}
    assert {hit.expiration_date for hit in hits} == {"2020-12-31", None}

    def left(wanted):
        return {hit.path for hit in ask(dated, "diária", today=today, mode=mode, filters={"expired": wanted})}

    assert left("true") == ({EXPIRED} if expired else set())
    assert left(False) == {FERIAS} | (set() if expired else {EXPIRED})
    assert left(["true", "false"]) == {EXPIRED, FERIAS}


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"expired": "perhaps"}, "write expired=true or expired=false"),
        ({"langage": "pt-BR"}, "no such field; did you mean language?"),
        ({"xyz": 1}, "no such field; docs/search.md has the fields"),
        ({"page_number": "four"}, "the field page_number takes numbers"),
        ({"is_latest": "perhaps"}, "write is_latest=true or is_latest=false"),
        ({"custom_fields": "x"}, "cannot be matched by a value"),
        ({"created": {">=": "ontem"}}, "Filter created>=ontem: write a date such as 2024-05-10"),
        ({"language": {">=": "pt"}}, "language has no order; write language=value"),
        ({"created": "0001-01-01T00:00+05:00"}, "write a date such as"),
        ({"page": "nan"}, "the field pages takes numbers"),
        ({"created": {"~": "2024"}}, "'~' is none of = >= > <= <"),
    ],
)
def test_a_filter_that_cannot_work_is_refused_before_anything_is_opened(tmp_path, filters, said):
    with pytest.raises(SearchRequestError, match=said.replace("?", r"\?")):
        ask(tmp_path / "nowhere", "férias", filters=filters)


@pytest.mark.parametrize(
    ("question", "options"), [("  ", {}), ("férias", {"top": 0}), ("férias", {"passages_per_document": -1})]
)
def test_an_empty_question_or_list_is_refused(outputs, question, options):
    with pytest.raises(SearchRequestError, match=r"set it to 1 or more|question is empty"):
        ask(outputs, question, **options)


def test_a_store_that_does_not_exist_yet_is_not_created_by_a_search(tmp_path):
    with pytest.raises(StageError, match="run `nic-etl run` first"):
        ask(tmp_path, "férias")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_collection_names_the_remedy(outputs):
    with pytest.raises(StageError, match="no collection absent: run `nic-etl run`"):
        ask(outputs, "férias", collection_name="absent")


def test_of_a_collection_that_has_become_empty_nothing_is_found(outputs):
    assert ask(outputs, "férias", collection_name="empty") == []


def test_a_search_answers_while_another_process_has_the_store_open_to_write(outputs):
    code = (
        "import sys; from pathlib import Path; from stagekit.storage import connect\n"
        f"connect('embedded', Path({str(outputs)!r})); print('open', flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert owner.stdout.readline() == "open\n"
        assert ask(outputs, "férias")
    finally:
        owner.communicate("")


def test_questions_that_come_at_once_are_all_answered(outputs):
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: ask(outputs, "quem decide o recurso")[0].text, range(12)))
    assert set(answers) == {"quem decide o recurso"}


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


def test_a_collection_of_another_program_is_not_searched(tmp_path):
    client = connect("embedded", tmp_path)
    config = {"text": VectorParams(size=2, distance=Distance.COSINE)}
    client.create_collection("foreign", vectors_config=config)
    client.upsert("foreign", points=[PointStruct(id=1, vector={"text": [1.0, 0.0]})])
    client.close()
    with pytest.raises(SearchRequestError, match="made by another program or an earlier version"):
        ask(tmp_path, "férias", collection_name="foreign")


def answer(monkeypatch, capsys, request):
    text = request if isinstance(request, str) else json.dumps(request)
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    code = answer_of("stagekit.search.query")
    return code, capsys.readouterr()


@pytest.mark.parametrize(
    ("request_", "code", "said"),
    [
        ("{", 2, "not one that stagekit.search.query takes"),
        ("[]", 2, "not one that stagekit.search.query takes"),
        ({"question": "x"}, 2, "missing a required argument: 'embedding_model'"),
        ({"question": "x", "embedding_model": "m", "limit": 3}, 2, "unexpected keyword argument 'limit'"),
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
    model = load_model(files.name)
    texts = ["Reports are due on Friday.", "The cafeteria closes at noon.", "Passwords have eight letters."]
    fill(
        tmp_path,
        {"30-Aprovados/a.md": texts},
        model=files.fingerprint,
        size=384,
        embed=lambda text: embed_texts(model, [text], files.passage_prompt)[0],
    )
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
        "answer", "duplicate_of",
        "rank", "score", "path", "paths", "title", "page_number", "pages", "section_titles", "text",
        "document_id", "chunk_id", "clause", "has_struck_text", "version", "repository_commit", "link",
        "is_latest", "stale", "status", "language", "watermark", "effective_date", "expiration_date",
        "expired", "superseded_by",
    }  # fmt: skip
    code, captured = answer(monkeypatch, capsys, request | {"question": "palavra " * 600})
    assert code == 2
    assert "cannot be embedded" in captured.err.splitlines()[-1]


def test_the_module_is_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "stagekit.tools", "stagekit.search.query"],
        input="{",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("The request is not one that stagekit.search.query takes")


def test_a_server_that_is_not_there_is_said(outputs):
    with pytest.raises(StageError, match="cannot be reached"):
        ask(outputs, "férias", qdrant_url="http://127.0.0.1:9")
