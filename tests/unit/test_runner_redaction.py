"""Promises of the redaction: no secret leaves, in whatever form, and ordinary text stays as it is."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.cli.common import print_aside, print_json
from runner.dashboard.markup import plain
from runner.events import Event, EventLog, read_events
from runner.terminal import TerminalConsole
from stagekit.base.redaction import SECRET_VARIABLES, Redactor, secret_values
from stagekit.stage.execution import verdict

# Quotes, backslashes, accents, digits, control characters; none of the characters of the text around.
CHARACTERS = st.characters(exclude_categories=["Cs", "Ll"], exclude_characters=" :{}[]")
SECRET = st.text(CHARACTERS, min_size=6, max_size=40)
LONG = st.text(CHARACTERS, min_size=12, max_size=40)
AROUND = st.text("xyz :", max_size=20)


@given(SECRET, AROUND, AROUND)
def test_a_secret_is_taken_out_of_any_text(secret: str, before: str, after: str) -> None:
    assert Redactor([secret])(f"{before}{secret}{after}") == f"{before}[redacted]{after}"


@given(SECRET, st.booleans())
@example('AÇÃO"X\\', False)
def test_a_secret_is_taken_out_of_json(secret: str, ascii_only: bool) -> None:
    text = json.dumps({"source": f"x {secret} y"}, ensure_ascii=ascii_only)
    assert json.loads(Redactor([secret])(text)) == {"source": "x [redacted] y"}


@given(SECRET)
def test_a_secret_is_taken_out_of_an_address(secret: str) -> None:
    for encoded in (quote(secret, safe=""), quote_plus(secret)):
        cleaned = Redactor([secret])(f"https://host/?token={encoded}&page=2")
        assert cleaned == "https://host/?token=[redacted]&page=2"


@given(LONG, st.binary(max_size=5), st.binary(max_size=5), st.booleans())
def test_a_secret_is_taken_out_of_base64_wherever_it_begins(
    secret: str, before: bytes, after: bytes, url_safe: bool
) -> None:
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    text = encode(before + secret.encode() + after).decode()
    assert "[redacted]" in Redactor([secret])(text)


@given(
    st.text(max_size=200).filter(lambda text: "://" not in text and "hf_" not in text and "gl" not in text)
)
def test_text_without_secrets_stays_as_it_is(text: str) -> None:
    assert Redactor([])(text) == text
    assert Redactor(["correct horse battery"])(text) == text


def test_a_redacted_notebook_is_still_json() -> None:
    text = json.dumps({"cells": [{"source": "print('a\"b\\\\c-secret')"}]})
    assert json.loads(Redactor(['a"b\\c-secret'])(text)) == {"cells": [{"source": "print('[redacted]')"}]}
    assert json.loads(Redactor(["c-secret"])(text)) == {"cells": [{"source": "print('a\"b\\\\[redacted]')"}]}


def test_the_longer_of_two_secrets_is_taken_first() -> None:
    assert (
        Redactor(["secret", "secret-and-more"])("x secret-and-more x secret") == "x [redacted] x [redacted]"
    )


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("token glpat-AbCdEf1234567890 end", "token [redacted] end"),
        ("gldt-AbCdEf1234567890", "[redacted]"),
        ("hf_" + "a" * 34, "[redacted]"),
        ("https://oauth2:s3cr3t@gitlab.example.org/x.git", "https://[redacted]@gitlab.example.org/x.git"),
        ("https://gitlab.example.org/ana@example.org", "https://gitlab.example.org/ana@example.org"),
        ("http://localhost:6333/a", "http://localhost:6333/a"),
        ("glpat-short and hf_short", "glpat-short and hf_short"),
    ],
)
def test_tokens_are_known_by_their_form(text: str, cleaned: str) -> None:
    assert Redactor([])(text) == cleaned


def test_a_short_value_is_not_torn_out_of_ordinary_text() -> None:
    assert Redactor(["a", "12345"])("a banana, 12345") == "a banana, 12345"


def test_secrets_come_from_variables_and_from_the_files_that_variables_name(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-a-file\n")
    odd = tmp_path / "odd"
    odd.write_bytes(b"odd-\xff-bytes")
    found = secret_values(
        {
            "GITLAB_TOKEN": "from-a-variable",
            "QDRANT_API_KEY_FILE": str(file),
            "HF_TOKEN_FILE": str(odd),
            "CI_JOB_TOKEN_FILE": str(tmp_path / "missing"),
            "HF_TOKEN": "",
            "PATH": "/bin",
        }
    )
    assert sorted(found) == ["from-a-file", "from-a-variable", "odd-�-bytes"]


def test_secrets_of_this_process_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert secret_values() == []
    for number, name in enumerate(SECRET_VARIABLES):
        monkeypatch.setenv(name, f"value-{number}")
    assert secret_values() == [f"value-{number}" for number in range(len(SECRET_VARIABLES))]


def test_a_password_of_pdfs_that_is_a_word_of_the_documents_alters_no_title_and_no_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NIC_ETL_PDF_PASSWORDS", "biblioteca")
    monkeypatch.setenv("GITLAB_TOKEN", "o-token-secreto")
    path, kept = "biblioteca/o-token-secreto.md", "biblioteca/[redacted].md"
    print_json({"path": path})
    assert json.loads(capsys.readouterr().out) == {"path": kept}
    console = TerminalConsole(file=io.StringIO(), width=80)
    console.print(path, markup=False)
    assert console.file.getvalue() == f"{kept}\n"
    assert plain(path) == kept
    log = EventLog(tmp_path / "events.jsonl")
    log(Event("documents", "s", {"path": path}))
    log.close()
    assert read_events(tmp_path / "events.jsonl")[0]["path"] == kept
    print_aside(f"cannot be read: {path}", style="red")
    assert "cannot be read: [redacted]/[redacted].md" in capsys.readouterr().err
    assert verdict("failed", "password", path, "", 0.0)["message"] == "[redacted]/[redacted].md"
