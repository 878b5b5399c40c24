"""Promises of a stage: nothing made twice, no document lost, one bad document stops nothing."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from stagekit import DocumentOutput, StageError
from stagekit.contract import PROGRESS_MIME
from tests.unit.core_notebooks import front_end, printed_scraps, source_notebook
from tests.unit.core_stages import (
    Open,
    Row,
    Worker,
    column,
    documents,
    notebook,
    run,
    same_umask,
    stage,
)

__all__ = ["notebook", "same_umask", "stage"]


# One document


def test_the_document_in_work_is_shown(stage: Open, tmp_path: Path) -> None:
    opened = stage()
    with front_end(tmp_path) as shown:
        run(opened, documents("um", "dois"))
    states = [message["data"][PROGRESS_MIME] for message in shown if PROGRESS_MIME in message["data"]]
    named = {name for state in states for name in state["current"].split(", ")} - {""}
    assert named
    assert named <= {"0.md", "1.md"}  # which of those in work is named is a matter of moments
    assert states[-1] == {"done": 2, "total": 2, "unit": "document", "current": ""}


def test_a_document_becomes_a_row_with_its_fields_and_artifacts(stage: Open) -> None:
    opened = stage()
    [row] = run(opened, documents("olá mundo"))

    assert (row["document_id"], row["path"], row["status"], row["length"]) == ("id0", "0.md", "ok", 9)
    assert (row["category"], row["message"], row["remedy"]) == (None, None, None)
    assert opened.read_part(row["words"]).to_pylist() == [{"word": "OLÁ"}, {"word": "MUNDO"}]
    assert opened.read_bytes(row["markdown"]) == b"# x"
    assert row["seconds"] >= 0
    assert row["produced_at"].endswith("Z")
    assert row["unchanged"] is False


def test_outcomes_are_in_the_order_of_the_paths_whatever_order_came_in(stage: Open) -> None:
    rows = documents("a", "b", "c")
    assert column(run(stage(), rows[::-1]), "path") == ["0.md", "1.md", "2.md"]


def test_columns_of_the_input_are_carried_over_and_change_with_it(stage: Open) -> None:
    rows = documents("a")
    carry = {"carry": lambda row: {"author": row["author"], "status": "not mine to say"}}
    run(stage(), [rows[0] | {"author": "Ana"}], **carry)
    [row] = run(stage(), [rows[0] | {"author": "Rui"}], **carry)
    assert (row["author"], row["status"], row["unchanged"]) == ("Rui", "ok", True)


# Nothing is made twice


def test_what_was_made_in_an_earlier_run_is_not_made_again(stage: Open) -> None:
    first = run(stage(), documents("a", "b"))
    worker = Worker()
    second = run(stage(), documents("a", "b"), worker)

    assert worker.asked == []
    assert column(second, "unchanged") == [True, True]
    assert [row | {"unchanged": False} for row in second] == first


def test_the_memo_goes_by_content_not_by_name(stage: Open) -> None:
    run(stage(), documents("a"))
    worker = Worker()
    moved = [{"document_id": "other", "path": "elsewhere/b.md", "text": "a"}]
    [row] = run(stage(), moved, worker)
    assert worker.asked == []
    assert (row["document_id"], row["path"], row["unchanged"]) == ("other", "elsewhere/b.md", True)


def test_duplicates_are_processed_once_and_each_has_its_row(stage: Open) -> None:
    worker = Worker()
    outcomes = run(stage(), documents("same", "same", "locked", "locked"), worker)
    assert worker.asked == ["0.md", "2.md"]
    assert column(outcomes, "document_id") == ["id0", "id1", "id2", "id3"]
    assert column(outcomes, "status") == ["ok", "ok", "rejected", "rejected"]
    assert column(outcomes, "unchanged") == [False] * 4  # none of them was there before this run
    assert outcomes[0]["words"] == outcomes[1]["words"]


def test_finished_documents_survive_a_run_that_breaks_off(stage: Open) -> None:
    with pytest.raises(StageError, match="nobody answers"):
        run(stage(), documents("a", "b", "unreachable", "c"))
    worker = Worker()
    outcomes = run(stage(), documents("a", "b", "d", "c"), worker)
    assert worker.asked == ["2.md", "3.md"]
    assert column(outcomes, "unchanged") == [True, True, False, False]


def test_only_the_named_parameters_make_a_difference(stage: Open) -> None:
    def asked(parameters: Row) -> int:
        worker = Worker()
        run(stage(parameters=parameters), documents("a"), worker, parameters=["chunk_size", "ocr"])
        return len(worker.asked)

    assert asked({"chunk_size": 500, "ocr": ["pt"], "batch_size": 1}) == 1
    assert asked({"batch_size": 64, "ocr": ["pt"], "chunk_size": 500}) == 0
    assert asked({"chunk_size": 300, "ocr": ["pt"], "batch_size": 1}) == 1
    assert asked({"chunk_size": 500, "ocr": ["pt", "en"], "batch_size": 1}) == 1
    assert asked({"chunk_size": 500, "ocr": ["pt"], "batch_size": 1}) == 0  # the first is still known


def test_a_changed_module_makes_everything_new(
    stage: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load_module(tmp_path / "cutter.py", "SIZE = 1", monkeypatch)
    run(stage(), documents("a"), code=[module])
    (tmp_path / "cutter.py").write_text("SIZE = 2")
    worker = Worker()
    run(stage(), documents("a"), worker, code=[module])
    assert worker.asked == ["0.md"]


def load_module(path: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    path.write_text(code)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, module)
    return module


@pytest.mark.parametrize(
    ("cells", "anew"),
    [
        ([("parameters", "size = 1"), ("", "shout(rows)  # louder")], True),
        ([("parameters", "size = 7"), ("", "shout(rows)")], False),
        ([("parameters", "size = 1"), ("", "shout(rows)"), ("display", "plot(rows)")], False),
    ],
)
def test_a_changed_cell_makes_everything_new_unless_it_only_displays(
    stage: Open, notebook: Path, cells: list[tuple[str, str]], anew: bool
) -> None:
    run(stage(), documents("a"))
    source_notebook(notebook, *cells)
    assert run(stage(), documents("a"))[0]["unchanged"] is not anew


def test_a_changed_function_makes_everything_new(stage: Open) -> None:
    def once(row: Row) -> DocumentOutput:
        return DocumentOutput({"text": row["text"]})

    def twice(row: Row) -> DocumentOutput:
        return DocumentOutput({"text": 2 * row["text"]})

    def texts(function: Callable[[Row], DocumentOutput]) -> list[str]:
        return column(stage().map_documents(documents("a"), function, key=lambda row: row["text"]), "text")

    assert texts(once) == ["a"]
    assert texts(twice) == ["aa"]


def test_stages_do_not_share_what_they_made(
    stage: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(stage(), documents("a"))
    other = source_notebook(tmp_path / "03_whisper.ipynb", ("", "shout(rows)"))
    monkeypatch.setenv("NIC_ETL_NOTEBOOK", str(other))
    assert run(stage("whisper"), documents("a"))[0]["unchanged"] is False


def test_a_document_whose_artifact_is_gone_is_made_again(stage: Open, outputs: Path) -> None:
    [row, _] = run(stage(), documents("a", "b"))
    (outputs / "artifacts" / row["words"]["uri"]).unlink()
    worker = Worker()
    opened = stage()
    outcomes = run(opened, documents("a", "b"), worker)
    assert worker.asked == ["0.md"]
    assert column(outcomes, "unchanged") == [False, True]
    assert opened.read_part(outcomes[0]["words"]).num_rows == 1


def test_a_damaged_memo_costs_the_work_and_nothing_else(stage: Open, outputs: Path) -> None:
    first = stage()
    run(first, documents("a"))
    first.memo.close()
    for path in outputs.glob("memo.sqlite*"):
        path.unlink()
    (outputs / "memo.sqlite").write_bytes(b"no database" * 999)

    [row] = run(stage(), documents("a"))
    assert (row["status"], row["unchanged"]) == ("ok", False)
    assert len(list(outputs.glob("memo.sqlite.damaged-*"))) == 1


# One bad document stops nothing


def test_a_bad_document_is_told_with_its_reason_and_the_others_are_made(stage: Open) -> None:
    opened = stage()
    rejected, failed, silent, good = run(opened, documents("locked", "crash", "silent", "fine"))

    assert (rejected["status"], rejected["category"]) == ("rejected", "encrypted")
    assert (rejected["message"], rejected["remedy"]) == ("it has a password", "upload it without one")
    assert (failed["status"], failed["category"]) == ("failed", "RuntimeError")
    assert failed["message"] == "the converter gave up"  # the sentence, not the trace
    assert "next run" in failed["remedy"]
    assert silent["message"] == "MemoryError"
    assert good["status"] == "ok"
    counts = opened.result
    assert (counts.input_count, counts.output_count) == (4, 1)
    assert (counts.success_count, counts.rejected_count, counts.failure_count) == (1, 1, 2)
    assert counts.retry_count == 2
    assert counts.errors[0] == "1.md: RuntimeError: the converter gave up"


@pytest.mark.parametrize("text", ["surrogate", "date", "nothing"])
def test_an_output_that_cannot_be_stored_fails_its_document_alone(stage: Open, text: str) -> None:
    opened = stage()
    outcomes = run(opened, documents(text, "fine"))
    assert column(outcomes, "status") == ["failed", "ok"]
    opened.glue_documents("shouted", outcomes)


def test_a_message_that_is_no_valid_text_can_be_stored(stage: Open) -> None:
    def fail(row: Row) -> DocumentOutput:
        raise ValueError(f"odd name \udce9 of {row['path']}" + "!" * 600)

    opened = stage()
    outcomes = opened.map_documents(documents("a"), fail, key=lambda row: row["text"])
    opened.glue_documents("shouted", outcomes)
    assert outcomes[0]["message"] == "odd name ? of 0.md" + "!" * 482  # as much as a table shows


def test_a_rejected_document_is_not_looked_at_again_a_failed_one_is(stage: Open) -> None:
    run(stage(), documents("locked", "crash"))
    worker = Worker()
    opened = stage()
    outcomes = run(opened, documents("locked", "crash"), worker)
    assert worker.asked == ["1.md"]
    assert column(outcomes, "unchanged") == [True, False]
    assert opened.result.unchanged_count == 0  # counts successes only


def test_a_stage_that_cannot_work_at_all_stops(stage: Open) -> None:
    with pytest.raises(StageError, match="qdrant_url: nobody answers"):
        run(stage(), documents("unreachable"))


def test_no_documents_are_no_problem(stage: Open, capsys: pytest.CaptureFixture[str]) -> None:
    opened = stage()
    assert run(opened, []) == []
    ref = opened.glue_documents("shouted", [])
    assert opened.store.read_table(ref).num_rows == 0
    opened.finish()
    assert printed_scraps(capsys.readouterr().out)["stage_result"]["status"] == "success"
