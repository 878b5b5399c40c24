"""What each stage's kernel loads before its first document: seconds of start-up are gained and lost here."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.models import PipelineStage
from runner.stages.chain import default_stages

# Libraries that cost a noticeable part of a second or tens of megabytes, wherever they come from.
HEAVY = {
    "boto3", "cv2", "dask", "distributed", "docling", "docling_core", "docling_ibm_models", "gitlab", "grpc",
    "matplotlib", "nltk", "numba", "onnxruntime", "pandas", "papermill", "PIL", "pyarrow", "pypdfium2",
    "qdrant_client", "qdrant_edge", "requests", "scipy", "sentence_transformers", "skimage", "sklearn",
    "sympy", "tokenizers", "torch", "torchvision", "transformers",
}  # fmt: skip
NUMBERS = {"pyarrow"}  # and numpy, which is in every kernel
FIGURES = {"matplotlib", "PIL"}
ALLOWED = {
    "gitlab_ingestion": {"gitlab", "requests"} | NUMBERS,
    "document_processing": NUMBERS | FIGURES,  # its workers load Docling, and only what a document needs
    # docling_core imports pandas and, through its pictures, cv2: it is the one library that reads documents.
    "text_chunking": {"docling_core", "pandas", "cv2"} | NUMBERS | FIGURES,
    "embedding_generation": {"onnxruntime", "tokenizers"} | NUMBERS | FIGURES,  # torch only where it computes
    "metadata_enrichment": NUMBERS,
    "qdrant_storage": {"qdrant_client", "qdrant_edge", "grpc"} | NUMBERS,
}
STAGES = default_stages()


def imports(notebook: Path) -> Iterator[str]:
    """Every import of a notebook, also those inside of functions, as statements."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            for node in ast.walk(ast.parse("".join(cell["source"]))):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield ast.unparse(node)


def test_the_list_names_each_stage() -> None:
    assert list(ALLOWED) == [stage.name for stage in STAGES]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_loads_no_heavy_library_that_it_does_not_need(stage: PipelineStage) -> None:
    lines = [*imports(stage.notebook), *(f"import {name}" for name in stage.warm_imports)]
    script = "\n".join([*lines, "import sys", "print(*sorted({n.partition('.')[0] for n in sys.modules}))"])
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=stage.notebook.parent,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split("\n")[-2].split())
    assert loaded & HEAVY <= ALLOWED[stage.name]
