"""Promises of the project itself: notebooks that match the settings, two commands, what CI runs."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
import yaml

from runner.config_manager import PipelineConfig, load_config, profiles
from runner.stages.chain import default_stages
from runner.stages.notebook_parameters import notebook_parameters

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "stage_notebooks").glob("0*.ipynb"))


def test_there_are_six_stage_notebooks_in_the_order_of_the_chain() -> None:
    assert [stage.notebook for stage in default_stages()] == NOTEBOOKS
    assert len(NOTEBOOKS) == 6


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_declares_settings_with_their_defaults(path: Path) -> None:
    parameters = notebook_parameters(path)
    assert {"upstream", "outputs_dir"} <= parameters.keys()
    for name, value in parameters.items():
        if name != "upstream":
            assert PipelineConfig.model_fields[name].default == value, name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_made_to_be_read(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    assert 10 <= len(notebook.cells) <= 20
    assert max(len(cell.source.splitlines()) for cell in code) <= 40
    assert not any(cell.outputs for cell in code)
    assert code[-1].source.strip() == "stage.finish()"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_says_of_its_kernel_what_the_kernel_says_of_itself(path: Path, tmp_path: Path) -> None:
    # JupyterLab writes both into whatever it opens: what differs would make it save the file.
    from ipykernel.ipkernel import IPythonKernel
    from jupyter_client.kernelspec import KernelSpecManager

    notebook = nbformat.read(path, as_version=4)
    spec = KernelSpecManager().get_kernel_spec("python3")
    told = {"name": "python3", "display_name": spec.display_name, "language": spec.language}
    assert notebook.metadata.kernelspec == told
    reported = dict(IPythonKernel.language_info)
    assert notebook.metadata.language_info == reported | {"version": notebook.metadata.language_info.version}
    nbformat.write(notebook, tmp_path / path.name)
    assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_papermill_can_list_the_parameters_of_every_notebook() -> None:
    import papermill

    for path in NOTEBOOKS:
        assert set(papermill.inspect_notebook(str(path))) == set(notebook_parameters(path)), path


def test_the_default_file_names_every_setting_with_its_default() -> None:
    written = yaml.safe_load((ROOT / "config" / "default.yaml").read_text())
    assert written == {name: field.default for name, field in PipelineConfig.model_fields.items()}


def test_every_profile_can_be_loaded() -> None:
    assert set(profiles()) == {"local", "production"}
    for name in profiles():
        assert load_config(name).profile == name


def test_ci_runs_the_commands_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    script = (ROOT / ".ci" / "run").read_text()
    commands = [line for line in script.splitlines() if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["make test", "make check"]
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    named = {line.split("#")[0].strip() for block in blocks for line in block.splitlines()}
    assert {"make run", "make test", "make check"} <= named


def test_no_registry_host_is_named() -> None:
    for name in ("requirements.lock", "pyproject.toml", "Makefile", "README.md"):
        text = (ROOT / name).read_text()
        assert "--index-url" not in text
        assert not re.search(r"https?://[\w.-]*(pypi|pythonhosted)", text), name


def test_every_requirement_is_locked_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    blocks = re.findall(r"^([a-z0-9][\w.\[\]-]*)==[^\n]*((?:\n\s+--hash=[^\n]+)*)", lock, re.M)
    assert len(blocks) > 150
    assert [name for name, hashes in blocks if "--hash=sha256:" not in hashes] == []
