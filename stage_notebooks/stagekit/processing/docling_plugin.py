"""What nic-etl offers to Docling: the module that the `docling` entry point of pyproject.toml names.

Docling calls one function a kind of model. `register` does the same by hand for a checkout whose entry points
are not installed.
"""

from __future__ import annotations

from typing import Any

from stagekit.processing.aligned_tables import AlignedTableModel
from stagekit.processing.packaged_layout import PackagedLayoutModel
from stagekit.processing.page_ocr import PageRapidOcrModel, PageTesseractModel

__all__ = ["layout_engines", "ocr_engines", "register", "table_structure_engines"]


def layout_engines() -> dict[str, list[Any]]:
    """Layout engines offered to Docling."""
    return {"layout_engines": [PackagedLayoutModel]}


def table_structure_engines() -> dict[str, list[Any]]:
    """Table structure engines offered to Docling."""
    return {"table_structure_engines": [AlignedTableModel]}


def ocr_engines() -> dict[str, list[Any]]:
    """OCR engines offered to Docling."""
    return {"ocr_engines": [PageRapidOcrModel, PageTesseractModel]}


def register() -> None:
    """Make the engines known to Docling's factories where the entry point is not installed."""
    from docling.models.factories import get_layout_factory, get_ocr_factory, get_table_structure_factory

    offers = (
        (get_layout_factory(allow_external_plugins=True), layout_engines()),
        (get_table_structure_factory(allow_external_plugins=True), table_structure_engines()),
        (get_ocr_factory(allow_external_plugins=True), ocr_engines()),
    )
    for factory, offer in offers:
        for engine in next(iter(offer.values())):
            if engine.get_options_type() not in factory.classes:
                factory.register(engine, "nic_etl_packaged", __name__)
