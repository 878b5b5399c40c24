"""Promises of the record of sources: it lasts, and where it is missing or damaged the runs tell it again."""

import json
from dataclasses import replace

import pytest

from stagekit.artifacts.known_sources import (
    SOURCES_FILE,
    KnownSource,
    documents_of,
    forget_source,
    known_sources,
    newest_source,
    recorded_sources,
    remember_source,
)
from stagekit.artifacts.memo import Memo
from stagekit.artifacts.rows import Rows
from stagekit.artifacts.store import ArtifactStore
from stagekit.artifacts.tables import encode_rows
from stagekit.contract import STAGE_RESULT
from stagekit.storage import record_source, staying
from tests.unit.core_notebooks import executed_notebook

ONE = KnownSource(source_id="01" * 8, project="um", kind="git", roots=("a" * 40,), folders=("30-Aprovados",))
TWO = KnownSource(source_id="02" * 8, project="dois", named=True, gitlab_id=7, address="a.example/g/dois")


class Runs:
    """Executed notebooks as runs of an earlier version left them."""

    def __init__(self, outputs):
        self.outputs = outputs
        self.store = ArtifactStore(outputs / "artifacts")
        self.count = 0

    def ingested(self, source_id, project, *ids, named="", limit=0, url="https://a.example/g/p"):
        self.count += 1
        folder = self.outputs / "runs" / f"r{self.count}"
        snapshot = {"source": "git", "source_id": source_id, "project": project, "repository_url": url}
        snapshot |= {"target_folder": ["30-Aprovados"], "repository_branch": "main"}
        rows = [{"document_id": one, "path": one, "blob_id": one, "status": "ok"} for one in ids]
        documents = self.store.put_table("documents", encode_rows(rows))
        told = self.store.put("source_snapshot", json.dumps(snapshot).encode(), "application/json")
        scraps = {
            "documents": documents.model_dump(mode="json"),
            "source_snapshot": told.model_dump(mode="json"),
            STAGE_RESULT: {"parameters": {"project": named, "document_limit": limit}},
        }
        self._latest(executed_notebook(folder / "01_gitlab_ingestion.ipynb", scraps))
        return documents

    def stored(self, *ids):
        """Mark sources as a run does whose points are in step."""
        self._latest(executed_notebook(self.outputs / "runs" / "r0" / "06_qdrant_storage.ipynb", {}))
        with Memo(self.outputs / "memo.sqlite") as memo:
            memo.put_many(("map", f"map:qdrant_storage/docs__0123456789ab/{one}", {}) for one in ids)

    def _latest(self, notebook):
        link = self.outputs / "latest" / notebook.name
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(notebook)


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path / "outputs")


def test_what_was_stored_last_comes_first_and_each_source_once(tmp_path):
    assert known_sources(tmp_path) == []
    remember_source(tmp_path, ONE)
    remember_source(tmp_path, TWO)
    remember_source(tmp_path, ONE)
    assert recorded_sources(tmp_path) == [ONE, TWO]
    forget_source(tmp_path, ONE.source_id)
    assert known_sources(tmp_path) == [TWO]
    assert (tmp_path / SOURCES_FILE).stat().st_mode & 0o077 == 0


def test_all_that_is_known_of_a_source_is_recorded_and_what_a_later_version_adds_is_left_out(runs):
    more = {"kind": "gitlab", "places": ("p",), "roots": ("r",), "folders": ("f",), "former": ("g",)}
    whole = replace(TWO, documents=runs.ingested("03" * 8, "docs", "d1"), **more)
    remember_source(runs.outputs, whole)
    content = json.loads((runs.outputs / SOURCES_FILE).read_text())
    content["sources"][0]["new"] = 1
    (runs.outputs / SOURCES_FILE).write_text(json.dumps(content))
    assert (content["version"], recorded_sources(runs.outputs)) == (1, [whole])
    least = {"source_id": "02", "project": "dois", "places": None, "gitlab_id": None}
    assert KnownSource.from_plain(least) == KnownSource(source_id="02", project="dois")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 9, "sources": []}', '{"version": 1, "sources": [{}]}']
)
def test_a_damaged_record_is_told_again_from_the_runs(runs, text):
    runs.ingested("03" * 8, "a.example/g/p", "d1")
    runs.stored("03" * 8)
    (runs.outputs / SOURCES_FILE).write_text(text)
    [known] = known_sources(runs.outputs)
    assert (known.source_id, known.project, known.named) == ("03" * 8, "a.example/g/p", False)
    assert (known.kind, known.address, known.folders) == ("git", "a.example/g/p", ("30-Aprovados",))
    assert documents_of(known, runs.store).column("document_id") == ["d1"]
    remember_source(runs.outputs, ONE)
    assert [one.project for one in recorded_sources(runs.outputs)] == ["um", "a.example/g/p"]


