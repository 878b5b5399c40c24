"""Measures the words of an independent reader against the chunks: pandoc for DOCX, pdftotext for PDF.

    python tests/bench/words_of_peers.py FOLDER... [--only WORD] [--most-pages N] [--ocr ENGINE]

Every DOCX and PDF below the folders is read, cut into chunks and compared, as often as each word stands in
it; case, the storage of accents, ligatures, soft and line-end hyphens and letter spacing make no difference.
One line a document says which share of the other reader's words the chunks hold, the same less what is left
out on purpose, how many words there are, and what was left out by which rule (docs/word.md,
docs/architecture.md). Below it stand the words that are missing for no such reason, in [brackets] among their
neighbours, and those that only the chunks have. The last lines name the documents below 99.5 %.

Both programs are needed here only (Debian: pandoc, poppler-utils). Formulas are compared by their letters.
"""

import argparse
import io
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from docling_core.types.doc import ContentLayer, DoclingDocument

from stagekit.chunking import Chunking, chunk_document
from stagekit.conservation.comparison import SHORTEST_INSIDE, Loss, compare
from stagekit.conservation.source_text import SourceText, Unit
from stagekit.conservation.sources import read_source
from stagekit.conservation.words import is_page_line, words_of
from stagekit.embedding import load_tokenizer
from stagekit.embedding.tokens import TokenCounter
from stagekit.errors import DocumentRejected
from stagekit.processing.pdf.converter import build_converter
from stagekit.processing.pdf.file import inspect_pdf
from stagekit.processing.process import ProcessedDocument, ProcessingSettings, process_document
from stagekit.processing.reader import DocumentReader

WANTED = 0.995
_BESIDE = 4  # words before and behind a missing one that are printed
_NAMED = 40  # words or places that are printed of one document
_COMMAND = re.compile(r"\\(?:begin|end)\{[a-z*]+\}|\\[A-Za-z]+")  # of a formula
_SPACED = re.compile(r"\b(?:[^\W\d_] ){3,}[^\W\d_]\b")  # L I K E  T H I S
_PANDOC = ["pandoc", "--from=docx+styles", "--to=json"]
_PDFTOTEXT = ["pdftotext", "-q", "-enc", "UTF-8"]


@dataclass
class Measure:
    """What one document lacks and has too much.

    Attributes:
        wanted: Words that the other reader found.
        missing: How many of them the chunks do not hold.
        named: How many of those are left out on purpose, by the rule.
        places: Missing words that no rule names, each in [brackets] among its neighbours.
        added: Words that only the chunks have.
    """

    wanted: int = 0
    missing: int = 0
    named: Counter[str] = field(default_factory=Counter)
    places: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The share of the words that the chunks hold, 0 to 1."""
        return 1 - self.missing / self.wanted if self.wanted else 1.0

    @property
    def share_due(self) -> float:
        """The same, less what is left out on purpose."""
        due = self.wanted - self.named.total()
        return 1 - (self.missing - self.named.total()) / due if due else 1.0


def words_of_pandoc(path: Path) -> Iterator[Unit]:
    """Yield the paragraphs, cells and notes of a Word file."""
    read = subprocess.run([*_PANDOC, str(path)], check=True, capture_output=True, timeout=60)
    for block in json.loads(read.stdout)["blocks"]:
        yield from _blocks(block)


def _blocks(node: Any) -> Iterator[Unit]:
    """Yield the blocks of pandoc's syntax tree that hold text, notes behind the block of their mark."""
    if isinstance(node, list):
        for part in node:
            yield from _blocks(part)
    elif isinstance(node, dict) and node.get("t") in ("Para", "Plain", "Header", "LineBlock", "CodeBlock"):
        notes: list[Any] = []
        yield Unit("".join(_text(node["t"], node["c"], notes)))
        yield from _blocks(notes)
    elif isinstance(node, dict):
        yield from _blocks(node.get("c", []))


def _text(kind: str, content: Any, notes: list[Any]) -> Iterator[str]:
    if kind in ("Str", "Space", "SoftBreak", "LineBreak"):
        yield content if kind == "Str" else "\n"
    elif kind in ("Code", "CodeBlock", "RawInline", "Math"):
        yield _letters_of_formula(content[1]) if kind == "Math" else content[1]
    elif kind == "Note":
        notes.append(content)
    else:
        yield from _inlines(content, notes)


