"""Pages as the PDF parser gives them, with what the pipeline does to their words."""

from __future__ import annotations

import io

from docling.datamodel.base_models import InputFormat
from docling.datamodel.document import InputDocument

from stagekit.processing.pdf.backend import PdfBackend
from stagekit.processing.pdf.converter import parser_options
from stagekit.processing.pdf.file import inspect_pdf
from stagekit.processing.pdf.words.labels import join_labels
from stagekit.processing.pdf.words.raised_letters import join_raised_letters
from stagekit.processing.pdf.words.strikes import mark_struck_words


class ParsedPage:
    """The first page of a PDF."""

    def __init__(self, content: bytes) -> None:
        content = inspect_pdf(content, 10).rewritten or content
        opened = InputDocument(
            path_or_stream=io.BytesIO(content),
            format=InputFormat.PDF,
            backend=PdfBackend,
            backend_options=parser_options(1),
            filename="document.pdf",
        )
        self._backend, *_ = list(opened._backend.iter_pages())  # the parser's threads must end before it does
        self.parsed_page = self._backend.get_segmented_page()
        join_raised_letters(self.parsed_page)
        mark_struck_words(self)
        join_labels(self.parsed_page)
        opened._backend.unload()

    @property
    def text(self) -> str:
        """Its lines."""
        return "\n".join(cell.text for cell in self.parsed_page.textline_cells)

    @property
    def words(self) -> list[str]:
        """Its words."""
        return [cell.text for cell in self.parsed_page.word_cells]
