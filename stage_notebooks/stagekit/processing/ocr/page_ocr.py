"""OCR of whole scanned pages and of pictures inside digital pages, and of nothing else.

Docling reads the regions of its layout model. A region that cuts through a large title loses letters, and
text behind which a shape is drawn is read twice. Here a page without usable text is read whole, and a page
with text only where a bitmap lies that no text covers.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from docling.datamodel.pipeline_options import RapidOcrOptions, TesseractCliOcrOptions
from docling.models.stages.ocr.rapid_ocr_model import RapidOcrModel
from docling.models.stages.ocr.tesseract_ocr_cli_model import TesseractOcrCliModel
from docling_core.types.doc import BoundingBox

from stagekit.conservation.words import words_of
from stagekit.processing.ocr.ordinals import with_ordinals
from stagekit.processing.ocr.packaged_ocr import page_reader
from stagekit.processing.ocr.pale_words import read_without_watermark
from stagekit.processing.seams.docling import backend_of, open_rapid_ocr, parser_of
from stagekit.processing.text.quality import text_fault

if TYPE_CHECKING:
    from docling.datamodel.base_models import Page
    from docling.datamodel.document import ConversionResult
    from docling_core.types.doc import Size
    from docling_core.types.doc.page import TextCell
    from numpy.typing import NDArray

TARGET_PIXELS = 2000  # long side of the image given to OCR; RapidOCR would shrink a larger one
SMALLEST_BITMAP = (60.0, 14.0)  # points; smaller pictures are icons and rules
SAME_PLACE = 0.8  # of two boxes around one picture, their common share
COVERED_SHARE = 0.3  # a bitmap whose area is covered this far by text is a background

MOST_WORDS = 0.7  # share of a faulty text layer's words that OCR must have read to replace it
MOST_SKEW = 0.26  # radians (15 degrees); text at a larger angle is meant to be so


class PageRapidOcrOptions(RapidOcrOptions):
    """RapidOCR with the choice of regions of this module."""

    kind: ClassVar[str] = "nic_etl_rapidocr"  # type: ignore[assignment]


class PageTesseractOptions(TesseractCliOcrOptions):
    """Tesseract with the choice of regions of this module."""

    kind: ClassVar[str] = "nic_etl_tesseract"  # type: ignore[assignment]


def regions_to_read(
    size: Size, text: Sequence[BoundingBox], bitmaps: Sequence[BoundingBox]
) -> list[BoundingBox]:
    """Return the regions of a page that need OCR; all places are in points from the top left.

    Without a usable text cell the whole page is read, else what raster images there are.
    """
    if not text:
        return [BoundingBox(l=0, t=0, r=size.width, b=size.height)]
    regions = []
    for box in bitmaps:
        clipped = BoundingBox(
            l=max(0.0, box.l), t=max(0.0, box.t), r=min(size.width, box.r), b=min(size.height, box.b)
        )
        if clipped.width < SMALLEST_BITMAP[0] or clipped.height < SMALLEST_BITMAP[1]:
            continue
        covered = sum(clipped.intersection_area_with(cell) for cell in text if clipped.overlaps(cell))
        if covered < COVERED_SHARE * clipped.area():
            regions.append(clipped)
    return _without_contained(regions)


def _without_contained(boxes: list[BoundingBox]) -> list[BoundingBox]:
    kept: list[BoundingBox] = []
    for box in sorted(boxes, key=lambda b: (-b.area(), b.t, b.l)):
        if not any(box.intersection_over_self(other) > 0.95 for other in kept):
            kept.append(box)
    return sorted(kept, key=lambda b: (b.t, b.l))


class _PageRegions:
    """Replaces Docling's choice of OCR regions in the engine it is mixed into."""

    scale: float

    _set_aside: dict[int, tuple[str, list[Any], list[Any]]]  # fault, lines and words by page number

    def get_ocr_rects(self, page: Page) -> list[BoundingBox]:
        assert page.size is not None
        parser = parser_of(page)
        assert parser is not None
        self.scale = TARGET_PIXELS / max(page.size.width, page.size.height)
        fault = text_fault(_joined(page.cells))
        if fault and page.parsed_page is not None:
            parsed = page.parsed_page
            self._set_aside = {page.page_no: (fault, parsed.textline_cells, parsed.word_cells)}
            parsed.textline_cells, parsed.word_cells = [], []
        text = [cell.rect.to_bounding_box() for cell in page.cells if cell.text.strip()]
        height = page.size.height
        known = getattr(parser, "pictures_before", ())
        bitmaps = [
            box
            for box in (rect.to_top_left_origin(height) for rect in parser.get_bitmap_rects())
            if not any(box.intersection_over_union(other) > SAME_PLACE for other in known)
        ]
        return regions_to_read(page.size, text, bitmaps)

    def post_process_cells(
        self, ocr_cells: list[TextCell], page: Page, conv_res: ConversionResult, *arguments: Any
    ) -> None:
        for cell in ocr_cells:
            cell.text = with_ordinals(cell.text)
        super().post_process_cells(ocr_cells, page, conv_res, *arguments)  # type: ignore[misc] # of the engine
        fault, lines, words = self.__dict__.pop("_set_aside", {}).get(page.page_no, ("", [], []))
        if (
            page.parsed_page is not None
            and fault
            and not _is_better(_joined(ocr_cells), fault, _joined(lines))
        ):
            page.parsed_page.textline_cells, page.parsed_page.word_cells = lines, words
            conv_res.confidence.pages[page.page_no].ocr_score = float("nan")


