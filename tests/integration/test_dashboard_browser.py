"""Promises of the dashboard in a browser: token, settings, live run, cancel, resume, documents, search."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from runner.record.state_manager import StateManager
from tests.crash.tiny_model import write_tiny_model

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
pytest.importorskip("voila", reason="needs the extra dashboard")
pytest.importorskip("ipywidgets", reason="needs the extra dashboard")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = "<img src=x onerror=alert(1)>.md"
LONG = 120_000  # milliseconds: two cores may be shared


@dataclass(frozen=True)
class Server:
    """A running `nic-etl dashboard`."""

    address: str
    outputs: Path
    process: subprocess.Popen[str]

    @property
    def root(self) -> str:
        return self.address.partition("?")[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("dashboard")
    source = folder / "documents" / "30-Aprovados"
    source.mkdir(parents=True)
    for name, text in {"ferias": "Férias são pedidas com 30 dias.", "copias": "A cópia é diária."}.items():
        (source / f"{name}.md").write_text(f"# {name.title()}\n\n{text}\n", encoding="utf-8")
    (source / HOSTILE).write_bytes(b"")
    outputs = folder / "outputs"
    settings = {
        "outputs_dir": outputs,
        "source_path": folder / "documents",
        "embedding_model": write_tiny_model(folder / "model"),
        "chunk_overlap": 10,
    }
    options = [word for name, value in settings.items() for word in ("-p", f"{name}={value}")]
    line = [sys.executable, "-m", "runner", "dashboard", "--no-browser", "--port", "0", *options]
    log = (folder / "server.log").open("w+")
    process = subprocess.Popen(
        line, stdout=log, stderr=subprocess.STDOUT, text=True, env=os.environ | {"NO_COLOR": "1"}
    )
    try:
        yield Server(_address(Path(log.name), process), outputs, process)
    finally:
        family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        process.wait(30)
        log.close()
        _, left = psutil.wait_procs(family, timeout=20)
        assert left == [], "the server left processes behind"
        assert StateManager(outputs).lock_owner() is None, "a run goes on"


def _address(log: Path, process: subprocess.Popen[str]) -> str:
    for _ in range(300):
        found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", log.read_text())
        if found:
            return found[0]
        assert process.poll() is None, log.read_text()
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture
def page(server: Server) -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(LONG)
        yield page
        browser.close()


def test_without_the_token_there_is_no_page_and_nothing_listens_elsewhere(server: Server) -> None:
    for query in ("", "?token=", "?token=wrong", f"{server.address.partition('/?')[2][:-1]}"):
        with urllib.request.urlopen(f"{server.root}{query}", timeout=20) as answer:
            assert "/login" in answer.url
            said = answer.read().decode()
            assert "create_pipeline_dashboard" not in said
            assert "which keeps a Qdrant collection in step" in said, "a stranger is told what this is"
    for path in ("api/kernels/00000000-0000-0000-0000-000000000000", "voila/files/dashboard.ipynb"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{server.root}{path}", timeout=20)
        assert refused.value.code == 403
        refused.value.close()
    foreign = urllib.request.Request(server.address, headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(foreign, timeout=20)
    assert refused.value.code == 403
    refused.value.close()
    sockets = psutil.Process(server.process.pid).net_connections("tcp")
    assert {one.laddr.ip for one in sockets if one.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


def test_a_run_is_configured_started_cancelled_resumed_and_understood(server: Server, page: Any) -> None:
    asked: list[str] = []
    page.on("response", lambda response: asked.append(response.url))
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(server.address)
    page.wait_for_selector(".nic-status:has-text('No run yet')")

    # A setting is checked as it is typed; what is valid goes into the command.
    _tab(page, "Settings")
    page.get_by_placeholder("find a setting").fill("chunk_size")
    field = page.locator(".widget-hbox:has(> .widget-label:text-is('chunk_size')) input")
    field.fill("abc")
    page.wait_for_selector("text=must be a whole number")
    assert _button(page, "Start run").is_disabled()
    field.fill("60")
    page.wait_for_selector("code:has-text('-p chunk_size=60')")

    # Start, live progress, cancel.
    _button(page, "Start run").click()
    page.wait_for_selector(".nic-status:has-text('Running')")
    page.wait_for_selector("b.tag.busy:has-text('running')")
    _button(page, "Cancel run").click()
    page.wait_for_selector(".nic-status:has-text('Cancelled')")

    # Resume; the page is closed, the run goes on, and another page finds it again.
    _button(page, "Resume run").click()
    page.wait_for_selector(".nic-status:has-text('Running')")
    page.goto("about:blank")
    page.goto(server.address)
    page.wait_for_selector(".nic-status:has-text('Running'), .nic-status:has-text('Done')")
    page.wait_for_selector(".nic-status:has-text('Done, with documents that need attention')")
    state = StateManager(server.outputs).load_checkpoint()
    assert (state.mode, state.resumed) == ("full", 1)
    assert state.pipeline_config["chunk_size"] == 60

    # The rejected document, with its remedy; its name is text and nothing else.
    _tab(page, "Documents")
    page.wait_for_selector("text=1 of 3 documents needs attention")
    assert HOSTILE in page.locator(".nic li:visible", has_text="onerror").inner_text()
    page.wait_for_selector("text=What to do:")
    _button(page, "Try these again").click()
    page.wait_for_selector("text=The next run tries 1 of these again")

    _tab(page, "Search")
    page.get_by_placeholder("A question in your own words").fill("Quando pedir férias?")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hit mark:has-text('Férias são pedidas')")

    # The report, in a frame; its links open the executed notebooks, as pages in which nothing runs.
    _tab(page, "Overview")
    report = page.frame_locator("iframe.nic-page")
    assert HOSTILE in report.locator("#problems + .card").inner_text()
    assert page.locator("iframe.nic-page").get_attribute("sandbox").count("allow-scripts") == 0
    for words, content in (("document_processing", "In [2]: "), ("report.json", "execution_id")):
        with page.expect_popup() as opened:
            report.get_by_role("link", name=words, exact=True).first.click()
        assert content in opened.value.inner_text("body")
        assert opened.value.evaluate("document.scripts.length") == 0
        opened.value.close()

    assert dialogs == []
    assert {url.split("/")[2] for url in asked if url.startswith("http")} == {server.root.split("/")[2]}


@pytest.mark.parametrize("width", [1400, 400])
def test_no_tab_scrolls_sideways(server: Server, page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(server.address)
    page.wait_for_selector(".nic-status b")
    for name in ("Overview", "Documents", "Search", "Settings"):
        _tab(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def _tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def _button(page: Any, words: str) -> Any:
    return page.get_by_role("button", name=words, exact=True)
