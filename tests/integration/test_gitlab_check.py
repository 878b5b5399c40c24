"""Promises of the check that `nic-etl doctor` makes of a GitLab project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig
from stagekit.artifacts.known_sources import KnownSource, remember_source
from stagekit.checks.doctor_source import check_source
from tests.servers.gitlab_server import GitLabServer
from tests.servers.gitlab_world import APPROVED, PROJECT, TOKEN, Repository


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitLabServer]:
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    repository = Repository(tmp_path / "repositorio")
    repository.commit({"a.md": "um"})
    with GitLabServer() as server:
        server.add_project(PROJECT, repository.path)
        server.add_token(TOKEN)
        yield server


def check(
    server: GitLabServer, tmp_path: Path, branch: str = "", folder: str = APPROVED, **values: Any
) -> dict:
    place = {"source": "gitlab", "gitlab_url": server.url, "gitlab_project": PROJECT, "retry_budget_s": 1}
    config = PipelineConfig(**(place | values), target_branch=branch, target_folder=[folder])
    rows = check_source(config.model_dump(mode="json"), tmp_path / "outputs")
    assert TOKEN not in str(rows)
    assert all(row["ok"] for row in rows[:-1])
    return rows[-1] | {"details": " | ".join(row["detail"] for row in rows), "steps": len(rows)}


def test_a_project_that_can_be_read_passes_every_step(server: GitLabServer, tmp_path: Path) -> None:
    last = check(server, tmp_path)
    assert (last["ok"], last["steps"]) == (True, 5)
    for said in ("the clocks agree", "no rate limit", "scopes read_api; expires 2027-01-31", "main at"):
        assert said in last["details"]
    assert (tmp_path / "outputs/gitlab_access.jsonl").exists()


@pytest.mark.parametrize(
    ("token", "step", "said"),
    [
        ({"expired": True}, "token", "has expired"),
        ({"revoked": True}, "token", "was revoked"),
        (
            {"scopes": ("read_repository",)},
            "token",
            "lacks the scope for the project: create a token with",
        ),
        ({"role": "none"}, "project", "is a member"),
        ({"role": "guest"}, "branch", "Reporter"),
    ],
)
def test_the_first_step_that_fails_says_why(
    server: GitLabServer, tmp_path: Path, token: dict[str, Any], step: str, said: str
) -> None:
    server.add_token(TOKEN, **token)
    last = check(server, tmp_path)
    assert (last["ok"], last["check"]) == (False, f"GitLab {step}")
    assert said in last["detail"]


def test_a_missing_branch_or_folder_is_named(server: GitLabServer, tmp_path: Path) -> None:
    assert "no branch or tag 'nada'" in check(server, tmp_path, branch="nada")["detail"]
    said = "The source holds no file under the folder 'nada'; its top-level folders are 30-Aprovados: "
    for old in (False, True):
        server.projects[0].old_missing_folder = old
        last = check(server, tmp_path, folder="nada")
        assert (last["check"], last["ok"]) == ("source", False)
        assert last["detail"].startswith(said)


def test_another_project_than_the_one_that_is_kept_is_told(server: GitLabServer, tmp_path: Path) -> None:
    kept = KnownSource(source_id="0f" * 8, project="nic/outro", gitlab_id=4711)
    remember_source(tmp_path / "outputs", kept)
    last = check(server, tmp_path)
    assert (last["check"], last["ok"]) == ("source", False)
    assert "than the one that this outputs folder keeps (nic/outro)" in last["detail"]


def test_what_a_run_does_not_need_is_no_fault(server: GitLabServer, tmp_path: Path) -> None:
    server.faults.add("status", "/version", code=403, body=b"<html>Blocked</html>")
    last = check(server, tmp_path)
    assert last["ok"], last


def test_a_server_that_is_no_gitlab_or_away_fails_first(server: GitLabServer, tmp_path: Path) -> None:
    server.faults.add("html_login", "")
    assert check(server, tmp_path)["check"] == "GitLab server"
    with GitLabServer() as gone:
        pass
    assert "refused" in check(gone, tmp_path)["detail"]


def test_other_kinds_of_tokens_are_told_apart(
    server: GitLabServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults.add("status", "/self", code=404, body=b'{"error":"404 Not Found"}')
    assert "does not tell its scopes" in check(server, tmp_path)["details"]
    server.projects[0].visibility = "public"
    monkeypatch.delenv("GITLAB_TOKEN")
    assert "none is set" in check(server, tmp_path)["details"]
    monkeypatch.setenv("CI_JOB_TOKEN", "job-0123456789")
    server.add_token("job-0123456789", kind="job")
    assert "public projects only" in check(server, tmp_path)["details"]


def test_clock_skew_and_rate_limit_are_reported(server: GitLabServer, tmp_path: Path) -> None:
    headers = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "RateLimit-Remaining": "17", "RateLimit-Limit": "600"}
    server.faults.add("status", "/version", code=401, body=b"{}", headers=headers)
    details = check(server, tmp_path)["details"]
    assert "17 of 600 requests left" in details
    assert "ahead of the server's" in details
