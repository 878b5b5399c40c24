"""Measures the processor time of converting documents, and which share of it the checks of a document are.

    python -m tests.bench.converting [--documents 200 | --folder PATH] [--threads 1] [--no-ocr] [--json]

One process converts them one by one, as a document worker of stage 02 does; a first PDF, which loads
libraries and models, is not counted. `ink` makes a PDF say what it shows, the `second reader` holds what was
made against the file. Two builds are compared by running it in both by turns: the figures of one machine vary
from hour to hour.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stagekit.errors import DocumentRejected
from stagekit.processing import process
from stagekit.processing.pdf import file
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings
from tests.bench.corpus import document_bytes, document_path

CHECKS = (  # (module, function, what it is called here)
    (file, "make_plain", "ink"),
    (process, "conserve_text", "second reader"),
    (process, "measure_coverage", "second reader"),
)


@dataclass
class FormatCost:
    """What the documents of one format took.

    Attributes:
        documents: how many there are.
        cpu_s: seconds of processor time, of all threads.
        ink_s: seconds of it for the ink of PDFs.
        second_reader_s: seconds of it for the second reader.
    """

    documents: int = 0
    cpu_s: float = 0.0
    ink_s: float = 0.0
    second_reader_s: float = 0.0

    @property
    def checks(self) -> float:
        """The share of the checks, 0 to 1."""
        return (self.ink_s + self.second_reader_s) / self.cpu_s if self.cpu_s else 0.0


def converting_cost(
    documents: Iterator[tuple[str, bytes]], reader: DocumentReader, settings: ProcessingSettings
) -> dict[str, FormatCost]:
    """Convert documents and return their cost by format, and that of all as `all`.

    Args:
        documents: names and bytes; those that are rejected cost what it takes to reject them.
        reader: reads all formats.
        settings: of the conversion.
    """
    spent: dict[str, float] = defaultdict(float)
    costs: dict[str, FormatCost] = defaultdict(FormatCost)
    kept = [(module, name, getattr(module, name)) for module, name, _ in CHECKS]
    for (module, name, check), (*_, called) in zip(kept, CHECKS, strict=True):
        setattr(module, name, _timed(check, called, spent))
    try:
        for name, content in documents:
            spent.clear()
            begin = time.process_time()
            with suppress(DocumentRejected):
                process.process_document(reader, content, name, settings)
            seconds = time.process_time() - begin
            for cost in (costs[Path(name).suffix.lstrip(".").lower()], costs["all"]):
                cost.documents += 1
                cost.cpu_s += seconds
                cost.ink_s += spent["ink"]
                cost.second_reader_s += spent["second reader"]
    finally:
        for module, name, check in kept:
            setattr(module, name, check)
    return dict(costs)


def _timed(check: Callable[..., Any], called: str, spent: dict[str, float]) -> Callable[..., Any]:
    def run(*arguments: Any, **named: Any) -> Any:
        begin = time.thread_time()
        try:
            return check(*arguments, **named)
        finally:
            spent[called] += time.thread_time() - begin

    return run


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=200, help="how many are generated (200)")
    parser.add_argument("--folder", type=Path, help="a folder of documents in place of generated ones")
    parser.add_argument("--threads", type=int, default=1, help="cores that each model may use (1)")
    parser.add_argument("--no-ocr", action="store_true", help="read no pictures")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    options = parser.parse_args(arguments)

    def open_converter() -> Any:
        from stagekit.processing.pdf.converter import build_converter

        return build_converter(ocr_engine="none" if options.no_ocr else "rapidocr", threads=options.threads)

    reader = DocumentReader(open_converter)
    settings = ProcessingSettings(upright_scans=not options.no_ocr)
    numbers = range(options.documents)
    files = sorted(path for path in options.folder.rglob("*") if path.is_file()) if options.folder else []
    if not options.folder or any(path.suffix.lower() == ".pdf" for path in files):
        first = next(number for number in range(20) if document_path(number).endswith(".pdf"))
        converting_cost(iter([(document_path(first), document_bytes(first))]), reader, settings)
    costs = converting_cost(
        ((path.name, path.read_bytes()) for path in files)
        if options.folder
        else ((document_path(number), document_bytes(number)) for number in numbers),
        reader,
        settings,
    )
    if options.json:
        print(json.dumps({name: {**vars(cost), "checks": cost.checks} for name, cost in costs.items()}))
        return
    print(f"{'format':8}{'documents':>10}{'CPU s':>10}{'ink s':>10}{'second reader s':>18}{'checks':>9}")
    for name, cost in sorted(costs.items(), key=lambda pair: -pair[1].cpu_s):
        print(
            f"{name:8}{cost.documents:>10}{cost.cpu_s:>10.2f}{cost.ink_s:>10.2f}"
            f"{cost.second_reader_s:>18.2f}{cost.checks:>9.1%}"
        )


if __name__ == "__main__":
    main()
