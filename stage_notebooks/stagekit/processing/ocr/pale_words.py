"""Tells the words that are printed pale and large across a picture of a page from what the page says.

A watermark in a scan, or one that is a picture itself, would be read as a heading, and keeps the text that it
crosses from being read. Its ink is paler than any text and its strokes are broader than those of the lines:
where there is such ink, and large words in it, it is read by itself, and the page is read again without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PALE = (135, 238)  # levels of 255; darker is text, lighter is paper
LEVEL_PALE = 165  # a level word is no pale heading from here on
LOOKED_AT = 900  # pixels of the long side, in which ink is looked for
GLANCE = 640  # pixels of the long side, in which large words are found well
NEARLY = 0.75  # of the height of a large word: boxes found at a glance are less exact
LARGEST_LINE = (
    2.5  # times the usual height; on grey paper lines are found at a glance too, and higher than they are
)
IN_LINE = 0.5  # share of its box by which such a line is known again
BROAD = 5  # pixels of a stroke, of those
LEAST_INK = 0.002  # share of the picture that broad pale strokes fill
MOST_INK = 0.25
MOST_FILLED = 0.85  # share of the box around a stroke; more is a shaded cell
LEAST_LONG = 0.15  # length of the word, in long sides of the picture
LARGER = 1.8  # times the usual height of a line
SLANTED = (0.2, 1.4)  # radians from level
LEAST_SURE = 0.7  # confidence
EDGE = 0.12  # share of the height at top and bottom where titles and letterheads stand

_LETTERS = re.compile(r"[^\W\d_]")


def read_without_watermark(
    image: NDArray[np.uint8],
    read: Callable[[NDArray[np.uint8]], Any],
    find: Callable[[NDArray[np.uint8]], Any],
) -> tuple[Any, list[str]]:
    """Read a picture, and return what OCR answers and the words that were left out as a watermark.

    Args:
        image: Levels, shape (height, width, 3) or (height, width).
        read: The reader; its answer has `boxes` of shape (n, 4, 2), `txts` and `scores`.
        find: What finds lines without reading them; its answer has `boxes`.
    """
    strokes = _pale_strokes(image)
    if strokes is None:
        return read(image), []
    answer = read(image)
    pale = np.where(_wide(strokes, image), image, np.uint8(255))
    usual = float(np.median(list(map(_height, _boxes(answer))) or [0.0]))
    # Noise and grey paper look like pale strokes too, and reading is what costs.
    may_hold = _has_large_boxes(pale, answer, usual, find)
    words = _large_words(read(pale), usual, image) if may_hold else []
    if not words:
        return answer, []
    return read(np.where(_wide(strokes, image), np.uint8(255), image)), words


def _pale_strokes(image: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """Return where broad pale strokes are, in the size of the picture; None where they are no letters."""
    import cv2

    grey = image if image.ndim == 2 else cv2.cvtColor(image[:, :, :3], cv2.COLOR_RGB2GRAY)
    scale = min(1.0, LOOKED_AT / max(grey.shape))
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    mask = ((small >= PALE[0]) & (small <= PALE[1])).astype(np.uint8)
    core = cv2.erode(mask, np.ones((BROAD, BROAD), np.uint8))
    if not LEAST_INK * core.size <= core.sum() <= MOST_INK * core.size:
        return None
    letters = np.zeros(core.shape, np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(core, np.ones((3, 3), np.uint8)))
    for number in range(1, count):
        left, top, width, height, area = stats[number]
        if area < MOST_FILLED * width * height:
            letters[top : top + height, left : left + width] |= (
                labels[top : top + height, left : left + width] == number
            )
    rows, columns = np.flatnonzero(letters.any(axis=1)), np.flatnonzero(letters.any(axis=0))
    if not rows.size or max(np.ptp(rows), np.ptp(columns)) < LEAST_LONG * max(core.shape):
        return None
    wide = cv2.dilate(letters, np.ones((2 * BROAD + 1, 2 * BROAD + 1), np.uint8))
    whole = cv2.resize(wide, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_NEAREST)
    strokes: NDArray[np.bool_] = (whole > 0) & (grey >= PALE[0])
    return strokes


def _wide(strokes: NDArray[np.bool_], image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return strokes if image.ndim == 2 else strokes[:, :, None]


def _has_large_boxes(
    pale: NDArray[np.uint8], page: Any, usual: float, find: Callable[[NDArray[np.uint8]], Any]
) -> bool:
    """Whether pale ink has boxes as high as those of large words: at a glance, then as it is."""
    import cv2

    scale = min(1.0, GLANCE / max(pale.shape[:2]))
    small = np.asarray(cv2.resize(pale, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    lines = [box for box in _boxes(page) if _height(box) < LARGER * usual]
    at_a_glance = (
        box
        for box in _boxes(find(small)) / scale
        if _height(box) >= NEARLY * LARGER * usual
        and (_height(box) > LARGEST_LINE * usual or _share_in(box, lines) < IN_LINE)
    )
    if next(at_a_glance, None) is None:
        return False
    return any(_height(box) >= LARGER * usual for box in _boxes(find(pale)))


def _share_in(box: NDArray[np.float32], lines: Sequence[NDArray[np.float32]]) -> float:
    """Return how much of a box, 0 to 1, lies in the one of some lines in which most of it lies."""
    low, high = box.min(axis=0), box.max(axis=0)
    inside = (
        np.maximum(np.minimum(high, line.max(axis=0)) - np.maximum(low, line.min(axis=0)), 0).prod()
        for line in lines
    )
    return float(max(inside, default=0.0) / max((high - low).prod(), 1.0))


def _large_words(answer: Any, usual: float, image: NDArray[np.uint8]) -> list[str]:
    """Return the words of the pale ink that are large, and slanted or very pale."""
    if not len(_boxes(answer)):
        return []
    height = image.shape[0]
    words = []
    for box, text, score in zip(np.asarray(answer.boxes), answer.txts, answer.scores, strict=True):
        if score < LEAST_SURE or len(_LETTERS.findall(text)) < len("XXX"):
            continue
        along, down = box[1] - box[0], box[3] - box[0]
        angle = abs(float(np.arctan2(along[1], along[0])))
        slanted = SLANTED[0] <= min(angle, np.pi - angle) <= SLANTED[1]
        inner = EDGE * height < box[:, 1].mean() < (1 - EDGE) * height
        large = float(np.linalg.norm(down)) >= LARGER * usual
        if large and (slanted or (inner and _ink(image, box) >= LEVEL_PALE)):
            words.append(" ".join(text.split()))
    return words


def _boxes(answer: Any) -> NDArray[np.float32]:
    """Return the boxes of an answer, shape (n, 4, 2)."""
    found = None if answer is None else answer.boxes
    return np.asarray([] if found is None else found, np.float32).reshape(-1, 4, 2)


def _height(box: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(box[3] - box[0]))


def _ink(image: NDArray[np.uint8], box: NDArray[np.float32]) -> float:
    """Return the usual level of the ink in a box."""
    left, top = np.maximum(box.min(axis=0), 0).astype(int)
    right, bottom = box.max(axis=0).astype(int)
    part = image[top : bottom + 1, left : right + 1]
    ink = part[part < PALE[1]]
    return float(np.median(ink)) if ink.size else 255.0
