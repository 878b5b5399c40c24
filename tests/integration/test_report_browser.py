"""Promises of the report in a browser: it asks nobody for anything, and fits a telephone and a screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.record.state_manager import StateManager
from runner.report.write import write_report
from tests.unit.report_runs import fail_stage, record_chain

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]
HOSTILE = '30-Aprovados/<img src="http://example.invalid/x" onerror="document.title=1">.md'


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        options = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which something changed, something was refused, and a stage broke off."""
    manager = StateManager(tmp_path_factory.mktemp("report") / "outputs")
    documents = {f"30-Aprovados/{'long-name-' * 12}{number}.pdf": str(number) for number in range(20)}
    write_report(manager, record_chain(manager, documents))
    rejected = {"status": "rejected", "category": "encrypted", "message": "m" * 300, "remedy": "r"}
    state = record_chain(manager, documents | {HOSTILE: "x"}, outcomes={next(iter(documents)): rejected})
    fail_stage(manager, state, "qdrant_storage", f"It refused {', '.join(documents)}.")
    return write_report(manager, state).html


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_whole_quiet_and_fits(browser: Any, report: Path, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(report.as_uri())
    assert requests == [report.as_uri()]
    assert complaints == []
    assert page.title().startswith("Failed: run ")
    assert page.evaluate("document.documentElement.scrollWidth") == width, "the page scrolls sideways"
    assert page.locator(".flow svg:visible").count() == 1, "one drawing of the run, the one that fits"
    assert "documents" in page.locator(".flow svg:visible").text_content()
    plots = page.locator("svg:visible")
    assert plots.count() == 7
    for number in range(plots.count()):
        box = plots.nth(number).bounding_box()
        assert 250 < box["width"] <= width
    assert HOSTILE in page.inner_text("main")
    context.close()


def test_ink_and_page_have_contrast_in_light_and_dark(browser: Any, report: Path) -> None:
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(report.as_uri())
        back = _color(page, "body", "backgroundColor")
        for selector, share in (("body", 7.0), (".soft", 4.5), ("a", 4.5), (".status", 4.5)):
            assert _contrast(_color(page, selector, "color"), back) >= share, (scheme, selector)
        drawn = _color(page, "svg text", "fill")
        assert _contrast(drawn, back) >= 7.0, scheme
        context.close()


def _color(page: Any, selector: str, name: str) -> tuple[float, ...]:
    script = f"getComputedStyle(document.querySelector({selector!r})).{name}"
    text = page.evaluate(script)
    return tuple(float(part) for part in text[text.index("(") + 1 : -1].split(",")[:3])


def _contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    lights = sorted((_luminance(one), _luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(color: tuple[float, ...]) -> float:
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
