"""How fast, and in how much memory, the ingestion notebook reads a GitLab project over loopback.

``python -m tests.bench.gitlab_throughput [FILES] [MEGABYTES OF ONE LARGE FILE]``: first load, second run with
nothing changed, third run after a push of one added, one changed, one renamed and one deleted document.
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import papermill

from stagekit.base.paths import source_notebook
from stagekit.contract import StageResult, read_scraps
from tests.servers.gitlab_world import Repository


def main(files: int, megabytes: int) -> None:
    """Print one line for each run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        repository = _repository(folder / "repositorio", files, megabytes)
        command = [sys.executable, "-m", "tests.servers.gitlab_server", str(repository.path)]
        os.environ["GITLAB_TOKEN"] = "glpat-test-server-token"
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            try:
                for run in ("first load", "unchanged", "after a push"):
                    if run == "after a push":
                        _push(repository)
                    _report(run, url, folder)
            finally:
                server.kill()


def _repository(path: Path, files: int, megabytes: int) -> Repository:
    repository = Repository(path)
    words = random.Random(1)
    repository.commit(
        {f"{n % 17}/doc{n}.md": f"# {n}\n" + "texto " * words.randint(10, 2000) for n in range(files)}
    )
    if megabytes:
        repository.commit({"grande.pdf": words.randbytes(megabytes * 1_000_000)})
    for n in range(20):
        repository.commit({f"0/doc{n * 17}.md": f"mudado {n}"})
    return repository


def _push(repository: Repository) -> None:
    repository.git("mv", "30-Aprovados/1/doc1.md", "30-Aprovados/1/renomeado.md")
    repository.git("rm", "-q", "30-Aprovados/2/doc2.md")
    repository.commit({"0/doc0.md": "outra vez", "novo.md": "novo"})


def _report(run: str, url: str, folder: Path) -> None:
    outputs = folder / "outputs"
    outputs.mkdir(exist_ok=True)
    done = outputs / "done.ipynb"
    begin = time.monotonic()
    papermill.execute_notebook(
        source_notebook("gitlab_ingestion"),
        done,
        {
            "source": "gitlab",
            "gitlab_url": url,
            "gitlab_project": "nic/documentos",
            "outputs_dir": str(outputs),
            "max_file_size_mb": 500,
        },
        progress_bar=False,
    )
    seconds = time.monotonic() - begin
    result = StageResult.model_validate(read_scraps(done)["stage_result"])
    cost = result.metrics["gitlab"]
    megabytes = cost["downloaded_bytes"] / 1e6
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(
        f"{run}: stage {result.seconds:.1f} s (with its kernel {seconds:.1f} s), "
        f"{result.input_count} documents, {cost['downloads'] / result.seconds:.0f} files/s, "
        f"{megabytes / result.seconds:.1f} MB/s, {cost['requests']} requests, {cost['downloads']} downloads, "
        f"largest process {peak} MB"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 2000, int(sys.argv[2]) if sys.argv[2:] else 100)
