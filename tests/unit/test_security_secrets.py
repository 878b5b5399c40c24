"""Promises about secrets: a token has no place in the configuration, and a readable file is told."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.config_manager import load_config
from runner.errors import ConfigurationError
from stagekit.base.redaction import RedactedStream, Redactor, exposed_secret_files, looks_like_token

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJhY2Nlc3MiOiJtIn0.c2lnbmF0dXJlLW9mLWl0"
TOKENS = (
    "glpat-AbCdEfGhIjKlMnOpQrSt",
    "glcbt-64_AbCdEfGhIjKlMnOpQrSt",
    "hf_AbCdEfGhIjKlMnOpQrStUvWxYz012345",
    "ghp_AbCdEfGhIjKlMnOpQrStUvWxYz012345",
    JWT,
    "https://oauth2:glpat-AbCdEfGhIjKlMnOpQrSt@gitlab.example.org",
    "https://somebody@gitlab.example.org",
)


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize(
    "setting", ["gitlab_url", "source_path", "organization", "exclude_paths", "qdrant_url"]
)
def test_a_token_in_any_setting_is_refused_without_being_repeated(setting: str, token: str) -> None:
    value = [token] if setting == "exclude_paths" else token
    with pytest.raises(ConfigurationError, match=f"^{setting} .*looks like a token.*GITLAB_TOKEN") as refusal:
        load_config(None, {setting: value})
    assert token not in str(refusal.value)


def test_a_token_in_a_profile_or_in_the_environment_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text(f"include_paths:\n  - {TOKENS[0]}\n")
    with pytest.raises(ConfigurationError, match="include_paths .profile mine.*revoke"):
        load_config(str(profile))
    monkeypatch.setenv("NIC_ETL_PROJECT", JWT)
    with pytest.raises(ConfigurationError, match="project .environment."):
        load_config()


@pytest.mark.parametrize(
    "value", ["https://gitlab.com", "C:/docs@home", "hf_short", "a@b.org", "grupo/projeto", "30-Aprovados"]
)
def test_ordinary_values_are_no_tokens(value: str) -> None:
    assert not looks_like_token(value)


def test_a_secret_file_that_others_can_read_is_told(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("x")
    file.chmod(0o644)
    [sentence] = exposed_secret_files({"GITLAB_TOKEN_FILE": str(file)})
    assert sentence == f"GITLAB_TOKEN_FILE names {file}, which other users can read: chmod 600 {file}."
    file.chmod(0o600)
    assert exposed_secret_files({"GITLAB_TOKEN_FILE": str(file), "HF_TOKEN": "x"}) == []


def test_what_a_worker_says_on_its_error_channel_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "segredo-do-worker")
    with (tmp_path / "log").open("w") as file:
        stream = RedactedStream(file)
        print("with segredo-do-worker and 'segredo-do-worker'", file=stream, flush=True)
        assert stream.fileno() == file.fileno()
    assert (tmp_path / "log").read_text() == "with [redacted] and '[redacted]'\n"


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=40),
    st.binary(max_size=20),
    st.binary(max_size=20),
)
def test_no_form_of_a_secret_passes(secret: str, before: bytes, after: bytes) -> None:
    redact = Redactor([secret])
    raw = secret.encode()
    for form in (raw.hex(), base64.b64encode(before + raw + after).decode(), f"a {secret} b"):
        shown = redact(form)
        assert shown != form
        assert secret not in shown
        assert raw.hex() not in shown
