"""What we need of RapidOCR that is not public: models that are opened by us, images prepared by us."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def use_session(reader: Any, part: str, session: Any) -> None:
    """Let a reader use a session of ONNX Runtime that is open already; before it has loaded that part.

    The parts are `Det` (finds lines), `Cls` (their direction) and `Rec` (reads them). RapidOCR takes such a
    session from its configuration, whose type refuses objects.
    """
    settings = reader.cfg[part]
    settings._set_flag("allow_objects", True)
    settings.session = session


def loaded_engine(reader: Any, part: str) -> Any:
    """Return what RapidOCR wraps around the library of a part (`Det` or `Rec`), loaded if it was not."""
    return {"Det": reader._load_det_model, "Rec": reader._load_rec_model}[part]().session


def prepare_images_by(reader: Any, make: Callable[[Any], Callable[[Any], Any]]) -> None:
    """Replace how the detector of lines prepares an image, which it asks for anew with every image.

    Args:
        reader: A `RapidOCR`, whose sessions are set.
        make: Gets RapidOCR's own preparation (`mean`, `std`, `resize`); what it returns gets an image of
            shape (height, width, 3) and returns the input of the model, or None for none.
    """
    detector = reader._load_det_model()
    prepare = make(detector.get_preprocess())
    detector.get_preprocess = lambda: prepare
