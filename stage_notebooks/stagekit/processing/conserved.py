"""Holds a document against its file with the second reader, and puts back what was lost on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

from docling_core.types.doc import DoclingDocument

from stagekit.chunking.markdown import build_markdown
from stagekit.conservation.comparison import Comparison, Loss, compare
from stagekit.conservation.coverage import TextCoverage, coverage_of, named_losses
from stagekit.conservation.source_text import SourceText
from stagekit.conservation.sources import read_source
from stagekit.conservation.words import words_of
from stagekit.processing.lost_pieces import put_back_lost_pieces

_NAMED = 5  # texts that a sentence of the report names


def conserve_text(
    document: DoclingDocument, content: bytes | str, file_format: str, hidden: Sequence[str] = ()
) -> tuple[TextCoverage | None, list[str]]:
    """Compare a document's Markdown with what its file says, and put back what is missing.

    The content is as :func:`stagekit.conservation.sources.read_source` wants it. Hidden passages, which no
    reader sees, are not put back. Return the coverage, None where the second reader cannot read the file, and
    sentences for the report.
    """
    try:
        source = read_source(content, file_format)
    except ValueError as error:
        return None, [f"Whether all of the text arrived could not be checked: {error}."]
    if source is None:
        return None, []
    unseen = [f" {' '.join(words_of(passage))} " for passage in hidden]
    found = _less_hidden(compare(source, build_markdown(document).text), source, unseen)
    returned: list[Loss] = []
    if found.losses:
        returned = put_back_lost_pieces(document, source, found)
        if returned:
            found = _less_hidden(compare(source, build_markdown(document).text), source, unseen)
    coverage = coverage_of(source, found)
    return coverage, loss_sentences(coverage, returned)


def _less_hidden(found: Comparison, source: SourceText, unseen: Sequence[str]) -> Comparison:
    """Take those losses out of a comparison that were left out because nobody sees them."""
    hidden = [
        loss
        for loss in found.losses
        if all(any(run in passage for passage in unseen) for run in _missing_runs(loss, source))
    ]
    if not hidden:
        return found
    for loss in hidden:
        source.leave_out("hidden", loss.text)
    losses = tuple(loss for loss in found.losses if loss not in hidden)
    return replace(found, found=found.found + sum(sum(loss.missing) for loss in hidden), losses=losses)


def _missing_runs(loss: Loss, source: SourceText) -> list[str]:
    """Return the words in a row that are missing, each row with a blank at both ends."""
    words = words_of(source.units[loss.unit].text)
    if len(words) != len(loss.missing):
        words = words_of(loss.text)
        return [f" {' '.join(words)} "]
    rows = groupby(zip(words, loss.missing, strict=True), key=itemgetter(1))
    return [f" {' '.join(word for word, _ in row)} " for gone, row in rows if gone]


def loss_sentences(coverage: TextCoverage, put_back: Sequence[Loss] = ()) -> list[str]:
    """Return one sentence on what is missing, and one on what was missing and is back."""
    lost = named_losses(loss for loss in coverage.losses if loss.proven)
    back = named_losses(put_back)
    return [
        f"{text}: {', '.join(names[:_NAMED])}{f' and {len(names) - _NAMED} more' if names[_NAMED:] else ''}."
        for text, names in (("Missing in the text", lost), ("Lost in the conversion and put back", back))
        if names
    ]
