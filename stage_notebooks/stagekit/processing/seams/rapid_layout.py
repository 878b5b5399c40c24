"""What we need of rapid-layout that is not public: its decoder of regions, without its own session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["layout_detector"]


def layout_detector(
    labels: Sequence[str],
    confidence: float,
    overlap: float,
    run: Callable[[Any], Any],
    make: Callable[[Any], Callable[[Any], Any]],
) -> Any:
    """Return what finds the regions of an image by PicoDet: `boxes`, `class_names` and `scores`.

    `RapidLayout` would open the weights by itself, with ONNX Runtime's own settings.

    Args:
        labels: The names of the classes, in the order of the weights.
        confidence: Score from 0 to 1 below which a region is not taken.
        overlap: Intersection over union above which the weaker of two regions is dropped.
        run: Gets the input of the weights and returns their outputs.
        make: Gets rapid-layout's own preparation (`mean`, `std`, `resize`); what it returns gets an image of
            shape (height, width, 3) and returns that input.
    """
    from rapid_layout.model_handler.pp import PPModelHandler

    detector: Any = PPModelHandler(labels, confidence, overlap, run)
    detector.pp_preprocess = make(detector.pp_preprocess)
    return detector
