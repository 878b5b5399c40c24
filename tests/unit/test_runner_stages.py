"""Promises of the stages: parameters as Python reads them, code as it is, secrets where needed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from runner.config_manager import PipelineConfig
from runner.errors import ConfigurationError
from runner.models import PipelineStage
from runner.stages.chain import default_stages
from runner.stages.fingerprint import code_parts, stage_fingerprint
from runner.stages.notebook_parameters import notebook_parameters
from stagekit.base.paths import package_dir
from tests.unit.core_notebooks import source_notebook


def parameters(tmp_path: Path, source: str) -> dict[str, object]:
    return notebook_parameters(source_notebook(tmp_path / "a.ipynb", ("", "x = 1"), ("parameters", source)))


def test_parameters_are_read_as_python_reads_them(tmp_path: Path) -> None:
    source = (
        "upstream: dict = {}  # stage -> notebook\n"
        'outputs_dir: str = ""\n'
        "chunk_size: int = 500\n"
        "below = -0.5\n"
        "names: list = [\n    'pt',  # with a comment\n    'en',\n]\n"
        "declared: int\n"
        "import json\n"
        "a.b = 5\n"
        "a.c: int = 5\n"
    )
    assert parameters(tmp_path, source) == {
        "upstream": {}, "outputs_dir": "", "chunk_size": 500, "below": -0.5, "names": ["pt", "en"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("chunk_size = 5 * 100", "the default of chunk_size must be a literal value"),
        ("x = {[]: 1}", "the default of x must be a literal value"),
        ("chunk_size = = 5", "the cell tagged `parameters` is not Python .*line 1"),
        ("%load_ext foo", "is not Python"),
    ],
)
def test_a_parameters_cell_that_cannot_be_used_is_told(tmp_path: Path, source: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refusal:
        parameters(tmp_path, source)
    assert "a.ipynb" in str(refusal.value)


def test_a_notebook_without_parameters_or_none_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no cell tagged `parameters`"):
        notebook_parameters(source_notebook(tmp_path / "a.ipynb", ("", "x = 1")))
    with pytest.raises(ConfigurationError, match=r"nowhere\.ipynb cannot be read"):
        notebook_parameters(tmp_path / "nowhere.ipynb")
    (tmp_path / "broken.ipynb").write_text("{")
    with pytest.raises(ConfigurationError, match=r"broken\.ipynb cannot be read"):
        notebook_parameters(tmp_path / "broken.ipynb")


@pytest.fixture
def stage(tmp_path: Path) -> PipelineStage:
    path = source_notebook(
        tmp_path / "a.ipynb", ("parameters", "x = 1"), ("", "work()"), ("display", "plot()")
    )
    return PipelineStage("a", "", path, code=("chunking", "base/plain_json"))


def test_the_code_of_a_stage_has_a_mark_for_each_piece(stage: PipelineStage) -> None:
    parts = code_parts(stage)
    assert list(parts) == ["stagekit.base/plain_json", "stagekit.chunking", "stagekit", "notebook"]
    assert len(set(parts.values())) == 4


def test_a_notebook_counts_by_the_cells_that_make_the_result(stage: PipelineStage) -> None:
    before = code_parts(stage)["notebook"]
    text = stage.notebook.read_text()
    stage.notebook.write_text(text.replace("plot()", "better_plot()").replace("x = 1", "x = 2"))
    assert code_parts(stage)["notebook"] == before
    stage.notebook.write_text(text.replace("work()", "work(harder=True)"))
    assert code_parts(stage)["notebook"] != before


def test_the_code_that_counts_is_the_code_that_runs(
    stage: PipelineStage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In an installed wheel stagekit lies apart from the notebooks; its code must still count."""
    from stagekit.base import paths

    monkeypatch.setattr(paths, "notebooks_dir", lambda: tmp_path)
    other = dataclasses.replace(stage, code=("storage",))
    assert code_parts(stage)["stagekit.chunking"] != code_parts(other)["stagekit.storage"]


@pytest.mark.parametrize("stage", default_stages(), ids=lambda stage: stage.name)
def test_each_named_piece_of_code_exists(stage: PipelineStage) -> None:
    for name in stage.code:
        place = package_dir() / name
        assert place.is_dir() or place.with_suffix(".py").is_file(), name
    assert stage.notebook.is_file()
    assert json.loads(stage.notebook.read_text())["cells"]


def test_a_secret_is_seen_by_the_stages_that_need_it_only() -> None:
    seen = {
        name: {s.name for s in default_stages() if name in s.secrets}
        for name in ("GITLAB_TOKEN", "QDRANT_API_KEY")
    }
    assert seen == {"GITLAB_TOKEN": {"gitlab_ingestion"}, "QDRANT_API_KEY": {"qdrant_storage"}}


def test_a_stage_is_not_repeated_for_how_long_it_may_wait_or_how_much_it_sends(outputs: Path) -> None:
    limits = {"request_timeout_s": 1, "retry_budget_s": 1, "gitlab_file_timeout_s": 1, "upsert_batch_size": 1}
    for stage in default_stages():
        before = stage_fingerprint(stage, PipelineConfig(), {})
        assert stage_fingerprint(stage, PipelineConfig(**limits), {}) == before
        other = stage_fingerprint(stage, PipelineConfig(qdrant_collection={"hnsw_m": 32}), {})
        assert (other != before) == (stage.name == "qdrant_storage")
