"""Promises of a stage: what it serves in bad times, what it leaves, and what it reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stagekit import ArtifactError, DocumentOutput, DocumentRejected, StageError
from stagekit.artifacts.memo import Memo
from stagekit.artifacts.tables import decode_rows
from stagekit.contract import PROGRESS_MIME, ExecutionStatus, artifact_refs, stage_result
from stagekit.stage.stage import _load_plots
from tests.unit.core_notebooks import executed_notebook, front_end, printed_scraps, source_notebook
from tests.unit.core_stages import (
    Open,
    Row,
    column,
    documents,
    notebook,
    run,
    same_umask,
    stage,
)

__all__ = ["notebook", "same_umask", "stage"]


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


def strict(row: Row) -> DocumentOutput:
    """Refuse what a former version, which was less strict, took for approved."""
    raise DocumentRejected("front_matter", "line 2 cannot be read", "mend it")


@pytest.mark.parametrize("carry", [dict, lambda row: {"source": row}])
def test_what_was_guessed_of_a_content_that_cannot_be_judged_now_is_not_served(
    stage: Open, carry: Callable[[Row], Row]
) -> None:
    more = {"carry": carry, "keep_last_good": True}
    run(stage(), documents("fine"), **more)
    [row] = stage().map_documents(documents("fine"), strict, key=lambda row: row["text"], **more)
    assert (row["status"], row["category"]) == ("rejected", "front_matter")
    [row] = stage().map_documents(documents("edited"), strict, key=lambda row: row["text"], **more)
    assert row["status"] == "rejected"  # it does not come back with the next edit

    run(stage(), documents("fine"), **more)
    [row] = stage().map_documents(documents("broken"), strict, key=lambda row: row["text"], **more)
    assert row["status"] == "stale"  # a version before this one, which was judged


def test_what_is_remembered_without_its_content_is_not_served_for_one_that_cannot_be_judged(
    stage: Open,
) -> None:
    run(stage(), documents("fine"), keep_last_good=True)
    more = {"key": lambda row: row["text"], "keep_last_good": True}
    [row] = stage().map_documents(documents("edited"), strict, **more)
    assert row["status"] == "rejected"


def test_a_stage_that_does_not_ask_for_it_serves_nothing_old(stage: Open) -> None:
    run(stage(), documents("fine"), keep_last_good=True)
    assert column(run(stage(), documents("crash")), "status") == ["failed"]


# The end of a stage


@pytest.mark.parametrize(
    ("failed", "of", "rate", "status"),
    [
        (0, 3, {"max_failure_rate": 0.0}, "success"),
        (1, 3, {"max_failure_rate": 0.0}, "partial"),  # one document may always fail
        (2, 3, {"max_failure_rate": 0.0}, "failed"),
        (2, 20, {"max_failure_rate": 0.1}, "partial"),
        (3, 20, {"max_failure_rate": 0.1}, "failed"),
        (2, 200, {}, "partial"),
        (3, 200, {}, "failed"),
    ],
)
def test_a_stage_bears_a_share_of_failed_documents(
    stage: Open, capsys: pytest.CaptureFixture[str], failed: int, of: int, rate: Row, status: str
) -> None:
    opened = stage(**rate)
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
    snapshot = opened.result.artifacts["snapshot"]
    for words in ("shout glued", "shouted", f"{snapshot.bytes}     {snapshot.sha256[:12]}", "success in"):
        assert words in said
    assert "stage_result" in said.splitlines()[-1]


def test_a_disk_that_takes_no_artifact_fails_the_stage(stage: Open, outputs: Path) -> None:
    opened = stage()
    (outputs / "artifacts" / opened.glue_json("snapshot", {"commit": "abc"}).uri).unlink()
    with pytest.raises(ArtifactError, match="cannot be written"):
        opened.finish()


@pytest.mark.parametrize(
    ("known", "new", "worth"), [(0, 1, True), (1, 0, False), (1, 9, False), (1, 10, True)]
)
def test_a_plot_is_worth_its_time_where_it_shows_something_else_than_before(
    stage: Open, monkeypatch: pytest.MonkeyPatch, known: int, new: int, worth: bool
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr("stagekit.stage.stage.load_meanwhile", loaded.append)
    texts = [f"text {number}" for number in range(known + new)]
    run(stage(), documents(*texts[:known]))
    opened = stage()
    run(opened, documents(*texts))
    assert opened.worth_a_plot() is worth
    _load_plots(new)
    assert loaded == (["matplotlib.pyplot"] if new >= 10 else [])


def test_the_parameters_of_a_notebook_are_what_its_cell_names_with_the_values_of_now(
    stage: Open, notebook: Path, tmp_path: Path
) -> None:
    places = 'outputs_dir: str = ""\nupstream: dict = {}\n'
    source_notebook(
        notebook, ("parameters", f"{places}size: int = 1  # of a shout\nmax_failure_rate: float = 0.5")
    )
    before = executed_notebook(tmp_path / "01_listing.ipynb", {})
    variables = {"size": 7, "max_failure_rate": 1, "upstream": {"listing": str(before)}, "rows": object()}
    opened = stage(variables=variables)
    assert opened.parameters == opened.result.parameters == {"size": 7, "max_failure_rate": 1}
    assert opened.upstream_path("listing") == before


def test_a_stage_whose_notebook_is_not_there_says_so(stage: Open) -> None:
    with pytest.raises(StageError, match=r"nowhere\.ipynb cannot be read"):
        stage("nowhere", variables={})


def test_equal_work_glues_equal_bytes_whether_or_not_it_had_to_be_done(stage: Open) -> None:
    refs = []
    for _ in range(2):
        opened = stage()
        refs.append(opened.glue_documents("shouted", run(opened, documents("a", "locked"))))
    assert refs[0] == refs[1]
    rows = decode_rows(opened.store.read_table(refs[0]))
    assert "unchanged" not in rows[0]


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
    assert list(opened.rows("listing", "documents")) == opened.read("listing", "documents")
    assert list(opened.rows("listing", "documents", usable_only=False)) == everything
    assert opened.read("listing", "ignored") == [{"path": "x"}]
    with pytest.raises(ArtifactError, match="its column status is not as a stage writes it"):
        opened.rows("listing", "ignored")
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
    assert all(set(row) == set(shown.columns) and len(row["sha256"]) == 12 for row in shown.rows)


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
