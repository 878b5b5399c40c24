"""Reads the manifests that executed notebooks refer to: one row a document, with its outcome and memo key."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stagekit.artifacts.manifest import require_rows
from stagekit.artifacts.table_files import PARQUET
from stagekit.artifacts.tables import decode_rows, table_metadata
from stagekit.contract import artifact_refs, read_scraps
from stagekit.errors import StageError
from stagekit.sealing.cipher import EncryptionError

if TYPE_CHECKING:
    from stagekit.artifacts.store import ArtifactStore
    from stagekit.contract import ArtifactRef


@dataclass(frozen=True)
class Manifest:
    """The rows of a manifest, and what stands beside them (see :mod:`stagekit.artifacts.manifest`)."""

    rows: list[dict[str, Any]]
    metadata: dict[str, Any]

    @property
    def stage(self) -> str:
        """The stage that made it."""
        return str(self.metadata["stage"])


def notebook_refs(notebook: Path) -> list[ArtifactRef]:
    """Return the products of an executed notebook, each once; none if it cannot be read."""
    try:
        found = artifact_refs(list(read_scraps(notebook).values()))
    except StageError:
        return []
    return list({ref.uri: ref for ref in found}.values())


def read_manifests(store: ArtifactStore, notebook: Path, seen: set[str] | None = None) -> Iterator[Manifest]:
    """Yield the manifests of an executed notebook.

    Args:
        store: of the artifacts.
        notebook: the executed notebook.
        seen: addresses that were read before and are left out; those that are read now are added.
    """
    for ref in notebook_refs(notebook):
        if ref.media_type != PARQUET or (seen is not None and ref.uri in seen):
            continue
        if seen is not None:
            seen.add(ref.uri)
        rows, metadata = read_rows(store, ref)
        if metadata is None or "carried" not in metadata:
            continue
        with contextlib.suppress(StageError):
            require_rows(rows, metadata)
            yield Manifest(rows, metadata)


def read_rows(store: ArtifactStore, ref: ArtifactRef) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Return a product's rows and what stands beside them; no rows where it is damaged."""
    try:
        table = store.read_table(ref)
        return decode_rows(table), table_metadata(table)
    except EncryptionError:  # nothing is wrong with it: it must not pass for a product without documents
        raise
    except StageError:
        return [], None


def memo_keys(row: dict[str, Any]) -> set[str]:
    """Return the keys of the outcomes that a row tells.

    A stale document's own key is that of the last good version; its newest one was refused, and has another.
    """
    refused = row.get("refused")
    newest = refused.get("memo_key") if isinstance(refused, dict) else None
    return {str(key) for key in (row.get("memo_key"), newest) if key}
