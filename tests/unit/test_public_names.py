"""Promises of the public surface: names can be imported, are listed, and cost nothing until they are used."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

LAZY = (
    "runner", "runner.dashboard", "runner.spec", "stagekit", "stagekit.chunking", "stagekit.declared",
    "stagekit.embedding", "stagekit.enrichment", "stagekit.ingestion", "stagekit.search", "stagekit.storage",
)  # fmt: skip
# What a person who steers the pipeline from Python needs; taking one away breaks their program.
PROMISED = {
    "runner": {
        "ConfigurationError", "DependencyResolutionError", "PipelineConfig", "PipelineMonitor",
        "PipelineOrchestrationError", "PipelineOrchestrator", "PipelineResult", "StageCancelledError",
        "StageExecutionError", "StageManager", "StageMemoryError", "StateManagementError", "StateManager",
        "follow", "load_config",
    },
    "stagekit": {
        "ArtifactError", "ArtifactRef", "DocumentOutput", "DocumentRejected", "ExecutionStatus", "Stage",
        "StageError", "StageResult", "open_stage",
    },
    "stagekit.search": {"SearchRequestError", "evaluate", "search"},
    "stagekit.storage": {"connect"},
}  # fmt: skip
# Programs outside of the project import from here, wherever the modules have moved since.
KEPT = {
    "stagekit.chunking": ("ChunkSettings", "chunk_document"),
    "stagekit.embedding": ("load_tokenizer",),
    "stagekit.embedding.terms": ("sparse_terms",),
    "stagekit.enrichment.dates": ("parse_day",),
    "stagekit.ingestion.gitlab_retry": ("Patience",),
    "stagekit.ingestion.gitlab_transport": ("Traffic",),
    "stagekit.processing.process": ("ProcessingSettings", "process_document"),
    "stagekit.processing.reader": ("DocumentReader",),
    "stagekit.storage": ("connect",),
    "tests.servers.qdrant_server": ("QdrantServer",),
}


def package(name: str) -> ModuleType:
    if name == "runner.dashboard":
        pytest.importorskip("ipywidgets", reason="needs the extra dashboard")
    return import_module(name)


def seen_by_type_checkers(module: ModuleType) -> set[str]:
    """The names that a package imports under TYPE_CHECKING."""
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    blocks = [
        node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in imports for alias in node.names}


@pytest.mark.parametrize("name", LAZY)
def test_every_public_name_is_listed_and_can_be_imported(name: str) -> None:
    module = package(name)
    assert PROMISED.get(name, set()) <= set(module.__all__)
    for public in module.__all__:
        assert getattr(module, public) is not None, public
        assert public in dir(module)


@pytest.mark.parametrize("name", LAZY)
def test_a_lazy_package_shows_its_public_names_and_nothing_else(name: str) -> None:
    module = package(name)
    assert set(dir(module)) == set(module.__all__)
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'nothing'"):
        module.nothing  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        exec(f"from {name} import nothing")


@pytest.mark.parametrize("name", LAZY)
def test_type_checkers_and_editors_see_the_same_names(name: str) -> None:
    module = package(name)
    assert seen_by_type_checkers(module) == set(module.__all__)


@pytest.mark.parametrize("name", LAZY)
def test_no_module_hides_a_public_name_of_its_package(name: str) -> None:
    module = package(name)
    assert not {part.name for part in pkgutil.iter_modules(module.__path__)} & set(module.__all__)


def test_importing_the_public_packages_loads_no_library() -> None:
    script = "import sys; before = set(sys.modules); import runner, runner.spec, stagekit, stagekit.search; "
    script += "print(*set(sys.modules) - before)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {module.partition(".")[0] for module in done.stdout.split()}
    assert {one for one in loaded if one not in sys.stdlib_module_names} <= {"runner", "stagekit"}


def test_the_errors_that_a_caller_catches_have_one_base() -> None:
    import runner

    errors = [getattr(runner, name) for name in runner.__all__ if name.endswith("Error")]
    assert len(errors) == 7
    assert all(issubclass(error, runner.PipelineOrchestrationError) for error in errors)


@pytest.mark.parametrize("module", KEPT)
def test_what_other_programs_import_stays_where_it_was(module: str) -> None:
    for name in KEPT[module]:
        assert getattr(import_module(module), name) is not None, name
