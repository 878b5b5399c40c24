"""Promises of the plain-folder source, and of the stage's map over what it finds."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from stagekit import DocumentOutput, ExecutionStatus, StageError, open_stage
from stagekit.ingestion import (
    Approval,
    ContentError,
    SelectionRules,
    approval_fields,
    document_rows,
    open_source,
    select,
    set_aside,
)

APPROVED = "30-Aprovados"
RULES = SelectionRules((APPROVED,), ("md", "txt"), 1024)
APPROVAL = Approval.from_settings(["approved", "published"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "acervo"
    for name, text in {
        f"{APPROVED}/a.md": "um",
        f"{APPROVED}/sub/ação 📧.md": "dois",
        "10-Entrada/c.md": "três",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return root


def opened(path: Path, **settings):
    return open_source("git", str(path), folders=RULES.folders, **settings)


def rows_of(path: Path, **settings) -> dict[str, dict]:
    source = opened(path, **settings)
    selection = select(source.files(), RULES, source.read)
    return {row["path"]: row for row in document_rows(source, selection.documents)}


def test_a_plain_folder_is_described_like_a_repository(folder):
    snapshot = opened(folder).snapshot()
    assert (snapshot.project, snapshot.repository_branch) == ("acervo", "unversioned")
    assert len(snapshot.commit) == 40
    assert snapshot.commit_timestamp == "2023-11-14T22:13:20Z"
    row = rows_of(folder)[f"{APPROVED}/a.md"]
    assert row["modified"] == row["created"] == "2023-11-14T22:13:20Z"
    assert row["author"] is None
    assert row["blob_id"] == hashlib.sha1(b"blob 2\0um").hexdigest()


def test_a_copy_of_the_folder_elsewhere_gives_the_same_rows(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "other" / "acervo")
    assert rows_of(tmp_path / "other" / "acervo") == rows_of(folder)
    assert opened(tmp_path / "other" / "acervo").snapshot() == opened(folder).snapshot()


def test_a_change_changes_the_row_of_its_file_only(folder):
    before, state = rows_of(folder), opened(folder).snapshot().commit
    (folder / APPROVED / "a.md").write_text("outro")
    (folder / "10-Entrada" / "c.md").write_text("fora não conta")
    after = rows_of(folder)
    assert {path for path in after if after[path] != before[path]} == {f"{APPROVED}/a.md"}
    assert opened(folder).snapshot().commit != state


def test_a_folder_inside_a_repository_is_a_plain_folder(folder):
    (folder / ".git").mkdir()
    assert opened(folder / APPROVED).snapshot().source == "folder"


def test_the_project_can_be_named_so_that_a_moved_folder_keeps_its_documents(folder, tmp_path):
    rows = rows_of(folder, project="grupo/docs")
    folder.rename(tmp_path / "renomeado")
    assert rows_of(tmp_path / "renomeado", project="grupo/docs") == rows


def test_a_branch_asked_of_a_plain_folder_is_a_warning(folder):
    assert "target_branch 'main' has no effect" in opened(folder, target_branch="main").snapshot().warnings[0]
    assert opened(folder).snapshot().warnings == ()


def test_links_and_special_files_of_a_folder_are_accounted_for(folder):
    (folder / APPROVED / "link.md").symlink_to("sub/ação 📧.md")
    (folder / APPROVED / "fora.md").symlink_to(folder / "10-Entrada" / "c.md")
    (folder / APPROVED / "pasta").symlink_to("sub")
    (folder / APPROVED / "sub" / ".git").mkdir()
    (folder / APPROVED / "sub" / ".git" / "config").write_text("x")
    os.mkfifo(folder / APPROVED / "cano.md")
    source = opened(folder)
    selection = select(source.files(), RULES, source.read)
    assert {row["path"].rpartition("/")[2]: row["category"] for row in selection.ignored} == {
        "fora.md": "symlink",
        "pasta": "symlink",
        "cano.md": "special_file",
        ".git": "hidden",
        "c.md": "outside_folder",
    }
    linked = next(d for d in selection.documents if d.entry.path.endswith("link.md"))
    assert source.read(linked.content) == b"dois"


def test_a_file_that_changes_while_the_stage_runs_is_noticed(folder):
    source = opened(folder)
    file = next(file for file in source.files() if file.path == f"{APPROVED}/a.md")
    (folder / file.path).write_text("cortado")
    with pytest.raises(ContentError, match="changed or was cut off"):
        source.read(file)
    (folder / file.path).unlink()
    with pytest.raises(ContentError, match="cannot be read"):
        source.read(file)
    source.close()


def test_a_missing_place_is_told(tmp_path, monkeypatch):
    with pytest.raises(StageError, match="nada does not exist; set it to"):
        opened(tmp_path / "nada")
    (tmp_path / "arquivo").write_text("x")
    with pytest.raises(StageError, match="is a file, not a folder"):
        opened(tmp_path / "arquivo")
    with pytest.raises(StageError, match="source is 'ftp'"):
        open_source("ftp", "", folders=("",))
    monkeypatch.setattr("stagekit.ingestion.opening.config_dir", lambda: tmp_path / "config")
    with pytest.raises(StageError, match="config/sample_repository does not exist"):
        open_source("git", "", folders=("",))


def test_a_folder_that_cannot_be_listed_is_an_error_not_an_empty_folder(folder, monkeypatch):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(StageError, match=r"sub cannot be listed \(Permission denied\)"):
        opened(folder)


def run_stage(folder: Path, outputs: Path):
    source = opened(folder)
    selection = select(source.files(), RULES, source.read)
    contents = {document.entry.path: document.content for document in selection.documents}
    stage = open_stage("gitlab_ingestion", outputs_dir=str(outputs), parameters={})

    def fetch(row):
        data = source.read(contents[row["path"]])
        return DocumentOutput(
            fields=approval_fields(data, row["file_name"], APPROVAL.words),
            blobs={"content": (data, "text/plain")},
        )

    outcomes = stage.map_documents(
        document_rows(source, selection.documents),
        fetch,
        key=lambda row: [row["blob_id"]],
        carry=dict,
        keep_last_good=True,
    )
    documents, ignored = set_aside(outcomes, APPROVAL, stage.result)
    stage.finish()
    return stage, documents, ignored


def test_drafts_are_set_aside_and_counted_as_ignored(folder, tmp_path):
    (folder / APPROVED / "minuta.md").write_text("---\nstatus: Rascunho\n---\nx")
    (folder / APPROVED / "vigente.md").write_text("---\nStatus: Aprovado\n---\nx")
    for unchanged in (0, 3):
        stage, documents, ignored = run_stage(folder, tmp_path / "outputs")
        assert [row["path"] for row in ignored] == [f"{APPROVED}/minuta.md"]
        assert "it says status: Rascunho (draft)" in ignored[0]["reason"]
        result = stage.result
        assert (result.input_count, result.success_count, result.output_count) == (3, 3, 3)
        assert result.unchanged_count == unchanged
        assert len(documents) == 3


def test_a_file_that_cannot_be_read_any_more_goes_on_with_its_last_good_content(
    folder, tmp_path, monkeypatch
):
    (folder / APPROVED / "minuta.md").write_text("---\nstatus: draft\n---\nx")
    run_stage(folder, tmp_path / "outputs")
    real = os.open

    def refuse(path, *arguments, **options):
        if Path(os.fsdecode(path)).name in {"a.md", "minuta.md"}:
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    stage, documents, ignored = run_stage(folder, tmp_path / "outputs")
    row = next(row for row in documents if row["path"] == f"{APPROVED}/a.md")
    assert row["status"] == "stale"
    assert "Permission denied" in row["message"]
    assert stage.store.read(row["content"]) == b"um"
    assert [row["path"] for row in ignored] == [f"{APPROVED}/minuta.md"]
    assert stage.result.status is ExecutionStatus.PARTIAL
    assert stage.result.stale_count == 1
