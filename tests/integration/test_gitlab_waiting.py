"""GitLab answers late, in part, from elsewhere or not at all: waited for, refused, recorded."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from stagekit.ingestion import blob_id
from tests.integration.gitlab_complaints import FILES, complete, no_secret_on_disk, sentence, world
from tests.servers.gitlab_server import GitLabServer, OtherHost
from tests.servers.gitlab_tls import private_ca
from tests.servers.gitlab_world import TOKEN, World

__all__ = ["no_secret_on_disk", "world"]


# Waiting


@pytest.mark.parametrize("form", ["seconds", "date", "none"])
def test_a_rate_limit_is_waited_for_and_shown(world: World, form: str) -> None:
    options: dict[str, object] = {"json": form == "none"}
    if form == "seconds":
        options["retry_after"] = "1"
    elif form == "date":
        options["retry_after"] = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    world.server.faults.add("rate_limit", "/tree", times=1, **options)
    reading = world.read()
    assert len(reading.contents) == len(FILES)
    assert reading.metrics["retries"] == 1
    asked = (
        "GitLab limits the rate of requests (429); trying again in"
        if form in {"none", "reset"}
        else "asks to wait"
    )
    assert any(asked in line for line in world.bar.said)


def test_a_rate_limit_on_downloads_pauses_all_of_them_and_counts_once(world: World) -> None:
    world.server.faults.add("rate_limit", "/blobs/", times=4, retry_after="1")
    reading = world.read()
    assert len(reading.contents) == len(FILES)
    assert 1 <= reading.metrics["waited_s"] < 2.5
    assert any("GitLab asks to wait 1 s" in line for line in world.bar.said)


def test_a_wait_beyond_the_budget_ends_the_run_at_once(world: World) -> None:
    world.server.faults.add("rate_limit", "/tree", retry_after="3600")
    text = sentence(world, retry_budget_s=5)
    assert "asks to wait 3600 s" in text
    assert "retry_budget_s" in text


@pytest.mark.parametrize("kind", ["status", "reset", "truncate"])
def test_faults_that_pass_are_retried(world: World, kind: str) -> None:
    for where in ("/projects/[^/]+$", "/tree", "/blobs/", "/commits", "/branches"):
        world.server.faults.add(kind, where, times=1, code=502)
    assert complete(world)


def test_answers_shortened_on_the_way_are_noticed_and_retried(world: World) -> None:
    for where in ("/tree", "/blobs/", "/commits"):
        world.server.faults.add("shorten", where, times=1)
    assert complete(world)


def test_a_server_that_stays_down_is_one_sentence(world: World) -> None:
    world.server.faults.add("status", "", code=503)
    assert "server error 503" in sentence(world, retry_budget_s=1)


def test_downloads_that_all_fail_end_the_run(world: World) -> None:
    world.server.faults.add("status", "/blobs/", code=500)
    assert "server error 500" in sentence(world, retry_budget_s=1)


def test_one_file_that_cannot_be_had_fails_alone(world: World) -> None:
    world.server.faults.add("status", blob_id(FILES["d2.md"].encode()), code=500)
    reading = world.read(retry_budget_s=1)
    assert set(reading.failed) == {"d2.md"}
    assert len(reading.contents) == len(FILES) - 1


def test_a_blob_that_the_server_has_lost_fails_alone(world: World) -> None:
    name = blob_id(FILES["d2.md"].encode())
    world.server.faults.add("status", name, code=404, body=b'{"message":"404 Blob Not Found"}')
    reading = world.read()
    assert "git fsck" in reading.failed["d2.md"]
    assert len(reading.contents) == len(FILES) - 1


@pytest.mark.parametrize("kind", ["corrupt", "shorten"])
def test_content_other_than_listed_is_never_taken(world: World, kind: str) -> None:
    world.server.faults.add(kind, blob_id(FILES["d2.md"].encode()))
    reading = world.read(retry_budget_s=1)
    assert "other bytes" in reading.failed["d2.md"]
    assert len(reading.contents) == len(FILES) - 1


def test_a_stalled_server_is_given_up_after_the_read_timeout(world: World) -> None:
    world.server.faults.add("stall", "/tree", times=1, seconds=1)
    assert complete(world, read_timeout_s=0.4)
    world.server.faults.add("stall", "/branches", seconds=1)
    assert "stopped answering" in sentence(world, read_timeout_s=0.2, retry_budget_s=0)


def test_a_dripping_download_is_cut_off_by_the_limit_for_a_file(world: World) -> None:
    world.server.faults.add("slow", blob_id(FILES["d2.md"].encode()), seconds=0.05)
    reading = world.read(file_timeout_s=1)
    assert "gitlab_file_timeout_s" in reading.failed["d2.md"]
    assert len(reading.contents) == len(FILES) - 1


@pytest.mark.parametrize("kind", ["slow", "endless"])
def test_a_listing_that_does_not_end_is_an_error(
    world: World, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import stagekit.ingestion.gitlab.transport as transport

    monkeypatch.setattr(transport, "_LARGEST_ANSWER", 1 << 20)
    world.server.faults.add(kind, "/tree", seconds=0.05)
    assert "usable answer" in sentence(world, file_timeout_s=1)


# Web pages, redirects, TLS


@pytest.mark.parametrize("where", ["/projects/[^/]+$", "/tree", "/blobs/", "/commits", "/branches"])
def test_a_sign_in_page_is_never_taken_for_data(world: World, where: str) -> None:
    world.server.faults.add("html_login", where)
    assert "web page" in sentence(world)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"<html>ola</html>", "text/html", "root of a GitLab instance"),
        (b"ola", "text/plain", "instead of JSON"),
        (b"[]", "application/json", "unknown form"),
    ],
)
def test_a_url_that_is_no_gitlab(world: World, body: bytes, kind: str, said: str) -> None:
    with OtherHost(body, kind) as other:
        assert said in sentence(world, url=other.url)


def test_a_url_that_leads_past_the_root_of_the_instance(world: World) -> None:
    world.server.faults.add("status", "", code=404, body=b'{"error":"404 Not Found"}')
    assert "no GitLab API" in sentence(world)


def test_a_proxy_of_the_environment_is_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", world.server.url)
    assert complete(world, url="http://gitlab.intranet")
    assert all(entry.target.startswith("http://gitlab.intranet/api/v4/") for entry in world.server.log)
    assert any("unencrypted" in w for w in world.read(url="http://gitlab.intranet").snapshot.warnings)


def test_an_expired_job_token_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITLAB_TOKEN")
    monkeypatch.setenv("CI_JOB_TOKEN", "job-token-0123456789")
    assert "only while its job runs" in sentence(world)


def test_a_server_that_asks_everybody_for_a_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITLAB_TOKEN")
    world.server.faults.add("status", "", code=401, body=b'{"message":"401 Unauthorized"}')
    assert "asks for a token: set GITLAB_TOKEN" in sentence(world)


def test_other_refusals_are_passed_on_in_gitlabs_words(world: World) -> None:
    world.server.faults.add("status", "/tree", code=400, body=b'{"error":"page is invalid"}')
    assert "(400: page is invalid)" in sentence(world)
    world.server.faults.clear()
    world.server.faults.add("status", "/tree", code=404, body=b'{"message":"404 Tree Not Found"}')
    assert "no file listing" in sentence(world)


@pytest.mark.parametrize("variable", ["GITLAB_TOKEN", "CI_JOB_TOKEN"])
@pytest.mark.parametrize("where", ["/projects/[^/]+$", "/tree", "/blobs/"])
def test_the_token_does_not_follow_a_redirect_to_another_host(
    world: World, where: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITLAB_TOKEN")
    monkeypatch.setenv(variable, TOKEN)
    world.project.visibility = "public"
    world.token.kind = "job" if variable == "CI_JOB_TOKEN" else "pat"
    with OtherHost(b"[]", "application/json") as other:
        world.server.faults.add("redirect", where, to=f"{other.url}/roubo")
        if where == "/blobs/":
            assert len(world.read(retry_budget_s=1).failed) == len(FILES)
        else:
            assert other.url.removeprefix("http://") in sentence(world)
        assert other.log
        assert not any(TOKEN in str(entry.headers) for entry in other.log)


def test_a_server_with_a_private_authority(world: World, tmp_path: Path) -> None:
    ca, context = private_ca(tmp_path)
    with GitLabServer(context) as server:
        secure = World(tmp_path, server, world.repository)
        assert "set ca_file to" in sentence(secure)
        assert complete(secure, ca_file=str(ca))


def test_the_public_authorities_are_trusted_beside_the_private_one(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("public", "private"):
        (tmp_path / name).mkdir()
    public, context = private_ca(tmp_path / "public")
    private, _ = private_ca(tmp_path / "private")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(public))
    with GitLabServer(context) as server:
        assert complete(World(tmp_path, server, world.repository), ca_file=str(private))


def test_a_server_that_is_not_there(world: World) -> None:
    with GitLabServer() as gone:
        pass
    assert "refused" in sentence(world, url=gone.url, retry_budget_s=1)


def test_a_server_that_was_read_before_is_waited_for(world: World) -> None:
    world.read()
    world.server.faults.add("reset", "/projects/[^/]+$", times=4)
    assert complete(world)


# The record


def test_every_access_is_recorded_and_counted(world: World) -> None:
    world.server.faults.add("status", "/tree", times=1, code=500)
    reading = world.read()
    path = world.folder / "outputs/gitlab_access.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == len(world.server.log) == reading.metrics["requests"]
    assert sorted(line["status"] for line in lines) == sorted(entry.status for entry in world.server.log)
    assert all({"time", "method", "path", "status", "bytes", "seconds"} <= set(line) for line in lines)
    blob = next(
        line for line in lines if line["path"].endswith(f"/blobs/{blob_id(FILES['d0.md'].encode())}/raw")
    )
    assert (blob["method"], blob["status"], blob["bytes"]) == ("GET", 200, len(FILES["d0.md"]))
    assert reading.metrics["errors"] == 1


def test_an_interrupt_ends_the_downloads_soon(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in sorted(FILES)[1:]:  # 40 seconds for each file but the first
        world.server.faults.add("slow", blob_id(FILES[name].encode()), seconds=0.05)

    def interrupt(count: int = 1) -> None:
        raise KeyboardInterrupt(count)

    monkeypatch.setattr(world.bar, "advance", interrupt)
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        world.read(workers=2)
    assert time.monotonic() - begin < 5
