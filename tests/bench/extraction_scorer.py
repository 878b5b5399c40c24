"""Measures extraction on a corpus with known answers: `python tests/bench/extraction_scorer.py CORPUS`.

The corpus has `repo/`, `MANIFEST.tsv` and `expected_text.jsonl`. Printed: the share of expected strings found
by kind (text, headings marked as headings, table rows inside one row of a table, OCR with small errors), what
became of the special files, text coverage, and pages a second by kind of document.
"""

import argparse
import csv
import difflib
import json
import re
import sys
import time
import unicodedata
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from typing import Any

from docling_core.types.doc import DoclingDocument, SectionHeaderItem, TitleItem

from stagekit.errors import DocumentRejected
from stagekit.processing.pdf.converter import build_converter
from stagekit.processing.process import (
    ProcessedDocument,
    ProcessingSettings,
    process_document,
)
from stagekit.processing.reader import DocumentReader
from stagekit.processing.verdict import quality_verdict

OCR_RATIO = 0.90


def plain(text: str) -> str:
    """Reduce a text to what is compared: no case, white space, hyphens or Markdown marks."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s\-\u00ad\u2010-\u2015*_#|>`\\\"'“”‘’·•]", "", folded)


def all_text(document: DoclingDocument) -> str:
    parts = [f"{getattr(item, 'marker', '')} {item.text or item.orig}" for item in document.texts]
    parts += [cell.text for table in document.tables for cell in table.data.table_cells]
    return plain(document.export_to_markdown()) + plain(" ".join(parts))


def has_heading(document: DoclingDocument, wanted: str) -> bool:
    headings = [plain(t.text) for t in document.texts if isinstance(t, SectionHeaderItem | TitleItem)]
    return any(plain(wanted) in heading for heading in headings)


def has_row(document: DoclingDocument, row: list[str]) -> bool:
    wanted = [plain(cell) for cell in row if plain(cell)]
    for table in document.tables:
        for cells in table.data.grid:
            found = [plain(cell.text) for cell in cells]
            if all(any(cell == w for cell in found) for w in wanted):
                return True
    return False


def near(text: str, wanted: str) -> bool:
    """Whether `wanted` occurs in `text` up to a tenth of its characters."""
    wanted = plain(wanted)
    if wanted in text:
        return True
    matcher = difflib.SequenceMatcher(None, wanted, "", autojunk=False)
    best = 0.0
    for start in range(0, max(1, len(text) - len(wanted) + 1), max(1, len(wanted) // 8)):
        window = text[start : start + len(wanted) + len(wanted) // 8]
        matcher.set_seq1(window)
        matcher.set_seq2(wanted)
        if matcher.real_quick_ratio() > 0.8:
            best = max(best, sum(b.size for b in matcher.get_matching_blocks()) / len(wanted))
    return best >= OCR_RATIO


def score(processed: ProcessedDocument, expected: list[dict[str, Any]]) -> list[tuple[str, bool, str]]:
    document = processed.document
    text = all_text(document)
    results = []
    for item in expected:
        kind, wanted = item["kind"], item["text"]
        if kind == "heading":
            hit = has_heading(document, wanted)
        elif kind == "table":
            hit = has_row(document, item["row"]) if item.get("row") else plain(wanted) in text
        elif kind == "ocr":
            hit = near(text, wanted)
        else:
            hit = plain(wanted) in text
        results.append((kind, hit, wanted))
        if kind == "heading":
            results.append(("heading text", plain(wanted) in text, wanted))
    return results


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Tally:
    """Hits by kind of expected string; documents, pages and seconds by kind of document."""

    def __init__(self) -> None:
        self.hits: dict[str, Counter[bool]] = defaultdict(Counter)
        self.speed: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])

    def count(self, row: dict[str, str], processed: ProcessedDocument, seconds: float) -> None:
        kind = "ocr" if row["ocr"] == "yes" else processed.file_format
        for index, amount in enumerate((1, processed.page_count or 1, seconds)):
            self.speed[kind][index] += amount

    def report(self) -> None:
        for item, counts in sorted(self.hits.items()):
            say(f"{item:13} {counts[True]}/{counts.total()} = {counts[True] / counts.total():.1%}")
        for kind, (documents, pages, seconds) in sorted(self.speed.items()):
            each = f"{documents / seconds:.2f} documents/s, {pages / seconds:.2f} pages/s"
            say(f"{kind:5} {documents:.0f} documents, {each}")


def describe(row: dict[str, str], processed: ProcessedDocument, seconds: float) -> str:
    coverage = processed.text_coverage
    shares = f"{coverage.total:.3f}/{coverage.minimum:.3f}" if coverage else "-"
    return (
        f"ok {row['role']:9} {row['path']} {processed.page_count or '-'}p {seconds:.2f}s "
        f"confidence {processed.confidence:.2f} ocr {processed.ocr_confidence} coverage {shares} "
        f"{quality_verdict(processed, ProcessingSettings())} | {processed.title}"
    )


def read_corpus(corpus: Path) -> tuple[dict[str, list[dict[str, Any]]], list[dict[str, str]]]:
    lines = (corpus / "expected_text.jsonl").read_text(encoding="utf-8").splitlines()
    expected = {row["path"]: row["expected"] for row in map(json.loads, lines)}
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    return expected, [row for row in rows if row["role"] not in ("outside", "symlink")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--only", default="", help="only paths with this word")
    parser.add_argument("--layout-profile", default="packaged")
    parser.add_argument("--dump", type=Path, help="folder for the Markdown of each document")
    arguments = parser.parse_args()
    expected, manifest = read_corpus(arguments.corpus)
    reader = DocumentReader(partial(build_converter, arguments.layout_profile))
    tally = Tally()
    for row in manifest:
        if arguments.only not in row["path"]:
            continue
        content = (arguments.corpus / "repo" / row["path"]).read_bytes()
        begin = time.perf_counter()
        try:
            processed = process_document(reader, content, Path(row["path"]).name, ProcessingSettings())
        except DocumentRejected as verdict:
            say(f"rejected  {row['role']:12} {row['path']}: {verdict.category}: {verdict.message}")
            continue
        seconds = time.perf_counter() - begin
        tally.count(row, processed, seconds)
        say(describe(row, processed, seconds))
        for sentence in processed.warnings:
            say(f"     warning: {sentence}")
        for item, hit, wanted in score(processed, expected.get(row["path"], [])):
            tally.hits[item][hit] += 1
            if not hit:
                say(f"     MISSED {item}: {wanted}")
        if arguments.dump:
            arguments.dump.mkdir(parents=True, exist_ok=True)
            name = row["path"].replace("/", "__") + ".md"
            (arguments.dump / name).write_text(processed.document.export_to_markdown(), encoding="utf-8")
    say()
    tally.report()


if __name__ == "__main__":
    main()
