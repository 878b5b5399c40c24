"""Finds the lines drawn around table cells in the page image, so that scanned tables have them too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from docling.datamodel.base_models import Page
    from docling_core.types.doc import BoundingBox
    from numpy.typing import NDArray

LONG_SIDE = 1700  # pixels of the page image in which rules are looked for (A4 at about 144 dpi)
LONGER_THAN_LINES = 1.2  # length of an upright rule's shortest piece, in line heights
SHORTEST_RUN = 0.03  # share of the region's width that a part of a rule has at least
SHORTEST = 0.45  # a rule is at least this share of the region's extent


def drawn_rules(
    page: Page, region: BoundingBox, line_height: float
) -> tuple[list[float], list[tuple[float, float, float]]]:
    """Return the rules in a region: x of the vertical, (y, left, right) of the horizontal ones, in points."""
    if page.size is None:
        return [], []
    scale = LONG_SIDE / max(page.size.width, page.size.height)
    image = page.get_image(scale=scale)
    if image is None:
        return [], []
    margin = 3
    left, top = max(0, int(region.l * scale) - margin), max(0, int(region.t * scale) - margin)
    right = max(left, min(image.width, int(region.r * scale) + margin))
    bottom = max(top, min(image.height, int(region.b * scale) + margin))
    crop = np.asarray(image.crop((left, top, right, bottom)).convert("L"))
    xs, ys = rule_positions(crop, line_height * scale)
    extents = rule_extents(crop, ys)
    return [(x + left) / scale for x in xs], [
        ((y + top) / scale, (start + left) / scale, (end + left) / scale)
        for y, (start, end) in zip(ys, extents, strict=True)
    ]


def rule_positions(gray: NDArray[np.uint8], line_height: float = 0.0) -> tuple[list[float], list[float]]:
    """Return the centres of long dark lines in a grey image: x of the vertical, y of the horizontal ones.

    The stems of letters that stand below one another are no rule: it is longer than a line of text is high.
    """
    import cv2

    if min(gray.shape) < 20:
        return [], []
    ink = cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 25, 8)
    found: list[list[float]] = []
    for axis, extent in ((0, gray.shape[0]), (1, gray.shape[1])):
        length = max(15, int(extent * 0.04), int(line_height * LONGER_THAN_LINES) if axis == 0 else 0)
        kernel = np.ones((length, 1) if axis == 0 else (1, length), np.uint8)
        lines = cv2.morphologyEx(ink, cv2.MORPH_OPEN, kernel)
        covered = (lines > 0).sum(axis=axis) / extent
        found.append(_centres(covered > SHORTEST))
    return found[0], found[1]


def rule_extents(gray: NDArray[np.uint8], ys: Sequence[float]) -> list[tuple[float, float]]:
    """Return from which to which x each horizontal rule of an image is drawn, in pixels."""
    extents = []
    for y in ys:
        band = gray[max(0, int(y) - 2) : int(y) + 3].min(axis=0)
        ink = np.flatnonzero(_in_runs(band < (int(gray.max()) + int(band.min())) / 2))
        extents.append((float(ink[0]), float(ink[-1])) if len(ink) else (0.0, float(gray.shape[1])))
    return extents


def _in_runs(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return ink without short runs: letters beside a rule, and upright rules that it does not reach."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], ink.astype(np.int8), [0]))))
    kept = np.zeros_like(ink)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        kept[start:end] = end - start >= SHORTEST_RUN * len(ink)
    return kept if kept.any() else ink


def _centres(flags: NDArray[np.bool_]) -> list[float]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return [float(a + b - 1) / 2 for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a <= 12]
