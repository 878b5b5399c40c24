"""Promises of a stage: nothing made twice, no document lost, one bad document stops nothing."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest

from stagekit import DocumentOutput, DocumentRejected, Stage, StageError, open_stage
from stagekit.contract import PROGRESS_MIME, ExecutionStatus, artifact_refs, stage_result
from stagekit.memo import Memo
from stagekit.tables import decode_rows
from tests.unit.core_notebooks import executed_notebook, front_end, printed_scraps, source_notebook

Row = dict[str, Any]
Open = Callable[..., Stage]


@pytest.fixture(autouse=True)
def same_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = source_notebook(tmp_path / "02_shout.ipynb", ("parameters", "size = 1"), ("", "shout(rows)"))
    monkeypatch.setenv("NIC_ETL_NOTEBOOK", str(path))
    return path


@pytest.fixture
def stage(outputs: Path, notebook: Path) -> Iterator[Open]:
    opened: list[Stage] = []

    def make(name: str = "shout", **more: Any) -> Stage:
        opened.append(open_stage(name, outputs_dir=str(outputs), **more))
        return opened[-1]

    yield make
    for each in opened:
        each.memo.close()


class Worker:
    """Shouts a text and counts how often it was asked; some texts make it misbehave."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, row: Row) -> DocumentOutput:
        text = row["text"]
        self.asked.append(row["path"])
        if text == "locked":
            raise DocumentRejected("encrypted", "it has a password", "upload it without one")
        if text == "crash":
            raise RuntimeError("the converter gave up\nwith a long trace")
        if text == "silent":
            raise MemoryError
        if text == "unreachable":
            raise StageError("qdrant_url: nobody answers at http://x; start the server.")
        if text == "surrogate":
            return DocumentOutput({"title": "half of \ud800"})
        if text == "date":
            return DocumentOutput({"title": object()})
        if text == "nothing":
            return None  # type: ignore[return-value]
        table = pa.table({"word": text.upper().split()})
        return DocumentOutput(
            {"length": len(text)}, {"words": table}, {"markdown": (b"# x", "text/markdown")}
        )


def documents(*texts: str) -> list[Row]:
    return [{"document_id": f"id{n}", "path": f"{n}.md", "text": text} for n, text in enumerate(texts)]


def run(stage: Stage, rows: list[Row], worker: Worker | None = None, **more: Any) -> list[Row]:
    return stage.map_documents(rows, worker or Worker(), key=lambda row: row["text"], **more)


def column(outcomes: list[Row], name: str) -> list[Any]:
    return [row[name] for row in outcomes]


# One document


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
        raise ValueError(f"odd name \udce9 of {row['path']}")

    opened = stage()
    outcomes = opened.map_documents(documents("a"), fail, key=lambda row: row["text"])
    opened.glue_documents("shouted", outcomes)
    assert outcomes[0]["message"] == "odd name ? of 0.md"


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


# The last good version


def test_a_document_that_fails_now_is_served_from_its_last_good_version(stage: Open) -> None:
    [good] = run(stage(), documents("fine"), keep_last_good=True)
    opened = stage()
    [stale] = run(opened, documents("locked"), keep_last_good=True)

    assert stale["status"] == "stale"
    assert (stale["category"], stale["message"]) == ("encrypted", "it has a password")
    assert (stale["words"], stale["memo_key"]) == (good["words"], good["memo_key"])
    assert stale["unchanged"] is True
    counts = opened.result
    assert (counts.stale_count, counts.output_count, counts.rejected_count) == (1, 1, 0)
    [again] = run(stage(), documents("locked"), keep_last_good=True)
    assert again == stale  # and it stays so


def test_a_document_that_is_good_again_is_served_as_it_is(stage: Open) -> None:
    for text in ("one", "crash", "two"):
        [row] = run(stage(), documents(text), keep_last_good=True)
    assert (row["status"], row["length"], row["category"]) == ("ok", 3, None)
    [row] = run(stage(), documents("crash"), keep_last_good=True)
    assert (row["status"], row["category"]) == ("stale", "RuntimeError")


def test_without_a_last_good_version_the_failure_is_told(stage: Open) -> None:
    run(stage(), documents("fine"), keep_last_good=True)
    other = {"document_id": "new", "path": "new.md", "text": "crash"}
    assert column(run(stage(), [other], keep_last_good=True), "status") == ["failed"]


def test_a_last_good_version_whose_artifact_is_gone_is_not_served(stage: Open, outputs: Path) -> None:
    [good] = run(stage(), documents("fine"), keep_last_good=True)
    (outputs / "artifacts" / good["words"]["uri"]).unlink()
    assert column(run(stage(), documents("crash"), keep_last_good=True), "status") == ["failed"]


