"""Promises about terminals: what strangers wrote is shown, and commands no screen."""

from __future__ import annotations

import io
import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.progress import Progress, TextColumn
from rich.table import Table
from rich.text import Text

from runner.cli.common import print_json
from runner.cli.progress_tracker import PlainReporter
from runner.cli.search_screens import print_hits
from runner.events import Event
from runner.record.audit import AuditLog
from runner.terminal import TerminalConsole, json_line, visible
from stagekit.stage.display import table

ATTACK = "\x1b]0;dono\x07\x1b[2J\r\x9b31mcontrato\u202efdp.exe\x7f"
_OURS = re.compile("\x1b\\[[0-9;]*m")  # the colors of our own tables
_COMMANDS = {"Cc", "Cs", "Zl", "Zp"}


def harmless(text: str) -> bool:
    return not any(
        (unicodedata.category(sign) in _COMMANDS and sign not in "\n\t") or sign in "\u202e\u2066"
        for sign in _OURS.sub("", text)
    )


def console() -> TerminalConsole:
    return TerminalConsole(file=io.StringIO(), force_terminal=True, width=200)


def printed(shown: TerminalConsole) -> str:
    assert isinstance(shown.file, io.StringIO)
    return shown.file.getvalue()


@given(st.text())
def test_whatever_is_printed_commands_nothing_and_loses_nothing_that_can_be_read(text: str) -> None:
    shown = console()
    shown.print(text, markup=False, highlight=False, soft_wrap=True)
    rows = Table("a")
    rows.add_row(Text(text))
    shown.print(rows)
    assert harmless(printed(shown))
    assert visible(visible(text)) == visible(text)
    plain = "".join(sign for sign in text if sign.isalnum())
    assert plain in "".join(sign for sign in visible(text) if sign.isalnum()) or not harmless(text)


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_lines_are_one_harmless_line_and_give_back_what_was_written(value: object) -> None:
    line = json_line(value)
    assert harmless(line)
    assert "\n" not in line
    assert json.loads(line) == value


def test_a_hostile_name_is_shown_as_it_is_written_in_every_kind_of_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = console()
    hit = {
        "rank": 1, "title": ATTACK, "section_titles": [ATTACK], "pages": [1], "version": ATTACK,
        "score": 1.0, "paths": ["a", ATTACK], "answer": "", "text": ATTACK, "link": f"http://x/{ATTACK}",
        "expired": True, "expiration_date": ATTACK, "superseded_by": {"title": ATTACK}, "stale": True,
        "clause": ATTACK, "has_struck_text": True, "status": ATTACK, "watermark": ATTACK,
    }  # fmt: skip
    print_hits(shown, [hit])
    PlainReporter(shown)(Event("stage_finished", "s", {"error": ATTACK, "seconds": 1.0}))
    print_json({"path": ATTACK})
    text = printed(shown)
    assert harmless(text)
    assert "␛]0;dono␛[2J" in text  # rich leaves the bell out
    assert "\\x9b31mcontrato\\u202efdp.exe␡" in text
    out = capsys.readouterr().out
    assert harmless(out)
    assert json.loads(out) == {"path": ATTACK}


def test_a_progress_bar_shows_the_name_and_still_moves() -> None:
    shown = console()
    with Progress(TextColumn("{task.fields[note]}"), console=shown) as progress:
        progress.add_task("x", total=2, note=ATTACK)
    text = printed(shown)
    assert "␛]0;dono" in text
    assert "\x1b]0;" not in text
    assert "\x1b[?25l" in text  # the bar's own command: the cursor is hidden while it moves


def test_a_secret_in_a_table_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", "segredo-da-tela")
    shown = console()
    rows = Table("a", "b")
    rows.add_row("antes segredo-da-tela depois", "segredo")
    shown.print(rows)
    assert "segredo-da-tela" not in printed(shown)
    assert "antes [redacted] depois" in printed(shown)


def test_the_audit_log_can_be_read_at_a_terminal(tmp_path: object) -> None:
    log = AuditLog(tmp_path)  # type: ignore[arg-type]
    log.append("cancelled", {"reason": ATTACK})
    assert log.verify().fault == ""
    [entry] = log.entries()
    assert entry["reason"] == ATTACK
    assert harmless((tmp_path / "audit.jsonl").read_text())  # type: ignore[operator]


@given(st.text(alphabet="<>&\"'/abc="))
def test_a_table_in_a_notebook_shows_markup_and_never_obeys_it(text: str) -> None:
    shown = table([{text or "x": text}], caption=text)._repr_html_()
    inside = re.sub(r'</?(?:table|thead|tbody|tr|caption|t[hd])(?: style="[^"<>]*")?>', "", shown)
    assert "<" not in inside
    assert ">" not in inside
