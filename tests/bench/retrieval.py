"""Measures how well questions find their documents: by meaning, by words and by both, on known answers.

    python tests/bench/retrieval.py CORPUS [--model NAME] [--dtypes float32 int8]
        [--sizes 250 500] [--most CHUNKS] [--plain] [--variants]

CORPUS holds `queries.jsonl` and `groundtruth_text/`. A document's text becomes paragraphs (blank lines
separate them; `#` opens a heading), is cut by `chunk_document`, and counts as its best chunk. Prints one
JSON line a size, number type and way of searching. Words are weighed as by Qdrant's IDF modifier, and ranks
fused as by its RRF: the sum of 1 / (k + rank) over both searches, ranks from 0, k = 2, over the 100 best
points of each.
`--variants` adds other k, depths and weights, Qdrant's other fusion (DBSF), and other texts for the words.
The same through a whole chain and a real store: `nic-etl evaluate CORPUS/queries.jsonl --compare`.
"""

import argparse
import json
import math
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from docling_core.types.doc import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel
from numpy.typing import NDArray

from stagekit.chunking import Chunk, ChunkSettings, chunk_document
from stagekit.embedding import (
    SparseVector,
    embed_texts,
    load_model,
    load_tokenizer,
    resolve_model,
    sparse_document_vector,
    sparse_query_vector,
)
from stagekit.search.evaluation import KnownQuestion, metrics, read_questions

_HEADING = re.compile(r"(#{1,6})\s+(\S.*)")
Scores = NDArray[np.float32]  # shape (questions, chunks); 0 of a word search means not found
Ranking = list[list[int]]  # for each question the positions of chunks, best first


def as_document(text: str) -> DoclingDocument:
    """Return plain text as a Docling document of headings and paragraphs."""
    document = DoclingDocument(name="text")
    for paragraph in re.split(r"\n\s*\n", text):
        if match := _HEADING.fullmatch(paragraph.strip()):
            document.add_heading(match.group(2), level=len(match.group(1)))
        elif paragraph.strip():
            document.add_text(DocItemLabel.TEXT, paragraph.strip())
    return document


def word_scores(questions: Sequence[SparseVector], documents: Sequence[SparseVector]) -> Scores:
    """Return BM25 scores with Qdrant's inverse document frequency: ln((N - n + 0.5) / (n + 0.5) + 1)."""
    postings: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for at, document in enumerate(documents):
        for index, value in zip(document.indices, document.values, strict=True):
            postings[index].append((at, value))
    scores = np.zeros((len(questions), len(documents)), dtype=np.float32)
    for row, question in zip(scores, questions, strict=True):
        for index in question.indices:
            found = postings.get(index, [])
            rarity = math.log((len(documents) - len(found) + 0.5) / (len(found) + 0.5) + 1)
            for at, value in found:
                row[at] += value * rarity
    return scores


def ranked(scores: Scores, depth: int | None = None, *, words: bool = False) -> Ranking:
    """Return the best `depth` chunks for each question; of a word search only those that have a word."""
    rankings = []
    for row in scores:
        best = np.argsort(-row, kind="stable")
        rankings.append([int(at) for at in (best[row[best] > 0] if words else best)[:depth]])
    return rankings


def rrf(rankings: Sequence[Ranking], k: int = 2, weights: Sequence[float] = (1, 1)) -> Ranking:
    """Fuse rankings as Qdrant does: 1 / ((rank + 1) / weight + k - 1), ranks from 0."""
    fused = []
    for lists in zip(*rankings, strict=True):
        sums: dict[int, float] = defaultdict(float)
        for weight, chunks in zip(weights, lists, strict=True):
            for rank, at in enumerate(chunks):
                sums[at] += 1 / ((rank + 1) / weight + k - 1)
        fused.append(sorted(sums, key=lambda at: -sums[at]))
    return fused


def dbsf(rankings: Sequence[Ranking], scores: Sequence[Scores]) -> Ranking:
    """Fuse scores as Qdrant's DBSF does: scaled by their mean plus and minus 3 deviations, then added."""
    fused = []
    for number, lists in enumerate(zip(*rankings, strict=True)):
        sums: dict[int, float] = defaultdict(float)
        for table, chunks in zip(scores, lists, strict=True):
            values = table[number, chunks]
            spread = values.std(ddof=1) if len(chunks) > 1 else 0.0
            for at, value in zip(chunks, values, strict=True):
                sums[at] += float((value - values.mean() + 3 * spread) / (6 * spread)) if spread else 0.5
        fused.append(sorted(sums, key=lambda at: -sums[at]))
    return fused


