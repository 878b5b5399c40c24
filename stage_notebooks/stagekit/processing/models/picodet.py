"""Finds the regions of an image in what a PicoDet model answers, in the numbers of its publishers' own code.

For each cell of four grids the model scores each class, and gives for the four sides of a box how likely each
of some distances from the cell's centre is. Few of the 10,105 cells of a page reach the score from which on a
region is taken: only those are decoded, in a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIDES = (8, 16, 32, 64)  # pixels of a cell, by grid
MOST_CELLS = 1000  # of a grid, the likeliest
MOST_REGIONS = 100  # of a class
MOST_BOXES = 200  # of a class, the likeliest, of which those are chosen
_TINY = 1e-5  # square pixels; no box is divided by 0


@dataclass(frozen=True)
class FoundRegion:
    """A region of an image."""

    # left, top, right and bottom in pixels of the image as it was before it was resized
    box: tuple[float, float, float, float]
    name: str  # of its class
    score: float  # from 0 to 1


def find_regions(
    outputs: Sequence[NDArray[np.float32]],
    names: Sequence[str],
    *,
    confidence: float,
    overlap: float,
    resized: tuple[int, int],
    original: tuple[int, int],
) -> list[FoundRegion]:
    """Return the regions of one image, class by class, the likeliest first.

    Args:
        outputs: What the model answers: by grid the scores, shape (1, cells, classes), then by grid the
            likelihoods of distances, shape (1, cells, 4 * distances).
        names: Of the classes.
        confidence: Score from 0 to 1 below which a region is not taken.
        overlap: Intersection over union above which the weaker of two regions of a class is dropped.
        resized: Height and width of the image given to the model, in pixels.
        original: Height and width of the image before.
    """
    grids = len(outputs) // 2
    decoded = [
        _decoded(scores[0], sides[0], stride, confidence, resized)
        for scores, sides, stride in zip(outputs[:grids], outputs[grids:], STRIDES, strict=True)
    ]
    boxes = np.concatenate([boxes for boxes, _ in decoded])
    scores = np.concatenate([scores for _, scores in decoded])
    height, width = resized
    scale = np.array((width / original[1], height / original[0]) * 2, np.float32)
    regions = []
    for number, name in enumerate(names):
        likely = scores[:, number] > confidence
        chosen, theirs = boxes[likely], scores[likely, number]
        for index in _apart(chosen, theirs, overlap):
            clipped = chosen[index].clip(0, (width, height) * 2).astype(np.float32)
            left, top, right, bottom = (clipped.astype(np.float64) / scale).tolist()
            regions.append(FoundRegion((left, top, right, bottom), name, float(theirs[index])))
    return regions


def _decoded(
    scores: NDArray[np.float32],
    sides: NDArray[np.float32],
    stride: int,
    confidence: float,
    resized: tuple[int, int],
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return the boxes of a grid's likely cells, in pixels given to the model, and their scores."""
    best = scores.max(axis=1)
    cells = np.flatnonzero(best > confidence)
    cells = cells[np.argsort(best[cells])[::-1][:MOST_CELLS]]
    columns = -(-resized[1] // stride)
    centres = np.stack((cells % columns, cells // columns) * 2, axis=1) + 0.5
    likely = _softmax(sides[cells].reshape(len(cells), 4, sides.shape[1] // 4))
    distances = (likely * np.arange(likely.shape[-1])).sum(axis=-1) * stride
    return centres * stride + (-1, -1, 1, 1) * distances, scores[cells]


def _softmax(values: NDArray[np.float32]) -> NDArray[np.float32]:
    top = values.max(axis=-1, keepdims=True)
    total: Any = np.log(np.exp(values - top).sum(axis=-1, keepdims=True)) + top
    shares: NDArray[np.float32] = np.exp(values - total)
    return shares


def _apart(boxes: NDArray[np.float64], scores: NDArray[np.float32], overlap: float) -> Iterator[int]:
    """Yield the numbers of the likeliest boxes of which no two overlap far."""
    left = np.argsort(scores)[-MOST_BOXES:]
    areas = (boxes[:, 2:] - boxes[:, :2]).clip(0.0).prod(axis=1)
    for _ in range(min(len(left), MOST_REGIONS)):
        first, left = left[-1], left[:-1]
        yield int(first)
        low = np.maximum(boxes[left, :2], boxes[first, :2])
        high = np.minimum(boxes[left, 2:], boxes[first, 2:])
        shared = (high - low).clip(0.0).prod(axis=1)
        left = left[shared / (areas[left] + areas[first] - shared + _TINY) <= overlap]
        if not left.size:
            return