def _letters_of_formula(formula: str) -> str:
    return f" {_COMMAND.sub(' ', formula).replace(' - ', '-')} "


def _inlines(node: Any, notes: list[Any]) -> Iterator[str]:
    if isinstance(node, list):
        for part in node:
            yield from _inlines(part, notes)
    elif isinstance(node, dict) and "t" in node:
        yield from _text(node["t"], node.get("c", []), notes)


def words_of_pdftotext(path: Path, passwords: Sequence[str]) -> Iterator[Unit]:
    """Yield the text layer of each page of a PDF, without lines of nothing but the page's number."""
    for password in ("", *passwords):
        given = ["-upw", password] if password else []
        command = [*_PDFTOTEXT, *given, str(path), "-"]
        read = subprocess.run(command, check=False, capture_output=True, timeout=60)
        if read.returncode == 0:
            break
    for page in read.stdout.decode("utf-8", "replace").split("\f"):
        lines = (line for line in page.splitlines() if not is_page_line(line))
        yield Unit(_SPACED.sub(lambda found: found.group().replace(" ", ""), "\n".join(lines)))


def text_of_chunks(chunking: Chunking) -> str:
    """Return what the chunks say, without what one repeats of the chunk before."""
    parts, reached = [], 0
    for chunk in chunking.chunks:
        own = chunking.markdown[max(reached, chunk.start) : chunk.end]
        parts.append(own if own in chunk.text else chunk.text)
        reached = max(reached, chunk.end)
    return "\n\n".join(parts)


def measure(
    path: Path, reader: DocumentReader, counter: TokenCounter, settings: ProcessingSettings
) -> Measure:
    """Read one document with both readers and compare.

    Raises:
        DocumentRejected: Neither reader finds a word in it.
    """
    content = path.read_bytes()
    is_word = path.suffix.lower() == ".docx"
    units = list(words_of_pandoc(path) if is_word else words_of_pdftotext(path, settings.pdf_passwords))
    try:
        processed = process_document(reader, content, path.name, settings)
    except DocumentRejected as verdict:
        if not any(words_of(unit.text) for unit in units):
            raise
        wanted = sum(len(words_of(unit.text)) for unit in units)
        return Measure(wanted, wanted, places=[f"all of it: {verdict}"])
    chunking = chunk_document(processed.document, counter, title=processed.title or "")
    found = compare(SourceText(units), text_of_chunks(chunking))
    own = read_source(content, "docx") if is_word else None
    rest = {rule: Counter(words) for rule, words in _left_out(content, processed, own)}
    # Of words that the other reader has joined, or has cut where they stand aslant.
    letters = {rule: "".join(words) for rule, words in rest.items()}
    result = Measure(found.wanted, found.wanted - found.found)
    for loss in found.losses:
        words = words_of(units[loss.unit].text)
        gone = [word for word, lost in zip(words, loss.missing, strict=True) if lost]
        nameless = Counter(gone)
        for word in gone:
            rule = next((rule for rule, known in rest.items() if known[word] > 0), None)
            if rule is None:
                inside = (rule for rule, known in letters.items() if _is_part(word, known, rule))
                rule = next(inside, None)
            if rule is not None:
                rest[rule][word] -= 1
                result.named[rule] += 1
                nameless[word] -= 1
        if +nameless:
            result.places.append(_in_context(words, loss))
    texts = [*(unit.text for unit in own.units), *own.may_stand] if own else []
    known = set(words_of("\n".join(texts)))
    result.added = [word for word in found.added if word not in known]
    return result


def _is_part(word: str, letters: str, rule: str) -> bool:
    return word in letters and (len(word) >= SHORTEST_INSIDE or rule == "watermark")


def _left_out(
    content: bytes, processed: ProcessedDocument, own: SourceText | None
) -> Iterator[tuple[str, list[str]]]:
    """Yield the words that are left out on purpose, by the name of the rule."""
    if own is not None:
        for rule, texts in own.left_out.items():
            yield rule, words_of("\n".join(texts))
        yield "alternative text", words_of("\n".join(own.may_stand))
        return
    if processed.watermark:
        yield "watermark", words_of(processed.watermark) * (processed.page_count or 1)
    items = processed.document.texts
    furniture = [item.text for item in items if item.content_layer == ContentLayer.FURNITURE]
    yield "repeated header or footer", words_of("\n".join(furniture))
    yield "repeated header of a table", list(_repeated_headers(processed.document))
    yield "hidden text", list(_unseen_words(content).elements())


