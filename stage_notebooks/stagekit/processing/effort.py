"""Estimates how long a document will take: long ones are begun first, and few workers serve little work."""

from __future__ import annotations

WORTH_A_WORKER_S = 4.0  # work that pays for one more worker's start: 1.5 s, or 3 s with the models

# Seconds of one core: for any document of the format, and for each megabyte of it.
_TEXT = (0.01, 2.5)
_EFFORTS = {
    "md": _TEXT,
    "markdown": _TEXT,
    "txt": _TEXT,
    "html": _TEXT,
    "pdf": (0.4, 6.0),
    "png": (3.0, 0.5),
    "jpg": (3.0, 0.5),
    "jpeg": (3.0, 0.5),
}
_OFFICE = (0.05, 0.5)


def expected_seconds(file_extension: str, size_bytes: int) -> float:
    """Return roughly how many seconds one core will need for a document, going by its name and size."""
    begin, per_megabyte = _EFFORTS.get(file_extension.lower(), _OFFICE)
    return begin + per_megabyte * size_bytes / 1e6
