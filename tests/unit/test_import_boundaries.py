"""Promises of the architecture: who may import whom, and what a light command never loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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


def test_every_room_sees_only_what_stands_below_it() -> None:
    """The contracts stand in pyproject.toml; the command prints the import that breaks one."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], capture_output=True, text=True, check=False, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, done.stdout


def test_a_room_is_no_warehouse() -> None:
    def modules(folder: Path) -> int:
        return len(list(folder.glob("*.py")))

    for package, most in ((ROOT / "runner", 12), (ROOT / "stage_notebooks" / "stagekit", 8)):
        assert modules(package) <= most
        for folder in filter(Path.is_dir, package.rglob("*")):
            assert modules(folder) <= 20, folder


def imported(path: Path) -> Iterator[str]:
    """The name of every package that a file imports, at its top or anywhere inside."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", sorted((ROOT / "runner").rglob("*.py")), ids=lambda path: path.stem)
def test_the_runner_imports_no_library_of_the_stages(path: Path) -> None:
    assert not DOMAIN & set(imported(path))


def test_notebooks_know_nothing_of_the_runner() -> None:
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
