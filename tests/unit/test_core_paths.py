"""Promises of the places: the same files are found from any folder, in a checkout and in a wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from stagekit.base import paths


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder into which a wheel is installed."""
    site = tmp_path / "site-packages"
    (site / "stagekit").mkdir(parents=True)
    (site / "stage_notebooks" / "config").mkdir(parents=True)
    monkeypatch.setattr(paths, "__file__", str(site / "stagekit" / "base" / "paths.py"))
    return site


def test_in_a_checkout_everything_lies_in_it() -> None:
    root = Path(__file__).parents[2]
    assert paths.config_dir() == root / "config"
    assert paths.notebooks_dir() == root / "stage_notebooks"
    assert paths.package_dir() == root / "stage_notebooks" / "stagekit"
    assert paths.source_notebook("text_chunking") == root / "stage_notebooks" / "03_text_chunking.ipynb"


def test_an_installed_wheel_carries_its_notebooks(wheel: Path) -> None:
    assert paths.notebooks_dir() == wheel / "stage_notebooks"
    assert paths.config_dir() == wheel / "stage_notebooks" / "config"
    assert paths.package_dir() == wheel / "stagekit"


def test_outputs_lie_in_the_checkout_from_whatever_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert paths.outputs_path() == Path(__file__).parents[2] / "outputs"


def test_outputs_of_an_installed_wheel_lie_in_the_current_folder(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert paths.outputs_path() == tmp_path / "outputs"


def test_the_argument_comes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIC_ETL_OUTPUTS_DIR", str(tmp_path / "env"))
    assert paths.outputs_path() == tmp_path / "env"
    assert paths.outputs_path(str(tmp_path / "argument")) == tmp_path / "argument"


def test_a_relative_or_home_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ana")
    assert paths.outputs_path("here") == tmp_path / "here"
    assert paths.outputs_path("~/etl") == Path("/home/ana/etl")


def test_the_runner_says_which_notebook_is_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "02_shout.ipynb"
    monkeypatch.setenv("NIC_ETL_NOTEBOOK", str(given))
    assert paths.source_notebook("shout") == given
    assert paths.source_notebook("text_chunking").name == "03_text_chunking.ipynb"
    assert paths.source_notebook("unknown").name == "unknown.ipynb"


def test_the_latest_notebooks_are_listed_in_the_order_of_the_chain(tmp_path: Path) -> None:
    folder = paths.latest_dir(tmp_path)
    assert paths.latest_notebooks(tmp_path) == {}
    folder.mkdir()
    for name in ("02_document_processing.ipynb", "01_gitlab_ingestion.ipynb"):
        (folder / name).write_text("")
    (folder / "03_text_chunking.ipynb").symlink_to(tmp_path / "deleted.ipynb")
    assert list(paths.latest_notebooks(tmp_path)) == ["gitlab_ingestion", "document_processing"]


def test_a_private_folder_is_its_owners_alone(tmp_path: Path) -> None:
    made = paths.make_private_dir(tmp_path / "outputs")
    assert made.stat().st_mode & 0o777 == 0o700
    assert paths.make_private_dir(made) == made
