"""Which earlier code made the same results, so that an upgrade that only moved code makes nothing anew."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from stagekit.artifacts.memo import digest
from stagekit.base.fingerprint import code_fingerprint, notebook_code

__all__ = ["LINEAGE", "determining_code"]

# Digest of today's code -> what a version before had in its keys: modules, cells, executor. Who changes
# what the code does changes the digest, and with it the entry is void; a test says which ones are.
LINEAGE = Path(__file__).with_name("lineage.json")


def determining_code(code: Iterable[ModuleType], notebook: Path, identity: str) -> list[Any]:
    """Return what of the code determines a document's outcome, as the first version had it in its keys.

    Args:
        code: modules that the notebook names.
        notebook: the stage's source notebook.
        identity: of the executor, see :class:`stagekit.stage.execution.Executor`.
    """
    parts = [code_fingerprint(code), notebook_code(notebook), identity]
    known: dict[str, list[Any]] = json.loads(LINEAGE.read_text(encoding="utf-8"))
    return known.get(digest(*parts), parts)
