"""The test server against the shapes of GitLab's REST v4 that the real one is known to answer with."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.servers.gitlab_access import Token
from tests.servers.gitlab_server import GitLabServer
from tests.servers.gitlab_world import APPROVED, TOKEN, Repository

PATH = "nic/documentos"


class Asker:
    """Asks the server plainly, without python-gitlab."""

    def __init__(self, server: GitLabServer, repository: Repository) -> None:
        self.server = server
        self.repository = repository
        self.head = repository.git("rev-parse", "HEAD")
        self.session = requests.Session()
        self.session.headers["PRIVATE-TOKEN"] = TOKEN

    def __call__(self, path: str = "", /, **query: Any) -> requests.Response:
        route = f"/{path}" if path else ""
        url = f"{self.server.url}/api/v4/projects/{PATH.replace('/', '%2F')}{route}"
        return self.session.get(url, params=query)

    def instance(self, path: str, **headers: str) -> requests.Response:
        return requests.get(f"{self.server.url}/api/v4/{path}", headers=headers)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    repository = Repository(tmp_path_factory.mktemp("server") / "repositorio")
    repository.commit({"a.md": "um", "b/c.md": "dois"})
    repository.git("-c", "user.name=A", "tag", "-a", "v1", "-m", "v1")
    repository.commit({f"m/{n}.md": str(n) for n in range(130)})
    repository.git("mv", f"{APPROVED}/a.md", f"{APPROVED}/z.md")
    repository.commit(author="Beto")
    return repository


@pytest.fixture
def ask(repository: Repository) -> Iterator[Asker]:
    with GitLabServer() as server:
        server.add_project(PATH, repository.path)
        server.add_token(TOKEN)
        asker = Asker(server, repository)
        yield asker
        asker.session.close()


def test_a_project_has_the_fields_that_clients_use(ask: Asker) -> None:
    body = ask().json()
    assert body["path_with_namespace"] == PATH
    assert (body["default_branch"], body["empty_repo"], body["archived"]) == ("main", False, False)
    assert body["repository_object_format"] == "sha1"
    assert body["web_url"] == f"{ask.server.url}/{PATH}"


def test_a_tree_comes_in_keyset_pages_with_nothing_but_a_next_link(ask: Asker) -> None:
    first = ask("repository/tree", ref=ask.head, recursive="true", per_page=100, pagination="keyset")
    assert set(first.json()[0]) == {"id", "name", "type", "path", "mode"}
    assert [entry["type"] for entry in first.json()[:3]] == ["tree", "tree", "tree"]
    assert set(first.links) == {"next"}
    assert "X-Total" not in first.headers
    last = ask.session.get(first.links["next"]["url"])
    assert not last.links
    everything = ask("repository/tree", ref=ask.head, recursive="true", pagination="none").json()
    assert first.json() + last.json() == everything
    assert len(everything) == 3 + 132


def test_numbered_pages_announce_a_second_one_that_may_be_empty(ask: Asker) -> None:
    page = ask("repository/tree", ref=ask.head, path=APPROVED)
    assert (page.headers["X-Page"], page.headers["X-Next-Page"], page.headers["X-Per-Page"]) == (
        "1",
        "2",
        "20",
    )
    assert page.headers["X-Total"] == "3"
    assert {"first", "next", "last"} == set(page.links)
    assert ask.session.get(page.links["next"]["url"]).json() == []


@pytest.mark.parametrize(
    ("path", "query", "status", "body"),
    [
        ("repository/tree", {"ref": "nada"}, 404, {"message": "404 Tree Not Found"}),
        ("repository/tree", {"path": "nada"}, 404, {"message": "404 invalid revision or path Not Found"}),
        ("repository/tree", {"page": "x"}, 400, {"error": "page is invalid"}),
        ("repository/blobs/0123/raw", {}, 404, {"message": "404 Blob Not Found"}),
        ("repository/files/a.md", {}, 400, {"error": "ref is missing, ref is empty"}),
        ("repository/files/a.md", {"ref": "nada"}, 404, {"message": "404 Commit Not Found"}),
        ("repository/files/nada.md", {"ref": "main"}, 404, {"message": "404 File Not Found"}),
        (
            "repository/files/a%2F..%2Fb",
            {"ref": "main"},
            400,
            {"error": "file_path should be a valid file path"},
        ),
        ("repository/commits/nada", {}, 404, {"message": "404 Commit Not Found"}),
        ("repository/branches/nada", {}, 404, {"message": "404 Branch Not Found"}),
        ("repository/compare", {"from": "nada", "to": "main"}, 404, {"message": "404 Ref Not Found"}),
        ("repository/compare", {"to": "main"}, 400, {"error": "from is missing"}),
        ("repository/nada", {}, 404, {"error": "404 Not Found"}),
    ],
)
def test_refusals_have_gitlabs_status_and_body(
    ask: Asker, path: str, query: dict[str, str], status: int, body: dict[str, str]
) -> None:
    answer = ask(path, **query)
    assert (answer.status_code, answer.json()) == (status, body)


def test_an_unknown_branch_has_no_commits_rather_than_an_error(ask: Asker) -> None:
    answer = ask("repository/commits", ref_name="nada")
    assert (answer.status_code, answer.json()) == (200, [])


def test_commits_have_gitlabs_fields_and_no_total(ask: Asker) -> None:
    answer = ask("repository/commits", ref_name="main", path=f"{APPROVED}/b/c.md")
    [commit] = answer.json()
    assert {"id", "short_id", "created_at", "parent_ids", "title", "message", "web_url"} <= set(commit)
    assert commit["committed_date"] == commit["created_at"] == "2024-03-01T01:00:00.000-03:00"
    assert commit["author_name"] == "Ana Souza"
    assert "X-Total" not in answer.headers
    assert len(ask("repository/commits", ref_name="v1..main").json()) == 2
    assert ask(f"repository/commits/{ask.head}").json()["author_name"] == "Beto"


def test_a_file_comes_as_json_raw_and_headers(ask: Asker) -> None:
    path = f"repository/files/{APPROVED}%2Fz.md"
    body = ask(path, ref="main").json()
    assert base64.b64decode(body["content"]) == b"um"
    assert (body["size"], body["commit_id"], body["last_commit_id"]) == (2, ask.head, ask.head)
    raw = ask(f"{path}/raw", ref="main")
    assert raw.content == b"um"
    assert raw.headers["X-Gitlab-Content-Sha256"] == hashlib.sha256(b"um").hexdigest()
    assert raw.headers["Content-Type"].startswith("text/plain")
    url = raw.url.replace("/raw", "")
    head = ask.session.head(url)
    assert (head.headers["X-Gitlab-Size"], head.headers["X-Gitlab-Execute-Filemode"], head.content) == (
        "2",
        "false",
        b"",
    )


def test_a_comparison_lists_renames_and_says_when_it_is_cut_off(ask: Asker) -> None:
    query = {"from": "v1", "to": "main", "straight": "true"}
    body = ask("repository/compare", **query).json()
    assert body["compare_timeout"] is False
    assert len(body["commits"]) == 2
    [renamed] = [diff for diff in body["diffs"] if diff["renamed_file"]]
    assert (renamed["old_path"], renamed["new_path"]) == (f"{APPROVED}/a.md", f"{APPROVED}/z.md")
    ask.server.projects[0].diff_limit = 5
    body = ask("repository/compare", **query).json()
    assert (body["compare_timeout"], len(body["diffs"])) == (True, 5)


def test_branches_and_tags_carry_their_commit(ask: Asker) -> None:
    assert ask("repository/branches/main").json()["commit"]["id"] == ask.head
    [tag] = ask("repository/tags").json()
    assert tag["commit"]["id"] == ask.repository.git("rev-parse", "v1^{commit}")


@pytest.mark.parametrize(
    ("token", "status", "body"),
    [
        (Token(TOKEN, expired=True), 401, {"error": "invalid_token"}),
        (Token(TOKEN, revoked=True), 401, {"error": "invalid_token"}),
        (Token("outro"), 401, {"message": "401 Unauthorized"}),
        (
            Token(TOKEN, scopes=("read_repository",)),
            403,
            {"error": "insufficient_scope", "scope": "api read_api"},
        ),
        (Token(TOKEN, role="none"), 404, {"message": "404 Project Not Found"}),
    ],
)
def test_tokens_are_judged_as_gitlab_judges_them(
    ask: Asker, token: Token, status: int, body: dict[str, str]
) -> None:
    ask.server.tokens = {token.value: token}
    answer = ask()
    assert answer.status_code == status
    assert body.items() <= answer.json().items()


def test_a_token_may_read_files_alone_with_read_repository(ask: Asker) -> None:
    ask.server.tokens[TOKEN].scopes = ("read_repository",)
    assert ask(f"repository/files/{APPROVED}%2Fz.md/raw", ref="main").content == b"um"
    assert ask("repository/tree").status_code == 403


def test_the_instance_tells_its_version_user_and_token(ask: Asker) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert ask.instance("version", **bearer).json()["version"].startswith("18")
    assert ask.instance("user", **bearer).json()["username"] == "leitora"
    assert ask.instance("personal_access_tokens/self", **bearer).json()["scopes"] == ["read_api"]
    assert ask.instance("user").status_code == 401


def test_the_server_runs_as_a_program_too(ask: Asker, tmp_path: Path) -> None:
    import subprocess
    import sys

    process = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.gitlab_server", str(ask.repository.path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        answer = requests.get(
            f"{url}/api/v4/projects/nic%2Fdocumentos", headers={"PRIVATE-TOKEN": "glpat-test-server-token"}
        )
        assert answer.json()["default_branch"] == "main"
    finally:
        process.kill()
        process.communicate()
