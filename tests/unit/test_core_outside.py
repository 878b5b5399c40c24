"""Promises of the look outside: a change of source or store is seen, and in doubt there is no answer."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig
from stagekit.ingestion import SelectionRules, open_source
from stagekit.outside import outside_state, source_changes, source_state, store_state


def source(path: Path | str, **more: Any) -> dict[str, Any]:
    return {"source": "git", "source_path": str(path), "target_folder": ["docs"], "target_branch": ""} | more


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "folder" / "docs").mkdir(parents=True)
    (tmp_path / "folder" / "docs" / "ação.md").write_text("one")
    return tmp_path / "folder"


def test_a_folder_is_as_it_was_until_a_file_is_new_changed_or_gone(folder: Path) -> None:
    states = [source_state(source(folder))]
    assert source_state(source(folder)) == states[0]
    steps = [
        lambda: (folder / "docs" / "b.md").write_text("two"),
        lambda: (folder / "docs" / "b.md").write_text("three"),
        lambda: os.utime(folder / "docs" / "b.md", ns=(1, 1)),  # same size, other time
        lambda: (folder / "docs" / "b.md").rename(folder / "c.md"),
        (folder / "docs" / "ação.md").unlink,
    ]
    for step in steps:
        step()
        states.append(source_state(source(folder)))
    assert len(set(states)) == len(states)


def test_a_link_is_not_followed(folder: Path) -> None:
    (folder / "loop").symlink_to(folder)
    assert source_state(source(folder)) is not None


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
        assert source_state(source(tmp_path / "repo")) == f"commit {git('rev-parse', 'HEAD')}"
        (tmp_path / "repo" / "docs" / "not committed.md").unlink()


def test_the_bundled_sample_is_a_source() -> None:
    assert source_state(source("", target_folder=["30-Aprovados"])) is not None


def test_what_only_the_stage_can_tell_has_no_answer(tmp_path: Path) -> None:
    assert source_state(source("", source="gitlab")) is None
    assert source_state(source(tmp_path / "nowhere")) is None
    assert outside_state("elsewhere", {}, tmp_path) is None


def test_the_embedded_store_is_as_it_was_until_a_file_changes(tmp_path: Path) -> None:
    settings = {"qdrant_url": "embedded"}
    assert store_state(settings, tmp_path) is None
    (tmp_path / "qdrant").mkdir()
    before = outside_state("store", settings, tmp_path)
    assert before is not None
    (tmp_path / "qdrant" / ".lock").write_text("held")  # opening the store is no change of it
    assert store_state(settings, tmp_path) == before
    (tmp_path / "qdrant" / "storage.sqlite").write_text("point")
    assert store_state(settings, tmp_path) != before


class Server(BaseHTTPRequestHandler):
    answers: dict[str, tuple[int, bytes]]
    keys: list[str | None]

    def do_POST(self) -> None:
        self.keys.append(self.headers.get("api-key"))
        self.rfile.read(int(self.headers["Content-Length"]))
        code, body = self.answers.get(self.path, (404, b"{}"))
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture
def server() -> Iterator[str]:
    count = "/collections/{}/points/count"
    Server.keys = []
    Server.answers = {
        count.format("docs"): (200, json.dumps({"result": {"count": 42}}).encode()),
        count.format("odd"): (200, b'{"result": null}'),
        count.format("text"): (200, b"hello"),
        count.format("closed"): (403, b"{}"),
    }
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


def test_a_server_is_asked_for_its_points_with_the_key(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"qdrant_url": server, "collection_name": "docs"}
    assert store_state(settings, tmp_path) == "42 points"
    monkeypatch.setenv("QDRANT_API_KEY", "hush")
    assert store_state(settings, tmp_path) == "42 points"
    assert Server.keys == [None, "hush"]


@pytest.mark.parametrize("collection", ["odd", "text", "closed", "missing"])
def test_a_server_that_does_not_answer_plainly_has_no_answer(
    server: str, tmp_path: Path, collection: str
) -> None:
    assert store_state({"qdrant_url": server, "collection_name": collection}, tmp_path) is None


def test_a_server_that_is_away_has_no_answer(tmp_path: Path) -> None:
    assert store_state({"qdrant_url": "http://127.0.0.1:9", "collection_name": "docs"}, tmp_path) is None


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

    assert source_changes(settings, known, {draft}) == [
        "30-Aprovados/changed.md",
        "30-Aprovados/fresh.md (new)",
        "30-Aprovados/gone.md (gone)",
    ]
    assert source_changes(settings | {"source": "gitlab"}, known, set()) == []
    assert source_changes(settings | {"source_path": "/nowhere"}, known, set()) == []
