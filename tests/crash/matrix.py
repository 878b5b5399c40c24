"""The prepared states from which runs are killed, and the named points of the whole matrix."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.crash.chain import Points, Workplace, read_points
from tests.crash.corpus import FOLDER, document, document_name, paragraph, write_corpus
from tests.crash.harness import Kill, interrupt
from tests.crash.tiny_model import write_tiny_model

DOCUMENTS = 32
# A state is what a runner leaves that is killed right after the stage's checkpoint.
_STATES = {
    "after-01": "gitlab_ingestion=success",
    "after-02": "document_processing=success",
    "after-03": "text_chunking=success",
    "after-05": "embedding_generation=success metadata_enrichment=success",
}
BEGINS = {
    "gitlab_ingestion": "done-before",
    "document_processing": "after-01",
    "text_chunking": "after-02",
    "embedding_generation": "after-03",
    "metadata_enrichment": "after-03",
    "qdrant_storage": "after-05",
}


def _kills(begin: str, *points: str) -> list[Kill]:
    return [Kill(begin, point) for point in points]


NAMED = [
    *_kills(
        "nothing",
        "runner/before_rename@run.json#1",
        "runner/before_rename@run.json#4",
        "runner/after_rename@run.json#2",
        "gitlab_ingestion/in_commit@memo.sqlite#20",
        "document_processing/before_memo#16",
        "worker/before_rename@artifacts#9",
        "qdrant_storage/before_rename@collection.json#1",
        "qdrant_storage/after_rename@collection.json#1",
        "qdrant_storage/before_upsert#1",
        "qdrant_storage/after_upsert#16",
        "qdrant_storage/before_rename@aliases.json#1",
        "qdrant_storage/after_rename@aliases.json#1",
    ),
    *_kills(
        "done-before",
        "runner/after_checkpoint#1",
        "runner/before_checkpoint@gitlab_ingestion=success#1",
        "gitlab_ingestion/before_rename@artifacts#2",
        "gitlab_ingestion/after_memo#2",
    ),
    *_kills(
        "after-01",
        "worker/after_rename@artifacts#1",
        "document_processing/before_rename@artifacts#1",
        "document_processing/in_commit@memo.sqlite#3",
        "runner/before_rename@02_document_processing.ipynb#3",
        "runner/before_checkpoint@document_processing=success#1",
    ),
    *_kills(
        "after-02",
        "text_chunking/before_memo#2",
        "text_chunking/before_rename@artifacts#3",
        "text_chunking/in_commit@memo.sqlite#2",
        "runner/before_rename@latest#1",
        "runner/after_rename@03_text_chunking.ipynb#2",
    ),
    *_kills(
        "after-03",
        "embedding_generation/before_commit@vectors.sqlite#2",
        "embedding_generation/in_commit@vectors.sqlite#2",
        "embedding_generation/after_commit@vectors.sqlite#2",
        "embedding_generation/before_rename@artifacts#2",
        "metadata_enrichment/before_memo#4",
        "metadata_enrichment/in_commit@memo.sqlite#3",
        "runner/after_checkpoint@metadata_enrichment=success#1",
    ),
    *_kills(
        "after-05",
        "qdrant_storage/before_upsert#1",
        "qdrant_storage/after_upsert#1",
        "qdrant_storage/before_rename@collection.json#1",
        "qdrant_storage/before_delete#1",
        "qdrant_storage/after_delete#1",
        "qdrant_storage/before_delete#3",
        "qdrant_storage/before_rename@artifacts#1",
        "runner/before_checkpoint@qdrant_storage=success#1",
        "runner/after_rename@run.json#3",
        "runner/before_rename@run.json#3",
    ),
]
"""Kills at named points: between temporary write and rename, between artifact, memo and checkpoint, inside
SQLite's commit, between upsert and delete."""


@dataclass(frozen=True)
class Prepared:
    """What the matrix starts from.

    Attributes:
        states: workplace by name: ``nothing``, ``done-before`` (the collection holds the corpus as it was
            before its change), ``after-01`` … (the run on the changed corpus, broken off after a stage).
        wanted: the collection of an uninterrupted run on the changed corpus.
        durations: seconds that each stage took in it.
        faults: what was wrong about the prepared states themselves.
    """

    states: dict[str, Workplace]
    wanted: Points
    durations: dict[str, float]
    faults: list[str]


def change_corpus(root: Path) -> None:
    """Change three documents, add two, rename one and delete two."""
    folder = root / FOLDER
    for number in (3, 11, 20):
        path = folder / document_name(number)
        text = path.read_text(encoding="utf-8")
        path.write_text(f"{text}\n## 9 Anexo\n\n{_addition(number)}\n", encoding="utf-8")
    text = (folder / document_name(7)).read_text(encoding="utf-8")
    halved = text.rpartition("\n\n##")[0]  # a document that shrinks: points of it have to go
    (folder / document_name(7)).write_text(halved + "\n", encoding="utf-8")
    for number in (DOCUMENTS, DOCUMENTS + 1):
        path = folder / document_name(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document(number), encoding="utf-8")
    renamed = folder / document_name(5)
    renamed.rename(renamed.with_name("renomeado.md"))
    for number in (14, 15):
        (folder / document_name(number)).unlink()


def prepare(folder: Path, say: Callable[[str], object]) -> Prepared:
    """Make corpora, model, the uninterrupted run, and the states before and after each stage."""
    shutil.rmtree(folder, ignore_errors=True)
    corpus, changed = folder / "before" / "corpus", folder / "after" / "corpus"
    write_corpus(corpus, DOCUMENTS)
    shutil.copytree(corpus, changed)
    change_corpus(changed)
    model = str(write_tiny_model(folder / "model"))

    def workplace(name: str, source: Path) -> Workplace:
        (folder / name).mkdir(exist_ok=True)
        return Workplace(folder / name / "outputs", {"source_path": source, "embedding_model": model})

    say("uninterrupted run on the corpus before its change")
    first = workplace("first", corpus)
    code, summary, _ = first.run()
    assert code == 0, summary
    say("uninterrupted run on the changed corpus")
    reference = workplace("reference", changed)
    code, summary, record = reference.run()
    assert code == 0, summary
    durations = {name: stage["seconds"] for name, stage in record["stages"].items()}
    states = {
        "nothing": workplace("nothing", changed),
        "done-before": Workplace(first.outputs, reference.settings),
    }
    faults = []
    last = states["done-before"]
    for name, checkpoint in _STATES.items():
        say(f"state {name}")
        place = workplace(name, changed)
        shutil.copytree(last.outputs, place.outputs, symlinks=True)
        if not interrupt(place, Kill(name, f"runner/after_checkpoint@{checkpoint}#1")):
            faults.append(f"{name}: the runner was not killed")
        last = states[name] = place
    return Prepared(states, read_points(reference.outputs), durations, faults)


def _addition(number: int) -> str:
    import random

    return paragraph(random.Random(f"added/{number}"))