def _repeated_headers(document: DoclingDocument) -> Iterator[str]:
    """Yield the words of the headers that tables repeat on each further page."""
    for table in document.tables:
        cells = (cell.text for cell in table.data.table_cells if cell.column_header)
        yield from words_of("\n".join(cells)) * (len({prov.page_no for prov in table.prov}) - 1)


def _unseen_words(content: bytes) -> Counter[str]:
    """Return the words of a PDF's text layer that its pages do not show."""
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(content) as document:
            layer = words_of("\n".join(page.get_textpage().get_text_range() for page in document))
    except pypdfium2.PdfiumError:  # protected
        return Counter()
    shown = inspect_pdf(content, 10_000, ask_pictures=False).page_texts
    return Counter(layer) - Counter(words_of("\n".join(shown)))


def _in_context(words: Sequence[str], loss: Loss) -> str:
    """Return the missing words of a unit in brackets, among some of those around them."""
    shown = [f"[{word}]" if lost else word for word, lost in zip(words, loss.missing, strict=True)]
    near = {
        place
        for at, lost in enumerate(loss.missing)
        if lost
        for place in range(at - _BESIDE, at + _BESIDE + 1)
    }
    return " ".join(word for place, word in enumerate(shown) if place in near)


def documents_below(folders: Iterable[Path], only: str) -> list[Path]:
    """Return the Word files and PDFs of folders, without Word's lock files."""
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix.lower() in (".docx", ".pdf") and only in str(path) and not path.name.startswith("~$")
    )


def pages_of(path: Path) -> int:
    """Return how many pages a PDF has; 0 where it cannot be opened, and for a Word file."""
    import pypdfium2

    try:
        return len(pypdfium2.PdfDocument(io.BytesIO(path.read_bytes()))) if path.suffix == ".pdf" else 0
    except pypdfium2.PdfiumError:
        return 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def report(path: Path, result: Measure) -> None:
    """Print what was measured of one document."""
    named = ", ".join(f"{rule} {count}" for rule, count in result.named.most_common())
    say(f"{result.share:7.2%} {result.share_due:7.2%} {result.wanted:6} words  {path}  {named}")
    for place in islice(result.places, _NAMED):
        say(f"        missing: {place}")
    if result.added:
        say(f"        added: {' '.join(result.added[:_NAMED])}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--only", default="", help="only documents with this word in their path")
    parser.add_argument("--most-pages", type=int, default=1000, help="leave longer PDFs out")
    parser.add_argument("--ocr", default="none", choices=("none", "rapidocr", "tesseract"))
    parser.add_argument("--model", default="packaged/multilingual-e5-small", help="whose tokens are counted")
    parser.add_argument("--password", action="append", default=[], help="of protected PDFs")
    options = parser.parse_args()
    for program in ("pandoc", "pdftotext"):
        if shutil.which(program) is None:
            parser.error(f"{program} is not installed (Debian: pandoc, poppler-utils)")
    reader = DocumentReader(partial(build_converter, ocr_engine=options.ocr, threads=1))
    counter = load_tokenizer(options.model)
    has_ocr = options.ocr != "none"
    settings = ProcessingSettings(pdf_passwords=tuple(options.password), upright_scans=has_ocr)
    low, total, documents = [], Measure(), 0
    for path in documents_below(options.folders, options.only):
        if pages_of(path) > options.most_pages:
            continue
        try:
            result = measure(path, reader, counter, settings)
        except (DocumentRejected, RuntimeError, subprocess.CalledProcessError) as error:
            say(f"not compared: {path}: {error}")
            continue
        report(path, result)
        documents += 1
        total.wanted += result.wanted
        total.missing += result.missing
        total.named += result.named
        low += [path] if result.share_due < WANTED else []
    say(
        f"{documents} documents, {total.wanted} words, {total.share:.3%}; "
        f"{total.share_due:.3%} less what is left out on purpose; below {WANTED:.1%}: {len(low)}"
    )
    for path in low:
        say(f"  {path}")


if __name__ == "__main__":
    main()
