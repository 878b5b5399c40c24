"""Promises of the door to the disk: an executed notebook is written whole, without secrets, for its owner."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from papermill.iorw import papermill_io

from runner.kernels.notebook_io import SCHEME, SafeHandler, safe_path
from tests.unit.core_notebooks import source_notebook


@pytest.mark.parametrize("folder", ["plain", "with space", "ação", "{braces} {0}", "100%"])
def test_papermill_writes_a_notebook_to_any_folder(tmp_path: Path, folder: str) -> None:
    source = source_notebook(tmp_path / "a.ipynb", ("parameters", "size = 1"), ("", "print(size)"))
    target = tmp_path / folder / "a.ipynb"

    papermill.execute_notebook(
        str(source), safe_path(target), parameters={"size": 2}, prepare_only=True, progress_bar=False
    )

    notebook = nbformat.read(target, as_version=4)
    assert any("size = 2" in cell.source for cell in notebook.cells)
    assert SCHEME not in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o400
    assert [path.name for path in target.parent.iterdir()] == ["a.ipynb"]


def test_what_was_written_is_read_and_listed(tmp_path: Path) -> None:
    address = SCHEME + str(tmp_path / "a.ipynb")
    SafeHandler.write('{"cells": []}', address)
    assert json.loads(papermill_io.read(address)) == {"cells": []}
    assert papermill_io.listdir(SCHEME + str(tmp_path)) == [str(tmp_path / "a.ipynb")]
    assert papermill_io.pretty_path(address) == str(tmp_path / "a.ipynb")


def test_a_notebook_is_written_as_jupyter_would_after_a_way_through_a_browser(tmp_path: Path) -> None:
    figures = {"share": 1.0, "many": [2e20, 0.25, -3.0], "exact": 1e21, "zero": -0.0, "yes": True}
    cell = new_code_cell(
        "ação", id="a", outputs=[new_output("display_data", data={"application/json": figures})]
    )
    notebook = new_notebook(cells=[cell], metadata={"title": "x"})
    SafeHandler.write(nbformat.writes(notebook), SCHEME + str(tmp_path / "a.ipynb"))

    through = {"share": 1, "many": [200000000000000000000, 0.25, -3], "exact": 1e21, "zero": 0, "yes": True}
    notebook.cells[0].outputs[0].data["application/json"] = through
    nbformat.write(notebook, tmp_path / "jupyter.ipynb")
    assert (tmp_path / "a.ipynb").read_bytes() == (tmp_path / "jupyter.ipynb").read_bytes()


def test_secrets_are_taken_out_before_anything_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", 'to"ken-123')
    address = SCHEME + str(tmp_path / "a.ipynb")
    SafeHandler.write(json.dumps({"text": 'said to"ken-123', "other": "glpat-AbCdEf1234567890"}), address)
    assert json.loads(SafeHandler.read(address)) == {"text": "said [redacted]", "other": "[redacted]"}


def test_a_password_of_pdfs_is_taken_out_of_what_was_printed_and_raised_but_not_of_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIC_ETL_PDF_PASSWORDS", "biblioteca")
    monkeypatch.setenv("GITLAB_TOKEN", "o-token-secreto")
    said = "biblioteca, o-token-secreto\n"
    notebook = new_notebook(cells=[new_code_cell("'biblioteca'", outputs=[
        new_output("stream", name="stdout", text=f"1\n{said}"),
        new_output("error", ename="E", evalue=said, traceback=[said]),
        new_output("display_data", data={"text/html": said}),
    ])])  # fmt: skip
    address = SCHEME + str(tmp_path / "a.ipynb")
    SafeHandler.write(nbformat.writes(notebook), address)
    text = SafeHandler.read(address)
    [cell] = nbformat.reads(text, as_version=4).cells
    printed, raised, table = cell.outputs
    assert printed.text == "1\n[redacted], [redacted]\n"
    assert (raised.evalue, raised.traceback) == ("[redacted], [redacted]\n", ["[redacted], [redacted]\n"])
    assert table.data["text/html"] == "biblioteca, [redacted]\n"
    assert cell.source == "'biblioteca'"
    assert text == nbformat.writes(nbformat.reads(text, as_version=4)) + "\n"  # in nbformat's own form


def test_a_notebook_replaces_the_one_before_at_once(tmp_path: Path) -> None:
    address = SCHEME + str(tmp_path / "a.ipynb")
    SafeHandler.write("old", address)
    with (tmp_path / "a.ipynb").open() as reader:
        SafeHandler.write("new and longer", address)
        assert reader.read() == "old"  # whoever reads the old one reads all of it
    assert SafeHandler.read(address) == "new and longer"