def figures(questions: Sequence[KnownQuestion], owners: Sequence[str], ranking: Ranking) -> dict[str, Any]:
    """Return the metrics over all questions and by language, a document ranked by its best chunk."""
    ranks: dict[str, list[int | None]] = defaultdict(list)
    for question, chunks in zip(questions, ranking, strict=True):
        paths = list(dict.fromkeys(owners[at] for at in chunks))
        rank = next((at for at, path in enumerate(paths, 1) if path in question.paths), None)
        ranks["all"].append(rank)
        ranks[question.lang].append(rank)
    return {lang: metrics(found) for lang, found in ranks.items()}


def ways(
    dense: Scores,
    chunks: Sequence[Chunk],
    paths: Sequence[str],
    questions: Sequence[KnownQuestion],
    *,
    variants: bool,
) -> Iterator[tuple[str, Ranking]]:
    """Yield each way of searching with its ranking."""
    asked = [sparse_query_vector(question.query) for question in questions]
    placed = list(zip(chunks, paths, strict=True))
    words = word_scores(asked, [sparse_document_vector(chunk.embedded_text, path) for chunk, path in placed])
    both = (ranked(dense, 100), ranked(words, 100, words=True))
    yield "dense", ranked(dense)
    yield "sparse", ranked(words, words=True)
    yield "hybrid", rrf(both)
    if not variants:
        return
    for k in (1, 5, 10, 60):
        yield f"rrf k={k}", rrf(both, k)
    for depth in (20, 50, 200):
        yield f"rrf depth={depth}", rrf((ranked(dense, depth), ranked(words, depth, words=True)))
    for weights in ((2, 1), (1, 2)):
        yield f"rrf weights={weights}", rrf(both, weights=weights)
    yield "dbsf", dbsf(both, (dense, words))
    for name, texts in {
        "without path": [sparse_document_vector(chunk.embedded_text) for chunk in chunks],
        "without titles and path": [sparse_document_vector(chunk.text) for chunk in chunks],
    }.items():
        alone = word_scores(asked, texts)
        yield f"sparse {name}", ranked(alone, words=True)
        yield f"hybrid {name}", rrf((both[0], ranked(alone, 100, words=True)))


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--model", default="packaged/multilingual-e5-small")
    parser.add_argument("--dtypes", nargs="+", default=["float32"], help="values of embedding_dtype")
    parser.add_argument("--sizes", type=int, nargs="+", default=[250])
    parser.add_argument("--most", type=int, help="chunks of a document that count: a faster, rougher run")
    parser.add_argument("--plain", action="store_true", help="embed the text without its heading context")
    parser.add_argument("--variants", action="store_true", help="other ways to fuse, other texts for words")
    options = parser.parse_args()
    questions = read_questions(options.corpus / "queries.jsonl")
    root = options.corpus / "groundtruth_text"
    texts = {path.relative_to(root).as_posix()[:-4]: path for path in sorted(root.rglob("*.txt"))}
    files, counter = resolve_model(options.model), load_tokenizer(options.model)
    for size in options.sizes:
        owners: list[str] = []
        chunks: list[Chunk] = []
        for path, file in texts.items():
            document = as_document(file.read_text(encoding="utf-8"))
            made = chunk_document(document, counter, ChunkSettings(size, size // 5)).chunks
            owners += [path] * len(made[: options.most])
            chunks += made[: options.most]
        embedded = [chunk.text if options.plain else chunk.embedded_text for chunk in chunks]
        for dtype in options.dtypes:
            model = load_model(options.model, dtype=dtype)
            asked = embed_texts(model, [question.query for question in questions], files.query_prompt)
            begin, begin_cpu = time.perf_counter(), time.process_time()
            dense = asked @ embed_texts(model, embedded, files.passage_prompt).T
            seconds = round(time.perf_counter() - begin, 1)
            cpu_s = round(time.process_time() - begin_cpu, 1)
            head = {"model": options.model, "dtype": dtype, "chunk_size": size, "chunks": len(chunks)}
            head |= {"seconds": seconds, "cpu_s": cpu_s}
            for way, ranking in ways(dense, chunks, owners, questions, variants=options.variants):
                line = head | {"way": way} | figures(questions, owners, ranking)
                sys.stdout.write(json.dumps(line) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