def test_a_stage_that_does_not_ask_for_it_serves_nothing_old(stage: Open) -> None:
    run(stage(), documents("fine"), keep_last_good=True)
    assert column(run(stage(), documents("crash")), "status") == ["failed"]


# The end of a stage


@pytest.mark.parametrize(
    ("failed", "of", "rate", "status"),
    [
        (0, 3, 0.0, "success"),
        (1, 3, 0.0, "partial"),  # one document may always fail
        (2, 3, 0.0, "failed"),
        (2, 20, 0.1, "partial"),
        (3, 20, 0.1, "failed"),
    ],
)
def test_a_stage_bears_a_share_of_failed_documents(
    stage: Open, capsys: pytest.CaptureFixture[str], failed: int, of: int, rate: float, status: str
) -> None:
    opened = stage(max_failure_rate=rate)
    run(opened, documents(*["crash"] * failed, *["fine"] * (of - failed)))
    if status == "failed":
        with pytest.raises(
            StageError, match=rf"{failed} of {of} documents failed in shout.*max_failure_rate"
        ):
            opened.finish()
    else:
        opened.finish()
    glued = printed_scraps(capsys.readouterr().out)["stage_result"]
    assert glued["status"] == status
    assert glued["failure_count"] == failed


def test_a_stale_document_makes_the_stage_partial(stage: Open) -> None:
    run(stage(), documents("fine"), keep_last_good=True)
    opened = stage()
    run(opened, documents("locked"), keep_last_good=True)
    opened.finish()
    assert opened.result.status is ExecutionStatus.PARTIAL


def test_rejected_documents_alone_do_not(stage: Open) -> None:
    opened = stage()
    run(opened, documents("locked", "locked", "fine"))
    opened.finish()
    assert opened.result.status is ExecutionStatus.SUCCESS


def test_products_metrics_and_warnings_are_in_the_result(stage: Open, tmp_path: Path) -> None:
    with front_end(tmp_path) as shown:
        opened = stage(parameters={"size": 1})
        outcomes = run(opened, documents("a"))
        opened.glue_documents("shouted", outcomes)
        opened.glue_table("ignored", [{"path": "x", "reason": "hidden"}])
        opened.glue_json("snapshot", {"commit": "abc"})
        opened.metric("words", 1)
        opened.warn("1.md: no title")
        said = repr(opened.finish())

    names = [m["metadata"]["scrapbook"]["name"] for m in shown if "scrapbook" in m["metadata"]]
    assert names == ["shouted", "ignored", "snapshot", "stage_result"]
    assert [PROGRESS_MIME in m["data"] for m in shown[:2]] == [True, True]
    assert list(opened.result.artifacts) == ["shouted", "ignored", "snapshot"]
    assert opened.result.metrics == {"words": 1}
    assert opened.result.warnings == ["1.md: no title"]
    assert opened.result.parameters == {"size": 1}
    for word in ("shout glued", "shouted", "application/json", "success in"):
        assert word in said


def test_equal_work_glues_equal_bytes_whether_or_not_it_had_to_be_done(stage: Open) -> None:
    refs = []
    for _ in range(2):
        opened = stage()
        refs.append(opened.glue_documents("shouted", run(opened, documents("a", "locked"))))
    assert refs[0] == refs[1]
    rows = decode_rows(opened.store.read_table(refs[0]))
    assert "unchanged" not in rows[0]


def test_outcomes_are_shown_with_failures_first(stage: Open) -> None:
    opened = stage()
    shown = opened.show_outcomes(run(opened, documents("fine", "locked", "crash")), ["length"])
    assert column(list(shown.rows), "status") == ["failed", "rejected", "ok"]
    assert shown.caption == "Documents: 1 failed, 1 rejected, 1 ok; 0 unchanged"
    assert list(shown.columns) == ["status", "path", "message", "remedy", "length", "seconds", "unchanged"]


def test_where_all_is_well_no_column_for_reasons_is_shown(stage: Open) -> None:
    opened = stage()
    shown = opened.show_outcomes(run(opened, documents("a", "b", "c")), limit=2)
    assert list(shown.columns) == ["status", "path", "seconds", "unchanged"]
    assert len(shown.rows) == 2
    assert shown.caption == "Documents: 3 ok; 0 unchanged; the first 2 of 3"
    assert opened.show_outcomes([]).caption == "Documents: no document; 0 unchanged"


