"""What nic-etl offers to Docling: the module that the `docling` entry point of pyproject.toml names.

Docling calls one function a kind of model; `registered` does the same by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from docling.models.factories import get_layout_factory, get_ocr_factory, get_table_structure_factory

from stagekit.processing.models.packaged_layout import PackagedLayoutModel
from stagekit.processing.ocr.page_ocr import PageRapidOcrModel, PageTesseractModel
from stagekit.processing.pdf.tables.aligned_tables import AlignedTableModel
from stagekit.processing.seams.docling import without_own_engines


def layout_engines() -> dict[str, list[Any]]:
    """Layout engines offered to Docling."""
    return {"layout_engines": [PackagedLayoutModel]}


def table_structure_engines() -> dict[str, list[Any]]:
    """Table structure engines offered to Docling."""
    return {"table_structure_engines": [AlignedTableModel]}


def ocr_engines() -> dict[str, list[Any]]:
    """OCR engines offered to Docling."""
    return {"ocr_engines": [PageRapidOcrModel, PageTesseractModel]}


@contextmanager
def registered(*, alone: bool = False) -> Iterator[None]:
    """Let Docling find these engines, or these `alone`, also where their entry point is not installed."""
    with without_own_engines() if alone else nullcontext():
        _register()
        yield


def _register() -> None:
    offers = (
        (get_layout_factory(allow_external_plugins=True), layout_engines()),
        (get_table_structure_factory(allow_external_plugins=True), table_structure_engines()),
        (get_ocr_factory(allow_external_plugins=True), ocr_engines()),
    )
    for factory, offer in offers:
        for engine in next(iter(offer.values())):
            if engine.get_options_type() not in factory.classes:
                factory.register(engine, "nic_etl_packaged", __name__)
