"""Runs that several tests look at, made once for all test processes."""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from stagekit.paths import config_dir
from tests.crash.chain import Points, Workplace, read_points
from tests.crash.corpus import FOLDER, document, document_name, paragraph, write_corpus
from tests.crash.tiny_model import write_tiny_model

__all__ = [
    "COUNT",
    "LONG",
    "PDF",
    "TOTAL",
    "TWIN",
    "Made",
    "copied",
    "first_run",
    "one_edited",
    "renamed_deleted_added",
]

COUNT = 48  # generated documents; beside them a long one, a copy of one, and a PDF
TOTAL = COUNT + 3
LONG = f"{FOLDER}/longo.md"
PDF = f"{FOLDER}/copia-de-seguranca.pdf"
TWIN = f"{FOLDER}/gemeo.md"  # has the bytes of document 1


@dataclass(frozen=True)
class Made:
    """A finished run in a folder of its own: the documents, the outputs, and what the command said."""

    folder: Path

    @property
    def corpus(self) -> Path:
        return self.folder / "corpus"

    @property
    def place(self) -> Workplace:
        model = self.folder.parent / "tiny-model"
        return Workplace(self.folder / "outputs", {"source_path": self.corpus, "embedding_model": model})

    @cached_property
    def points(self) -> Points:
        return read_points(self.folder / "outputs")

    def told(self, name: str = "run") -> tuple[int, dict[str, Any], dict[str, Any]]:
        """Return exit code, summary and record of one of the runs that made this."""
        code, summary, record = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        return int(code), summary, record

    def keep(self, told: object, name: str = "run") -> None:
        """Keep what a run told."""
        (self.folder / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")


def copied(made: Made, folder: Path) -> Made:
    """Return a copy of documents and outputs, for a test that changes them; times of files stay."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder.parent / "tiny-model"
    if not model.exists():
        model.symlink_to(made.folder.parent / "tiny-model")
    shutil.copytree(made.corpus, folder / "corpus")
    shutil.copytree(made.folder / "outputs", folder / "outputs", symlinks=True)
    return Made(folder)


def first_run(factory: pytest.TempPathFactory) -> Made:
    """Return the first run on the corpus; its last stage failed at first, for there was no Qdrant server."""

    def build(folder: Path) -> None:
        write_tiny_model(folder.parent / "tiny-model")
        write_corpus(folder / "corpus", COUNT)
        chance = random.Random("longo")
        sections = [f"## {number} Capítulo\n\n{paragraph(chance, 3)}" for number in range(1, 10)]
        text = "---\ntitle: Manual longo\nstatus: approved\n---\n\n# Manual longo\n\n" + "\n\n".join(sections)
        (folder / "corpus" / LONG).write_text(text + "\n", encoding="utf-8")
        shutil.copy(folder / "corpus" / FOLDER / document_name(1), folder / "corpus" / TWIN)
        sample = next((config_dir() / "sample_repository" / FOLDER).rglob("procedimento-de-copia*.pdf"))
        shutil.copy(sample, folder / "corpus" / PDF)
        made = Made(folder)
        made.keep(made.place.run(qdrant_url=f"http://127.0.0.1:{_closed_port()}"), "without_store")
        made.keep(made.place.run())

    return _once(factory, "first", build)


def one_edited(factory: pytest.TempPathFactory) -> Made:
    """Return a run after a paragraph was added to the long document."""

    def build(folder: Path) -> None:
        made = copied(first_run(factory), folder)
        text = (made.corpus / LONG).read_text(encoding="utf-8")
        head, middle, tail = text.partition("## 5 Capítulo\n\n")
        assert middle
        added = paragraph(random.Random("novo"), 1)
        (made.corpus / LONG).write_text(f"{head}{middle}{added}\n\n{tail}", encoding="utf-8")
        made.keep(made.place.run())

    return _once(factory, "edited", build)


def renamed_deleted_added(factory: pytest.TempPathFactory) -> Made:
    """Return a run after one document was moved to another folder, one deleted, and one added."""

    def build(folder: Path) -> None:
        made = copied(first_run(factory), folder)
        root = made.corpus / FOLDER
        moved = root / "arquivo" / "renomeado.md"
        moved.parent.mkdir()
        (root / document_name(5)).rename(moved)
        (root / document_name(9)).unlink()
        (root / "novo.md").write_text(document(COUNT), encoding="utf-8")
        made.keep(made.place.run())

    return _once(factory, "moved", build)


def _once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Made:
    base = factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / f"incremental-{name}"
    with (shared / f"incremental-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "run.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
    return Made(folder)


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