def _is_better(read: str, fault: str, layer: str) -> bool:
    """Whether OCR has read most of the words of a faulty text layer, and without the fault."""
    if fault == "unmapped":
        return True
    return text_fault(read) != fault and len(words_of(read)) >= MOST_WORDS * len(words_of(layer))


def _joined(cells: Sequence[TextCell]) -> str:
    return "\n".join(cell.text for cell in cells)


def printed_across(conv_res: ConversionResult) -> dict[int, list[str]]:
    """Return the words that OCR has found printed across pages and left out, by page number.

    The backend of a conversion carries them: the only part of it that is ours.
    """
    backend: Any = backend_of(conv_res.input)
    if not hasattr(backend, "printed_across"):
        backend.printed_across = {}
    notes: dict[int, list[str]] = backend.printed_across
    return notes


def level_boxes(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the boxes of text lines, shape (n, 4, 2), as they would lie had the page been scanned straight.

    Docling takes two opposite corners of a box, which on a slightly skewed page gives lines without height.
    """
    along, down = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 0]
    widths, heights = np.linalg.norm(along, axis=1), np.linalg.norm(down, axis=1)
    angles = np.arctan2(along[:, 1], along[:, 0])
    lying = widths > heights
    skew = float(np.median(angles[lying])) if lying.any() else 0.0
    if abs(skew) > MOST_SKEW:
        skew = 0.0
    centres = boxes.mean(axis=1)
    turn = np.array([[np.cos(skew), -np.sin(skew)], [np.sin(skew), np.cos(skew)]])
    centres = (centres - centres.mean(axis=0)) @ turn + centres.mean(axis=0)
    upright = np.ptp(boxes[:, :, 1], axis=1) > np.ptp(boxes[:, :, 0], axis=1)  # a line written up the page
    half = np.stack([widths, heights], axis=1) / 2
    half[upright & lying] = half[upright & lying][:, ::-1]
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    levelled: NDArray[np.float32] = (centres[:, None] + signs[None] * half[:, None]).astype(np.float32)
    return levelled


class _LevelReader:
    """RapidOCR without the words printed across the pages, and with the boxes of its answer made level."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._watermarks: list[str] = []

    def __call__(self, image: Any, **_: Any) -> Any:
        result, watermarks = read_without_watermark(np.asarray(image), self._read, self._find)
        self._watermarks += watermarks
        if result is not None and result.boxes is not None and len(result.boxes):
            result.boxes = level_boxes(np.asarray(result.boxes, np.float32))
        return result

    def take_watermarks(self) -> list[str]:
        """Return the watermarks that were found since the last time."""
        found, self._watermarks = self._watermarks, []
        return found

    def _read(self, image: NDArray[np.uint8]) -> Any:
        # All three are said: the reader remembers what the call before has switched off. Pages stand upright
        # already, and the classifier takes one upright line of 25 for a turned one.
        return self._reader(image, use_det=True, use_cls=False, use_rec=True)

    def _find(self, image: NDArray[np.uint8]) -> Any:
        return self._reader(image, use_det=True, use_cls=False, use_rec=False)


class PageRapidOcrModel(_PageRegions, RapidOcrModel):
    """RapidOCR engine for Docling that reads whole pages and uncovered bitmaps."""

    def __init__(self, **arguments: Any) -> None:
        self.reader: Any
        open_rapid_ocr(self, arguments, lambda: _LevelReader(page_reader()))
        logging.getLogger(RapidOcrModel.__module__).setLevel(logging.ERROR)  # it warns once a blank page

    def post_process_cells(
        self, ocr_cells: list[TextCell], page: Page, conv_res: ConversionResult, *arguments: Any
    ) -> None:
        """Take the lines over into the page, and note the words that are printed across it."""
        super().post_process_cells(ocr_cells, page, conv_res, *arguments)
        if found := self.reader.take_watermarks():
            printed_across(conv_res).setdefault(page.page_no, []).extend(found)

    @classmethod
    def get_options_type(cls) -> type[Any]:
        """The options class that selects this engine in Docling's factory."""
        return PageRapidOcrOptions


class PageTesseractModel(_PageRegions, TesseractOcrCliModel):
    """Tesseract engine for Docling that reads whole pages and uncovered bitmaps."""

    @classmethod
    def get_options_type(cls) -> type[Any]:
        """The options class that selects this engine in Docling's factory."""
        return PageTesseractOptions
