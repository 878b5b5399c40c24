"""Reads stored artifacts only to see whether they are whole: what is damaged is found before it is needed."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stagekit.artifacts.store import is_address
from stagekit.errors import ArtifactError

if TYPE_CHECKING:
    from stagekit.artifacts.store import ArtifactStore

_FOLDERS = 256


@dataclass(frozen=True)
class Scrubbed:
    """What came of reading artifacts."""

    checked: int  # how many were read
    damaged: tuple[str, ...]  # what is wrong, a sentence an artifact; each of them is set aside
    last: str  # address of the last one; empty if none was read


def scrub(store: ArtifactStore, after: str = "", seconds: float = math.inf) -> Scrubbed:
    """Read artifacts in the order of their addresses until the time is spent, each once at most.

    It goes on behind the address that was read last; behind the last one the first follows. The last artifact
    may take longer than the seconds.

    Raises:
        ArtifactError: if the store cannot be listed.
        EncryptionError: if an artifact is sealed under another key.
    """
    end = time.monotonic() + seconds
    checked, damaged, last = 0, [], ""
    for uri in _in_turn(store, after):
        if time.monotonic() >= end:
            break
        try:
            store.content(uri)
        except ArtifactError as error:
            damaged.append(str(error))
        checked, last = checked + 1, uri
    return Scrubbed(checked, tuple(damaged), last)


def _in_turn(store: ArtifactStore, after: str) -> Iterator[str]:
    """Yield the addresses behind one, and then from the first up to it; a folder is listed at a time."""
    begin = int(after.split("/")[1], 16) if is_address(after) else 0
    for step in range(_FOLDERS + 1):
        found = store.entries(f"{(begin + step) % _FOLDERS:02x}")
        for uri in sorted(uri for uri, _, _ in found if is_address(uri)):
            if 0 < step < _FOLDERS or (uri > after) == (step == 0):
                yield uri
