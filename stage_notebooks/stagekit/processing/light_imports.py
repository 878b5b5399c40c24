"""Lets Docling read Markdown and Office files without torch: imported in 1 s and 0.2 GB, not 5 s and 0.8 GB.

Docling's options describe speech recognition and vision-language models too, and two of those modules look
for torch and transformers. They are optional there (docling-slim has neither), and no such model is used.
"""

from __future__ import annotations

import importlib

from stagekit.base.imports.absent import without_packages

MODEL_PACKAGES = ("torch", "transformers")


def import_docling_options() -> None:
    """Import Docling's data classes and options; after that its readers can be imported as usual.

    torch and transformers can still be imported afterwards, as Docling's own models do.
    """
    with without_packages(*MODEL_PACKAGES):
        importlib.import_module("docling.datamodel.pipeline_options")
