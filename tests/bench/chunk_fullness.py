"""Measures how many chunks are as full as they should be, by model limit and chunk size.

    python tests/bench/chunk_fullness.py PATH [--limits 8192 512] [--sizes 500 250] [--generated N]

PATH is the outputs folder of an executed chain (what stage 02 made of the documents is chunked), or a corpus
with `groundtruth_text/` (read by Docling as Markdown). Counted are the chunks that are followed by more of
their top-level section; a chunk is full within 96 to 104 % of its size, or of what model limit and titles
leave for it. `share_fillable` leaves out those for which the text offers no better end (`Fullness`).
Prints one JSON line for each pair of limit and size.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from docling_core.types.doc import DoclingDocument
from docling_core.types.doc.labels import DocItemLabel

from stagekit import open_stage
from stagekit.chunking import ChunkSettings, Fullness, chunk_document
from stagekit.embedding import load_tokenizer


def of_chain(outputs: Path) -> Iterator[DoclingDocument]:
    """Yield the documents that stage 02 made."""
    stage = open_stage("text_chunking", upstream={}, outputs_dir=str(outputs), parameters={})
    for row in stage.read("document_processing", "processed"):
        if row.get("docling_document"):
            yield DoclingDocument.model_validate_json(stage.read_bytes(row["docling_document"]))


def of_corpus(corpus: Path) -> Iterator[DoclingDocument]:
    """Yield the known texts of a corpus as Docling reads them."""
    from docling.datamodel.base_models import DocumentStream, InputFormat
    from docling.document_converter import DocumentConverter

    converter = DocumentConverter(allowed_formats=[InputFormat.MD])
    for path in sorted((corpus / "groundtruth_text").rglob("*.txt")):
        stream = DocumentStream(name="text.md", stream=BytesIO(path.read_bytes()))
        yield converter.convert(stream).document


def generated(count: int, words: list[str]) -> Iterator[DoclingDocument]:
    """Yield documents of random headings, paragraphs and lists, the same ones for the same count."""
    for number in range(count):
        chance = random.Random(number)

        def sentence(chance: random.Random = chance) -> str:
            length = min(90, max(3, round(chance.lognormvariate(2.9, 0.6))))
            return " ".join(chance.choice(words) for _ in range(length)).capitalize() + "."

        document = DoclingDocument(name=f"generated-{number}")
        for _ in range(chance.randint(5, 60)):
            kind = chance.random()
            if kind < 0.12:
                document.add_heading(sentence()[:60], level=chance.randint(1, 3))
            elif kind < 0.25:
                group = document.add_list_group()
                for _ in range(chance.randint(2, 12)):
                    document.add_list_item(sentence(), parent=group)
            else:
                text = " ".join(sentence() for _ in range(chance.randint(1, 9)))
                document.add_text(DocItemLabel.TEXT, text)
        yield document


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--model", default="packaged/multilingual-e5-small")
    parser.add_argument("--limits", type=int, nargs="+", default=[8192, 512])
    parser.add_argument("--sizes", type=int, nargs="+", default=[500])
    parser.add_argument("--generated", type=int, default=0, help="as many generated documents instead")
    options = parser.parse_args()
    is_chain = (options.path / "latest").is_dir()
    documents = list(of_chain(options.path) if is_chain else of_corpus(options.path))
    if options.generated:
        words = [word for document in documents for item in document.texts for word in item.text.split()]
        documents = list(generated(options.generated, words[:20_000]))
    tokenizer = load_tokenizer(options.model)
    for limit in options.limits:
        for size in options.sizes:
            begin = time.process_time()
            counter, settings = replace(tokenizer, max_seq_length=limit), ChunkSettings(size, size // 5)
            total, chunks = Fullness(), 0
            for document in documents:
                result = chunk_document(document, counter, settings)
                total, chunks = total + result.fullness, chunks + len(result.chunks)
            figures = {
                "limit": limit,
                "chunk_size": size,
                "chunks": chunks,
                "open": total.open,
                "full": total.full,
                "share": round(total.full / total.open, 4) if total.open else 1.0,
                "share_fillable": round(total.share, 4),
                "cpu_s": round(time.process_time() - begin, 2),
            }
            sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
