"""Loads, when it is imported, what reads Markdown and text: for the process that forks document workers."""

from __future__ import annotations

from stagekit.processing.light_imports import import_docling_options

import_docling_options()

import docling.backend.md_backend  # noqa: E402 - only after the options
import docling.datamodel.document  # noqa: E402, F401

__all__: list[str] = []
