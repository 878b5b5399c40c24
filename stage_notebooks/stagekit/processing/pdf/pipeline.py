"""Docling's standard PDF pipeline with some of its stages made careful about text.

Both layout profiles run through it, so that what holds for one holds for the other: no text inside a picture
is lost, and a hyphen at a line end is dropped only where it splits a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from docling.datamodel.base_models import LayoutPrediction, Page, TextElement
from docling.models.stages.heading_hierarchy.heading_hierarchy_model import HeadingHierarchyModel
from docling.models.stages.layout.layout_postprocessing_model import LayoutPostprocessingModel
from docling.models.stages.page_assemble.page_assemble_model import PageAssembleModel, PageAssembleOptions
from docling.models.stages.reading_order.readingorder_model import ReadingOrderModel, ReadingOrderOptions
from docling.pipeline.standard_pdf_pipeline import StandardPdfPipeline
from docling_core.types.doc import DocItemLabel, TextItem

from stagekit.processing.furniture import keep_one_copy
from stagekit.processing.pdf.code_regions import code_text, name_mixed_lines
from stagekit.processing.pdf.drop_caps import join_drop_caps
from stagekit.processing.pdf.hyphenation import Vocabulary, join_lines
from stagekit.processing.pdf.letter_spacing import close_spaced_letters
from stagekit.processing.pdf.page_structure import refine_regions
from stagekit.processing.pdf.paragraphs import text_lines
from stagekit.processing.pdf.plain_order import PlainOrder
from stagekit.processing.pdf.running_edges import mark_running_edges
from stagekit.processing.pdf.tables.continued_tables import join_continued_tables
from stagekit.processing.pdf.words.labels import join_labels
from stagekit.processing.pdf.words.raised_letters import join_raised_letters
from stagekit.processing.pdf.words.strikes import mark_struck_words
from stagekit.processing.pdf.words.touching_lines import join_touching_lines
from stagekit.processing.seams.docling import (
    MergedParagraphs,
    PdfPipelineSteps,
    forget_unplaced_bookmarks,
    order_pages_by,
)

if TYPE_CHECKING:
    from docling.datamodel.document import ConversionResult
    from docling_core.types.doc import DoclingDocument


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
                join_touching_lines(page.parsed_page)
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
            (
                element,
                [line for cell in element.cluster.cells if (line := cell.text.replace("\x02", "-").strip())],
            )
            for page in pages
            for element in (page.assembled.elements if page.assembled else ())
            if isinstance(element, TextElement) and element.label != DocItemLabel.CODE
        ]
        divided = [(one, lines) for one, lines in elements if any(line.endswith("-") for line in lines)]
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


class _WholeWordOrder(MergedParagraphs, ReadingOrderModel):
    """Docling's reading order, which closes words over a page's end by the rule for those at a line's end.

    Each place of a paragraph says which of its characters stand there, also where a hyphen has gone.
    """

    words = Vocabulary()  # of the document that is being put together

    def __init__(self, options: ReadingOrderOptions) -> None:
        super().__init__(options)
        order_pages_by(self, PlainOrder())  # type: ignore[no-untyped-call]

    def parts_merged(self, item: TextItem, before: str, rest: str) -> None:
        item.text = item.orig = join_lines([before, rest], self.words)
        end = len(item.text)
        item.prov[-1].charspan = (end - len(rest), end)


class _BoundedHeadingHierarchy(HeadingHierarchyModel):
    """Docling's heading levels, without the bookmarks that name no page."""

    def __call__(self, conv_res: ConversionResult) -> DoclingDocument:
        forget_unplaced_bookmarks(conv_res)
        return super().__call__(conv_res)


class TextKeepingPdfPipeline(PdfPipelineSteps, StandardPdfPipeline):
    """Standard PDF pipeline that loses no text to pictures and closes split words with care."""

    def models_loaded(self) -> None:
        """Put the models of this module in the place of Docling's."""
        self.layout_postprocessing_model = _RefinedLayout(options=self.layout_postprocessing_model.options)
        self.assemble_model = self._assembly = _CarefulAssembly(options=PageAssembleOptions())
        self.reading_order_model = self._order = _WholeWordOrder(self.reading_order_model.options)
        self.heading_hierarchy_model = _BoundedHeadingHierarchy(self.heading_hierarchy_model.options)

    def before_assembly(self, result: ConversionResult) -> None:
        """Close divided words by those of the whole document, and mark headers and footers."""
        words = self._order.words = self._assembly.close_words(result.pages)
        mark_running_edges(result.pages, partial(self._assembly.sanitize_text, vocabulary=words))

    def after_assembly(self, document: DoclingDocument) -> None:
        """Join tables that go on over pages, and keep one copy of headers and footers."""
        join_continued_tables(document)
        keep_one_copy(document)

    def page_released(self, page: Page) -> None:
        """Drop characters and words, most of the memory; lines are kept for the heading levels."""
        if page.parsed_page is not None:
            page.parsed_page.char_cells = []
            page.parsed_page.word_cells = []
