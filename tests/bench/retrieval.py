"""Measures how well questions find their documents, by chunk size and model, on a corpus with known answers.

    python tests/bench/retrieval.py CORPUS [--model NAME] [--dtype bfloat16] [--sizes 250 400 500] [--plain]

CORPUS holds `queries.jsonl` and `groundtruth_text/`. A document's text becomes paragraphs (blank lines
separate them; `#` opens a heading), is cut by `chunk_document`, and counts as its best chunk. Prints one
JSON line a size.
"""

import argparse
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from docling_core.types.doc import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel

from stagekit.chunking import ChunkSettings, chunk_document
from stagekit.embedding import embed_texts, load_model, load_tokenizer, resolve_model

_HEADING = re.compile(r"(#{1,6})\s+(\S.*)")


def as_document(text: str) -> DoclingDocument:
    """Return plain text as a Docling document of headings and paragraphs."""
    document = DoclingDocument(name="text")
    for paragraph in re.split(r"\n\s*\n", text):
        if match := _HEADING.fullmatch(paragraph.strip()):
            document.add_heading(match.group(2), level=len(match.group(1)))
        elif paragraph.strip():
            document.add_text(DocItemLabel.TEXT, paragraph.strip())
    return document


def hits(ranks: list[int]) -> dict[str, Any]:
    """Return hit@1, hit@5 and mrr@10 of 0-based ranks."""
    found = np.array(ranks)
    reciprocal = np.where(found < 10, 1 / (found + 1), 0)
    figures = {"hit@1": (found < 1).mean(), "hit@5": (found < 5).mean(), "mrr@10": reciprocal.mean()}
    return {name: round(float(value), 3) for name, value in figures.items()} | {"queries": len(ranks)}


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--model", default="packaged/multilingual-e5-small")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--sizes", type=int, nargs="+", default=[500])
    parser.add_argument("--plain", action="store_true", help="embed the text without its heading context")
    options = parser.parse_args()
    lines = (options.corpus / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    queries = [json.loads(line) for line in lines]
    root = options.corpus / "groundtruth_text"
    texts = {path.relative_to(root).as_posix()[:-4]: path for path in sorted(root.rglob("*.txt"))}
    files, counter = resolve_model(options.model), load_tokenizer(options.model)
    model = load_model(options.model, dtype=options.dtype)
    questions = embed_texts(model, [query["query"] for query in queries], files.query_prompt)
    for size in options.sizes:
        owners, chunks = [], []
        for path, file in texts.items():
            document = as_document(file.read_text(encoding="utf-8"))
            made = chunk_document(document, counter, ChunkSettings(size, size // 5)).chunks
            owners += [path] * len(made)
            chunks += [chunk.text if options.plain else chunk.embedded_text for chunk in made]
        begin = time.perf_counter()
        scores = questions @ embed_texts(model, chunks, files.passage_prompt).T
        seconds = time.perf_counter() - begin
        ranks = []
        for query, row in zip(queries, scores, strict=True):
            ranked = list(dict.fromkeys(owners[at] for at in np.argsort(-row)))
            ranks.append(min(ranked.index(path) for path in query["paths"] if path in ranked))
        portuguese = [rank for rank, query in zip(ranks, queries, strict=True) if query["lang"] == "pt"]
        head = {
            "model": options.model,
            "chunk_size": size,
            "chunks": len(chunks),
            "seconds": round(seconds, 1),
        }
        sys.stdout.write(json.dumps(head | {"all": hits(ranks), "pt": hits(portuguese)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
