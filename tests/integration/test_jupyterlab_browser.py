"""Promise of executed notebooks: whoever opens one in JupyterLab, or even saves it, changes no byte."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest

from runner.dashboard.web_server import free_port
from runner.kernels.execution import NotebookJob, execute_notebook
from runner.kernels.kernel import StageKernel, kernel_environment
from tests.toy_chain import write_notebook

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
pytest.importorskip("jupyterlab", reason="needs the package jupyterlab")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]
LONG = 120_000  # milliseconds: two cores may be shared
_AUTOSAVE_S = 1
_SHOWN = """
from IPython.display import JSON, display
display(JSON({"share": 1.0, "said": "não"}))
print("two\\nlines")
"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook as a stage leaves it, executed in a real kernel."""
    folder = tmp_path_factory.mktemp("executed")
    path = folder / "source.ipynb"
    write_notebook(path, "shown", "share: float = 1.0", _SHOWN)
    source = nbformat.read(path, as_version=4)
    del source.cells[-1]  # it would finish a stage that was not opened
    nbformat.write(source, path)
    kernel = StageKernel(kernel_environment((), {}), folder, folder / "kernel.log", folder / "kernels")
    kernel.warm(())
    target = folder / "run" / "01_shown.ipynb"
    parameters = {"share": 0.5, "outputs_dir": str(folder)}
    job = NotebookJob("shown", path, target, parameters, kernel, lambda _: None, threading.Event())
    execute_notebook(job)
    return target


@pytest.fixture(scope="module")
def lab(notebook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the notebook in a JupyterLab that saves what was changed every second."""
    home, port = tmp_path_factory.mktemp("lab"), free_port(0)
    settings = home / "settings" / "@jupyterlab" / "docmanager-extension" / "plugin.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"autosaveInterval": _AUTOSAVE_S}))
    places = {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
    places |= {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime"}
    environment = os.environ | {name: str(home / place) for name, place in places.items()}
    environment["JUPYTER_TOKEN"] = "open"
    line = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
    line += [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={notebook.parent}",
    ]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(line, env=environment, stdout=log, stderr=log)
        try:
            _await(f"http://127.0.0.1:{port}/api", server)
            yield f"http://127.0.0.1:{port}/lab/tree/{notebook.name}?token=open&reset"
        finally:
            server.terminate()
            server.wait(120)  # two cores may be shared


def _await(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(1800):
        try:
            urlopen(address, timeout=20).close()
            return
        except URLError:
            assert server.poll() is None
            time.sleep(0.1)
    raise AssertionError(address)


def _saves(asked: Any) -> bool:
    return asked.method == "PUT" and "/api/contents/" in asked.url


def test_opening_and_saving_an_executed_notebook_changes_no_byte(notebook: Path, lab: str) -> None:
    before = notebook.read_bytes()
    saved: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(LONG)
        page.on("request", lambda asked: saved.append(asked.url) if _saves(asked) else None)
        page.goto(lab)
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']")
        time.sleep(3 * _AUTOSAVE_S)
        assert saved == []  # nothing seemed changed, so that nothing was to be saved

        if os.geteuid() == 0:  # modes bind nobody: it can be saved
            with page.expect_response(lambda answer: _saves(answer.request)):
                page.click("[data-command='docmanager:save']")
        assert notebook.read_bytes() == before
        browser.close()