# Inputs


@pytest.fixture
def upstream(stage: Open, outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An executed notebook of the stage before, with one document of each status, linked as the latest."""
    listing = source_notebook(tmp_path / "01_listing.ipynb", ("", "list()"))
    with front_end(tmp_path) as shown, monkeypatch.context() as patch:
        patch.setenv("NIC_ETL_NOTEBOOK", str(listing))
        before = stage("listing")
        run(before, documents("kept"), keep_last_good=True)
        rows = documents("locked", "fine", "crash")
        outcomes = run(before, rows, keep_last_good=True)
        before.glue_documents("documents", outcomes)
        before.glue_table("ignored", [{"path": "x"}])
        before.glue_json("snapshot", {"commit": "abc"})
        before.finish()
    scraps = {m["metadata"]["scrapbook"]["name"]: m for m in shown if "scrapbook" in m["metadata"]}
    plain = {name: next(iter(m["data"].values()))["data"] for name, m in scraps.items()}
    path = executed_notebook(outputs / "runs" / "r1" / "01_listing.ipynb", plain)
    (outputs / "latest").mkdir()
    (outputs / "latest" / path.name).symlink_to(path)
    return path


def test_a_stage_reads_usable_documents_of_the_latest_run(stage: Open, upstream: Path) -> None:
    opened = stage()
    assert column(opened.read("listing", "documents"), "status") == ["stale", "ok"]
    everything = opened.read("listing", "documents", usable_only=False)
    assert column(everything, "status") == ["stale", "ok", "failed"]
    assert artifact_refs(everything[1])[0].name in {"markdown", "words"}
    assert opened.read("listing", "ignored") == [{"path": "x"}]
    assert opened.read_json("listing", "snapshot") == {"commit": "abc"}
    assert opened.upstream_path("listing").resolve() == upstream
    assert stage_result(upstream).stale_count == 1


def test_a_named_notebook_is_read_instead_of_the_latest(stage: Open, upstream: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.ipynb"
    other.write_bytes(upstream.read_bytes())
    opened = stage(upstream={"listing": str(other)})
    assert opened.upstream_path("listing") == other
    assert len(opened.read("listing", "documents")) == 2


def test_a_missing_upstream_notebook_is_told_with_the_remedy(stage: Open, outputs: Path) -> None:
    with pytest.raises(StageError, match=r"shout needs an executed notebook of listing.*run `nic-etl run`"):
        stage().read("listing", "documents")
    with pytest.raises(StageError, match=r"there is none at /nowhere/a\.ipynb"):
        stage(upstream={"listing": "/nowhere/a.ipynb"}).read("listing", "documents")


def test_a_missing_product_is_told_with_the_remedy(stage: Open, upstream: Path) -> None:
    with pytest.raises(StageError, match="holds no product 'chunks': run listing again"):
        stage().read("listing", "chunks")


def test_the_inputs_are_shown(stage: Open, upstream: Path) -> None:
    shown = stage().show_inputs()
    assert [(row["stage"], row["product"], row["rows"]) for row in shown.rows] == [
        ("listing", "documents", 3),
        ("listing", "ignored", 1),
        ("listing", "snapshot", None),
    ]


def test_only_what_comes_before_a_stage_is_shown(stage: Open, upstream: Path, outputs: Path) -> None:
    for name in ("02_shout.ipynb", "03_later.ipynb"):
        (outputs / "latest" / name).symlink_to(upstream)
    assert {row["stage"] for row in stage().show_inputs().rows} == {"listing"}
    named = stage(upstream={"listing": str(upstream)}).show_inputs()
    assert {row["stage"] for row in named.rows} == {"listing"}


# The place


def test_what_a_stage_writes_is_its_owners_alone(stage: Open, outputs: Path) -> None:
    run(stage(), documents("a"))
    assert outputs.stat().st_mode & 0o777 == 0o700
    for path in outputs.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_artifacts_can_live_elsewhere(
    stage: Open, outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIC_ETL_ARTIFACTS_URL", f"file://{tmp_path}/bucket")
    [row] = run(stage(), documents("a"))
    assert (tmp_path / "bucket" / row["words"]["uri"]).is_file()
    assert not (outputs / "artifacts").exists()


def test_a_stage_leaves_its_memo_to_the_next(stage: Open, outputs: Path) -> None:
    opened = stage()
    [row] = run(opened, documents("a"))
    opened.finish()
    with Memo(outputs / "memo.sqlite") as memo:
        assert list(memo.get_many([row["memo_key"]])) == [row["memo_key"]]
