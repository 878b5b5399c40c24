"""The benchmark's documents: the same every time, mixed as a team's are, scans that can be read."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pypdfium2
import pytest

from stagekit.processing.pdf.converter import build_converter
from stagekit.processing.process import process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings
from tests.bench.contestants import Workplace, is_scan
from tests.bench.corpus import (
    FOLDER,
    KINDS,
    change_one,
    document_bytes,
    document_path,
    document_text,
    rename_one,
    write_corpus,
)
from tests.bench.scanned_pages import png_page

SCAN, PNG, JPG = 3, 11, 31


def test_the_documents_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    first = write_corpus(tmp_path / "a", 20)
    second = write_corpus(tmp_path / "b", 20)

    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert document_bytes(JPG) == document_bytes(JPG)
    assert document_bytes(SCAN) != document_bytes(SCAN, seed=1)
    assert len({path.read_bytes() for path in first}) == 20


def test_the_documents_are_mixed_in_format_and_language() -> None:
    extensions = Counter(document_path(number).rpartition(".")[2] for number in range(200))

    assert extensions == {"pdf": 70, "md": 60, "docx": 50, "txt": 10, "png": 5, "jpg": 5}
    texts = [document_text(number) for number in range(30)]
    assert any("A comissão técnica" in text for text in texts)
    assert any("The technical committee" in text for text in texts)


def test_a_few_documents_are_mixed_like_many() -> None:
    assert set(KINDS[:4]) == {"md", "docx", "pdf", "scan"}
    assert Counter(KINDS[:10]) == {"md": 3, "docx": 3, "pdf": 3, "scan": 1}
    assert Counter(KINDS) == {"pdf": 6, "scan": 1, "md": 6, "docx": 5, "txt": 1, "image": 1}


def test_a_scan_has_no_text_and_other_pdfs_have_one_to_four_pages() -> None:
    for number in (number for number in range(40) if KINDS[number % len(KINDS)] in {"pdf", "scan"}):
        pdf = pypdfium2.PdfDocument(document_bytes(number))
        text = pdf[0].get_textpage().get_text_bounded().strip()
        assert 1 <= len(pdf) <= (4 if text else 1)
        assert bool(text) == (KINDS[number % len(KINDS)] == "pdf")
        pdf.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", [SCAN, JPG])
def test_the_packaged_ocr_reads_what_was_drawn(number: int, reader: DocumentReader) -> None:
    read = process_document(reader, document_bytes(number), document_path(number), ProcessingSettings())
    drawn = Counter(document_text(number).lower().split())
    found = Counter("\n".join(item.text for item in read.document.texts).lower().split())

    assert read.ocr_applied
    assert (drawn & found).total() >= 0.99 * drawn.total()


@pytest.fixture(scope="module")
def reader() -> DocumentReader:
    return DocumentReader(build_converter)


def test_a_text_that_does_not_fit_on_the_page_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than a page"):
        png_page([("text", "palavra " * 2000)])


def test_documents_that_need_ocr_can_be_left_out(tmp_path: Path) -> None:
    paths = write_corpus(tmp_path / "corpus", 12)
    (tmp_path / "corpus" / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    shutil.copy(paths[PNG], tmp_path / "corpus" / "UPPER.PNG")
    place = Workplace.make(tmp_path / "place", tmp_path / "corpus", {}, scans=False)

    assert [number for number, path in enumerate(paths) if is_scan(path)] == [SCAN, PNG]
    left = {path.relative_to(place.documents) for path in place.documents.rglob("*.*")}
    scans = (paths[SCAN], paths[PNG])
    kept = {path.relative_to(tmp_path / "corpus") for path in paths if path not in scans}
    assert left == kept | {Path("broken.pdf")}


def test_one_document_is_changed_and_then_moved_as_it_is(tmp_path: Path) -> None:
    paths = write_corpus(tmp_path, 10)
    before = {path: path.read_bytes() for path in paths}

    changed = change_one(tmp_path)
    assert [path for path in paths if path.read_bytes() != before[path]] == [changed]
    content = changed.read_bytes()
    moved = rename_one(tmp_path)
    assert moved.read_bytes() == content
    assert not changed.exists()
    assert sum(1 for path in (tmp_path / FOLDER).rglob("*") if path.is_file()) == 10


def test_a_folder_without_a_text_cannot_have_one_changed(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(document_bytes(2))

    with pytest.raises(ValueError, match="no Markdown or text file"):
        change_one(tmp_path)
