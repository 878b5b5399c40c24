"""The figures of an evaluation are those of the textbook; a wrong line of a questions file is named."""

import io
import json
import math

import pytest

from stagekit import StageError
from stagekit.search.evaluation import evaluate, metrics, percentile, read_questions
from stagekit.search.query import SearchRequestError
from stagekit.tools.__main__ import answer
from tests.unit.search_store import fill, meaning

DOCUMENTS = {
    f"30-Aprovados/{name}.md": [text]
    for name, text in {
        "ferias": "férias de trinta dias",
        "recurso": "prazo para recorrer da decisão",
        "senhas": "senha de rede com catorze letras",
        "copia": "prazo para recorrer da decisão",
    }.items()
}
QUESTIONS = [
    {"id": "a", "lang": "pt", "query": "férias de trinta dias", "paths": ["30-Aprovados/ferias.md"]},
    {
        "id": "b",
        "lang": "pt",
        "query": "prazo para recorrer da decisão",
        "paths": ["30-Aprovados/copia.md", "30-Aprovados/recurso.md"],
        "tags": ["ignored"],
    },
    {"id": "c", "lang": "en", "query": "network password", "paths": ["30-Aprovados/absent.md"]},
]


def write(folder, rows):
    path = folder / "questions.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outputs")
    fill(folder, DOCUMENTS)
    fill(folder, DOCUMENTS, name="meaning only", sparse=False)
    return folder


def measure(outputs, path, **options):
    options = {"embedding_model": "unused", "embed": meaning} | options
    return evaluate(str(path), outputs_dir=str(outputs), **options)


def test_the_metrics_are_those_computed_by_hand():
    figures = metrics([1, 2, 6, 10, 11, None])
    assert figures == {
        "hit@1": round(1 / 6, 4),
        "hit@3": round(2 / 6, 4),
        "hit@5": round(2 / 6, 4),
        "mrr@10": round((1 + 1 / 2 + 1 / 6 + 1 / 10) / 6, 4),
        "ndcg@10": round((1 + 1 / math.log2(3) + 1 / math.log2(7) + 1 / math.log2(11)) / 6, 4),
        "queries": 6,
    }
    assert metrics([1, 1])["ndcg@10"] == 1.0


def test_percentiles_are_values_that_were_measured():
    values = [4.0, 1.0, 3.0, 2.0]
    assert (percentile(values, 0.5), percentile(values, 0.95), percentile([7.0], 0.5)) == (2.0, 4.0, 7.0)


@pytest.mark.parametrize("mode", ["dense", "sparse", "hybrid", ""])
def test_the_report_says_what_was_found_and_what_was_not(outputs, tmp_path, mode):
    report = measure(outputs, write(tmp_path, QUESTIONS), mode=mode)
    assert report["mode"] == (mode or "hybrid")
    assert report["questions"] == 3
    assert report["by_language"]["pt"]["hit@1"] == 1.0
    assert report["by_language"]["en"] == {
        "hit@1": 0.0, "hit@3": 0.0, "hit@5": 0.0, "mrr@10": 0.0, "ndcg@10": 0.0, "queries": 1
    }  # fmt: skip
    assert report["overall"]["hit@5"] == 0.6667
    assert report["not_indexed"] == ["c"]
    (missed,) = report["missed"]
    assert (missed["id"], missed["rank"], missed["paths"]) == ("c", None, ["30-Aprovados/absent.md"])
    assert (missed["first_path"] is None) == (mode == "sparse")
    took = report["latency_ms"]
    assert 0 < took["store"]["p50"] <= took["store"]["p95"]
    assert took["p95"] >= took["store"]["p50"]
    assert "modes" not in report


def test_questions_of_a_class_have_figures_of_their_own(outputs, tmp_path):
    exact = {"class": "exact", "query": "catorze", "paths": ["30-Aprovados/senhas.md"]}
    report = measure(outputs, write(tmp_path, [*QUESTIONS, exact]))
    assert list(report["by_class"]) == ["exact"]
    assert report["by_class"]["exact"] == metrics([1])
    assert report["overall"]["queries"] == 4


def test_any_copy_of_the_document_counts(outputs, tmp_path):
    path = write(tmp_path, [QUESTIONS[1] | {"paths": ["30-Aprovados/x.md", "30-Aprovados/recurso.md"]}])
    assert measure(outputs, path)["overall"]["hit@5"] == 1.0


def test_modes_are_compared_side_by_side(outputs, tmp_path):
    path = write(tmp_path, QUESTIONS)
    report = measure(outputs, path, compare=True)
    assert list(report["modes"]) == ["dense", "sparse", "hybrid"]
    for mode, figures in report["modes"].items():
        assert set(figures) == {"overall", "by_language", "by_class", "latency_ms"}
        assert figures["overall"] == measure(outputs, path, mode=mode)["overall"]
    assert report["overall"] == report["modes"]["hybrid"]["overall"]
    alone = measure(outputs, path, compare=True, collection_name="meaning only")
    assert (alone["mode"], list(alone["modes"])) == ("dense", ["dense"])


