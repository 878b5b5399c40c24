"""The main job on the bundled sample: what a newcomer sees after `make run`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import scrapbook

from stagekit.base.paths import config_dir, notebooks_dir
from stagekit.contract import STAGE_RESULT, artifact_refs, read_scraps, stage_result
from tests.integration.conftest import SampleRun

NicEtl = Callable[..., subprocess.CompletedProcess[str]]
STAGES = (
    "gitlab_ingestion",
    "document_processing",
    "text_chunking",
    "embedding_generation",
    "metadata_enrichment",
    "qdrant_storage",
)
QUESTIONS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "sample_questions.jsonl").read_text().splitlines()
    if line
]


def test_the_run_ends_well_and_tells_its_figures(sample_run: SampleRun) -> None:
    summary = sample_run.summary
    assert summary["status"] == "success"
    assert [stage["name"] for stage in summary["stages"]] == list(STAGES)
    assert summary["documents"]["ok"] >= 16
    assert summary["documents"]["rejected"] == 2
    assert summary["documents"]["failed"] == 0
    assert summary["points"]["upserted"] == summary["points"]["total"] > 16


def test_every_file_of_the_sample_is_accounted_for(sample_run: SampleRun, nic_etl: NicEtl) -> None:
    shown = nic_etl(sample_run.outputs, "show")
    told = json.loads(nic_etl(sample_run.outputs, "show", "--json").stdout)
    root = config_dir() / "sample_repository"
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}

    outcomes = {row["path"]: row["status"] for row in told["outcomes"]}
    ignored = files - outcomes.keys()
    assert len(ignored) == told["documents"]["ignored"]
    assert set(outcomes) <= files
    for path in [*ignored, *(path for path, status in outcomes.items() if status != "ok")]:
        assert Path(path).name in shown.stdout.replace("\n", ""), path
    assert "protected with a password" in shown.stdout
    assert "status: draft" in shown.stdout


def test_each_executed_notebook_opens_and_its_last_cell_tells_what_was_glued(sample_run: SampleRun) -> None:
    for path in sorted(sample_run.run_dir.glob("0*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        last = notebook.cells[-1].outputs[-1].data["text/plain"]
        for name, data in read_scraps(path).items():
            if name == STAGE_RESULT or artifact_refs(data):
                assert name in last, (path, name)


def test_scrapbook_reads_every_executed_notebook(sample_run: SampleRun) -> None:
    for path in sorted(sample_run.run_dir.glob("0*.ipynb")):
        scraps = scrapbook.read_notebook(str(path)).scraps
        assert scraps[STAGE_RESULT].data["status"] == "success"


def test_every_artifact_of_the_run_is_whole(sample_run: SampleRun) -> None:
    from runner.record.state_manager import StateManager

    manager = StateManager(sample_run.outputs)
    state = manager.load_checkpoint()
    assert {name: manager.faults(checkpoint) for name, checkpoint in state.stages.items()} == {
        name: [] for name in STAGES
    }


@pytest.mark.slow
def test_the_right_document_is_found_for_the_questions(sample_run: SampleRun, tmp_path: Path) -> None:
    from stagekit.search.query import search

    missed: list[dict[str, Any]] = []
    for question in QUESTIONS:
        hits = search(
            question["query"],
            qdrant_url="embedded",
            collection_name="nic_documents",
            outputs_dir=str(sample_run.outputs),
            embedding_model="packaged/multilingual-e5-small",
            top=3,
            filters={},
        )
        if not {hit.path for hit in hits} & set(question["paths"]):
            missed.append({"question": question["query"], "found": [hit.path for hit in hits]})
    assert len(QUESTIONS) >= 10
    assert len(missed) <= len(QUESTIONS) // 5, missed
    del tmp_path


@pytest.mark.slow
def test_search_answers_with_passage_document_page_score_and_version(
    sample_run: SampleRun, nic_etl: NicEtl
) -> None:
    question = "prazo para comunicar um incidente de segurança"
    done = nic_etl(sample_run.outputs, "search", question, "--json")
    hits = json.loads(done.stdout)

    assert done.returncode == 0
    assert "politica-de-seguranca-da-informacao" in hits[0]["path"]
    assert {"rank", "score", "path", "title", "page_number", "section_titles", "text", "version"} <= set(
        hits[0]
    )
    spoken = nic_etl(sample_run.outputs, "search", question, "--filter", "language=es")
    assert spoken.returncode == 0
    assert "politica-de-seguranca" not in spoken.stdout


def test_a_stage_notebook_runs_with_papermill_alone(sample_run: SampleRun, tmp_path: Path) -> None:
    out = tmp_path / "out.ipynb"
    command = [
        sys.executable, "-m", "papermill", str(notebooks_dir() / "03_text_chunking.ipynb"), str(out),
        "-p", "chunk_size", "200", "-p", "chunk_overlap", "40", "-p", "outputs_dir", str(sample_run.outputs),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    assert done.returncode == 0, done.stderr
    first = stage_result(sample_run.run_dir / "03_text_chunking.ipynb").metrics["chunks"]
    assert stage_result(out).metrics["chunks"] > first


@pytest.mark.slow
def test_a_rerun_with_another_chunk_size_and_then_a_run(sample_copy: SampleRun, nic_etl: NicEtl) -> None:
    kept = {path.name: path.read_bytes() for path in sample_copy.run_dir.glob("*.ipynb")}
    done = nic_etl(
        sample_copy.outputs, "rerun", "text_chunking", "-p", "chunk_size=200", "-p", "chunk_overlap=40"
    )

    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_bytes() for path in sample_copy.run_dir.glob("*.ipynb")} == kept
    assert "chunk_size" in done.stdout
    assert "chunks " in done.stdout
    for stage in ("embedding_generation", "metadata_enrichment", "qdrant_storage"):
        assert stage in done.stdout
    new = sorted((sample_copy.outputs / "runs").iterdir())[-1] / "03_text_chunking.ipynb"
    assert "chunk_size = 200" in new.read_text()

    # A run with the former settings finds the former results, and the collection as it was.
    again = nic_etl(sample_copy.outputs, "run", "--json")
    summary = json.loads(again.stdout)
    assert {stage["status"] for stage in summary["stages"]} == {"skipped"}
    assert summary["points"]["unchanged"] == summary["points"]["total"]
    assert summary["points"]["upserted"] == summary["points"]["deleted"] == 0
    assert summary["documents"]["unchanged"] == summary["documents"]["ok"]

    # The next one tells the same, and takes its words on documents from the report of this one.
    third = nic_etl(sample_copy.outputs, "run", "--json", PYTHONPROFILEIMPORTTIME="1")
    changing = {"execution_id", "duration_seconds", "stages"}
    assert {**json.loads(third.stdout), **dict.fromkeys(changing)} == {**summary, **dict.fromkeys(changing)}
    imported = {line.rpartition("|")[2].strip() for line in third.stderr.splitlines()}
    assert "runner.report.write" in imported
    assert not imported & {"pyarrow", "numpy", "jupyter_client", "zmq", "tenacity", "http.server"}


@pytest.mark.slow
def test_a_forced_document_is_processed_again_and_no_other(sample_copy: SampleRun, nic_etl: NicEtl) -> None:
    path = "30-Aprovados/manuais/comunicacao/guia-de-linguagem-simples.md"
    done = nic_etl(sample_copy.outputs, "run", "--json", "--force-document", path)
    summary = json.loads(done.stdout)

    state = json.loads((sample_copy.outputs / "runs" / summary["execution_id"] / "run.json").read_text())
    processed = state["stages"]["document_processing"]["result"]
    assert state["mode"] == "incremental"
    assert processed["success_count"] - processed["unchanged_count"] == 1
    assert state["stages"]["gitlab_ingestion"]["carried_from"] == sample_copy.summary["execution_id"]
    points = summary["points"]
    assert points["upserted"] <= 4  # its own points, whose processing_timestamp is a new one
    assert points["unchanged"] == points["total"] - points["upserted"]
    assert points["deleted"] == 0


@pytest.mark.slow
def test_each_plot_of_a_first_run_is_there_as_an_image(sample_run: SampleRun) -> None:
    drawn = {
        path.stem: [list(output.get("data", {})) for output in cell.outputs]
        for path in sample_run.run_dir.glob("*.ipynb")
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code" and "plt.show()" in cell.source
    }
    assert len(drawn) == 3
    assert all("image/png" in kinds for outputs in drawn.values() for kinds in outputs[-1:] or [[]])


def test_all_that_a_run_leaves_is_named_in_the_readme(sample_run: SampleRun) -> None:
    for page, title in (("README.md", "## What is kept"), ("README.pt-BR.md", "## O que é guardado")):
        text = (Path(__file__).parents[2] / page).read_text("utf-8").partition(title)[2].partition("## ")[0]
        for entry in sample_run.outputs.iterdir():
            name = entry.name.removesuffix("-wal").removesuffix("-shm")
            assert name in text, (page, name)
