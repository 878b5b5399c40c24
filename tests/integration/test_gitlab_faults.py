"""Promises of the GitLab source when the server misbehaves: complete in the end, or one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.gitlab_complaints import FILES, complete, no_secret_on_disk, sentence, world
from tests.servers.gitlab_server import OtherHost
from tests.servers.gitlab_world import PROJECT, TOKEN, Repository, World

Alter = Callable[[list[dict[str, str]]], list[dict[str, str]]]

__all__ = ["no_secret_on_disk", "world"]


# Tokens and permissions


def test_an_unknown_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", "glpat-outro-segredo-qualquer")
    text = sentence(world)
    assert "does not know the token in GITLAB_TOKEN" in text
    assert "outro-segredo" not in text


def test_an_expired_token(world: World) -> None:
    world.token.expired = True
    assert "GITLAB_TOKEN has expired" in sentence(world)


def test_a_revoked_token(world: World) -> None:
    world.token.revoked = True
    assert "was revoked" in sentence(world)


@pytest.mark.parametrize("scope", ["read_repository", "read_user"])
def test_a_token_with_too_small_a_scope(world: World, scope: str) -> None:
    world.token.scopes = (scope,)
    assert "lacks the scope" in sentence(world)
    assert "read_api" in sentence(world)


def test_a_member_who_may_see_the_project_but_not_its_files(world: World) -> None:
    world.token.role = "guest"
    assert "Reporter" in sentence(world)


def test_a_private_project_of_which_the_token_is_no_member(world: World) -> None:
    world.token.role = "none"
    text = sentence(world)
    assert f"no project '{PROJECT}'" in text
    assert "is a member" in text


def test_a_private_project_without_a_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITLAB_TOKEN")
    assert "set GITLAB_TOKEN" in sentence(world)


def test_a_project_that_does_not_exist(world: World) -> None:
    assert "no project 'nic/outro'" in sentence(world, project="nic/outro")


def test_a_job_token_is_told_what_it_may_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITLAB_TOKEN")
    monkeypatch.setenv("CI_JOB_TOKEN", "job-token-0123456789")
    world.server.add_token("job-token-0123456789", kind="job")
    assert "source: git" in sentence(world)
    world.project.visibility = "public"
    assert complete(world)
    assert {entry.headers.get("JOB-TOKEN") for entry in world.server.log} == {"job-token-0123456789"}


def test_a_token_from_a_file_travels_as_bearer_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITLAB_TOKEN")
    (world.folder / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("GITLAB_TOKEN_FILE", str(world.folder / "token"))
    assert complete(world)
    for entry in world.server.log:
        assert entry.headers["Authorization"] == f"Bearer {TOKEN}"
        assert "PRIVATE-TOKEN" not in entry.headers


def test_without_a_token_none_is_taken_from_netrc(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.folder / "netrc").write_text("machine 127.0.0.1 login ana password senha\n")
    monkeypatch.setenv("NETRC", str(world.folder / "netrc"))
    monkeypatch.delenv("GITLAB_TOKEN")
    world.project.visibility = "public"
    assert complete(world)
    assert not any("Authorization" in entry.headers for entry in world.server.log)


def test_a_token_that_expires_in_the_middle_loses_nothing_that_was_read(world: World) -> None:
    world.server.faults.add("expire_tokens", "/blobs/", times=1, skip=3)
    assert "has expired" in sentence(world, workers=1)
    world.token.expired = False
    reading = world.read()
    assert len(reading.contents) == len(FILES)
    assert reading.metrics["downloads"] == len(FILES) - 3


# Branches and states


def test_a_branch_that_does_not_exist_names_those_that_do(world: World) -> None:
    assert "no branch or tag 'publicado' (any more); it has main" in sentence(world, branch="publicado")


def test_a_branch_that_was_deleted(world: World) -> None:
    world.repository.git("branch", "publicado")
    assert complete(world, branch="publicado")
    world.repository.git("branch", "-D", "publicado")
    assert "set target_branch" in sentence(world, branch="publicado")


def test_an_empty_repository(world: World, tmp_path: Path) -> None:
    world.server.add_project("nic/vazio", Repository(tmp_path / "vazio").path)
    assert "is empty" in sentence(world, project="nic/vazio")
    assert "is empty" in sentence(world, project="nic/vazio", branch="main")


@pytest.mark.parametrize("keyset", [True, False])
def test_a_push_during_the_listing_does_not_mix_two_states(world: World, keyset: bool) -> None:
    world.project.keyset = keyset
    before = world.repository.commit({f"muitos/e{n}.md": str(n) for n in range(150)})
    pushed: list[str] = []
    world.server.faults.add(
        "run",
        r"/tree\?.*page(_token)?=(2|ey)",
        times=1,
        action=lambda: pushed.append(_rewrite(world.repository)),
    )
    reading = world.read()
    assert pushed
    assert reading.snapshot.commit == before
    assert len(reading.contents) == len(FILES) + 150
    assert world.read().snapshot.commit == pushed[0]


def _rewrite(repository: Repository) -> str:
    for name in ("muitos/e3.md", "d0.md"):
        (repository.path / "30-Aprovados" / name).unlink()
    return repository.commit({"aaa.md": "novo", "muitos/e5.md": "mudou"})


# Listings


def test_a_lost_link_header_does_not_make_documents_vanish(world: World) -> None:
    world.repository.commit({f"muitos/e{n}.md": str(n) for n in range(150)})
    world.server.faults.add("strip_link", "/tree")
    assert "not complete" in sentence(world)


def test_a_lost_link_header_behind_a_full_page_is_noticed_too(world: World, tmp_path: Path) -> None:
    flat = Repository(tmp_path / "plano")
    flat.commit({f"e{n}.md": str(n) for n in range(130)}, folder=".")
    world.server.add_project("nic/plano", flat.path)
    world.server.faults.add("strip_link", "/tree")
    assert "not complete" in sentence(world, project="nic/plano", folder="")
    world.server.faults.clear()
    assert len(world.read(project="nic/plano", folder="").contents) == 130


def test_a_page_that_comes_twice_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import tests.servers.gitlab_routes as routes

    world.repository.commit({f"muitos/e{n}.md": str(n) for n in range(150)})
    true_page = routes._keyset

    def again(entries, request):  # a server that forgets its page token once
        if "page_token" in request.query and not request.query.pop("seen", None):
            request.query.pop("page_token")
        return true_page(entries, request)

    monkeypatch.setattr(routes, "_keyset", again)
    assert "twice" in sentence(world)


def _without_folders(entries: list[dict[str, str]]) -> list[dict[str, str]]:
    return [entry for entry in entries if entry["path"] != "30-Aprovados/muitos"]


def _without_a_file(entries: list[dict[str, str]]) -> list[dict[str, str]]:
    return [entry for entry in entries if entry["name"] != "d0.md"]


def _of_another_form(entries: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{"caminho": entry["path"]} for entry in entries]


@pytest.mark.parametrize(
    ("alter", "keyset", "said"),
    [
        (_without_folders, True, "list of the folder '30-Aprovados/muitos' is not complete"),
        (_without_a_file, True, "list of the folder '30-Aprovados' is not complete"),
        (_without_a_file, False, "list of the top folder is not complete"),
        (_of_another_form, True, "unknown form"),
    ],
)
def test_entries_that_a_server_leaves_out_are_missed(
    world: World, monkeypatch: pytest.MonkeyPatch, alter: Alter, keyset: bool, said: str
) -> None:
    import tests.servers.gitlab_routes as routes

    world.project.keyset = keyset
    world.repository.commit({f"muitos/e{n}.md": str(n) for n in range(20)})
    true_tree = routes._tree

    def altered(project, request):
        answer = true_tree(project, request)
        if request.query.get("recursive", "").lower() == "true":
            answer.data = alter(answer.data)
        return answer

    monkeypatch.setattr(routes, "_tree", altered)
    assert said in sentence(world)


def test_empty_pages_that_link_on_for_ever_are_an_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tests.servers.gitlab_routes as routes

    endless = {"Link": f'<{world.server.url}/api/v4/projects/101/repository/tree?page_token=x>; rel="next"'}
    monkeypatch.setattr(routes, "_tree", lambda *_: routes.Answer([], headers=dict(endless)))
    assert "has no end" in sentence(world)


@pytest.mark.parametrize("name", ["http://api.internal", "https://gitlab.internal:8443/git"])
def test_pages_are_followed_whatever_name_the_server_gives_itself(world: World, name: str) -> None:
    world.repository.commit({f"muitos/e{n}.md": str(n) for n in range(150)})
    world.server.external_url = name
    assert len(world.read().contents) == len(FILES) + 150


def test_an_external_url_that_differs_does_not_draw_the_token_away(world: World) -> None:
    world.repository.commit({f"muitos/e{n}.md": str(n) for n in range(150)})
    with OtherHost() as other:
        world.server.external_url = other.url
        assert len(world.read().contents) == len(FILES) + 150
        assert other.log == []


def test_links_to_another_place_altogether_are_not_followed(world: World) -> None:
    world.repository.commit({f"muitos/e{n}.md": str(n) for n in range(150)})
    with OtherHost(b"[]", "application/json") as other:
        world.server.external_url = f"{other.url}/nada?x="
        world.server.faults.add("redirect", "/commits", to=f"{other.url}/x")
        assert "redirects to" in sentence(world)
        assert not any(TOKEN in str(entry.headers) for entry in other.log)
