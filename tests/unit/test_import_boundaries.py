"""Promises of the architecture: who may import whom, and what is not loaded before it is needed.

The rooms and their contracts stand in pyproject.toml; ``make check`` holds them.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.stages.chain import default_stages
from tests.unit.search_store import fill
from tests.unit.storage_rows import COLLECTION, DIMENSION

ROOT = Path(__file__).parents[2]
DOMAIN = {
    "gitlab", "docling", "docling_core", "qdrant_client", "qdrant_edge", "torch", "sentence_transformers",
    "transformers",
}  # fmt: skip
# Libraries that cost a noticeable part of a second or tens of megabytes, wherever they come from.
HEAVY = {
    "boto3", "cryptography", "cv2", "dask", "distributed", "docling", "docling_core", "docling_ibm_models",
    "gitlab", "grpc", "matplotlib", "nltk", "numba", "onnxruntime", "openvino", "pandas", "papermill", "PIL",
    "pyarrow", "pypdfium2", "qdrant_client", "qdrant_edge", "requests", "rfc3987_syntax", "scipy",
    "sentence_transformers", "skimage", "sklearn", "sympy", "tokenizers", "torch", "torchvision",
    "transformers",
}  # fmt: skip
NUMBERS = {"pyarrow"}  # and numpy, which is in every kernel
FIGURES = {"matplotlib", "PIL"}
STAGES = {stage.name: stage for stage in default_stages()}
# What may be loaded by the imports of each stage's notebook, and by a statement.
ALLOWED: dict[str, set[str]] = {
    "gitlab_ingestion": {"gitlab", "requests"} | NUMBERS,
    "document_processing": NUMBERS | FIGURES,  # its workers load Docling, and only what a document needs
    # docling_core imports pandas and, through its pictures, cv2: it is the one library that reads documents.
    "text_chunking": {"docling_core", "pandas", "cv2"} | NUMBERS | FIGURES,
    "embedding_generation": {"tokenizers"} | NUMBERS | FIGURES,  # what computes comes with the model
    "metadata_enrichment": NUMBERS,
    "qdrant_storage": {"qdrant_client", "qdrant_edge", "grpc"} | NUMBERS,
    # Whatever is there before it is known what is asked for; in one process, for each of it adds nothing.
    """
import runner, runner.spec, runner.cli.app, runner.pipeline.orchestrator, stagekit, stagekit.search
import stagekit.stage.stage, stagekit.ingestion, stagekit.enrichment
import stagekit.search.query, stagekit.search.evaluation, stagekit.embedding.sparse
from stagekit.chunking.limits import check_chunk_settings
from stagekit.embedding.registry import max_sequence_length
check_chunk_settings(500, 100, max_sequence_length("packaged/multilingual-e5-small"))
""": set(),
    "import stagekit.storage": {"qdrant_client", "qdrant_edge", "grpc"} | NUMBERS,
    "import runner.kernels.execution": {"papermill", "requests"},  # rfc3987_syntax took two seconds a run
    "import stagekit.embedding as e; e.load_tokenizer('packaged/all-MiniLM-L6-v2')": {"tokenizers"},
}


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


def test_the_runner_imports_no_library_of_the_stages() -> None:
    for path in (ROOT / "runner").rglob("*.py"):
        assert not DOMAIN & set(imported(path)), path


def test_notebooks_know_nothing_of_the_runner() -> None:
    for notebook in (ROOT / "stage_notebooks").glob("*.ipynb"):
        assert "runner" not in set(notebook.read_text().replace('"', " ").split()), notebook


def statements(notebook: Path) -> Iterator[str]:
    """Every import of a notebook, also those inside of functions."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            for node in ast.walk(ast.parse("".join(cell["source"]))):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield ast.unparse(node)


def test_the_table_names_each_stage() -> None:
    assert list(ALLOWED)[: len(STAGES)] == list(STAGES)


@pytest.mark.parametrize("what", ALLOWED, ids=lambda what: what.strip().splitlines()[0])
def test_no_heavy_library_is_loaded_that_is_not_needed(what: str) -> None:
    lines = [what]
    if stage := STAGES.get(what):
        lines = [*statements(stage.notebook), *(f"import {name}" for name in stage.warm_imports)]
    script = "\n".join([*lines, "import sys", "print(*sorted({n.partition('.')[0] for n in sys.modules}))"])
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=ROOT / "stage_notebooks",
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split("\n")[-2].split())
    assert loaded & HEAVY <= ALLOWED[what]


def test_a_question_from_the_command_line_loads_its_own_commands_alone() -> None:
    """It is answered in a second; what runs need would be a quarter of that."""
    loaded = loaded_by("from runner.cli.entry import command_line; command_line(['search', 'x'])")
    rooms = {".".join(name.split(".")[:2]) for name in loaded if name.startswith("runner.")}
    assert not rooms & {f"runner.{room}" for room in ("kernels", "models", "pipeline", "record", "report")}
    assert not libraries(loaded) & {"fsspec", "pyarrow", "numpy", "psutil", "qdrant_client", "httpx"}


def test_a_question_to_the_embedded_store_loads_the_engine_and_the_model_and_no_other_library(
    tmp_path: Path,
) -> None:
    fill(tmp_path, {"30-Aprovados/a.md": ["prazo de dez dias"]})
    loaded = loaded_by(
        "from stagekit.search.query import search\n"
        f"hits = search('prazo', outputs_dir={str(tmp_path)!r}, collection_name={COLLECTION!r},"
        " embedding_model='unused', mode='hybrid',"
        f" embed=lambda text: [1.0] * {DIMENSION})\n"
        "assert len(hits) == 1\n"
        "import stagekit.embedding.model"
    )
    assert libraries(loaded) <= {"numpy", "qdrant_edge", "portalocker"}


def loaded_by(script: str) -> list[str]:
    """The modules that are loaded when a script has been executed by a process of its own."""
    script += "\nimport sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def libraries(modules: list[str]) -> set[str]:
    """The packages among modules that are neither ours nor Python's."""
    names = {name.partition(".")[0] for name in modules if not name.startswith("_")}
    return names - {"runner", "stagekit"} - sys.stdlib_module_names


def test_what_papermill_came_without_can_be_loaded_by_whoever_wants_it() -> None:
    script = "import runner.kernels.execution, pyarrow.fs, boto3; print(pyarrow.fs.__name__, boto3.__name__)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout == "pyarrow.fs boto3\n"
