"""Promises to whoever asks: passages that can be followed to their file, and figures on how well it works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.conftest import NicEtl, SampleRun
from tests.integration.test_sample_chain import QUESTIONS

pytestmark = pytest.mark.slow
EXACT = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "exact_questions.jsonl").read_text("utf-8").splitlines()
]
QUESTION = "prazo para comunicar um incidente de segurança"


def test_each_mode_answers_and_a_passage_leads_to_its_file(sample_run: SampleRun, nic_etl: NicEtl) -> None:
    for mode in ("hybrid", "dense", "sparse"):
        done = nic_etl(sample_run.outputs, "search", QUESTION, "--mode", mode, "--json")
        assert done.returncode == 0, done.stderr
        first = json.loads(done.stdout)[0]
        assert "politica-de-seguranca-da-informacao" in first["path"], mode
        assert first["link"].startswith((first["path"] + "@", "http"))
        assert first["repository_commit"] in first["link"]


def test_filters_are_any_of_their_values_and_all_of_their_fields(
    sample_run: SampleRun, nic_etl: NicEtl
) -> None:
    words = ("search", QUESTION, "--json", "--top", "20", "--filter", "status=approved")
    both = nic_etl(sample_run.outputs, *words, "--filter", "language=en,es")
    portuguese = nic_etl(sample_run.outputs, *words, "--filter", "language=pt-BR")
    paths = [{hit["path"] for hit in json.loads(done.stdout)} for done in (both, portuguese)]
    assert all(paths)
    assert not paths[0] & paths[1]


def test_an_answer_without_a_terminal_is_plain_text(sample_run: SampleRun, nic_etl: NicEtl) -> None:
    done = nic_etl(sample_run.outputs, "search", QUESTION, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1. ")
    assert "\x1b" not in done.stdout


def test_the_sample_is_evaluated_and_the_figures_stay_with_its_run(
    sample_copy: SampleRun, nic_etl: NicEtl, tmp_path: Path
) -> None:
    questions = tmp_path / "questions.jsonl"
    rows = [*QUESTIONS, *EXACT]
    questions.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    done = nic_etl(sample_copy.outputs, "evaluate", str(questions), "--compare", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["mode"] == "hybrid"
    assert report["not_indexed"] == []
    assert report["overall"]["hit@5"] >= 0.8
    assert report["by_class"]["exact"]["hit@3"] == 1.0
    assert report["by_class"]["exact"]["queries"] == 30
    assert report["overall"]["mrr@10"] >= report["modes"]["sparse"]["overall"]["mrr@10"] - 0.1
    assert set(report["modes"]) == {"dense", "sparse", "hybrid"}
    assert json.loads((sample_copy.run_dir / "evaluation.json").read_text()) == report
