"""Finds the DejaVu fonts that come with matplotlib, so that the builder needs no font of the system."""

from pathlib import Path

import matplotlib

__all__ = ["font_path"]


def font_path(name: str) -> str:
    """Returns the path of a DejaVu font file, for example of `DejaVuSans-Bold`."""
    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf")
