"""Promises of the way out: one reading of the environment's proxies, whatever library sends the request."""

from __future__ import annotations

import pytest

from stagekit.base.network import proxies
from stagekit.base.network.proxies import is_exempt, proxy_for
from stagekit.errors import StageError
from stagekit.ingestion.gitlab.access_log import AccessLog
from stagekit.ingestion.gitlab.patience import GitLabPatience
from stagekit.ingestion.gitlab.transport import Traffic
from stagekit.storage import connect

GITLAB = "https://gitlab.example.org"
VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("host", "port", "no_proxy"),
    [
        ("gitlab.example.org", 443, "*"),
        ("gitlab.example.org", 443, "example.org"),
        ("gitlab.example.org", 443, ".example.org"),
        ("gitlab.example.org", 443, "*.example.org"),
        ("gitlab.example.org", 443, "other.org, GitLab.Example.org"),
        ("gitlab.example.org", 443, "other.org gitlab.example.org"),
        ("gitlab.example.org.", 443, "gitlab.example.org"),
        ("gitlab.example.org", 8443, "gitlab.example.org:8443"),
        ("10.1.2.3", 6333, "10.0.0.0/8"),
        ("10.1.2.3", 6333, "10.1.2.3"),
        ("10.1.2.3", 6333, "10.1.2.3:6333"),
        ("fd00::7", 6333, "fd00::/8"),
        ("fd00::7", 6333, "[fd00::7]"),
        ("fd00::7", 6333, "[fd00::7]:6333"),
        ("fd00::7", 6333, "FD00:0::7"),
        ("127.0.0.1", 6333, ""),
        ("localhost", 6333, ""),
        ("::1", 6333, ""),
    ],
)
def test_a_host_that_is_exempt_in_any_legal_form(host, port, no_proxy):
    assert is_exempt(host, port, no_proxy)


@pytest.mark.parametrize(
    ("host", "port", "no_proxy"),
    [
        ("gitlab.example.org", 443, ""),
        ("gitlab.example.org", 443, "gitlab.example.org:8443"),
        ("notexample.org", 443, "example.org"),
        ("example.org.evil.net", 443, "example.org"),
        ("11.1.2.3", 6333, "10.0.0.0/8"),
        ("10.1.2.3", 6333, "10.1.2.3:80"),
        ("10.1.2.3", 6333, "1.2.3"),
        ("fd00::7", 6333, "[::1],fe80::/10"),
        ("gitlab.example.org", 443, ".,,*.,[::1]"),
    ],
)
def test_a_look_alike_is_not_exempt(host, port, no_proxy):
    assert not is_exempt(host, port, no_proxy)


def test_the_variable_of_the_scheme_counts_before_the_one_for_all(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://all:1")
    assert proxy_for(GITLAB, "requests") == "http://all:1"
    monkeypatch.setenv("HTTPS_PROXY", "proxy:3128")
    assert proxy_for(GITLAB, "requests") == "http://proxy:3128"
    assert proxy_for("http://qdrant:6333", "httpx") == "http://all:1"
    monkeypatch.setenv("NO_PROXY", "qdrant,[::1]")
    assert proxy_for("http://qdrant:6333", "httpx") == ""


@pytest.mark.parametrize("value", ["http://", "ftp://proxy:21", "http://proxy:port"])
def test_what_is_no_proxy_is_refused_by_the_name_of_its_variable(value, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", value.replace("//", "//user:geheim@"))
    with pytest.raises(StageError, match="HTTPS_PROXY of the environment") as caught:
        proxy_for(GITLAB, "requests")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("library", ["requests", "httpx"])
def test_a_socks_proxy_names_the_package_that_is_missing(library, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5h://127.0.0.1:9")
    monkeypatch.setattr(proxies, "SOCKS_PACKAGES", dict.fromkeys(proxies.SOCKS_PACKAGES, "no_such_package"))
    with pytest.raises(StageError, match=r"ALL_PROXY .* pip install 'pysocks>=\S+ 'socksio>=\S+,"):
        proxy_for(GITLAB, library)
    monkeypatch.setattr(proxies, "SOCKS_PACKAGES", dict.fromkeys(proxies.SOCKS_PACKAGES, "json"))
    assert proxy_for(GITLAB, library) == "socks5h://127.0.0.1:9"


def test_forms_that_break_a_library_do_not_reach_it(tmp_path, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5h://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "[::1],10.0.0.0/8,*.example.org")
    client = connect("http://10.1.2.3:6333", tmp_path)
    client.close()
    traffic = Traffic(GITLAB, AccessLog(tmp_path / "log.jsonl", GITLAB), GitLabPatience(0))
    settings = traffic.session().merge_environment_settings(GITLAB, {}, False, None, None)
    assert settings["proxies"] == {}
    with pytest.raises(StageError, match="ALL_PROXY"):
        connect("http://qdrant.intranet:6333", tmp_path)
