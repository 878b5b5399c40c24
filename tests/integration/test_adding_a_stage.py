"""The page on adding a stage is true: the notebook that it builds runs as the seventh."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from runner.config_manager import load_config
from runner.models import PipelineStage
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.record.report_generator import manifest_rows
from runner.stages import chain as stages
from stagekit.base.paths import source_notebook
from stagekit.contract import ExecutionStatus
from tests.integration.conftest import SampleRun

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-stage.md"
NAME = "department_overview"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)


def build(path: Path) -> None:
    cells = [new_markdown_cell(blocks("markdown")[0])]
    for source in blocks("python"):
        tag = re.match(r"# (parameters|display|runner)\n", source)
        if tag and tag[1] == "runner":
            continue
        body = source[tag.end() :] if tag else source
        cells.append(new_code_cell(body, metadata={"tags": [tag[1]]} if tag else {}))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)


def told_to_the_runner() -> PipelineStage:
    [source] = [block for block in blocks("python") if block.startswith("# runner\n")]
    names = {"PipelineStage": PipelineStage, "source_notebook": source_notebook}
    stage: Any = eval(source.removeprefix("# runner\n"), names)
    return stage


@pytest.mark.slow
def test_a_seventh_stage_runs_beside_the_six_and_nothing_else_is_made_again(
    sample_copy: SampleRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = tmp_path / f"07_{NAME}.ipynb"
    build(notebook)
    monkeypatch.setenv("NIC_ETL_NOTEBOOK", str(notebook))
    stage = told_to_the_runner()
    monkeypatch.delenv("NIC_ETL_NOTEBOOK")
    assert (stage.name, stage.notebook) == (NAME, notebook)
    chain = [*stages.default_stages(), stage]
    config = load_config(overrides={"outputs_dir": str(sample_copy.outputs)}).config

    orchestrator = PipelineOrchestrator(config=config, stages=chain)
    result = orchestrator.execute_full_pipeline()

    done = result.state.stages
    assert result.exit_code == 0
    assert [name for name in done if done[name].status is not ExecutionStatus.SKIPPED] == [NAME]
    assert (result.run_dir / notebook.name).exists()
    rows = manifest_rows(orchestrator.manager, done[NAME], "departments")
    assert sum(row["chunks"] for row in rows) == sample_copy.summary["points"]["total"]

    again = PipelineOrchestrator(config=config, stages=chain).execute_full_pipeline()
    assert again.state.stages[NAME].status is ExecutionStatus.SKIPPED
