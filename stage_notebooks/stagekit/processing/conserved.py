"""Holds a document against its file with the second reader, and puts back what was lost on the way."""

from __future__ import annotations

from collections.abc import Sequence

from docling_core.types.doc import DoclingDocument

from stagekit.chunking.markdown import build_markdown
from stagekit.conservation.comparison import Loss, compare
from stagekit.conservation.coverage import TextCoverage, coverage_of, named_losses
from stagekit.conservation.sources import read_source
from stagekit.processing.lost_pieces import put_back_lost_pieces

__all__ = ["conserve_text", "loss_sentences"]

_NAMED = 5  # texts that a sentence of the report names


def conserve_text(
    document: DoclingDocument, content: bytes | str, file_format: str
) -> tuple[TextCoverage | None, list[str]]:
    """Compare a document's Markdown with what its file says, and put back what is missing.

    Args:
        document: what was made of the file; it is changed.
        content: the file, as :func:`stagekit.conservation.sources.read_source` wants it.
        file_format: a format that is read and not recognised.

    Returns:
        The coverage, and sentences for the report. No coverage where the second reader cannot read the file.
    """
    try:
        source = read_source(content, file_format)
    except ValueError as error:
        return None, [f"Whether all of the text arrived could not be checked: {error}."]
    if source is None:
        return None, []
    found = compare(source, build_markdown(document).text)
    returned: list[Loss] = []
    if found.losses:
        returned = put_back_lost_pieces(document, source, found)
        found = compare(source, build_markdown(document).text) if returned else found
    coverage = coverage_of(source, found)
    return coverage, loss_sentences(coverage, returned)


def loss_sentences(coverage: TextCoverage, put_back: Sequence[Loss] = ()) -> list[str]:
    """Return one sentence on what is missing, and one on what was missing and is back."""
    lost = named_losses(loss for loss in coverage.losses if loss.proven)
    back = named_losses(put_back)
    return [
        f"{text}: {', '.join(names[:_NAMED])}{f' and {len(names) - _NAMED} more' if names[_NAMED:] else ''}."
        for text, names in (("Missing in the text", lost), ("Lost in the conversion and put back", back))
        if names
    ]
