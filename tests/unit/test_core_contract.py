"""Promises of the contract: what a stage leaves in its notebook is what readers find there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from stagekit.contract import (
    SCRAP_MIME,
    ArtifactRef,
    ExecutionStatus,
    StageResult,
    artifact_refs,
    glue,
    read_scraps,
    stage_result,
)
from stagekit.errors import StageError
from tests.unit.core_notebooks import START, executed_notebook, front_end, printed_scraps

REF = {"name": "chunks", "uri": "sha256/aa/" + "a" * 64, "sha256": "a" * 64, "media_type": "x/y", "bytes": 3}
RESULT = {"stage_name": "text_chunking", "status": "success", "start_time": START}


def test_a_scrap_is_glued_in_the_format_of_scrapbook_and_read_back(tmp_path: Path) -> None:
    with front_end(tmp_path) as shown:
        glue("counts", {"título": [1, 2.5, None]})

    assert shown[0]["data"][SCRAP_MIME]["encoder"] == "json"
    assert shown[0]["metadata"]["scrapbook"] == {"name": "counts", "data": True, "display": False}
    cell = {"cell_type": "code", "outputs": [{"output_type": "display_data", "data": shown[0]["data"]}]}
    notebook = tmp_path / "a.ipynb"
    notebook.write_text(json.dumps({"cells": [cell]}))
    assert read_scraps(notebook) == {"counts": {"título": [1, 2.5, None]}}


def test_outside_a_notebook_a_scrap_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    glue("answer", 42)
    assert printed_scraps(capsys.readouterr().out) == {"answer": 42}


def test_a_scrap_that_is_not_json_is_refused() -> None:
    with pytest.raises(TypeError):
        glue("path", Path("/tmp"))


def test_the_last_scrap_of_a_name_wins(tmp_path: Path) -> None:
    notebook = executed_notebook(tmp_path / "a.ipynb", {"x": 1, "y": 2})
    content = json.loads(notebook.read_text())
    again = json.loads(json.dumps(content["cells"][0]).replace('"data": 1', '"data": 3'))
    content["cells"].append(again)
    notebook.write_text(json.dumps(content))
    assert read_scraps(notebook) == {"x": 3, "y": 2}


def test_whatever_else_a_notebook_holds_is_passed_over(tmp_path: Path) -> None:
    outputs = [
        None,
        {"output_type": "stream", "text": "hello"},
        {"data": None},
        {"data": {"text/plain": "x"}},
        {"data": {SCRAP_MIME: "no dict"}},
        {"data": {SCRAP_MIME: {"name": 5, "data": 1}}},
        {"data": {SCRAP_MIME: {"name": "no data"}}},
    ]
    cells = ["no cell", {"cell_type": "markdown"}, {"outputs": "no list"}, {"outputs": outputs}]
    notebook = tmp_path / "a.ipynb"
    notebook.write_text(json.dumps({"cells": cells}))
    assert read_scraps(notebook) == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "cannot be read as a notebook"),
        (b"\xff\xfe", "cannot be read as a notebook"),
        (b"[]", "no list of cells"),
        (b'{"cells": 1}', "no list of cells"),
    ],
)
def test_a_file_that_is_no_notebook_is_named_with_the_remedy(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "03_text_chunking.ipynb"
    path.write_bytes(content)
    with pytest.raises(StageError, match=said) as refusal:
        read_scraps(path)
    assert str(path) in str(refusal.value)
    assert "run its stage again" in str(refusal.value)


def test_a_missing_notebook_is_named(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="no executed notebook at .*nowhere"):
        read_scraps(tmp_path / "nowhere.ipynb")


def test_the_result_of_a_stage_is_read_from_its_notebook(tmp_path: Path) -> None:
    whole = {**RESULT, "end_time": "2026-03-01T12:00:02.5Z", "success_count": 7}
    result = stage_result(executed_notebook(tmp_path / "a.ipynb", {"stage_result": whole}))
    assert (result.status, result.success_count, result.seconds) == (ExecutionStatus.SUCCESS, 7, 2.5)
    assert StageResult(**RESULT).seconds == 0  # it still runs


def test_a_notebook_that_broke_off_has_no_result(tmp_path: Path) -> None:
    notebook = executed_notebook(tmp_path / "a.ipynb", {"chunks": REF})
    with pytest.raises(StageError, match="did not come to its last cell; run it again"):
        stage_result(notebook)


def test_a_damaged_result_is_told_by_its_field(tmp_path: Path) -> None:
    notebook = executed_notebook(tmp_path / "a.ipynb", {"stage_result": {**RESULT, "status": "splendid"}})
    with pytest.raises(StageError, match=r"damaged \(status: "):
        stage_result(notebook)


def test_references_are_found_however_deep_they_lie_in_order() -> None:
    other = {**REF, "name": "markdown"}
    value = {"a": [REF, {"b": other}], "c": "text", "d": None, "bad": {**REF, "sha256": "short"}}
    assert [ref.name for ref in artifact_refs(value)] == ["chunks", "markdown"]


@pytest.mark.parametrize("change", [{"sha256": "A" * 64}, {"bytes": -1}, {"path": "/etc/passwd"}])
def test_a_reference_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ArtifactRef.model_validate({**REF, **change})


def test_an_error_of_a_stage_is_shown_as_its_sentence() -> None:
    assert StageError("chunk_size: too large.")._render_traceback_() == ["StageError: chunk_size: too large."]
