"""One input of the fuzzing: made, tried, kept in a file, and tried again from it."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.fuzz.corpus import Changes, Corpus
from tests.fuzz.readers import faults
from tests.fuzz.recipes import RECIPES

__all__ = ["keep", "kept", "make", "tried"]


def make(corpus: Corpus, seed: int, recipe: str = "") -> tuple[str, Changes]:
    """Return the recipe and the changed files of a seed; the same ones each time."""
    chance = Random(seed)
    # The large tables take a second each: they come rarely.
    name = recipe or chance.choice([one for one in RECIPES if one != "huge_table" or chance.random() < 0.05])
    return name, RECIPES[name](chance, corpus)


def tried(corpus: Corpus, changes: Changes, recipe: str = "") -> list[str]:
    """Lay the corpus out with these changes, and return what the recipe's readers did wrong."""
    # In memory where there is such a place: every input writes a hundred files, some of them to the disk.
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with TemporaryDirectory(prefix="nic-etl-fuzz-", dir=place) as folder:
        return faults(corpus.lay_out(Path(folder), changes), recipe)


def keep(path: Path, changes: Changes) -> Path:
    """Write changed files into one file, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = {name: base64.b64encode(data).decode() for name, data in changes.items()}
    path.write_text(json.dumps(texts, indent=1) + "\n", encoding="utf-8")
    return path


def kept(path: Path) -> Changes:
    """Read what :func:`keep` wrote."""
    texts = json.loads(path.read_text(encoding="utf-8"))
    return {name: base64.b64decode(text) for name, text in texts.items()}
