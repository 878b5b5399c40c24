"""Keeps what is made of documents while a stage works on: in the memo, and on the disk.

A killed stage loses what was not in the memo; only a loss of power can lose what was not synced. So outcomes
are remembered as they come, and files are synced together before the stage ends: nothing says before that the
stage is done, and together they take a fraction of the time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from stagekit.contract import ArtifactRef, artifact_refs

if TYPE_CHECKING:
    from stagekit.artifacts.memo import Memo
    from stagekit.artifacts.store import ArtifactStore

_SYNCING = 8  # at once: one commit of the file system's journal serves them all
_SOON_S = 0.1  # what is done within it counts as one piece of work, and is one transaction


class Keeper:
    """Remembers outcomes of one stage, and syncs the artifacts that they refer to; a context that flushes.

    Outcomes of documents that take longer than a tenth of a second are remembered one by one.
    """

    def __init__(self, stage: str, memo: Memo, store: ArtifactStore) -> None:
        self._stage = stage
        self._memo = memo
        self._store = store
        self._pending: list[tuple[str, str, dict[str, Any]]] = []
        self._kept = -math.inf
        self._unsynced: list[str] = []

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()

    def keep(self, key: str, value: dict[str, Any]) -> None:
        """Remember an outcome, at the latest with the next one that comes after a tenth of a second."""
        self._pending.append((self._stage, key, value))
        self.sync(artifact_refs(value))
        if time.monotonic() - self._kept > _SOON_S:
            self.flush()

    def flush(self) -> None:
        """Remember what is still to be remembered."""
        pending, self._pending = self._pending, []
        if pending:
            self._memo.put_many(pending)
        self._kept = time.monotonic()

    def sync(self, refs: Iterable[ArtifactRef]) -> None:
        """Sync artifacts when the stage ends."""
        self._unsynced += [ref.uri for ref in refs]

    def finish(self) -> None:
        """Remember and sync what is still to be remembered and synced.

        Raises:
            ArtifactError: if the disk did not take an artifact.
        """
        self.flush()
        unsynced, self._unsynced = self._unsynced, []
        with ThreadPoolExecutor(_SYNCING) as threads:
            for _ in threads.map(self._store.sync, unsynced):
                pass
