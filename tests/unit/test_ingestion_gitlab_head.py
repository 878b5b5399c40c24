"""The head of a GitLab branch, asked again and again over real HTTP: cheap, recorded, honest about faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import load_config
from stagekit.checks.source_head import SourceHead
from stagekit.errors import StageError
from tests.servers.gitlab_server import GitLabServer
from tests.servers.gitlab_world import PROJECT, TOKEN, Repository


def configured(**settings: str) -> dict[str, Any]:
    return load_config(None, settings).config.model_dump(mode="json")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "repositorio")
    repository.commit({"a.md": "# A\n"})
    return repository


@pytest.fixture
def server(repository: Repository) -> Iterator[GitLabServer]:
    with GitLabServer() as server:
        server.add_project(PROJECT, repository.path)
        server.add_token(TOKEN)
        yield server


@pytest.fixture
def settings(server: GitLabServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    return configured(source="gitlab", gitlab_url=server.url, gitlab_project=PROJECT)


@pytest.fixture
def head(settings: dict[str, Any], tmp_path: Path) -> Iterator[SourceHead]:
    head = SourceHead(settings, tmp_path)
    yield head
    head.close()


def test_a_look_is_one_request_and_not_modified_while_nothing_was_pushed(
    head: SourceHead, server: GitLabServer, repository: Repository
) -> None:
    first = head.look()
    assert first == f"commit {repository.git('rev-parse', 'HEAD')}"
    assert [head.look(), head.look()] == [first, first]
    assert [entry.status for entry in server.log] == [200, 304, 304]

    pushed = repository.commit({"a.md": "# B\n"})
    assert head.look() == f"commit {pushed}"
    assert server.log[-1].status == 200


def test_a_branch_and_a_tag_are_looked_at_by_their_names(
    settings: dict[str, Any], repository: Repository, tmp_path: Path
) -> None:
    repository.git("branch", "aprovados/2025")
    repository.git("tag", "v1")
    there = f"commit {repository.commit({'a.md': 'x'})}"
    for name in ("aprovados/2025", "v1"):
        head = SourceHead(settings | {"target_branch": name}, tmp_path)
        assert head.look() == f"commit {repository.git('rev-parse', name)}" != there
        head.close()


def test_every_look_stands_in_the_access_log_and_the_token_does_not(head: SourceHead, tmp_path: Path) -> None:
    head.look()
    head.look()
    text = (tmp_path / "gitlab_access.jsonl").read_text()
    assert [json.loads(line)["status"] for line in text.splitlines()] == [200, 304]
    assert TOKEN not in text


def test_a_job_token_travels_in_its_own_header(
    head: SourceHead, server: GitLabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITLAB_TOKEN")
    monkeypatch.setenv("CI_JOB_TOKEN", "job-token-of-the-test")
    with pytest.raises(StageError, match="CI_JOB_TOKEN"):
        head.look()
    assert server.log[-1].headers["JOB-TOKEN"] == "job-token-of-the-test"
    monkeypatch.delenv("CI_JOB_TOKEN")
    with pytest.raises(StageError, match="set GITLAB_TOKEN"):
        head.look()
    assert "Authorization" not in server.log[-1].headers


def test_a_revoked_token_a_lost_project_and_an_absent_branch_are_said_in_a_sentence(
    head: SourceHead, server: GitLabServer, settings: dict[str, Any], tmp_path: Path
) -> None:
    other = SourceHead(settings | {"gitlab_project": "nic/other"}, tmp_path)
    with pytest.raises(StageError, match="no project 'nic/other'"):
        other.look()
    other.close()
    gone = SourceHead(settings | {"target_branch": "gone"}, tmp_path)
    with pytest.raises(StageError, match="no newest commit"):
        gone.look()
    gone.close()
    server.tokens[TOKEN].revoked = True
    with pytest.raises(StageError, match="revoked"):
        head.look()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "status", "times": 2, "code": 502}, "server error 502"),
        ({"kind": "html_login", "times": 2}, "web page"),
        ({"kind": "status", "times": 1, "code": 200, "body": b"{}"}, "unknown form"),
        ({"kind": "reset", "times": 2}, "connection"),
    ],
)
def test_a_fault_is_told_at_once_and_the_next_look_works(
    head: SourceHead, server: GitLabServer, fault: dict[str, Any], said: str
) -> None:
    server.faults.add(match="/repository/commits", **fault)
    with pytest.raises(StageError, match=said):
        head.look()
    assert head.look().startswith("commit ")


def test_a_connection_that_breaks_once_is_not_worth_a_word(head: SourceHead, server: GitLabServer) -> None:
    server.faults.add("reset", times=1)
    assert head.look().startswith("commit ")


def test_a_folder_is_known_by_names_sizes_and_times(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("a")
    settings = configured(source_path=str(folder), target_folder=["."])
    head = SourceHead(settings, tmp_path)
    before = head.look()
    assert head.look() == before
    (folder / "a.md").write_text("ab")
    assert head.look() != before
    (folder / "a.md").unlink()
    folder.rmdir()
    with pytest.raises(StageError, match="does not exist; set it to"):
        head.look()
    head.close()


def test_a_local_repository_is_known_by_its_commit(repository: Repository, tmp_path: Path) -> None:
    settings = configured(source_path=str(repository.path))
    head = SourceHead(settings, tmp_path)
    assert head.look() == f"commit {repository.git('rev-parse', 'HEAD')}"
    repository.write({"a.md": "# not committed\n"})
    assert head.look() == f"commit {repository.git('rev-parse', 'HEAD')}"
    pushed = repository.commit()
    assert head.look() == f"commit {pushed}"
