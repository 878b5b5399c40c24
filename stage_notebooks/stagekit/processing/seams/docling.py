"""What we need of Docling that is not public: each seam is a function, or a class to be mixed in.

Nothing here imports Docling before it is called, so that a reader of Office files does not load what reads
PDF. Docling is pinned to the minor version that `tests/unit/test_library_seams.py` passes with.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docling.backend.abstract_backend import AbstractDocumentBackend
    from docling.backend.pdf_backend import PdfPageBackend
    from docling.datamodel.base_models import Page
    from docling.datamodel.document import ConversionResult, InputDocument
    from docling.models.base_ocr_model import BaseOcrModel
    from docling.models.stages.reading_order.readingorder_model import ReadingOrderModel
    from docling_core.types.doc import DoclingDocument, TextItem

OWN_ENGINES = "docling.models.plugins.defaults"  # the module that offers Docling's own models to itself


def parser_of(page: Page) -> PdfPageBackend | None:
    """Return what has parsed a page, which knows its pictures and rules; None once the page is released.

    Docling hands the page to layout, table and OCR models, but not its parser.
    """
    return page._backend


def is_readable(page: Page) -> bool:
    """Whether a page was parsed and not released since: only such a page has an image."""
    parser = parser_of(page)
    return parser is not None and bool(parser.is_valid())


def backend_of(opened: InputDocument) -> AbstractDocumentBackend:
    """Return the reader that Docling has opened a document with.

    `DocumentConverter` would give the result of that reader, but imports all others and torch with them.
    """
    return opened._backend


def forget_unplaced_bookmarks(result: ConversionResult) -> None:
    """Drop the bookmarks of a PDF that name no page.

    Docling's heading levels compare each of them with every heading of the document: 24 of the 49 seconds
    of a 112-page manual.
    """
    result._pdf_outline = [entry for entry in result._pdf_outline or [] if entry.page_no is not None]


def order_pages_by(model: ReadingOrderModel, predictor: Any) -> None:
    """Let a reading order model take the order of a page's regions from another `ReadingOrderPredictor`."""
    model.ro_model = predictor


def open_rapid_ocr(model: BaseOcrModel, arguments: dict[str, Any], open_reader: Callable[[], Any]) -> None:
    """Set up a `RapidOcrModel`, by Docling's arguments, with a reader that is opened only where OCR is on.

    Its own constructor would ask torch for a graphics card, and load the weights a second time.
    """
    from docling.models.base_ocr_model import BaseOcrModel

    BaseOcrModel.__init__(model, **arguments)
    opened: Any = model
    opened.scale = opened.options.scale
    opened.reader = open_reader() if opened.enabled else None


@contextmanager
def without_own_engines() -> Iterator[None]:
    """Let Docling's factories of models find none of Docling's own.

    Their modules import torch and transformers (6 s, 0.6 GB), whether one of them is used or not.
    """
    known = sys.modules.get(OWN_ENGINES)
    sys.modules[OWN_ENGINES] = ModuleType(OWN_ENGINES)
    _forget_factories()
    try:
        yield
    finally:
        sys.modules.pop(OWN_ENGINES)
        sys.modules.update({} if known is None else {OWN_ENGINES: known})
        _forget_factories()


def _forget_factories() -> None:
    from docling.models.factories import get_layout_factory, get_ocr_factory, get_table_structure_factory

    for factory in (get_layout_factory, get_ocr_factory, get_table_structure_factory):
        factory.cache_clear()


class PdfPipelineSteps:
    """Mixed in before `StandardPdfPipeline`: its private steps, as methods that a pipeline overrides."""

    layout_postprocessing_model: Any
    assemble_model: Any
    reading_order_model: Any
    heading_hierarchy_model: Any

    def models_loaded(self) -> None:
        """Put other models in the place of the four attributes above, which hold Docling's."""

    def before_assembly(self, result: ConversionResult) -> None:
        """Change the pages of a document, all of which are read, before they are put together."""

    def after_assembly(self, document: DoclingDocument) -> None:
        """Change a document that was put together."""

    def page_released(self, page: Page) -> None:
        """Drop what is no longer needed of a page."""

    def _get_picture_description_model(self, artifacts_path: object = None) -> Any:
        del artifacts_path
        return object()  # none is used; the class that describes no picture would import torch

    def _init_models(self) -> None:
        super()._init_models()  # type: ignore[misc] # of the pipeline, here and below
        self.enrichment_pipe: list[Any] = []  # all are switched off, and would each look at every item
        self.models_loaded()

    def _assemble_document(self, result: ConversionResult) -> ConversionResult:
        self.before_assembly(result)
        assembled: ConversionResult = super()._assemble_document(result)  # type: ignore[misc]
        self.after_assembly(assembled.document)
        return assembled

    def _release_page_resources(self, item: Any) -> None:
        super()._release_page_resources(item)  # type: ignore[misc]
        if item.payload is not None:
            self.page_released(item.payload)


class MergedParagraphs:
    """Mixed in before `ReadingOrderModel`: tells which two parts it has made one paragraph of."""

    def parts_merged(self, item: TextItem, before: str, rest: str) -> None:
        """Change a paragraph that goes on over a page's end, given the text before that and the rest."""

    def _merge_elements(self, element: Any, merged_elem: Any, new_item: TextItem, page_height: float) -> None:
        before, rest = new_item.text, merged_elem.text.strip()
        super()._merge_elements(element, merged_elem, new_item, page_height)  # type: ignore[misc]
        self.parts_merged(new_item, before, rest)
