"""Promises of the page beside an executed notebook: all of it can be read, and nothing in it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.record.state_manager import StateManager
from runner.report.notebook_page import notebook_page, page_of
from runner.report.safe_html import safe_html
from runner.report.write import write_report
from tests.unit.report_runs import Page, record_chain, record_nothing_changed

PICTURE = "iVBORw0KGgo="


def cell(kind: str, source: str | list[str], **more: Any) -> dict[str, Any]:
    code = {"execution_count": 1, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source, **code, **more}


def shown(**data: Any) -> dict[str, Any]:
    names = {"html": "text/html", "text": "text/plain", "markdown": "text/markdown", "png": "image/png"}
    data = {names[name]: value for name, value in data.items()}
    return {"output_type": "display_data", "metadata": {}, "data": data}


def page(*cells: dict[str, Any]) -> str:
    text = notebook_page(json.dumps({"cells": cells, "metadata": {}}).encode(), "01_x<y")
    assert Page(text).faults == []
    return text


def test_prose_tables_and_pictures_are_shown_and_code_is_folded_away() -> None:
    table = '<table><caption style="text-align:left">Two</caption><tr><td>é &lt; 2</td></tr></table>'
    text = page(
        cell("markdown", ["# Reading\n", "\n", "Two **readers**, `three` rows"]),
        cell(
            "code", "a < b\nc", outputs=[shown(html=table, text="as text"), shown(png=PICTURE, text="plot")]
        ),
    )
    assert '<html lang="en">' in text
    assert "<title>01_x&lt;y</title>" in text
    assert "<h1>Reading</h1>" in text
    assert "<strong>readers</strong>" in text
    assert "<details><summary>In [1]: 2 lines of code</summary>" in text
    assert "a &lt; b" in text
    assert table in text
    assert "as text" not in text
    assert text.count("<img") == 1


def test_code_that_a_cell_shows_stands_in_a_fixed_font() -> None:
    source = "import x\n\n\ndef made_of(it):\n    return it['_a_'] * 2 * 3\n"
    text = page(cell("code", "show()", outputs=[shown(markdown=f"```python\n{source}```")]))
    assert "<pre><code" in text
    assert "def made_of(it):\n    return it['_a_'] * 2 * 3" in text.replace("&#x27;", "'")


def test_the_cell_that_failed_can_be_linked_to() -> None:
    banner = '<span style="color:red" id="papermill-error-cell">An exception here</span>'
    failed = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[31mE: <v>\x1b[0m"]}
    other = {"output_type": "error", "ename": "E", "evalue": "<w>", "traceback": []}
    text = page(cell("markdown", banner), cell("code", "f()", outputs=[failed, other]))
    assert Page(text).ids == ["papermill-error-cell"]
    assert "E: &lt;v&gt;" in text
    assert "E: &lt;w&gt;" in text
    assert "\x1b" not in text


def test_nothing_in_the_page_runs_or_is_loaded() -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "<script>1</script>"},
        shown(html="<script>2</script>", text="p<"),
        shown(html="<img src=x onerror=alert(3)>", text="q<"),
        shown(png="abc", html="<b>bold"),
        shown(png="PHN2Zz4="),
        {"output_type": "display_data", "metadata": {}, "data": {"application/x+json": {"a": 1}}},
    ]
    text = page(
        cell("markdown", "<script>3</script>\n\n![there](https://example.org/pixel.png)"),
        cell("code", "x", outputs=outputs),
        cell("raw", "<script>4</script>"),
    )
    for hidden in ("<script", "<img", "onerror", "pixel.png"):
        assert hidden not in text
    for said in ("&lt;script&gt;1", "p&lt;", "q&lt;", "<b>bold</b>", "&lt;script&gt;4"):
        assert said in text
    assert "default-src 'none'" in text
    assert Page(text).links == ["report.html"]


@pytest.mark.parametrize("content", ["", "[]", '{"cells": 1}', '{"cells": [{}]}', '{"cells": ["\\ud800"]}'])
def test_what_is_no_notebook_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match="02_x is no whole notebook"):
        notebook_page(content.encode(), "02_x")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ('<a href="https://x.org/a?b&amp;c">t</a>', '<a href="https://x.org/a?b&amp;c">t</a>'),
        ('<a href="../r/report.html">t</a>', '<a href="../r/report.html">t</a>'),
        ('<a href="javascript:alert(1)">t</a>', "<a>t</a>"),
        ('<a href=" data:text/html,x">t</a>', "<a>t</a>"),
        ('<a href="//elsewhere">t</a>', "<a>t</a>"),
        ('<p onclick="x()" style="position:fixed;top:0">t</p>', "<p>t</p>"),
        ('<td style="text-align:left;max-width:46em" colspan=2>t</td>',
         '<td style="text-align:left;max-width:46em" colspan="2">t</td>'),
        ('<td style="width:url(x)">t</td>', "<td>t</td>"),
        ("<ul><li>one<li>two</ul>after", "<ul><li>one<li>two</li></li></ul>after"),
        ("<svg><script>x</script><b>y</b></svg>z<br/>", "z<br>"),
        ("<form><input name=a><b>bold</form></i>", "<b>bold</b>"),
        ("What <happened> to <NOME DO SETOR>?", "What &lt;happened&gt; to &lt;NOME DO SETOR&gt;?"),
        ("a &lt;b&gt; &amp; c<!-- d -->", "a &lt;b&gt; &amp; c"),
    ],
)  # fmt: skip
def test_of_html_only_the_harmless_part_stays(given: str, kept: str) -> None:
    assert safe_html(given) == kept


@pytest.fixture
def manager(tmp_path: Path) -> StateManager:
    return StateManager(tmp_path / "outputs")


def test_a_page_stands_beside_each_executed_notebook_and_the_report_leads_to_it(
    manager: StateManager,
) -> None:
    state = record_chain(manager, {"30-Aprovados/a.md": "a"})
    written = write_report(manager, state)
    folder = manager.run_dir(state.execution_id)
    pages = sorted(path.name for path in folder.glob("0*.html"))
    assert pages == [path.with_suffix(".html").name for path in sorted(folder.glob("0*.ipynb"))]
    assert set(pages) <= set(Page(written.html.read_text()).links)
    assert {path.stat().st_mode & 0o077 for path in folder.glob("0*.html")} == {0}

    before = page_of(folder / "01_gitlab_ingestion.ipynb").stat().st_mtime_ns
    write_report(manager, state)
    assert page_of(folder / "01_gitlab_ingestion.ipynb").stat().st_mtime_ns == before  # it is there


def test_a_run_that_carried_a_stage_over_leads_to_the_notebook_of_the_run_that_executed_it(
    manager: StateManager,
) -> None:
    first = record_chain(manager, {"30-Aprovados/a.md": "a"})
    second = record_nothing_changed(manager, first)
    written = write_report(manager, second, content=True)
    links = Page(written.html.read_text()).links
    assert f"../{first.execution_id}/03_text_chunking.html" in links
    assert list(manager.run_dir(second.execution_id).glob("0*")) == []
    for link in links:
        assert link.startswith("#") or (written.html.parent / link).exists(), link


def test_a_damaged_notebook_has_no_page_and_the_report_says_so(manager: StateManager) -> None:
    state = record_chain(manager, {"30-Aprovados/a.md": "a"})
    notebook = manager.absolute(state.stages["text_chunking"].notebook)
    notebook.write_text("{")
    report = write_report(manager, state).report
    assert (
        "page of 03_text_chunking.ipynb: 03_text_chunking is no whole notebook (JSONDecodeError)."
        in report.gaps
    )
    chunking = next(stage for stage in report.stages if stage.name == "text_chunking")
    assert (chunking.notebook, chunking.page) == ("03_text_chunking.ipynb", "")


@pytest.mark.parametrize(
    ("repository", "link"),
    [
        ("https://git.example.org/nic/docs.git",
         "https://git.example.org/nic/docs/-/blob/c0ffee/30%20Aprovados/%C3%A1.pdf"),
        ("file:///srv/docs", ""),
    ],
)  # fmt: skip
def test_documents_lead_to_their_files_at_the_version_that_was_read(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch, repository: str, link: str
) -> None:
    source = {"repository_url": repository, "commit": "c0ffee"}
    monkeypatch.setattr("runner.report.facts.source_of", lambda *_: source)
    locked = {"status": "rejected", "category": "encrypted", "message": "a password", "remedy": "remove it"}
    path = "30 Aprovados/á.pdf"
    written = write_report(manager, record_chain(manager, {path: "a"}, outcomes={path: locked}))
    found = [one for one in Page(written.html.read_text()).links if "//" in one]
    assert found == ([link] if link else [])
    assert path in written.html.read_text()
