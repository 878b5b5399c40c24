"""The six stages of the chain: what each depends on, which code makes it, and which secrets it may see."""

from __future__ import annotations

import ast
import hashlib
import json
import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from runner.errors import ConfigurationError
from runner.models import PipelineStage, ResourceRequirements
from stagekit.base.fingerprint import notebook_code, sources_fingerprint
from stagekit.base.paths import package_dir, source_notebook

__all__ = ["code_parts", "default_stages", "notebook_parameters"]

# What every stage is made with.
_COMMON = ("__init__", "artifacts", "base", "contract", "errors", "sealing", "stage")

# Python 3.11 counts the depth of a syntax tree for all threads together (python/cpython#106905), and stages
# that run side by side would end with "AST constructor recursion depth mismatch".
_PARSING = threading.Lock()


def default_stages() -> list[PipelineStage]:
    """Return the chain of the six stage notebooks."""
    return [
        PipelineStage(
            "gitlab_ingestion",
            "reads the approved documents of the repository",
            source_notebook("gitlab_ingestion"),
            code=("declared", "ingestion"),
            secrets=("GITLAB_TOKEN", "CI_JOB_TOKEN"),
            outside="source",
        ),
        PipelineStage(
            "document_processing",
            "converts each document with Docling, with OCR where it is needed",
            source_notebook("document_processing"),
            dependencies=("gitlab_ingestion",),
            code=("declared", "processing"),
            secrets=("HF_TOKEN", "NIC_ETL_PDF_PASSWORDS"),
            warm_imports=("stagekit.processing", "stagekit.workers.team"),
            worker_imports=("stagekit.processing.worker", "stagekit.processing.light_libraries"),
            resource_requirements=ResourceRequirements(memory_mb=2500),
        ),
        PipelineStage(
            "text_chunking",
            "cuts the documents into chunks along their structure",
            source_notebook("text_chunking"),
            dependencies=("document_processing",),
            code=("chunking", "embedding"),
            secrets=("HF_TOKEN",),
            warm_imports=("stagekit.chunking", "docling_core.types.doc"),
            warm_up="stagekit.embedding.warm_up:tokenizer",
            resource_requirements=ResourceRequirements(memory_mb=800),
        ),
        PipelineStage(
            "embedding_generation",
            "turns each chunk into a vector",
            source_notebook("embedding_generation"),
            dependencies=("text_chunking",),
            code=("embedding",),
            secrets=("HF_TOKEN",),
            # torch is left to the notebook: ONNX Runtime does without its 6 s and 1 GB.
            warm_imports=("stagekit.embedding", "onnxruntime", "tokenizers"),
            warm_up="stagekit.embedding.warm_up:model",
            resource_requirements=ResourceRequirements(memory_mb=3000),
        ),
        PipelineStage(
            "metadata_enrichment",
            "describes each chunk by the NIC schema",
            source_notebook("metadata_enrichment"),
            dependencies=("gitlab_ingestion", "document_processing", "text_chunking"),
            code=("declared", "enrichment"),
            warm_imports=("stagekit.enrichment",),
            warm_up="stagekit.enrichment.language_model:warm_up",
            resource_requirements=ResourceRequirements(memory_mb=600),
        ),
        PipelineStage(
            "qdrant_storage",
            "makes the Qdrant collection equal to the desired state",
            source_notebook("qdrant_storage"),
            dependencies=("gitlab_ingestion", "embedding_generation", "metadata_enrichment"),
            code=("declared", "enrichment", "storage"),
            secrets=("QDRANT_API_KEY",),
            warm_imports=("qdrant_client", "stagekit.storage"),
            outside="store",
            resource_requirements=ResourceRequirements(memory_mb=1000),
        ),
    ]


def notebook_parameters(notebook: Path) -> dict[str, Any]:
    """Return the names and defaults of the cell tagged ``parameters``.

    Papermill's own inspection reads the cell with regular expressions and misses what they do not cover;
    this reads Python's syntax tree.

    Raises:
        ConfigurationError: if the notebook is missing, or has no such cell, or a default is no literal.
    """
    try:
        content = json.loads(notebook.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The stage notebook {notebook} cannot be read: {error}.") from None
    for cell in content.get("cells", []):
        if "parameters" in cell.get("metadata", {}).get("tags", []):
            return _literals("".join(cell["source"]), notebook)
    raise ConfigurationError(f"{notebook} has no cell tagged `parameters`.")


def code_parts(stage: PipelineStage) -> dict[str, str]:
    """Return the sha256 of each piece of code that bears on a stage's result, by name."""
    package = package_dir()
    parts = {
        f"stagekit.{name}": _sources_digest(tuple(_files(package, (name,)))) for name in sorted(stage.code)
    }
    parts["stagekit"] = _sources_digest(tuple(_files(package, _COMMON)))
    parts["notebook"] = hashlib.sha256(json.dumps(notebook_code(stage.notebook)).encode()).hexdigest()
    return parts


def _literals(source: str, notebook: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        with _PARSING:
            tree = ast.parse(source)
    except SyntaxError as error:
        raise ConfigurationError(
            f"{notebook}: the cell tagged `parameters` is not Python ({error.msg}, line {error.lineno})."
        ) from None
    for name, value in _assignments(tree):
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, TypeError):
            raise ConfigurationError(f"{notebook}: the default of {name} must be a literal value.") from None
    return found


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def _files(package: Path, names: Iterable[str]) -> list[Path]:
    files: list[Path] = []
    for name in names:
        module = package / f"{name}.py"
        files += [module] if module.exists() else sorted((package / name).rglob("*.py"))
    return files


@lru_cache(maxsize=64)
def _sources_digest(files: tuple[Path, ...]) -> str:
    return sources_fingerprint(files)
