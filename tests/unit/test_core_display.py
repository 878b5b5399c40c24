"""Promises of what a notebook's reader sees: no markup of others, no silent cut, bars that stay in place."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagekit import open_stage
from stagekit.contract import PROGRESS_MIME
from stagekit.sealing.cipher import CLEAR, KEY_VARIABLE
from stagekit.sealing.marker import prepare_folder
from stagekit.stage.display import Progress, hide_documents, outcome_table, table
from tests.unit.core_notebooks import executed_notebook, front_end
from tests.unit.encryption_keys import KEY


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.names.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(max_size=40), st.text(max_size=10), st.text(max_size=10))
def test_text_of_a_document_is_never_markup(value: str, column: str, caption: str) -> None:
    shown = Tags(table([{column: value}], [column], caption)._repr_html_())
    assert shown.names <= {"table", "caption", "thead", "tbody", "tr", "th", "td"}


def test_a_script_is_shown_as_text() -> None:
    shown = Tags(table([{"path": "<script>alert(1)</script>"}])._repr_html_())
    assert "<script>alert(1)</script>" in shown.text


def test_a_path_leads_to_its_file_where_that_is_on_the_web(tmp_path: Path) -> None:
    stage = open_stage("gitlab_ingestion", outputs_dir=str(tmp_path))
    rows = [{"path": 'a/férias & "b".md', "reason": "a/c.md"}]
    assert "<a" not in table(rows)._repr_html_()
    stage.link_documents("https://gitlab.example.org/nic/docs.git", "c0ffee")
    shown = table(rows)._repr_html_()
    place = "https://gitlab.example.org/nic/docs/-/blob/c0ffee/a/f%C3%A9rias%20%26%20%22b%22.md"
    assert f'<a href="{place}" target="_blank" rel="noopener noreferrer">a/férias &amp; ' in shown
    assert shown.count("<a ") == 1
    stage.link_documents("file:docs", "c0ffee")
    assert "<a" not in table(rows)._repr_html_()


@pytest.mark.parametrize(("upstream", "links"), [("gitlab_ingestion", 1), ("document_processing", 0)])
def test_a_path_leads_to_the_commit_that_the_stage_was_given(
    tmp_path: Path, upstream: str, links: int
) -> None:
    snapshot = {"repository_url": "https://gitlab.example.org/nic/docs.git", "commit": "c0ffee"}
    store = open_stage("gitlab_ingestion", outputs_dir=str(tmp_path)).store
    ref = store.put("source_snapshot", json.dumps(snapshot).encode(), "application/json")
    before = executed_notebook(tmp_path / "before.ipynb", {ref.name: ref.model_dump(mode="json")})
    open_stage("text_chunking", upstream={upstream: str(before)}, outputs_dir=str(tmp_path))
    assert table([{"path": "a.md"}])._repr_html_().count("/nic/docs/-/blob/c0ffee/a.md") == links


def test_an_encrypted_folder_shows_lengths_and_hashes_in_place_of_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    prepare_folder(tmp_path)
    open_stage("gitlab_ingestion", outputs_dir=str(tmp_path))
    row = {"path": "a.md", "title": "cardamom", "pages": 3, "tags": ["cardamom"], "author": "", "x": None}
    shown = table([row])
    for form in (repr(shown), shown._repr_html_()):
        assert "cardamom" not in form
        assert "a.md" in form
        assert "(8 characters, " in form
    assert {name: shown.rows[0][name] for name in ("pages", "author", "x")} == {
        "pages": 3, "author": "", "x": None,
    }  # fmt: skip
    assert repr(table([row])) == repr(shown)
    hide_documents(CLEAR)
    assert "cardamom" in repr(table([row]))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (1234567, "1,234,567"),
        (0.12345, "0.123"),
        (-99.94, "-99.9"),
        (12345.6, "12,346"),
        (["a", 1, None], "a, 1, "),
        ("x" * 300, "x" * 300),
        ("x" * 301, "x" * 299 + "…"),
    ],
)
def test_values_are_shown_as_people_write_them(value: object, text: str) -> None:
    assert repr(table([{"v": value}])).split("\n")[1] == text.rstrip()


def test_in_a_terminal_a_table_is_aligned_text() -> None:
    shown = table([{"file_name": "a.md", "n": 1}, {"file_name": "long.md"}], caption="Files")
    assert repr(shown) == "Files\nfile name  n\na.md       1\nlong.md"


def test_columns_are_those_asked_for_or_all_in_order_of_appearance() -> None:
    rows = [{"b": 1}, {"a": 2, "b": 3}]
    assert list(table(rows).columns) == ["b", "a"]
    assert repr(table(iter(rows), ["a"])).split("\n") == ["a", "", "2"]


@pytest.mark.parametrize(("letters", "width"), [(10, 5), (32, 16), (200, 16)])
def test_a_browser_gives_a_column_room_for_its_words(letters: int, width: int) -> None:
    shown = table([{"reason": "a"}, {"reason": "x" * letters}])
    assert f"min-width:{width}em" in shown._repr_html_()


def test_an_empty_table_has_its_caption() -> None:
    shown = table([], caption="Documents: no document")
    assert "no document" in repr(shown)
    assert "no document" in shown._repr_html_()
    assert "caption" not in Tags(table([])._repr_html_()).names


def test_outcomes_are_shown_with_what_went_wrong_first() -> None:
    states = ("ok", "stale", "rejected", "failed")
    rows = [
        {"status": state, "path": f"{at}.md", "message": "why", "unchanged": state == "ok"}
        for at, state in enumerate(states)
    ]
    shown = outcome_table(rows, ["length"], 4)
    assert [row["status"] for row in shown.rows] == ["failed", "rejected", "stale", "ok"]
    assert shown.caption == "Documents: 1 failed, 1 rejected, 1 stale, 1 ok; 1 unchanged"
    assert shown.columns == ["status", "path", "message", "remedy", "length", "seconds", "unchanged"]
    assert outcome_table(rows, [], 3).caption.endswith("1 unchanged; the first 3 of 4")


def test_progress_is_one_output_updated_in_place_that_the_runner_can_read(tmp_path: Path) -> None:
    with front_end(tmp_path) as shown:
        progress = Progress(2, interval=0)
        progress.start("a <b>.md")
        progress.advance()
        progress.advance()
        progress.close()

    assert [message["update"] for message in shown] == [False, True, True, True, True]
    assert len({message["transient"]["display_id"] for message in shown}) == 1
    states = [message["data"][PROGRESS_MIME] for message in shown]
    assert [state["done"] for state in states] == [0, 0, 1, 2, 2]
    assert [state["current"] for state in states] == ["", "a <b>.md", "a <b>.md", "a <b>.md", ""]
    assert states[0] == {"done": 0, "total": 2, "unit": "document", "current": ""}
    assert "a <b>.md" in Tags(shown[1]["data"]["text/html"]).text
    assert "1 of 2 documents in" in shown[2]["data"]["text/plain"]
    assert "s left" in shown[2]["data"]["text/plain"]
    assert "left" not in shown[3]["data"]["text/plain"]


def test_what_is_left_goes_by_the_pace_of_what_was_in_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("stagekit.stage.display.time.monotonic", lambda: clock[0])
    with front_end(tmp_path) as shown:
        progress = Progress(10)
        progress.advance(2)  # known from before
        progress.start("a.md")
        assert progress.left_s() is None
        clock[0] = 0.25  # four messages a second
        progress.advance(2)
        assert progress.left_s() == 0.75
        clock[0] = 0.375
        progress.start("b.md", share=0.75)
        assert progress.left_s() == 0.125
        clock[0] = 0.5
        progress.start("c.md", share=1.0)
        progress.close()
    states = [message["data"][PROGRESS_MIME] for message in shown]
    assert [(state["current"], state.get("left_s", 0)) for state in states] == [
        ("", 0), ("a.md", 0), ("c.md", None), ("", 0),
    ]  # fmt: skip
    assert "4 of 10 documents in 0.2 s, about 1 s left · a.md" in shown[1]["data"]["text/plain"]


def test_a_thousand_quick_items_are_few_messages_and_the_last_one_counts(tmp_path: Path) -> None:
    with front_end(tmp_path) as shown:
        progress = Progress(1000, interval=60)
        for number in range(1000):
            progress.start(f"{number}.md")
            progress.advance()
    assert len(shown) <= 3
    assert shown[-1]["data"][PROGRESS_MIME]["done"] == 1000


def test_progress_over_nothing_is_shown(tmp_path: Path) -> None:
    with front_end(tmp_path) as shown:
        Progress(0).close()
    assert "0 of 0 documents" in shown[-1]["data"]["text/plain"]


def test_outside_a_notebook_progress_says_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(1, interval=0)
    progress.start("a.md", "b.md")
    progress.advance()
    progress.close()
    assert len(capsys.readouterr().out.splitlines()) == 1
