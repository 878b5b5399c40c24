"""Promises of the chain over time: the collection says what the source says, whatever happened before.

Each story is one that once ended otherwise. The last test tells stories that nobody thought of.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta

import pytest

from stagekit.checks.reread import PARTS, changed_contents
from tests.crash.chain import Points, differences
from tests.property.in_process import Interruption
from tests.property.machine import Workshop, check_sequences
from tests.property.world import Text, World

pytestmark = pytest.mark.slow
OLD, NEW = Text("O prazo é de dez dias."), Text("O prazo é de vinte dias.")
SAME_SIZE = Text("O prazo é de trinta dias.")
OTHER = Text("A norma vale para todos.")
LONG = Text(" ".join(f"O prazo do item {number} é de {number} dias úteis." for number in range(2, 12)))


def tokens(points: Points) -> list[int]:
    return [payload["chunk_token_count"] for _, payload in points.values()]


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with Workshop() as opened:
        yield opened


@pytest.fixture
def world(workshop: Workshop) -> World:
    made = workshop.world()
    made.write("a.md", OLD)
    made.write("b.md", OTHER)
    made.run()
    return made


def test_another_chunk_size_cuts_every_document_anew_and_taken_back_leaves_no_trace(world: World) -> None:
    for number in range(2):
        world.write(f"longa-{number}.md", LONG)
    world.run()
    before = world.points()
    world.settings["chunk_size"] = 40
    world.run()
    assert world.chain.executed == [stage.name for stage in world.chain.stages()[2:]]
    after = world.points()
    assert len(after) > len(before)
    assert max(tokens(before)) > 40 * 1.04 >= max(tokens(after))
    world.settings["chunk_size"] = 60
    world.run()
    world.rerun("metadata_enrichment", downstream=True)
    world.repair()
    world.prune(1)
    world.rebuild()
    world.run()


def test_a_trial_is_seen_nowhere_not_even_when_it_is_resumed(world: World) -> None:
    world.settings["organization"] = "CIN"
    world.trial(1, interrupted=Interruption("qdrant_storage", 40))
    world.resume()
    world.settings["organization"] = "NIC"
    world.rerun("qdrant_storage")
    world.repair()
    world.run()


def test_a_withdrawn_document_does_not_come_back_with_a_file_that_cannot_be_read(world: World) -> None:
    world.write("a.md", Text(""))
    world.run()  # its last readable version is served, and says that it is not the latest
    world.withdraw("a.md")
    world.run()
    world.write("a.md", Text(""))
    world.run()
    world.rebuild()
    world.run()


def test_a_document_that_was_there_only_while_the_source_was_read_goes(world: World) -> None:
    for after in range(20, 60, 5):  # before and after the files were listed
        world.run_while_edited("c.md", NEW, after)
        world.withdraw("c.md")
        world.run()


def test_a_clock_that_was_ahead_does_not_rule(world: World) -> None:
    world.clock.step(timedelta(days=400))
    world.write("a.md", NEW)
    world.run()
    world.clock.step(timedelta(days=-400))
    world.write("a.md", OLD)
    world.run()
    world.rerun("metadata_enrichment", downstream=True)
    world.withdraw("b.md")
    world.run(interrupted=Interruption("qdrant_storage", 45), killed=True)
    world.resume()


def test_a_file_changed_under_its_old_stamps_is_found_by_a_run_that_works(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on a file system without inodes and change times.
    monkeypatch.setattr("stagekit.ingestion.folder_state.folder_state", lambda *_: "as it was")
    world.write("a.md", NEW)
    world.run()
    world.write("a.md", SAME_SIZE)
    settings, known = world.config().model_dump(mode="json"), {"30-Aprovados/a.md": ""}
    part = next(part for part in range(PARTS) if changed_contents(settings, known, part))
    (world.outputs / "reread.json").write_text(f'{{"next": {part}}}')
    world.settings["organization"] = "CIN"
    world.run()


def test_a_lost_collection_is_filled_from_the_artifacts_without_converting_or_embedding(world: World) -> None:
    before = world.points()
    shutil.rmtree(world.outputs / "qdrant")
    world.run()
    assert world.chain.executed == ["qdrant_storage"]
    assert differences(world.points(), before) == []


def test_a_restored_collection_or_state_is_brought_in_step(world: World) -> None:
    world.save()
    world.write("a.md", NEW)  # as many points as before
    world.run()
    for part in ("collection", "all but", "all"):
        world.restore(part)
        world.run()


def test_two_sources_change_the_chunking_and_go_back(world: World) -> None:
    world.write("z.md", OTHER, "dois")
    world.run("dois")
    world.settings["chunk_size"] = 40
    world.run()  # waits for the other one
    world.settings["chunk_size"] = 60
    world.write("a.md", NEW)
    world.run()
    world.settings["chunk_size"] = 40
    world.run("dois")  # the part that was given up is older than what is served
    world.run()
    world.run("dois")


def test_whatever_happens_the_collection_says_what_the_source_says(workshop: Workshop) -> None:
    check_sequences(workshop, 11, sequences=5, steps=25)