def test_an_upgrade_keeps_the_id_whose_points_are_stored_not_that_of_a_refused_attempt(runs):
    runs.ingested("03" * 8, "docs", "d1", url="file:docs")
    runs.stored("03" * 8)
    runs.ingested("04" * 8, "docs", "d1", url="file:docs")  # one more folder: refused by the collection
    runs.ingested("05" * 8, "outro", "d1", limit=3)  # a trial
    [known] = known_sources(runs.outputs)
    assert (known.source_id, known.address) == ("03" * 8, "")


def test_an_upgrade_keeps_every_source_of_the_folder(runs):
    runs.ingested("03" * 8, "um", "d1", named="um")
    runs.ingested("04" * 8, "dois", "d2", named="dois")
    runs.stored("03" * 8, "04" * 8)
    assert [(one.project, one.named) for one in known_sources(runs.outputs)] == [("dois", True), ("um", True)]


def test_an_upgrade_knows_the_ids_that_a_project_had_for_other_folders(runs):
    runs.ingested("03" * 8, "docs", "d1", url="file:docs")
    runs.ingested("06" * 8, "docs", "d1", url="file:docs")  # refused by the collection
    runs.ingested("04" * 8, "outro", "d3", named="outro")
    ref = runs.ingested("05" * 8, "docs", "d2", url="file:docs")  # another folder
    runs.stored("03" * 8, "04" * 8, "05" * 8)
    docs, other = known_sources(runs.outputs)
    assert (docs.source_id, docs.former, other.former) == ("05" * 8, ("03" * 8,), ())
    assert KnownSource.from_plain(docs.plain()) == docs

    snapshot = {"source": "git", "source_id": docs.source_id, "project": "docs", "named": False}
    record_source(runs.outputs, snapshot | {"target_folder": ["x"], "traits": {}}, ref)
    assert all(one.former == () for one in known_sources(runs.outputs))


def test_a_source_that_was_read_and_never_stored_binds_nobody(runs):
    runs.ingested("03" * 8, "engano", "d1")
    assert known_sources(runs.outputs) == []
    assert newest_source(runs.outputs).project == "engano"


def test_pruned_documents_are_not_known_any_more(runs):
    ref = runs.ingested("03" * 8, "docs", "d1")
    known = KnownSource(source_id="03" * 8, project="docs", documents=ref)
    runs.store.delete(ref.uri)
    assert documents_of(known, runs.store) is None
    assert documents_of(ONE, runs.store) is None


def test_only_a_document_that_never_left_keeps_what_is_stored_of_it(runs):
    ref = runs.ingested("03" * 8, "docs", "d1", "d2")
    known = KnownSource(source_id="03" * 8, project="docs", documents=ref)
    now = Rows.of([{"document_id": "d2"}, {"document_id": "d3"}])
    assert staying(now, known, runs.store) == {"d2"}
    assert staying(now, None, runs.store) == {"d2", "d3"}


def test_a_stored_source_keeps_what_was_known_of_it(runs):
    remember_source(runs.outputs, ONE)
    ref = runs.ingested(ONE.source_id, "um", "d1")
    snapshot = {"source": "folder", "source_id": ONE.source_id, "project": "um", "named": False}
    traits = {"places": ["0f" * 8], "address": "", "gitlab_id": 0, "roots": []}
    record_source(runs.outputs, snapshot | {"target_folder": ["40-Vigentes"], "traits": traits}, ref)
    [known] = recorded_sources(runs.outputs)
    assert known.folders == ("30-Aprovados", "40-Vigentes")
    assert (known.roots, known.places, known.kind) == (ONE.roots, ("0f" * 8,), "folder")
    assert known.documents == ref


def test_what_is_remembered_of_documents_is_forgotten_in_every_stage(tmp_path):
    with Memo(tmp_path / "memo.sqlite") as memo:
        for stage in ("gitlab_ingestion", "document_processing"):
            memo.remember_good(stage, [("d1", {"n": 1}), ("d2", {"n": 2})])
        assert memo.forget_good_of(["d1", "absent"]) == 2
        assert [(stage, document) for stage, document, _ in memo.good_values()] == [
            ("document_processing", "d2"),
            ("gitlab_ingestion", "d2"),
        ]
