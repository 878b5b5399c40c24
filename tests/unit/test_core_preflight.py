"""Promises of the check before a run: what cannot work is told at once, by setting and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig
from stagekit.artifacts.known_sources import KnownSource, remember_source
from stagekit.checks.preflight import preflight
from tests.servers.gitlab_tls import private_ca


def problems(**settings: Any) -> list[str]:
    return preflight(PipelineConfig(**settings).model_dump(mode="json"))


def test_the_defaults_fit_together() -> None:
    assert problems() == []


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    [said] = problems(source_path=str(tmp_path / "nowhere"))
    assert said.endswith("nowhere does not exist; set it to a git repository or a plain folder.")
    [said] = problems(source_path=__file__)
    assert "is a file, not a folder" in said
    [said] = problems(layout_profile="docling", artifacts_path=str(tmp_path / "nowhere"))
    assert said.startswith("artifacts_path '")
    assert "is not a folder" in said
    (tmp_path / "30-Aprovados").mkdir()
    assert problems(source_path=str(tmp_path), artifacts_path=str(tmp_path / "unused")) == []


def test_a_missing_approved_folder_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "aprovados").mkdir()
    [said] = problems(source_path=str(tmp_path))
    assert said.startswith("target_folder: there is no folder '30-Aprovados'")
    assert said.endswith("the folders there are aprovados.")
    assert problems(source_path=str(tmp_path), target_folder=["aprovados"]) == []


def test_an_approved_folder_that_has_held_documents_may_be_gone(tmp_path: Path) -> None:
    outputs, place = tmp_path / "outputs", tmp_path / "docs"
    place.mkdir()
    remember_source(outputs, KnownSource(source_id="0f" * 8, project="docs", folders=("30-Aprovados",)))
    assert problems(source_path=str(place), outputs_dir=str(outputs)) == []
    [said] = problems(source_path=str(place), outputs_dir=str(outputs), target_folder=["40-Outros"])
    assert "'40-Outros'" in said


def test_gitlab_needs_a_project_and_an_address() -> None:
    [said] = problems(source="gitlab", gitlab_url="host", gitlab_project="a/b")
    assert said.startswith("gitlab_url is 'host': give the root of the instance")
    [said] = problems(source="gitlab", gitlab_url="https://host")
    assert said.startswith("gitlab_project is ''")


def test_an_engine_that_is_not_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    [said] = problems(ocr_engine="tesseract")
    assert "no tesseract program is on the PATH" in said
    assert "rapidocr" in said
    tesseract = tmp_path / "tesseract"
    tesseract.write_text("#!/bin/sh\n")
    tesseract.chmod(0o755)
    assert problems(ocr_engine="tesseract") == []


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"chunk_size": 5000}, "set chunk_size to at most 508"),
        ({"chunk_size": 100, "chunk_overlap": 100}, "set chunk_overlap to at most 50"),
        ({"chunk_size": 3, "chunk_overlap": 0}, "set it to at least 16"),
        ({"embedding_model": "packaged/no-such-model"}, "the packaged ones are"),
    ],
)
def test_chunks_that_the_model_cannot_take_are_told_with_the_remedy(
    settings: dict[str, Any], remedy: str
) -> None:
    [said] = problems(**settings)
    assert remedy in said
    assert "\n" not in said


def test_a_wrong_word_for_bfloat16_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIC_ETL_BFLOAT16", "no")
    assert problems() == ["NIC_ETL_BFLOAT16 is 'no': set it to off, or leave it out."]


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere")
    assert len(problems(source_path=missing, ca_file=missing, chunk_size=5000)) == 3


def test_the_file_of_the_authority_must_be_there(tmp_path: Path) -> None:
    [said] = problems(ca_file=str(tmp_path / "nowhere.pem"))
    assert "which is no readable PEM file (No such file or directory)" in said
    (tmp_path / "ca.pem").write_text("no certificate")
    [said] = problems(ca_file=str(tmp_path / "ca.pem"))
    assert "which is no readable PEM file" in said
    private_ca(tmp_path)
    assert problems(ca_file=str(tmp_path / "ca.pem")) == []
