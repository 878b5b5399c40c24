"""What a PDF says of itself in its document information dictionary."""

from __future__ import annotations

from typing import Any

from stagekit.declared.dates import pdf_timestamp
from stagekit.declared.property_values import keywords, present


def pdf_properties(metadata: dict[str, str], language: str = "") -> dict[str, Any]:
    """Return the properties of a PDF, as PDFium gives them, as JSON values; absent ones are left out."""
    return present(
        title=metadata.get("Title"),
        author=metadata.get("Author"),
        subject=metadata.get("Subject"),
        keywords=keywords(metadata.get("Keywords")),
        created=pdf_timestamp(metadata.get("CreationDate", "")),
        modified=pdf_timestamp(metadata.get("ModDate", "")),
        language=language,
    )
