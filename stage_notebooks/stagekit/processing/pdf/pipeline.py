"""Docling's standard PDF pipeline with some of its stages made careful about text.

Both layout profiles run through it, so that what holds for one holds for the other: no text inside a picture
is lost, and a hyphen at a line end is dropped only where it splits a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docling.datamodel.base_models import LayoutPrediction, Page, TextElement
from docling.models.stages.heading_hierarchy.heading_hierarchy_model import HeadingHierarchyModel
from docling.models.stages.layout.layout_postprocessing_model import LayoutPostprocessingModel
from docling.models.stages.page_assemble.page_assemble_model import PageAssembleModel, PageAssembleOptions
from docling.models.stages.reading_order.readingorder_model import ReadingOrderModel, ReadingOrderOptions
from docling.pipeline.standard_pdf_pipeline import StandardPdfPipeline
from docling_core.types.doc import DocItemLabel, TextItem
from docling_core.types.doc.page import TextCell

from stagekit.processing.furniture import keep_one_copy
from stagekit.processing.pdf.code_regions import code_text, name_mixed_lines
from stagekit.processing.pdf.drop_caps import join_drop_caps
from stagekit.processing.pdf.hyphenation import Vocabulary, join_lines
from stagekit.processing.pdf.letter_spacing import close_spaced_letters
from stagekit.processing.pdf.page_structure import refine_regions, text_lines
from stagekit.processing.pdf.plain_order import PlainOrder
from stagekit.processing.pdf.running_edges import mark_running_edges
from stagekit.processing.pdf.tables.continued_tables import join_continued_tables
from stagekit.processing.pdf.words.labels import join_labels
from stagekit.processing.pdf.words.raised_letters import join_raised_letters
from stagekit.processing.pdf.words.strikes import mark_struck_words

if TYPE_CHECKING:
    from docling.datamodel.document import ConversionResult
    from docling_core.types.doc import DoclingDocument

__all__ = ["TextKeepingPdfPipeline"]


class _RefinedLayout(LayoutPostprocessingModel):
    """Docling's layout post-processing between what makes words whole and `refine_regions`."""

    def postprocess_layout(
        self, conv_res: ConversionResult, pages: Sequence[Page]
    ) -> Sequence[LayoutPrediction]:
        for page in pages:
            if page.parsed_page is not None:
                close_spaced_letters(page.parsed_page)
                join_drop_caps(page.parsed_page)
                name_mixed_lines(page.parsed_page)
                join_raised_letters(page.parsed_page)
                mark_struck_words(page)
                join_labels(page.parsed_page)
        predictions = super().postprocess_layout(conv_res, pages)
        for page, prediction in zip(pages, predictions, strict=True):
            prediction.clusters = refine_regions(
                prediction.clusters,
                page_height=page.size.height if page.size else 0.0,
                first_page=page.page_no == 1,
            )
        return predictions


class _CarefulAssembly(PageAssembleModel):
    """Docling's page assembly with this package's rule for hyphens at line ends, and code with its lines."""

    def sanitize_text(self, lines: list[str], vocabulary: Vocabulary | None = None) -> str:
        return super().sanitize_text([join_lines(lines, vocabulary)])

    def close_words(self, pages: Sequence[Page]) -> Vocabulary:
        """Join the lines of paragraphs anew where one ends with a hyphen: by the words of all pages.

        Returns:
            The words.
        """
        elements = [
            (element, [text for cell in element.cluster.cells if (text := _line_text(cell))])
            for page in pages
            for element in (page.assembled.elements if page.assembled else ())
            if isinstance(element, TextElement) and element.label != DocItemLabel.CODE
        ]
        divided = [(element, lines) for element, lines in elements if any(map(_is_divided, lines))]
        words = Vocabulary.of(line for _, lines in elements for line in lines) if divided else Vocabulary()
        for element, lines in divided:
            element.text = self.sanitize_text(lines, words)
        return words

    def __call__(self, conv_res: ConversionResult, page_batch: Iterable[Page]) -> Iterable[Page]:
        for page in super().__call__(conv_res, page_batch):
            for element in page.assembled.elements if page.assembled else ():
                if element.label == DocItemLabel.CODE:
                    element.text = code_text(text_lines(element.cluster.cells)) or element.text
            yield page


class _WholeWordOrder(ReadingOrderModel):
    """Docling's reading order, which closes words over a page's end by the rule for those at a line's end.

    Each place of a paragraph says which of its characters stand there, also where a hyphen has gone.
    """

    words = Vocabulary()  # of the document that is being put together

    def __init__(self, options: ReadingOrderOptions) -> None:
        super().__init__(options)
        self.ro_model = PlainOrder()  # type: ignore[no-untyped-call]

    def _merge_elements(self, element: Any, merged_elem: Any, new_item: TextItem, page_height: float) -> None:
        before, rest = new_item.text, merged_elem.text.strip()
        super()._merge_elements(element, merged_elem, new_item, page_height)  # type: ignore[no-untyped-call]
        new_item.text = new_item.orig = join_lines([before, rest], self.words)
        end = len(new_item.text)
        new_item.prov[-1].charspan = (end - len(rest), end)


def _line_text(cell: TextCell) -> str:
    return cell.text.replace("\x02", "-").strip()


def _is_divided(line: str) -> bool:
    return line.endswith("-")


class _BoundedHeadingHierarchy(HeadingHierarchyModel):
    """Docling's heading levels, without the bookmarks that name no page.

    Each of those is compared with every heading of the document: 24 of the 49 seconds of a 112-page manual.
    """

    def __call__(self, conv_res: ConversionResult) -> DoclingDocument:
        outline = conv_res._pdf_outline or []
        conv_res._pdf_outline = [entry for entry in outline if entry.page_no is not None]
        return super().__call__(conv_res)


class TextKeepingPdfPipeline(StandardPdfPipeline):
    """Standard PDF pipeline that loses no text to pictures and closes split words with care."""

    def _get_picture_description_model(self, artifacts_path: Path | None = None) -> Any:
        del artifacts_path
        return object()  # none is used; the class that describes no picture would import torch

    def _init_models(self) -> None:
        super()._init_models()
        self.enrichment_pipe = []  # all of them are switched off, and would each look at every item
        self.layout_postprocessing_model = _RefinedLayout(options=self.layout_postprocessing_model.options)
        self.assemble_model = self._assembly = _CarefulAssembly(options=PageAssembleOptions())
        self.reading_order_model = self._order = _WholeWordOrder(self.reading_order_model.options)
        self.heading_hierarchy_model = _BoundedHeadingHierarchy(self.heading_hierarchy_model.options)

    def _assemble_document(self, conv_res: ConversionResult) -> ConversionResult:
        words = self._order.words = self._assembly.close_words(conv_res.pages)
        mark_running_edges(conv_res.pages, partial(self._assembly.sanitize_text, vocabulary=words))
        assembled = super()._assemble_document(conv_res)
        join_continued_tables(assembled.document)
        keep_one_copy(assembled.document)
        return assembled

    def _release_page_resources(self, item: Any) -> None:  # type: ignore[override]
        super()._release_page_resources(item)
        page = item.payload
        if page is not None and page.parsed_page is not None:
            # Lines are kept for the heading levels; characters and words are most of the memory.
            page.parsed_page.char_cells = []
            page.parsed_page.word_cells = []
