"""Promises of the look outside: a change of the source is seen, and in doubt there is no answer."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig
from stagekit.checks.outside import outside_state, source_changes, source_state
from stagekit.checks.reread import PARTS, changed_contents
from stagekit.ingestion import SelectionRules, open_source
from stagekit.ingestion.content import file_blob_id


def source(path: Path | str, **more: Any) -> dict[str, Any]:
    return {"source": "git", "source_path": str(path), "target_folder": ["docs"], "target_branch": ""} | more


NOWHERE = Path("/nowhere/outputs")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "folder" / "docs").mkdir(parents=True)
    (tmp_path / "folder" / "docs" / "ação.md").write_text("one")
    return tmp_path / "folder"


def test_a_folder_is_as_it_was_until_a_file_is_new_changed_or_gone(folder: Path) -> None:
    states = [source_state(source(folder), NOWHERE)]
    assert source_state(source(folder), NOWHERE) == states[0]
    steps = [
        lambda: (folder / "docs" / "b.md").write_text("two"),
        lambda: (folder / "docs" / "b.md").write_text("three"),
        lambda: os.utime(folder / "docs" / "b.md", ns=(1, 1)),  # same size, other time
        lambda: (folder / "docs" / "b.md").rename(folder / "docs" / "c.md"),
        lambda: _in_its_place(folder / "docs" / "c.md", "foure"),  # same size, same time
        (folder / "docs" / "ação.md").unlink,
    ]
    for step in steps:
        step()
        states.append(source_state(source(folder), NOWHERE))
    assert len(set(states)) == len(states)


def _in_its_place(path: Path, text: str) -> None:
    """Put another file in a file's place, of the same size and time, as a restored backup does."""
    facts = path.stat()
    assert len(text) == facts.st_size
    (path.parent / "new").write_text(text)
    os.utime(path.parent / "new", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    (path.parent / "new").replace(path)


def test_contents_that_changed_under_every_stamp_are_found_once_all_parts_were_read(folder: Path) -> None:
    known = {f"docs/{n}.md": "" for n in range(60)}
    for path in known:
        (folder / path).write_text("as it was")
    known = {path: file_blob_id(folder / path) for path in known}
    (folder / "docs" / "link.md").symlink_to("7.md")
    known["docs/link.md"] = known["docs/7.md"]
    (folder / "docs" / "7.md").write_text("as it is.")
    (folder / "docs" / "8.md").unlink()  # which its stamps tell

    parts = [changed_contents(source(folder), known, part) for part in range(PARTS)]
    assert sorted(path for part in parts for path in part) == ["docs/7.md", "docs/link.md"]
    assert changed_contents(source(folder, source="gitlab"), known, 0) == []


def test_only_the_approved_folders_count_and_never_the_outputs(folder: Path) -> None:
    approved, whole = source(folder, target_folder=["docs"]), source(folder, target_folder=["."])
    outputs = folder / "docs" / "outputs"
    states = [source_state(one, outputs) for one in (approved, whole)]
    outputs.mkdir()
    (outputs / "a.md").write_text("nic-etl's own")
    assert [source_state(one, outputs) for one in (approved, whole)] == states
    (folder / "outside.md").write_text("not approved")
    assert source_state(approved, outputs) == states[0]
    assert source_state(whole, outputs) != states[1]
    found = open_source("git", str(folder), folders=[""], outputs=outputs).files()
    assert [file.path for file in found] == ["docs/ação.md", "outside.md"]


def test_a_link_is_not_followed(folder: Path) -> None:
    (folder / "loop").symlink_to(folder)
    assert source_state(source(folder), NOWHERE) is not None


def test_a_repository_is_as_it_was_until_there_is_another_commit(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "-C", str(tmp_path / "repo"), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    (tmp_path / "repo" / "docs").mkdir(parents=True)
    git("init", "-q", "-b", "main")
    for text in ("one", "two"):
        (tmp_path / "repo" / "docs" / "a.md").write_text(text)
        git("add", "-A")
        git("commit", "-q", "-m", text)
        (tmp_path / "repo" / "docs" / "not committed.md").write_text(text)
        assert source_state(source(tmp_path / "repo"), NOWHERE) == f"commit {git('rev-parse', 'HEAD')}"
        (tmp_path / "repo" / "docs" / "not committed.md").unlink()


def test_the_bundled_sample_is_a_source() -> None:
    assert source_state(source("", target_folder=["30-Aprovados"]), NOWHERE) is not None


def test_what_only_the_stage_can_tell_has_no_answer(tmp_path: Path) -> None:
    assert source_state(source("", source="gitlab"), NOWHERE) is None
    assert source_state(source(tmp_path / "nowhere"), NOWHERE) is None
    assert outside_state("elsewhere", {}, tmp_path) is None


def test_the_changes_of_a_folder_are_named(tmp_path: Path) -> None:
    approved = tmp_path / "30-Aprovados"
    approved.mkdir()
    for name in ("same", "changed", "gone", "draft"):
        (approved / f"{name}.md").write_text(f"# {name}\n")
    settings = PipelineConfig(source_path=str(tmp_path)).model_dump(mode="json")
    rules = SelectionRules.from_settings(["30-Aprovados"], ["md"], 1)
    repository = open_source("git", str(tmp_path), folders=rules.folders)
    known = {file.path: file.blob_id for file in repository.files()}
    repository.close()
    draft = "30-Aprovados/draft.md"
    del known[draft]

    (approved / "changed.md").write_text("# other\n")
    (approved / "gone.md").unlink()
    (approved / "fresh.md").write_text("# fresh\n")

    assert source_changes(settings, NOWHERE, known, {draft}) == [
        "30-Aprovados/changed.md",
        "30-Aprovados/fresh.md (new)",
        "30-Aprovados/gone.md (gone)",
    ]
    assert source_changes(settings | {"source": "gitlab"}, NOWHERE, known, set()) == []
    assert source_changes(settings | {"source_path": "/nowhere"}, NOWHERE, known, set()) == []


def test_another_day_is_another_state_where_expired_documents_are_left_out(folder: Path) -> None:
    def state(day: str, *, include: bool) -> str | None:
        return source_state(source(folder, include_expired=include, today=day), NOWHERE)

    assert state("2025-12-31", include=False) != state("2026-01-01", include=False)
    assert state("2025-12-31", include=True) == state("2026-01-01", include=True)
