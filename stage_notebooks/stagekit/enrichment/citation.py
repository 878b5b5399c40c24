"""What an answer cites of a passage, and where its file can be read as it was indexed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stagekit.base.network.web_links import file_at

_CITED = (
    "document_id", "chunk_id", "chunk_index", "file_path", "title", "page_number", "section_titles", "clause",
    "status", "document_type", "language", "version", "effective_date", "expiration_date", "superseded_by",
    "has_struck_text", "repository_commit",
)  # fmt: skip


def cited_fields(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that an answer cites, and ``source``, the link to the file.

    They stand in the payload once more as one object, which is all that some clients read: docs/consuming.md.
    """
    return {name: payload[name] for name in _CITED} | {"source": file_link(payload)}


def file_link(payload: Mapping[str, Any]) -> str:
    """Return where a chunk's file can be read as it was indexed.

    For a repository on the web this is GitLab's address of the file at its commit, at the chunk's page (PDF)
    or heading (Markdown); otherwise ``path@commit``.
    """
    path, commit = str(payload["file_path"]), str(payload["repository_commit"])
    address = file_at(str(payload["repository_url"]), commit, path)
    if not address:
        return f"{path}@{commit}"
    suffix, place = Path(path).suffix.lower(), ""
    if suffix == ".pdf" and payload["page_number"]:
        place = f"#page={payload['page_number']}"
    elif suffix == ".md" and payload["section_titles"]:
        place = "#" + quote(_anchor(payload["section_titles"][-1]))
    return f"{address}{place}"


def _anchor(heading: str) -> str:
    # As GitLab makes a heading's id: docs.gitlab.com, "GitLab Flavored Markdown", "Heading IDs and links".
    kept = re.sub(r"[^\w\- ]", "", heading.lower()).strip()
    return re.sub(r"-+", "-", kept.replace(" ", "-"))
