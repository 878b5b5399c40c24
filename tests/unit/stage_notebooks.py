"""Runs the cells of stages 03 and 05 in this process, without a kernel, and prints what they made.

    python -m tests.unit.stage_notebooks MODEL OUTPUTS SEED CHUNK_SIZE …

SEED orders the rows of stages 01 and 02. The first document is a long one. A line is printed for each size.
"""

from __future__ import annotations

import json
import linecache
import random
import sys
from pathlib import Path
from typing import Any

from docling_core.types.doc import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel

from stagekit.artifacts.store import ArtifactStore
from stagekit.artifacts.tables import encode_rows
from stagekit.base.paths import source_notebook
from tests.crash.corpus import paragraph
from tests.unit.core_notebooks import executed_notebook
from tests.unit.nic_rows import processed, source

SNAPSHOT = {
    "target_folder": ["30-Aprovados"],
    "repository_url": "https://gitlab.example.org/nic/docs.git",
    "repository_branch": "main",
    "source_id": "0123456789abcdef",
}


def write_upstream(outputs: Path, count: int, seed: int) -> dict[str, str]:
    """Write what stages 01 and 02 leave of generated documents, and return the notebooks by stage."""
    store = ArtifactStore(outputs / "artifacts")
    documents, made = [], []
    for number in range(count):
        chance = random.Random(number)
        document = DoclingDocument(name=f"documento {number}")
        for section in range(3):
            document.add_heading(f"{section + 1} Capítulo", level=1)
            document.add_text(DocItemLabel.TEXT, paragraph(chance, 6 if number else 90))
        content = store.put("docling_document", document.model_dump_json().encode(), "application/json")
        path = f"30-Aprovados/atas/{number:02}.md"
        row = source(path, document_id=f"{number:08}-0000-4000-8000-000000000000", status="ok")
        documents.append(row)
        found = {"classificação": {"nível": number, "área": "TI"}, "estado": "publicado"}
        outcome = {name: row[name] for name in ("document_id", "path", "status")} | {"source": row}
        outcome |= {"docling_document": content.model_dump(mode="json")}
        made.append(processed(front_matter=found) | outcome)
    random.Random(seed).shuffle(documents)
    random.Random(seed + 1).shuffle(made)
    return {
        "gitlab_ingestion": _notebook(
            outputs,
            "01",
            documents=store.put_table("documents", encode_rows(documents)),
            source_snapshot=store.put("source_snapshot", json.dumps(SNAPSHOT).encode(), "application/json"),
        ),
        "document_processing": _notebook(
            outputs, "02", processed=store.put_table("processed", encode_rows(made))
        ),
    }


def run_cells(stage: str, given: dict[str, Any]) -> dict[str, Any]:
    """Run the code cells of a stage's notebook, those that only show something left out."""
    scope: dict[str, Any] = {"__name__": "notebook"}
    for cell in json.loads(source_notebook(stage).read_text(encoding="utf-8"))["cells"]:
        tags, text = cell["metadata"].get("tags", []), "".join(cell["source"])
        if cell["cell_type"] != "code" or "display" in tags or cell["id"] in {"glue", "finish"}:
            continue
        linecache.cache[cell["id"]] = (len(text), None, text.splitlines(keepends=True), cell["id"])
        exec(compile(text, cell["id"], "exec"), scope)
        if "parameters" in tags:
            scope |= {name: value for name, value in given.items() if name in scope}
    return scope


def main(model: str, outputs: Path, seed: int, chunk_size: int) -> None:
    """Run both stages; print the chunks' hashes and the payloads by path, and how many were made anew."""
    upstream = write_upstream(outputs, 8, seed)
    sizes = {"chunk_size": chunk_size, "chunk_overlap": chunk_size // 5}
    given = {"embedding_model": model, "outputs_dir": str(outputs), "upstream": upstream}
    chunked = run_cells("text_chunking", given | sizes)
    table = chunked["stage"].store.put_table("chunks", encode_rows(chunked["outcomes"]))
    upstream["text_chunking"] = _notebook(outputs, "03", chunks=table)
    enriched = run_cells("metadata_enrichment", given)
    payloads = {}
    for row in enriched["outcomes"]:
        texts = enriched["stage"].read_part(row["payloads"])["payload"].to_pylist()
        payloads[row["path"]] = [json.loads(text) | {"processing_timestamp": ""} for text in texts]
    chunks = {row["path"]: row["chunks"]["sha256"] for row in chunked["outcomes"]}
    anew = [sum(not row["unchanged"] for row in made["outcomes"]) for made in (chunked, enriched)]
    sys.stdout.write("\n" + json.dumps({"chunks": chunks, "payloads": payloads, "anew": anew}) + "\n")


def _notebook(outputs: Path, name: str, **refs: Any) -> str:
    scraps = {product: ref.model_dump(mode="json") for product, ref in refs.items()}
    return str(executed_notebook(outputs / f"{name}.ipynb", scraps))


if __name__ == "__main__":
    for size in sys.argv[4:]:
        main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(size))