def test_words_are_measured_without_a_model(outputs, tmp_path):
    path = write(tmp_path, QUESTIONS)
    report = measure(outputs, path, mode="sparse", embed=None, embedding_model="packaged/nothing")
    assert report["latency_ms"]["embedding"] == {"p50": 0.0, "p95": 0.0}
    assert report["overall"]["hit@1"] == 0.6667


def test_an_id_and_a_language_may_be_missing(tmp_path):
    row = {"query": "férias", "paths": ["a.md"]}
    path = write(tmp_path, ["\ufeff" + json.dumps(row), "", row | {"id": 7, "lang": "es"}])
    first, second = read_questions(path)
    assert (first.id, first.lang, first.group, first.paths) == ("1", "", "", ("a.md",))
    assert (second.id, second.lang) == ("7", "es")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: this is not JSON"),
        ("[1]", "line 2: this is no JSON object"),
        ({"paths": ["a.md"]}, "line 2: query must be the question as text"),
        ({"query": " ", "paths": ["a.md"]}, "line 2: query must be"),
        ({"query": "férias"}, "line 2: paths must be a list"),
        ({"query": "férias", "paths": "a.md"}, "line 2: paths must be a list"),
        ({"query": "férias", "paths": []}, "line 2: paths must be a list"),
        ({"query": "férias", "paths": [1]}, "line 2: paths must be a list"),
        ({"query": "férias", "paths": ["a.md"], "lang": 3}, "line 2: lang must be text"),
        ({"query": "férias", "paths": ["a.md"], "class": 3}, "line 2: class must be text"),
    ],
)
def test_a_wrong_line_is_named_before_anything_is_opened(tmp_path, line, said):
    path = write(tmp_path, [QUESTIONS[0], line])
    with pytest.raises(SearchRequestError, match=said):
        measure(tmp_path / "nowhere", path)


def test_a_file_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(SearchRequestError, match=r"none\.jsonl cannot be read \(No such file"):
        read_questions(tmp_path / "none.jsonl")
    (tmp_path / "latin.jsonl").write_bytes("{'é'}".encode("latin-1"))
    with pytest.raises(SearchRequestError, match="it is not UTF-8 text"):
        read_questions(tmp_path / "latin.jsonl")
    with pytest.raises(SearchRequestError, match="holds no question"):
        read_questions(write(tmp_path, [""]))


def test_a_vector_of_another_model_is_refused(outputs, tmp_path):
    path = write(tmp_path, QUESTIONS)
    with pytest.raises(SearchRequestError, match="has 2 dimensions"):
        measure(outputs, path, embed=lambda _: [1.0, 0.0])
    with pytest.raises(SearchRequestError, match="was built with test-model@1"):
        measure(outputs, path, embed=None, embedding_model="packaged/all-MiniLM-L6-v2")


def test_a_question_that_the_model_refuses_is_named(outputs, tmp_path):
    def refuse(_text):
        raise ValueError("too long")

    with pytest.raises(SearchRequestError, match="Question a cannot be embedded: too long"):
        measure(outputs, write(tmp_path, QUESTIONS), embed=refuse)


def run(monkeypatch, capsys, request):
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(request)))
    code = answer("stagekit.search.evaluation")
    return code, capsys.readouterr()


def test_as_a_command_it_says_in_one_line_what_is_wrong(monkeypatch, capsys, tmp_path):
    code, captured = run(monkeypatch, capsys, {"queries": "q.jsonl"})
    assert (code, captured.out) == (2, "")
    assert "missing a required argument: 'embedding_model'" in captured.err
    request = {"queries": str(write(tmp_path, QUESTIONS)), "embedding_model": "m"}
    code, captured = run(monkeypatch, capsys, request | {"outputs_dir": str(tmp_path)})
    assert (code, captured.out) == (1, "")
    assert "run `nic-etl run` first" in captured.err


@pytest.mark.slow
def test_as_a_command_it_answers_with_json_alone(monkeypatch, capsys, tmp_path):
    from stagekit.embedding import embed_texts, load_model, resolve_model

    files = resolve_model("packaged/all-MiniLM-L6-v2")
    model = load_model(files.name)
    fill(
        tmp_path,
        {"a.md": ["Passwords have eight letters."], "b.md": ["The cafeteria closes at noon."]},
        model=files.fingerprint,
        size=384,
        embed=lambda text: embed_texts(model, [text], files.passage_prompt)[0],
    )
    asked = {"query": "When can I have lunch?", "paths": ["b.md"], "lang": "en"}
    path = write(tmp_path, [asked])
    request = {"queries": str(path), "embedding_model": files.name, "outputs_dir": str(tmp_path)}
    code, captured = run(monkeypatch, capsys, request)
    assert code == 0, captured.err
    report = json.loads(captured.out)
    assert report["overall"]["hit@1"] == 1.0
    assert report["latency_ms"]["embedding"]["p50"] > 0
    path = write(tmp_path, [asked | {"query": "palavra " * 600}])
    code, captured = run(monkeypatch, capsys, request)
    assert code == 2
    assert "Question 1 cannot be embedded" in captured.err.splitlines()[-1]


def test_a_store_that_does_not_exist_is_not_created(tmp_path):
    with pytest.raises(StageError, match="run `nic-etl run` first"):
        measure(tmp_path / "nowhere", write(tmp_path, QUESTIONS))
    assert not (tmp_path / "nowhere").exists()
