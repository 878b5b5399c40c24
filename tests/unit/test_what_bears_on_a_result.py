"""Promises of the fingerprints: what a notebook imports counts for its result, or stands here with a reason.

What a notebook imports is followed through ``stagekit`` by reading the code: imports at the top and inside of
functions, and modules that are named as text (``module:function``).
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from runner.models import PipelineStage
from runner.stages.chain import default_stages
from runner.stages.fingerprint import COMMON
from stagekit.base.fingerprint import library_versions
from stagekit.base.paths import package_dir

STAGES = default_stages()
WITHOUT_RESULT = {
    "workers": "who converts a document, not what comes of it",
    "cluster": "where a document is converted or embedded; alike machines only, which it checks",
}
"""Rooms that change no stage's result."""

OF_NO_CONSEQUENCE = {
    "document_processing": {"embedding": "chunking is asked for its Markdown, and for no tokens"},
    "embedding_generation": {"processing": "the settings of workers, which the cluster compares"},
}
"""Rooms that are imported by a stage for something that changes no result of it."""

_STORES = "stores, compares or checks what is made, and makes nothing itself"
_ARITHMETIC = "the last digits of a number or a pixel"
LIBRARIES_WITHOUT_RESULT = {
    "cryptography": _STORES, "fsspec": _STORES, "pyarrow": _STORES, "pydantic": _STORES,
    "pydantic_core": _STORES, "portalocker": _STORES, "qdrant_client": _STORES, "qdrant_edge": _STORES,
    "grpc": _STORES, "httpx": _STORES, "packaging": _STORES, "typing_extensions": _STORES,
    "IPython": "shows", "psutil": "looks at the machine", "distributed": "where it is computed",
    "tenacity": "when something is tried again",
    "requests": "fetches", "urllib3": "fetches", "gitlab": "fetches",
    "huggingface_hub": "fetches models, which count by their own files", "safetensors": "reads models",
    "numpy": _ARITHMETIC, "torch": _ARITHMETIC, "PIL": _ARITHMETIC, "cv2": _ARITHMETIC,
    "transformers": _ARITHMETIC, "sentence_transformers": _ARITHMETIC,
    "fontTools": "reads the metrics that docling-parse brings, and the names of letters, a list of Adobe",
    "yaml": "reads front matter by the rules of YAML 1.1, which do not change",
}  # fmt: skip
"""Libraries that change no stage's result, and why."""

ARITHMETIC_ALONE = {
    ("text_chunking", "onnxruntime"), ("embedding_generation", "onnxruntime"),
    ("text_chunking", "openvino"), ("embedding_generation", "openvino"),
    ("embedding_generation", "tokenizers"), ("document_processing", "tokenizers"),
    ("qdrant_storage", "py3langid"),
}  # fmt: skip
"""Libraries that count for one stage, and not for another that imports them through the same module."""

_NAMED = re.compile(r"(stagekit(?:\.\w+)+)(?::\w+)?")


def place(module: str) -> Path | None:
    path = package_dir().parent.joinpath(*module.split("."))
    found = (path / "__init__.py", path.with_suffix(".py"))
    return next((one for one in found if one.is_file()), None)


def imported(source: str) -> Iterator[str]:
    """Every module that a source imports or names; of a package also the submodules that it takes from it."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            if node.module != "stagekit":  # its names are lazy: each is a module of its own
                yield node.module
        elif isinstance(node, ast.Constant) and (named := _NAMED.fullmatch(str(node.value))):
            yield named[1]


@cache
def reached(notebook: Path) -> tuple[frozenset[str], frozenset[str]]:
    """What the cells of a notebook reach that make its result: modules of stagekit, and libraries."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = [
        "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "code" and not {"parameters", "display"} & {*cell["metadata"].get("tags", [])}
    ]
    todo = {module for source in sources for module in imported(source)} | {"stagekit.stage.stage"}
    seen: set[str] = set()
    libraries: set[str] = set()
    while todo:
        module = todo.pop()
        if not module.startswith("stagekit"):
            libraries.add(module.partition(".")[0])
        elif module not in seen and (path := place(module)) is not None:
            seen.add(module)
            todo.update(imported(path.read_text(encoding="utf-8")))
    return frozenset(seen), frozenset(libraries - sys.stdlib_module_names - {"stagekit", "__future__"})


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else "__init__"


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_the_code_of_each_room_that_a_notebook_reaches_counts(stage: PipelineStage) -> None:
    modules, _ = reached(stage.notebook)
    rooms = {room(module) for module in modules} - {*COMMON} - WITHOUT_RESULT.keys()
    let_be = OF_NO_CONSEQUENCE.get(stage.name, {}).keys()
    assert let_be <= rooms
    assert rooms - let_be == {*stage.code}


@pytest.mark.parametrize("stage", STAGES[:5], ids=lambda stage: stage.name)
def test_what_counts_for_a_stage_counts_for_each_of_its_documents(stage: PipelineStage) -> None:
    """The notebook names to ``map_documents`` the code that makes the outcome of one document."""
    cells = json.loads(stage.notebook.read_text(encoding="utf-8"))["cells"]
    source = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    [named] = re.findall(r"\bcode=\[([^\]]*)\]", source)
    assert {part.strip().partition(".")[0] for part in named.split(",") if part.strip()} == {*stage.code}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_the_version_of_each_library_that_a_notebook_reaches_counts_or_has_a_reason_not_to(
    stage: PipelineStage,
) -> None:
    _, libraries = reached(stage.notebook)
    let_be = {name for one, name in ARITHMETIC_ALONE if one == stage.name} | LIBRARIES_WITHOUT_RESULT.keys()
    names = packages_distributions()
    counted = library_versions(stage.name).keys()
    doubtful = {name for name in libraries - let_be if not {name, *names.get(name, [])} & counted}
    assert not doubtful, "let them count in stagekit/base/fingerprint.py, or say here why they do not"
