"""Reads the text in the pictures of an Office document, where a scan or a screenshot was pasted into it."""

from __future__ import annotations

from statistics import mean

import numpy as np
from docling_core.types.doc import DocItemLabel, DoclingDocument, PictureItem

from stagekit.processing.ocr.ordinals import with_ordinals
from stagekit.processing.ocr.packaged_ocr import picture_reader
from stagekit.processing.pdf.hyphenation import join_lines

SMALLEST = (200, 40)  # pixels; smaller pictures are logos and icons
LARGEST = 40_000_000  # pixels
FEWEST_WORDS = 3  # fewer are a label in a drawing
LOWEST_SCORE = 0.6  # mean of the lines' confidence below which it is no text


def read_pictures(document: DoclingDocument) -> float | None:
    """Add the text of each picture behind it, and return the mean confidence (0 to 1), None without text.

    The reader is RapidOCR with the weights in its package, whatever engine reads scanned pages.
    """
    scores = []
    for picture in list(document.pictures):
        lines = _lines(picture, document)
        text = join_lines([line for line, _ in lines])
        if len(text.split()) >= FEWEST_WORDS and mean(score for _, score in lines) >= LOWEST_SCORE:
            prov = picture.prov[0].model_copy(update={"charspan": (0, len(text))}) if picture.prov else None
            document.insert_text(sibling=picture, label=DocItemLabel.TEXT, text=text, prov=prov)
            scores += [score for _, score in lines]
    return round(mean(scores), 4) if scores else None


def _lines(picture: PictureItem, document: DoclingDocument) -> list[tuple[str, float]]:
    """Return the lines of a picture from top to bottom, with their confidence."""
    image = picture.get_image(document)
    if image is None or image.width * image.height > LARGEST:
        return []
    if image.width < SMALLEST[0] or image.height < SMALLEST[1]:
        return []
    pixels = np.ascontiguousarray(np.asarray(image.convert("RGB"))[:, :, ::-1])
    # All three are said: the reader remembers what the call before has switched off. The classifier would
    # turn upright lines far more often than a picture is set upside down.
    found = picture_reader()(pixels, use_det=True, use_cls=False, use_rec=True)
    if found.txts is None:
        return []
    return [
        (with_ordinals(text), float(score))
        for text, score in zip(found.txts, found.scores, strict=True)
        if text.strip()
    ]
