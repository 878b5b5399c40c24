"""Promises of the GitLab source's parts that need no server."""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from stagekit import StageError
from stagekit.base.network.patience import Transient
from stagekit.ingestion import GitLabSettings, SelectionRules, select
from stagekit.ingestion.gitlab.access_log import AccessLog
from stagekit.ingestion.gitlab.faults import check_answer, fault_of
from stagekit.ingestion.gitlab.history import utc
from stagekit.ingestion.gitlab.listing import tree_id
from stagekit.ingestion.gitlab.patience import GitLabPatience, GitLabUnavailable
from stagekit.ingestion.gitlab.token import gitlab_token
from stagekit.ingestion.lfs import LfsPointer, lfs_pointer
from stagekit.ingestion.source import FileKind, SourceFile

URL = "https://gitlab.example"
OID = "a" * 64


def settings(**values: Any) -> GitLabSettings:
    return GitLabSettings(**({"url": URL, "project": "nic/docs"} | values))


# Settings and token


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"url": "gitlab.example"}, "gitlab_url"),
        ({"url": f"{URL}/api/v4"}, "without /api/v4"),
        ({"project": ""}, "gitlab_project"),
        ({"project": f"{URL}/nic/docs"}, "gitlab_project"),
        ({"read_timeout_s": 0}, "request_timeout_s"),
        ({"retry_budget_s": -1}, "retry_budget_s"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(values: dict[str, Any], said: str) -> None:
    with pytest.raises(StageError, match=said):
        settings(**values)


def test_credentials_in_the_address_are_refused_without_repeating_them() -> None:
    with pytest.raises(StageError) as caught:
        settings(url="https://oauth2:glpat-segredo@gitlab.example")
    assert "segredo" not in str(caught.value)


def test_only_an_unencrypted_way_through_a_network_is_warned_about() -> None:
    assert settings(url="http://gitlab.example").in_clear
    assert not settings(url="http://127.0.0.1:8080").in_clear
    assert not settings().in_clear


def test_the_token_comes_from_the_first_variable_that_is_set(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("glpat-arquivo\n")
    file = {"GITLAB_TOKEN_FILE": str(tmp_path / "token")}
    job = {"CI_JOB_TOKEN": "job"}
    assert gitlab_token({"GITLAB_TOKEN": " glpat-a \n"} | file | job) == {"oauth_token": "glpat-a"}
    assert gitlab_token(file | job) == {"oauth_token": "glpat-arquivo"}
    assert gitlab_token(job) == {"job_token": "job"}
    assert gitlab_token({"GITLAB_TOKEN": " "}) == {}


@pytest.mark.parametrize("content", [b"", b"duas palavras", "ação".encode(), b"\xff\xfe"])
def test_what_is_no_token_is_refused_without_repeating_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(StageError, match="GITLAB_TOKEN_FILE") as caught:
        gitlab_token({"GITLAB_TOKEN_FILE": str(tmp_path / "token")})
    assert "duas" not in str(caught.value)


def test_a_token_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="nada"):
        gitlab_token({"GITLAB_TOKEN_FILE": str(tmp_path / "nada")})


# Waiting


def test_a_fault_that_passes_costs_a_retry() -> None:
    patience = GitLabPatience(first_wait_s=0.01)
    faults = [Transient("x"), Transient("y")]

    def ask() -> str:
        if faults:
            raise faults.pop()
        return "ok"

    assert patience.call(ask) == "ok"
    assert patience.retries == 2
    assert 0.02 < patience.lost_s < 0.05


def test_a_server_that_was_there_is_waited_for_as_long_as_the_budget_lasts() -> None:
    sent: list[int] = []
    patience = GitLabPatience(budget_s=0.3, first_wait_s=0.01)
    patience.reached()
    with pytest.raises(GitLabUnavailable, match="It broke, and it did not pass"):
        patience.call(lambda: sent.append(1) or _raise(Transient("It broke")))
    assert len(sent) > 4
    assert 0.1 < patience.lost_s <= 0.3


def test_an_address_that_never_answered_may_be_wrong() -> None:
    sent: list[int] = []
    patience = GitLabPatience(first_wait_s=0.01)
    with pytest.raises(StageError, match="check gitlab_url") as caught:
        patience.call(lambda: sent.append(1) or _raise(Transient("It broke")))
    assert len(sent) == 4
    assert not isinstance(caught.value, GitLabUnavailable)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_whoever_answers_for_a_gitlab_that_restarts_is_waited_for_from_the_first_request_on(
    status: int,
) -> None:
    answer = requests.Response()
    answer.status_code = status
    sent: list[int] = []

    def ask() -> None:
        sent.append(1)
        check_answer(answer, "https://gitlab.example.org/api/v4/projects/1", streamed=False)

    with pytest.raises(GitLabUnavailable, match="did not pass"):
        GitLabPatience(budget_s=0.5, first_wait_s=0.01).call(ask)
    assert len(sent) > 4


def test_a_server_that_asks_for_no_pause_and_does_not_come_back_is_not_hammered() -> None:
    sent: list[int] = []
    with pytest.raises(GitLabUnavailable):
        GitLabPatience(budget_s=0.5, first_wait_s=0.05).call(
            lambda: sent.append(1) or _raise(Transient("GitLab asks to wait", wait_s=0))
        )
    assert len(sent) < 6


def test_a_fault_that_is_likely_to_stay_is_told_as_what_it_is() -> None:
    patience = GitLabPatience(first_wait_s=0.01)
    patience.reached()
    fault = Transient("A page", tries=3, otherwise=StageError("It is a firewall."))
    with pytest.raises(StageError, match="It is a firewall"):
        patience.call(lambda: _raise(fault))
    assert patience.retries == 2


def test_the_budget_of_waiting_is_one_for_the_whole_run() -> None:
    patience = GitLabPatience(budget_s=0.3)
    for _ in range(2):
        with pytest.raises(GitLabUnavailable, match="retry_budget_s leaves"):
            patience.call(lambda: _raise(Transient("GitLab asks to wait", wait_s=0.2)))
    assert patience.lost_s == pytest.approx(0.2, abs=0.01)


def test_workers_that_wait_side_by_side_use_the_budget_once() -> None:
    patience = GitLabPatience(budget_s=5)
    asked = threading.Barrier(4)

    def work() -> None:
        first = [True]

        def ask() -> None:
            if first.pop() if first else False:
                asked.wait()
                raise Transient("GitLab asks to wait", wait_s=0.3)

        patience.call(ask)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.3 <= patience.lost_s < 1.0  # and not 1.2 s


def test_a_request_for_a_pause_holds_the_others_too() -> None:
    patience = GitLabPatience()
    state = [Transient("GitLab asks to wait", wait_s=0.3)]
    waiting = threading.Thread(target=lambda: patience.call(lambda: _raise(state.pop()) if state else None))
    begin = time.monotonic()
    waiting.start()
    while not patience.lost_s:
        time.sleep(0.01)
    patience.hold()
    assert time.monotonic() - begin >= 0.28
    waiting.join()


def test_who_waits_is_told_why_and_stops_when_the_run_is_given_up() -> None:
    said: list[str] = []
    patience = GitLabPatience(notify=lambda text: (said.append(text), patience.stop()))  # type: ignore[arg-type, return-value]
    with pytest.raises((GitLabUnavailable, Transient)):
        patience.call(lambda: (patience.hold(), _raise(Transient("x", wait_s=60))))
    assert said == ["GitLab asks to wait 60 s"]
    patience.resume()
    patience.stop()
    with pytest.raises(GitLabUnavailable, match="was stopped"):
        patience.hold()


def _raise(error: Exception) -> None:
    raise error


# Answers


def answer(status: int = 200, body: bytes = b"{}", url: str = URL, **headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code, response.url, response._content = status, url, body
    response.headers.update({"Content-Type": "application/json"} | headers)
    response.request = requests.Request("GET", url).prepare()
    return response


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "37"}, 37.0),
        ({"Retry-After": "Thu, 01 Jan 2026 00:01:00 GMT", "Date": "Thu, 01 Jan 2026 00:00:18 GMT"}, 42.0),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT", "Date": "Thu, 01 Jan 2026 00:00:18 GMT"}, 0.0),
        ({"RateLimit-Reset": "1767225660", "Date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 60.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_a_rate_limit_asks_for_is_understood(
    headers: dict[str, str], wait: float | None
) -> None:
    with pytest.raises(Transient) as caught:
        check_answer(answer(429, **headers), URL, streamed=False)
    assert caught.value.wait_s == wait


def test_data_passes_and_refusals_are_left_to_python_gitlab() -> None:
    check_answer(answer(), URL, streamed=False)
    check_answer(answer(403), URL, streamed=False)
    check_answer(
        answer(200, b"<html>", "https://storage.example/x", **{"Content-Type": "text/html"}),
        URL,
        streamed=True,
    )


@pytest.mark.parametrize(
    ("error", "said", "passing"),
    [
        (requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED"), "set ca_file", False),
        (requests.exceptions.SSLError("EOF occurred"), "TLS handshake", True),
        (requests.exceptions.ProxyError("x"), "HTTPS_PROXY", True),
        (requests.exceptions.ConnectTimeout("x"), "accept a connection", True),
        (requests.exceptions.ReadTimeout("x"), "stopped answering", True),
        (requests.exceptions.ChunkedEncodingError("x"), "cut off", True),
        (requests.exceptions.ConnectionError("Name or service not known"), "host name is unknown", True),
        (requests.exceptions.TooManyRedirects("x"), "circle", False),
        (requests.exceptions.InvalidURL("x"), "https://host", False),
    ],
)
def test_faults_of_the_way_are_told_apart(error: Exception, said: str, passing: bool) -> None:
    found = fault_of(error, URL)
    assert said in str(found)
    assert isinstance(found, Transient) is passing


# Ids, pointers, times


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_folders_id_is_gits_id(tmp_path: Path, algorithm: str) -> None:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True, capture_output=True)
        return done.stdout.decode()

    git("init", "-q", f"--object-format={algorithm}")
    for name in ("b.md", "b/x.md", "b-c.md", "ação.md", "a"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "a").chmod(0o755)
    git("add", "-A")
    root = git("write-tree").strip()
    entries = []
    for line in git("-c", "core.quotePath=false", "ls-tree", root).splitlines():
        facts, _, name = line.partition("\t")
        mode, kind, identity = facts.split()
        entries.append({"mode": mode, "type": kind, "id": identity, "name": name, "path": name})
    random.Random(1).shuffle(entries)
    assert tree_id(entries, root) == root
    assert tree_id(entries[1:], root) != root


def test_lfs_pointers_are_recognised_and_other_small_files_are_not() -> None:
    version = b"version https://git-lfs.github.com/spec/v1\n"
    promise = f"oid sha256:{OID}\nsize 12345\n".encode()
    assert lfs_pointer(version + promise) == LfsPointer(OID, 12345)
    assert lfs_pointer(version + b"ext-0-x sha256:b\n" + promise) == LfsPointer(OID, 12345)
    for other in (b"", b"# texto", promise, version, version + promise + b"x" * 1024):
        assert lfs_pointer(other) is None


def test_times_become_utc_and_impossible_ones_unknown() -> None:
    assert utc("2023-11-15T00:16:40.000+02:00") == "2023-11-14T22:16:40Z"
    assert utc("0001-01-01T00:00:00.000+14:00") is None
    assert utc(None) is None


# The record


def test_the_access_log_is_private_and_holds_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "outputs" / "access.jsonl"
    log = AccessLog(path, URL)
    log.write("GET", f"{URL}/api/v4/x?ref=a%20b&private_token=segredo", 200, 10, 0.5)
    log.write("GET", "https://storage.example/o?X-Amz-Signature=segredo", 0, 0, 0.1, "ReadTimeout")
    log.close()
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert first["path"] == "/api/v4/x?ref=a+b&private_token=%5Bredacted%5D"
    assert (second["path"], second["error"]) == ("https://storage.example/o", "ReadTimeout")
    assert "segredo" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert log.counters == {"requests": 2, "bytes": 10, "errors": 1}


def test_the_access_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    watch, run = (AccessLog(path, URL) for _ in range(2))  # each keeps the file open
    for status in range(200, 207):
        for log in (watch, run):
            log.write("GET", f"{URL}/api/v4/x", status, 1, 0.1)
        assert len(path.read_text().splitlines()) == 2
        os.truncate(path, 40 * 1024 * 1024)
    for log in (watch, run):
        log.close()
    former = {file.name: file.read_bytes() for file in tmp_path.glob("access.jsonl.*")}
    assert sorted(former) == [f"access.jsonl.{number}" for number in (1, 2, 3, 4)]
    found = [json.loads(former[name].splitlines()[0])["status"] for name in sorted(former)]
    assert found == [205, 204, 203, 202]


# Patterns of paths


def _no_links(file: SourceFile) -> bytes:
    raise AssertionError(file)


def test_patterns_choose_among_the_files_of_the_folder() -> None:
    rules = SelectionRules.from_settings(
        ["docs"], ["md"], 1, ["docs/atas/*", "docs/*.md"], "docs/atas/velhas/*"
    )
    names = ["docs/atas/velhas/1.md", "docs/atas/novas/2.md", "docs/3.md"]
    files = [SourceFile(name, FileKind.FILE, "0" * 40, 1) for name in names]
    selection = select(files, rules, _no_links)
    assert [document.entry.path for document in selection.documents] == ["docs/3.md", "docs/atas/novas/2.md"]
    [left_out] = selection.ignored
    assert left_out["category"] == "excluded"
    assert "docs/atas/velhas/*" in left_out["reason"]
    narrow = SelectionRules.from_settings(["docs"], ["md"], 1, ["docs/atas/*"])
    assert "include_paths" in select(files, narrow, _no_links).ignored[0]["reason"]
