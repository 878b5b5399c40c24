"""Asking from the command line: filters as people write them, answers that fit, figures that are kept."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from runner.cli.entry import main
from runner.cli.search import EVALUATION_FILE, parse_filters
from runner.cli.search_screens import print_evaluation, print_hits
from runner.config_manager import load_config
from runner.errors import ConfigurationError
from runner.models import ExecutionMode
from runner.record.state_manager import StateManager
from tests.unit.search_store import fill

DOCUMENTS = {
    "30-Aprovados/rh/ferias.md": ["férias de trinta dias", "férias coletivas em dezembro"],
    "30-Aprovados/recurso.md": ["prazo para recorrer da decisão"],
}
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def nic_etl(outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command in this process; its tools are processes of their own."""
    monkeypatch.setenv("NIC_ETL_OUTPUTS_DIR", str(outputs))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["nic-etl", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def store(outputs: Path) -> Path:
    fill(outputs, DOCUMENTS)
    return outputs


# Filters


@pytest.mark.parametrize(
    ("words", "filters"),
    [
        ([], {}),
        (["status=approved", "tags=x"], {"status": {"=": ["approved"]}, "tags": {"=": ["x"]}}),
        (["language=pt-BR", "language=es"], {"language": {"=": ["pt-BR", "es"]}}),
        (["language=pt-BR,es"], {"language": {"=": ["pt-BR", "es"]}}),
        (["author=Souza, Ana"], {"author": {"=": ["Souza, Ana"]}}),
        (["title=a=b"], {"title": {"=": ["a=b"]}}),
        (["title=a>=b"], {"title": {"=": ["a>=b"]}}),
        (["created>=2024-01-01", "created<2025"], {"created": {">=": ["2024-01-01"], "<": ["2025"]}}),
        ([" page > 3", "page<= 5 "], {"page": {">": ["3"], "<=": ["5"]}}),
        (["created>=May 10, 2024"], {"created": {">=": ["May 10, 2024"]}}),
    ],
)
def test_filters_are_written_as_people_write_them(
    words: list[str], filters: dict[str, dict[str, list[str]]]
) -> None:
    assert parse_filters(words) == filters


@pytest.mark.parametrize("word", ["status", "status=", "=approved", " = x", "created>=", "<3"])
def test_a_filter_without_field_or_value_is_explained(word: str) -> None:
    with pytest.raises(ConfigurationError, match="write it as field=value, for example --filter status="):
        parse_filters([word])


# Searching


def test_a_search_answers_in_the_collection_the_mode_and_the_filters_asked_for(
    nic_etl: Command, store: Path
) -> None:
    fill(store, {"x.md": ["férias noutra coleção"]}, name="other")
    words = ("search", "férias", "--mode", "sparse", "--json")
    code, out, _ = nic_etl(*words, "--per-document", "1")
    assert code == 0
    assert [hit["path"] for hit in json.loads(out)] == ["30-Aprovados/rh/ferias.md"]
    _, out, _ = nic_etl(*words, "--collection", "other", "--top", "1")
    assert [hit["path"] for hit in json.loads(out)] == ["x.md"]
    _, out, _ = nic_etl(*words, "--filter", "category=rh,z", "--filter", "language=pt-BR")
    assert len(json.loads(out)) == 2
    code, out, _ = nic_etl("search", "férias", "--mode", "sparse", "--filter", "created>=2030")
    assert (code, out) == (0, "Nothing was found: ask with other words, or with fewer filters.\n")
    code, out, err = nic_etl("search", "férias", "--filter", "status=aproved")
    assert (code, out) == (2, "")
    assert "status=aproved: no passage here has it; status is one of: approved." in err.replace("\n", " ")


def test_what_cannot_be_asked_is_said_before_anything_is_loaded(nic_etl: Command, store: Path) -> None:
    code, _, err = nic_etl("search", "férias", "--mode", "fuzzy")
    assert code == 2
    assert "hybrid" in err
    code, out, err = nic_etl("search", "férias", "--filter", "langage=es")
    assert (code, out) == (2, "")
    assert "did you mean language?" in err


# Evaluating


def write(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


RIGHT = {"id": "a", "lang": "pt", "query": "prazo para recorrer", "paths": ["30-Aprovados/recurso.md"]}
WRONG = {"id": "b", "lang": "es", "query": "vacaciones", "paths": ["absent.md"]}


def test_an_evaluation_is_printed_and_kept_with_the_run_that_made_the_collection(
    nic_etl: Command, store: Path, tmp_path: Path
) -> None:
    manager = StateManager(store)
    config = load_config(None, {}).config.model_dump(mode="json")
    trial = config | {"collection_name": "nic_documents_test"}
    made = manager.new_run(ExecutionMode.FULL, config, "hash")
    manager.new_run(ExecutionMode.FULL, config | {"collection_name": "other"}, "hash")
    manager.new_run(ExecutionMode.TEST, trial | {"collection_name": "nic_documents"}, "hash")
    questions = write(tmp_path, RIGHT, WRONG)

    code, out, err = nic_etl("evaluate", str(questions), "--mode", "sparse", "--json")

    assert code == 0, err
    report = json.loads(out)
    kept = manager.run_dir(made.execution_id) / EVALUATION_FILE
    assert json.loads(kept.read_text()) == report
    assert report["overall"] | {"mrr@10": 0.5} == report["by_language"]["pt"] | {
        "hit@1": 0.5, "hit@3": 0.5, "hit@5": 0.5, "mrr@10": 0.5, "ndcg@10": 0.5, "queries": 2
    }  # fmt: skip
    assert (report["not_indexed"], len(report["queries_sha256"])) == (["b"], 64)
    assert report["evaluated_at"].endswith("+00:00")
    assert [path.name for path in store.glob("runs/*/evaluation.json")] == [EVALUATION_FILE]

    code, out, _ = nic_etl("evaluate", str(questions), "--mode", "sparse")
    assert code == 0
    assert "b (its document is not in the collection): vacaciones" in out
    assert str(kept) in out

    for faulty in (write(tmp_path, WRONG), tmp_path / "absent.jsonl"):  # nothing was measured
        code, _, err = nic_etl("evaluate", str(faulty), "--mode", "sparse")
        assert code == 2, err
        assert json.loads(kept.read_text())["questions"] == 2


def test_without_a_run_an_evaluation_is_only_printed(nic_etl: Command, store: Path, tmp_path: Path) -> None:
    code, out, _ = nic_etl("evaluate", str(write(tmp_path, RIGHT)), "--mode", "sparse")
    assert code == 0
    assert "Kept in" not in out
    assert not list(store.glob("runs/*/evaluation.json"))


def test_a_wrong_line_of_the_questions_is_named(nic_etl: Command, store: Path, tmp_path: Path) -> None:
    code, out, err = nic_etl("evaluate", str(write(tmp_path, RIGHT, {"query": "x"})))
    assert (code, out) == (2, "")
    assert "questions.jsonl, line 2: paths must be a list" in err.replace("\n", "")
    code, _, err = nic_etl("evaluate", str(tmp_path / "none.jsonl"))
    assert code == 2
    assert "cannot be read" in err


# What a terminal of 80 columns shows


def shown(printer: Callable[..., None], *arguments: Any) -> str:
    console = Console(file=io.StringIO(), width=80)
    printer(console, *arguments)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


HIT = {
    "rank": 1, "score": 0.87654, "path": "30-Aprovados/[red]ação[/red] [x.md", "title": "[bold]Título",
    "pages": [3], "version": "2.1", "section_titles": ["A", "B [1]"], "paths": ["x.md"],
    "clause": None, "has_struck_text": False, "status": "approved", "watermark": None,
    "expired": False, "expiration_date": None, "superseded_by": None, "stale": False,
    "text": "uma  linha " + "palavra " * 100, "answer": "", "link": "https://gitlab.example/" + "x" * 90,
}  # fmt: skip


def test_a_passage_stands_in_its_context_and_fits_the_terminal() -> None:
    text = shown(print_hits, [HIT])
    lines = text.splitlines()
    assert lines[0] == "1. [bold]Título"
    assert lines[1] == "   A › B [1] · page 3 · version 2.1 · score 0.877"
    assert lines[2].startswith("   uma linha palavra palavra")
    assert f"   {HIT['link']}" in lines
    assert all(len(line) <= 80 for line in lines if "https" not in line)
    assert text.count("palavra") < 70
    assert "palavra …" in text


def test_a_passage_is_shown_without_markdown_around_the_sentence_that_answers() -> None:
    text = (
        "# Férias\n\n"
        + "Antes. " * 100
        + "\n\n- Peça com **30 dias**.\n\n| Prazo | Dias |\n|---|---|\n| férias | 30 |"
    )
    commit = "f121fc2e9c47bab24291e37ff12c39fb71f0c1f2"
    hit = HIT | {"text": text, "answer": "Peça com **30 dias**.", "link": f"a.md@{commit}", "clause": "4, c"}
    said = shown(print_hits, [hit]).splitlines()
    assert said[2:6] == ["   …", "   • Peça com 30 dias.", "   Prazo · Dias", "   férias · 30"]
    assert said[6] == "   a.md@f121fc2e", "eight digits of a commit tell it from others"
    assert "clause 4, c" in said[1]
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    print_hits(console, [hit])
    assert "\x1b[1;33mPeça com 30 dias.\x1b[0m" in console.file.getvalue()


def test_what_a_passage_lacks_is_left_out_and_copies_are_said() -> None:
    bare = {"pages": [], "version": "", "section_titles": [], "text": "curto"}
    text = shown(print_hits, [HIT | bare, HIT | bare | {"rank": 2, "paths": ["x.md", "a.md", "b.md"]}])
    assert text.splitlines()[1:3] == ["   score 0.877", "   curto"]
    assert "   score 0.877 · the same text is in a.md, b.md" in text
    text = shown(print_hits, [HIT | bare | {"paths": [f"{n}.md" for n in range(9)]}])
    assert "the same text is in 1.md, 2.md, 3.md, 4.md, 5.md and 3 more" in text


def test_a_passage_that_no_longer_holds_says_so() -> None:
    late = {"expired": True, "expiration_date": "2025-12-31", "superseded_by": {"title": "Norma 2"}}
    late |= {"stale": True, "watermark": "MINUTA", "status": "draft", "pages": [3, 4], "clause": "Art. 5º"}
    late |= {"has_struck_text": True}
    text = shown(print_hits, [HIT | late]).replace("\n   ", " ")
    for said in (
        "Art. 5º · pages 3–4", "status draft", "expired on 2025-12-31", "superseded by Norma 2",
        "marked MINUTA", "the present one cannot be read", "struck out or revoked",
    ):  # fmt: skip
        assert said in text


def figures(value: float, queries: int = 2) -> dict[str, Any]:
    names = ("hit@1", "hit@3", "hit@5", "mrr@10", "ndcg@10")
    return {**dict.fromkeys(names, value), "queries": queries}


def mode_figures(value: float) -> dict[str, Any]:
    took = {"p50": 12.3, "p95": 45.6}
    return {
        "overall": figures(value),
        "by_language": {"pt": figures(value, 1), "es": figures(value, 1)},
        "by_class": {"exact": figures(value, 1)},
        "latency_ms": took | {"embedding": took, "store": took},
    }


def test_the_figures_stand_side_by_side_and_fit_the_terminal() -> None:
    report = mode_figures(0.9) | {
        "collection": "nic_documents", "embedding_model": "m@1", "mode": "hybrid", "questions": 2,
        "not_indexed": [], "modes": {"dense": mode_figures(0.8), "hybrid": mode_figures(0.9)},
        "missed": [
            {"id": "q1", "query": "pergunta " * 20, "rank": 7, "paths": ["a.md"], "first_path": "b.md"},
            {"id": "q2", "query": "outra", "rank": None, "paths": ["a.md"], "first_path": None},
        ],
    }  # fmt: skip
    text = shown(print_evaluation, report, None)
    assert "2 questions to nic_documents, m@1" in text
    assert "1 question to nic_documents, m@1" in shown(print_evaluation, report | {"questions": 1}, None)
    assert [line.split() for line in text.splitlines() if line.startswith(("dense ", "mode "))] == [
        ["mode", "questions", "number", "hit@1", "hit@3", "hit@5", "mrr@10", "ndcg@10"],
        ["dense", "all", "2", *5 * ["0.800"]],
        ["dense", "pt", "1", *5 * ["0.800"]],
        ["dense", "es", "1", *5 * ["0.800"]],
        ["dense", "exact", "1", *5 * ["0.800"]],
    ]
    assert "hybrid: 12 ms a question (p50), 46 ms (p95); embedding 12/46, store 12/46" in text
    assert "q1 (at 7): pergunta" in text
    assert "q2 (not among the first ten): outra" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_one_mode_alone_has_one_block_of_figures() -> None:
    report = mode_figures(1.0) | {
        "collection": "c", "embedding_model": "m@1", "mode": "dense", "questions": 2,
        "not_indexed": [], "missed": [],
    }  # fmt: skip
    text = shown(print_evaluation, report, Path("/o/runs/r/evaluation.json"))
    assert text.count("dense  ") == 4
    assert "Without their document" not in text
    assert text.endswith("Kept in /o/runs/r/evaluation.json\n")
