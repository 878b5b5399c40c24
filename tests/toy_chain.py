"""A chain of small stages with real notebooks and real kernels, for tests of the runner.

`max_pages` is the number of documents, `organization` makes stages misbehave, `chunk_size` is a plain
parameter of the stage `shout`. `count` and `measure` do not depend on each other.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from runner.models import PipelineStage, ResourceRequirements, RetryConfig

_LIST = """
stage = open_stage("listing", upstream=upstream, outputs_dir=outputs_dir, parameters={"max_pages": max_pages})
rows = [{"document_id": f"id{n}", "path": f"doc{n}.md", "text": f"text {n}"} for n in range(max_pages)]
if organization == "bad document":
    rows[0]["path"] = "bad.md"
fetch = lambda row: DocumentOutput({"text": row["text"]})
outcomes = stage.map_documents(rows, fetch, key=lambda row: row["text"])
stage.glue_documents("documents", outcomes)
"""
_SHOUT = """
import os, time
stage = open_stage("shout", upstream=upstream, outputs_dir=outputs_dir, parameters={"chunk_size": chunk_size})
if organization == "crash":
    os.kill(os.getpid(), 9)
if organization == "wrong setting":
    raise StageError("organization: this setting is wrong; choose another.")
if organization.startswith("flaky "):
    from pathlib import Path
    marker = Path(organization.removeprefix("flaky "))
    if not marker.exists():
        marker.touch()
        raise ConnectionError("the service is away")
if organization == "slow":
    print("sleeping", flush=True)
    time.sleep(60)
if organization == "hungry" and batch_size > 8:
    hoard = bytearray(700 * 2**20)
    time.sleep(20)
if organization == "tell secrets":
    print("token:", os.environ.get("GITLAB_TOKEN"), "key:", os.environ.get("QDRANT_API_KEY"))


def shout(row):
    if "bad" in row["path"]:
        raise DocumentRejected("unreadable", "it cannot be read", "upload it again")
    if "broken" in organization:
        raise RuntimeError("converter gave up")
    return DocumentOutput({"text": row["text"].upper() * chunk_size}, blobs={"blob": (b"x", "text/plain")})


rows = stage.read("listing", "documents")
outcomes = stage.map_documents(rows, shout, key=lambda row: row["text"], parameters=["chunk_size"])
stage.metric("characters", sum(len(row["text"]) for row in outcomes if row["status"] == "ok"))
stage.glue_documents("shouted", outcomes)
"""
_COUNT = """
stage = open_stage("{name}", upstream=upstream, outputs_dir=outputs_dir)
import time
begin = time.time()
rows = stage.read("shout", "shouted")
time.sleep({pause})
stage.glue_table("{name}s", [{{"path": row["path"], "length": len(row["text"])}} for row in rows])
stage.metric("interval", {{"begin": begin, "end": time.time()}})
"""
_STORE = """
stage = open_stage("storing", upstream=upstream, outputs_dir=outputs_dir)
total = sum(row["length"] for row in stage.read("count", "counts"))
stage.glue_json("stored", {"total": total})
"""


def toy_chain(folder: Path, pause: float = 0.0) -> list[PipelineStage]:
    """Write the notebooks into a folder and return the stages."""
    folder.mkdir(parents=True, exist_ok=True)
    light = ResourceRequirements(memory_mb=100)
    quick = RetryConfig(initial_wait=0.01, max_wait=0.05)

    def stage(
        number: int, name: str, body: str, parameters: str, *needs: str, **more: object
    ) -> PipelineStage:
        path = folder / f"{number:02}_{name}.ipynb"
        write_notebook(path, name, parameters, body)
        return PipelineStage(name, name, path, needs, retry_config=quick, resource_requirements=light, **more)  # type: ignore[arg-type]

    shout = "chunk_size: int = 1\nbatch_size: int = 32\n"
    behave = 'organization: str = "NIC"'
    return [
        stage(
            1,
            "listing",
            _LIST,
            f"max_pages: int = 2\n{behave}",
            outside="elsewhere",
            secrets=("GITLAB_TOKEN",),
        ),
        stage(
            2,
            "shout",
            _SHOUT,
            shout + behave,
            "listing",
            secrets=("GITLAB_TOKEN",),
        ),
        stage(3, "count", _COUNT.format(name="count", pause=pause), "", "shout"),
        stage(4, "measure", _COUNT.format(name="measure", pause=pause), "", "shout"),
        stage(5, "storing", _STORE, "", "count", "measure", outside="elsewhere"),
    ]


def write_notebook(path: Path, name: str, parameters: str, body: str) -> None:
    """Write the notebook of a stage: its parameters beside the common ones, and what it does."""
    common = 'upstream: dict = {}\noutputs_dir: str = ""'
    cells = [
        new_markdown_cell(f"# {name}"),
        new_code_cell(f"{common}\n{parameters}", metadata={"tags": ["parameters"]}),
        new_code_cell("from stagekit import DocumentOutput, DocumentRejected, StageError, open_stage"),
        new_code_cell(body.strip()),
        new_code_cell("stage.finish()"),
    ]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{name}-{number}"
    nbformat.write(notebook, path)
