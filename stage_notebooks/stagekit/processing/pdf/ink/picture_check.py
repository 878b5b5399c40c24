"""Asks the picture of a page whether it shows what a text layer says, by reading a few lines with OCR."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

import numpy as np

from stagekit.processing.pdf.ink.page_objects import PaintedText
from stagekit.processing.pdf.ink.page_view import READING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stagekit.processing.pdf.ink.open_page import OpenPage

SAMPLES = 5  # lines a page
FEWEST_LETTERS = 4  # of a text that is asked for
LONGEST = 120  # letters; more would be shrunk until nobody can read them
SAME = 0.6  # likeness of what is read and what is said
AGREEING = 0.5  # share of the samples that must be alike


def contradicts(page: OpenPage, texts: Sequence[PaintedText]) -> bool:
    """Whether most of a few doubted texts look otherwise in the picture than their letters say."""
    said = [(text, _folded(page.letters(text))) for text in texts]
    long = [(text, line) for text, line in said if FEWEST_LETTERS <= len(line) <= LONGEST and text.angle < 1]
    if not long:
        return False
    step = max(1.0, len(long) / SAMPLES)
    samples = [long[int(index * step)] for index in range(min(SAMPLES, len(long)))]
    picture = page.view.drawn(READING)
    alike = 0
    for text, line in samples:
        shown = _folded(_read(picture.at(text.box, 0.25)))
        alike += SequenceMatcher(None, line, shown, autojunk=False).ratio() >= SAME
    return alike < AGREEING * len(samples)


def _read(line: NDArray[np.uint8]) -> str:
    from stagekit.processing.ocr.packaged_ocr import page_reader

    if min(line.shape[:2], default=0) < 4:
        return ""
    answer: Any = page_reader()(np.ascontiguousarray(line), use_det=False, use_cls=False, use_rec=True)
    return " ".join(getattr(answer, "txts", None) or ())


def _folded(text: str) -> str:
    """Return the letters and digits of a text without case and accents."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(sign for sign in plain if sign.isalnum())
