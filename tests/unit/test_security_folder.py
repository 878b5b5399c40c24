"""Promises about a folder that somebody changes while it is read: only its own files are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stagekit.ingestion.content import ContentError
from stagekit.ingestion.folder_source import FolderSource


@pytest.mark.parametrize("becomes", ["link", "pipe"])
def test_a_file_that_becomes_a_link_or_a_pipe_after_it_was_listed_is_not_followed(
    tmp_path: Path, becomes: str
) -> None:
    outside, folder = tmp_path / "segredo", tmp_path / "30-Aprovados"
    outside.write_text("o mesmo texto")
    folder.mkdir()
    (folder / "a.md").write_text("o mesmo texto")
    source = FolderSource(tmp_path, "", ["30-Aprovados"])
    [listed] = [file for file in source.files() if file.path.endswith("a.md")]
    assert source.read(listed) == b"o mesmo texto"
    (folder / "a.md").unlink()
    if becomes == "link":
        (folder / "a.md").symlink_to(outside)
    else:
        os.mkfifo(folder / "a.md")
    with pytest.raises(ContentError, match="cannot be read"):
        source.read(listed)
