"""Promises of the architecture: who may import whom, and what a light command never loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNNER = sorted((ROOT / "runner").rglob("*.py"))
STAGEKIT = sorted((ROOT / "stage_notebooks" / "stagekit").rglob("*.py"))
# What has nothing to do with documents, models or services: the contract, and what lies below outputs/.
SHARED = {
    "arrow", "artifacts", "contract", "database_faults", "early_imports", "encryption", "encryption_change",
    "encryption_marker", "errors", "fingerprint", "forking", "machine", "manifest", "memo", "outside",
    "paths", "plain_json", "preflight", "process_memory", "redaction", "rows", "secret_files",
    "source_head", "tables", "worker_forks",
}  # fmt: skip
DOMAIN = {
    "gitlab",
    "docling",
    "docling_core",
    "qdrant_client",
    "qdrant_edge",
    "torch",
    "sentence_transformers",
    "transformers",
}


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or anywhere inside."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            assert node.module is not None
            yield node.module
            if node.module == "stagekit":
                yield from (f"stagekit.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", RUNNER, ids=lambda path: path.stem)
def test_the_runner_knows_the_contract_and_nothing_of_the_stages(path: Path) -> None:
    for name in imported(path):
        package, _, module = name.partition(".")
        assert package not in DOMAIN, name
        if package == "stagekit":
            assert module.partition(".")[0] in SHARED, name


def test_stages_know_nothing_of_the_runner() -> None:
    for path in STAGEKIT:
        for name in imported(path):
            assert name.partition(".")[0] != "runner", path
    for notebook in (ROOT / "stage_notebooks").glob("*.ipynb"):
        assert "runner" not in set(notebook.read_text().replace('"', " ").split()), notebook


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("stagekit", {"torch", "docling", "papermill", "pandas", "qdrant_client", "matplotlib"}),
        ("stagekit.ingestion", {"torch", "docling"}),
        ("stagekit.enrichment", {"torch", "docling"}),
        ("stagekit.storage", {"torch", "docling"}),
        ("runner.cli.app", {"torch", "docling", "papermill", "qdrant_client", "pandas"}),
        ("runner.pipeline.orchestrator", {"torch", "docling", "papermill", "qdrant_client"}),
    ],
)
def test_importing_a_module_loads_nothing_heavy(module: str, heavy: set[str]) -> None:
    script = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert not heavy & set(done.stdout.split())


def test_papermill_comes_without_what_no_notebook_of_ours_needs() -> None:
    """Each is a part of a second; rfc3987_syntax alone took two, of every run."""
    script = (
        "import sys; import runner.kernels.execution;"
        "print([name for name in ('rfc3987_syntax', 'boto3', 'pyarrow') if name in sys.modules]);"
        "import pyarrow.fs, boto3; print(pyarrow.fs.__name__, boto3.__name__)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.split("\n")[:2] == ["[]", "pyarrow.fs boto3"]
