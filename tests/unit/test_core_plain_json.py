"""Promises about JSON and tables out of damaged files: a value or one kind of error, never an overflow."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from stagekit.artifacts.memo import Memo
from stagekit.artifacts.store import ArtifactStore
from stagekit.artifacts.table_files import PARQUET
from stagekit.artifacts.tables import decode_rows, encode_rows, table_metadata
from stagekit.base.plain_json import parse_json, require_plain
from stagekit.contract import ArtifactRef, artifact_refs, read_scraps
from stagekit.errors import ArtifactError, StageError
from tests.unit.core_notebooks import executed_notebook

REF = {"name": "a", "uri": "sha256/aa/" + "a" * 64, "sha256": "a" * 64, "media_type": PARQUET, "bytes": 1}


def deep(levels: int) -> object:
    value: object = REF
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 100_000, "9" * 5000, "{", b"\xff", ""])
def test_what_is_no_json_is_a_value_error_however_it_is_wrong(text: str | bytes) -> None:
    with pytest.raises(ValueError, match="."):
        parse_json(text)


@pytest.mark.parametrize("value", [deep(101), "half of \ud800", {"\udc80": 1}, [{"a": ["x\ud83d"]}]])
def test_what_cannot_be_written_again_is_not_plain(value: object) -> None:
    with pytest.raises(ValueError, match="levels|surrogates"):
        require_plain(value)


def test_a_plain_value_is_returned_as_it_is() -> None:
    value = {"a": [1, 2.5, None, "é😀", {"b": []}]}
    assert require_plain(value) is value


def test_references_are_found_in_order_however_deep_they_stand() -> None:
    refs = [{**REF, "name": name} for name in "abc"]
    value = {"x": refs[0], "y": [[refs[1]], {"z": refs[2]}], "w": {**REF, "sha256": "no"}, "v": deep(5000)}

    assert [ref.name for ref in artifact_refs(value)] == ["a", "b", "c", "a"]


@pytest.mark.parametrize("data", [deep(300), "half of \ud800"])
def test_scraps_that_nobody_can_write_are_damaged(tmp_path: Path, data: object) -> None:
    notebook = executed_notebook(tmp_path / "a.ipynb", {"x": data})
    with pytest.raises(StageError, match=r"The scraps in .* are damaged"):
        read_scraps(notebook)


@pytest.mark.parametrize("content", [b"PAR1 this is none PAR1", b"", b"[1, 2]"])
def test_bytes_that_are_no_table_are_an_artifact_error(tmp_path: Path, content: bytes) -> None:
    store = ArtifactStore(tmp_path)
    ref = store.put("rows", content, PARQUET)
    with pytest.raises(ArtifactError, match="is not a table that can be read"):
        store.read_table(ref)


def test_a_reference_that_is_none_and_a_folder_in_place_of_bytes_are_artifact_errors(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    with pytest.raises(ArtifactError, match="reference to an artifact is damaged"):
        store.read({"uri": 3})
    (tmp_path / str(REF["uri"])).mkdir(parents=True)
    with pytest.raises(ArtifactError, match="cannot be read"):
        store.read(ArtifactRef.model_validate(REF))


def test_a_table_that_is_marked_as_json_and_holds_none_is_an_artifact_error() -> None:
    mark = {b"nic_etl": b"json"}
    fields = [pa.field("a", pa.string(), metadata=mark), pa.field("b", pa.int64(), metadata=mark)]
    for row in ({"a": "[" * 10_000, "b": None}, {"a": None, "b": 1}):
        table = pa.Table.from_pylist([row], schema=pa.schema(fields))
        with pytest.raises(ArtifactError, match="A table is damaged: its column"):
            decode_rows(table)
    for beside in ("[", "[1]"):
        table = encode_rows([{"a": 1}]).replace_schema_metadata({b"nic_etl": beside})
        with pytest.raises(ArtifactError, match="beside its rows"):
            table_metadata(table)


def test_a_memo_with_other_tables_or_values_of_another_kind_is_begun_anew_or_forgets_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "memo.sqlite"
    with Memo(path) as memo:
        memo.put("stage", "key", {"a": 1})
        memo.put("stage", "other", {"a": 2})
        memo._execute("UPDATE memo SET value = ? WHERE key = ?", [(b"\xff", "key")])
        assert memo.get_many(["key", "other"]) == {"other": {"a": 2}}
        memo._execute("ALTER TABLE memo RENAME COLUMN value TO worth", [()])
    with Memo(path) as memo:
        assert memo.get_many(["other"]) == {}
        memo.put("stage", "key", {"a": 3})
        assert memo.get_many(["key"]) == {"key": {"a": 3}}


def test_every_scrap_of_an_ordinary_notebook_is_read(tmp_path: Path) -> None:
    scraps = {"a": {"b": [1, {"c": "é"}]}, "d": "text"}
    assert read_scraps(executed_notebook(tmp_path / "a.ipynb", scraps)) == json.loads(json.dumps(scraps))
