"""Kernels that are forked from a process with their libraries loaded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from runner.kernels.forks import KernelForks
from runner.kernels.kernel import StageKernel, kernel_environment, thread_event_loop
from stagekit.base.processes.liveness import is_alive

ANSWER = "import os, sys; open('said', 'w').write({})"


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelForks]:
    folder = tmp_path_factory.mktemp("notebooks")
    (folder / "beside.py").write_text("value = 'found beside the notebook'\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITLAB_TOKEN", "canary-of-the-runner")
        started = KernelForks(folder, folder / "server.log")
    yield started
    started.close()


@pytest.fixture
def kernel(forks: KernelForks, tmp_path: Path) -> Iterator[StageKernel]:
    started = StageKernel(
        kernel_environment(
            (), {"OF_THE_STAGE": "yes", "NIC_ETL_NOTEBOOK": "/n/02_document_processing.ipynb"}
        ),
        tmp_path,
        tmp_path / "kernel.log",
        tmp_path / "kernels",
        fork=forks.fork,
    )
    yield started
    started.end()


def said(kernel: StageKernel, folder: Path, expression: str) -> str:
    """Return what an expression is in the kernel."""
    with thread_event_loop():
        client = kernel.manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=120)
            client.execute_interactive(ANSWER.format(expression), timeout=120)
        finally:
            client.stop_channels()
    return (folder / "said").read_text()


def ended(pid: int) -> bool:
    for _ in range(100):
        if not is_alive(pid):
            return True
        time.sleep(0.1)
    return False


def test_a_kernel_has_the_libraries_and_only_its_own_environment(kernel: StageKernel, tmp_path: Path) -> None:
    wanted = (
        "repr(('pyarrow' in sys.modules, 'matplotlib' in sys.modules, os.environ['OF_THE_STAGE'],"
        " os.environ.get('GITLAB_TOKEN'), os.getcwd(), os.getsid(0) == os.getpid(),"
        " __import__('beside').value,"
        " 'docling' in sys.modules or 'torch' in sys.modules))"
    )
    assert said(kernel, tmp_path, wanted) == repr(
        (True, False, "yes", None, str(tmp_path), True, "found beside the notebook", False)
    )
    assert not Path("/proc", str(kernel.pid), "environ").read_bytes().count(b"canary-of-the-runner")
    assert psutil.Process(kernel.pid).name() == "02_document_pro"
    parent = psutil.Process(kernel.pid).ppid()
    assert b"canary-of-the-runner" not in Path("/proc", str(parent), "environ").read_bytes()


def test_how_a_kernel_ended_is_known(kernel: StageKernel) -> None:
    assert kernel.alive()
    assert kernel.exit_code() is None
    os.kill(kernel.pid, signal.SIGKILL)
    assert ended(kernel.pid)
    for _ in range(50):
        if kernel.exit_code() is not None:
            break
        time.sleep(0.1)
    assert kernel.exit_code() == -signal.SIGKILL


def test_waiting_for_a_kernel_ends_with_it_or_with_the_timeout(forks: KernelForks, tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    child = forks.fork(["-f", str(tmp_path / "no.json")], env=dict(os.environ), cwd=str(tmp_path), log=log)
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.01)
    child.terminate()
    assert child.wait(30) == child.poll() != 0
    child.kill()  # one that has ended is left alone


def test_kernels_end_with_the_process_that_they_come_from(tmp_path: Path) -> None:
    forks = KernelForks(tmp_path, tmp_path / "server.log")
    kernel = StageKernel(
        kernel_environment((), {}), tmp_path, tmp_path / "log", tmp_path / "kernels", fork=forks.fork
    )
    try:
        assert said(kernel, tmp_path, "'here'") == "here"
        os.kill(psutil.Process(kernel.pid).ppid(), signal.SIGKILL)
        assert ended(kernel.pid)
        assert kernel.exit_code() == -signal.SIGKILL
        with pytest.raises(RuntimeError, match="has ended"):
            forks.fork([], env={}, cwd=str(tmp_path), log=str(tmp_path / "log"))
    finally:
        kernel.end()
        forks.close()


def test_the_kernels_after_the_first_have_what_reads_documents_as_well(tmp_path: Path) -> None:
    forks = KernelForks(tmp_path, tmp_path / "server.log")
    try:
        for number, loaded in enumerate(("False", "True")):
            folder = tmp_path / str(number)
            folder.mkdir()
            log, registry = folder / "kernel.log", folder / "kernels"
            started = StageKernel(kernel_environment((), {}), folder, log, registry, fork=forks.fork)
            try:
                assert said(started, folder, "str('docling_core.types.doc' in sys.modules)") == loaded
            finally:
                started.end()
    finally:
        forks.close()


def test_what_kernels_have_in_common_is_loaded_once_with_the_settings_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "shared.py").write_text(
        "loaded = []\n"
        "def load(*, model):\n"
        "    loaded.append((model, __import__('os').getpid()))\n"
        "def fail(*, missing):\n"
        "    pass\n"
    )
    forks = KernelForks(tmp_path, tmp_path / "server.log")
    settings = {"model": "small", "other": "not asked for"}
    kernels = []
    try:
        for common in ("shared:load", "shared:fail", "absent:load", ""):
            log, registry = tmp_path / "kernel.log", tmp_path / "kernels"
            fork = partial(forks.fork, common=common, settings=settings)
            kernels.append(StageKernel(kernel_environment((), {}), tmp_path, log, registry, fork=fork))
        server = psutil.Process(kernels[0].pid).ppid()
        for kernel in kernels:  # those whose own function cannot be called start as well
            found = said(kernel, tmp_path, "str(sys.modules['shared'].loaded)")
            assert found == str([("small", server)])
    finally:
        for kernel in kernels:
            kernel.end()
        forks.close()


def test_what_starts_kernels_is_imported_while_papermill_is() -> None:
    script = (
        "from stagekit.base.imports.early_imports import load_meanwhile\n"
        "import runner.kernels.pool\n"
        "assert 'jupyter_client' not in sys.modules\n"
        "load_meanwhile('runner.kernels.execution')\n"
        "import runner.kernels.kernel, runner.kernels.execution\n"
    )
    subprocess.run([sys.executable, "-c", "import sys\n" + script], check=True, timeout=120)


@pytest.mark.parametrize("plots", [True, False])
def test_where_there_is_much_to_draw_later_kernels_find_matplotlib_loaded(
    tmp_path: Path, plots: bool
) -> None:
    forks = KernelForks(tmp_path, tmp_path / "server.log", plots=plots)
    kernels = [
        StageKernel(
            kernel_environment((), {}), tmp_path, tmp_path / "log", tmp_path / "kernels", fork=forks.fork
        )
        for _ in range(3)
    ]
    try:
        assert said(kernels[2], tmp_path, "str('matplotlib.pyplot' in sys.modules)") == str(plots)
    finally:
        for kernel in kernels:
            kernel.end()
        forks.close()
