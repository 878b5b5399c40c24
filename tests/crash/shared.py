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

from stagekit.base.paths import config_dir
from tests.crash.chain import Points, Workplace, read_points
from tests.crash.corpus import FOLDER, document, document_name, paragraph, write_corpus
from tests.crash.tiny_model import write_tiny_model

Told = tuple[int, dict[str, Any], dict[str, Any]]

COUNT = 48  # generated documents; beside them a long one, a copy of one, and a PDF
TOTAL = COUNT + 3
LONG = f"{FOLDER}/longo.md"
PDF = f"{FOLDER}/copia-de-seguranca.pdf"
ADDED = "O ramal da ouvidoria é 9999."
TWIN = f"{FOLDER}/gemeo.md"  # has the bytes of document 1


@dataclass(frozen=True)
class Made:
    """A finished run: the documents, the outputs, and what the command said."""

    folder: Path
    corpus: Path
    model: Path

    @property
    def place(self) -> Workplace:
        settings = {"source_path": self.corpus, "embedding_model": self.model}
        return Workplace(self.folder / "outputs", settings)

    @cached_property
    def points(self) -> Points:
        return read_points(self.folder / "outputs")

    def told(self, name: str = "run") -> Told:
        """Return exit code, summary and record of one of the runs that made this."""
        code, summary, record = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        return int(code), summary, record

    def keep(self, told: Told, name: str = "run") -> None:
        """Keep what a run told."""
        (self.folder / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")


def copied(made: Made, folder: Path, *, own_corpus: bool = False) -> Made:
    """Return a copy of a run's outputs, and of its documents where they are to be changed."""
    shutil.copytree(made.folder / "outputs", folder / "outputs", symlinks=True)
    if own_corpus:
        shutil.copytree(made.corpus, folder / "corpus")
    return Made(folder, folder / "corpus" if own_corpus else made.corpus, made.model)


def first_run(factory: pytest.TempPathFactory) -> Made:
    """Return the first run on the corpus; its last stage failed at first, for there was no Qdrant server."""

    def build(made: Made) -> None:
        write_tiny_model(made.model)
        write_corpus(made.corpus, COUNT)
        chance = random.Random("longo")
        sections = [f"## {number} Capítulo\n\n{paragraph(chance, 3)}" for number in range(1, 10)]
        text = "---\ntitle: Manual longo\nstatus: approved\n---\n\n# Manual longo\n\n" + "\n\n".join(sections)
        (made.corpus / LONG).write_text(text + "\n", encoding="utf-8")
        shutil.copy(made.corpus / FOLDER / document_name(1), made.corpus / TWIN)
        sample = next((config_dir() / "sample_repository" / FOLDER).rglob("procedimento-de-copia*.pdf"))
        shutil.copy(sample, made.corpus / PDF)
        made.keep(made.place.run(qdrant_url=f"http://127.0.0.1:{_closed_port()}"), "without_store")
        made.keep(made.place.run())

    return _once(factory, "first", build)


def one_edited(factory: pytest.TempPathFactory) -> Made:
    """Return a run after a paragraph was added to the long document, and the PDF was cut short."""

    def build(made: Made) -> None:
        copied(first_run(factory), made.folder, own_corpus=True)
        text = (made.corpus / LONG).read_text(encoding="utf-8")
        head, middle, tail = text.partition("## 5 Capítulo\n\n")
        added = f"{ADDED} {paragraph(random.Random('novo'), 1)}"
        (made.corpus / LONG).write_text(f"{head}{middle}{added}\n\n{tail}", encoding="utf-8")
        pdf = (made.corpus / PDF).read_bytes()
        (made.corpus / PDF).write_bytes(pdf[: len(pdf) // 3])
        made.keep(made.place.run())

    return _once(factory, "edited", build)


def renamed_deleted_added(factory: pytest.TempPathFactory) -> Made:
    """Return a run after one document was moved to another folder, one deleted, and one added."""

    def build(made: Made) -> None:
        copied(first_run(factory), made.folder, own_corpus=True)
        root = made.corpus / FOLDER
        moved = root / "arquivo" / "renomeado.md"
        moved.parent.mkdir()
        (root / document_name(5)).rename(moved)
        (root / document_name(9)).unlink()
        (root / "novo.md").write_text(document(COUNT), encoding="utf-8")
        made.keep(made.place.run())

    return _once(factory, "moved", build)


def _once(factory: pytest.TempPathFactory, name: str, build: Callable[[Made], None]) -> Made:
    base = factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / f"incremental-{name}"
    made = Made(folder, folder / "corpus", shared / "tiny-model")
    with (shared / f"incremental-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "run.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(made)
    return made


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
