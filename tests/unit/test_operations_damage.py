"""A document's damaged artifact: its stage's result is not reused until the stage has made it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.models import Checkpoint, PipelineState
from runner.record.damage import (
    altered_notebooks,
    check_artifacts,
    forget_lost,
    lost_artifacts,
    needed_artifacts,
    scrub_share,
)
from runner.record.state_manager import StateManager
from stagekit.artifacts.references import made_references
from stagekit.artifacts.scrub import Scrubbed, scrub
from stagekit.artifacts.store import ArtifactStore
from stagekit.errors import ArtifactError
from tests.unit.operations_runs import Shouting

TEXTS = {"a.md": "first", "b.md": "second"}


@pytest.fixture
def shouting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shouting:
    return Shouting(tmp_path, monkeypatch.setenv)


@pytest.fixture
def made(shouting: Shouting) -> Checkpoint:
    return shouting.run(TEXTS).stages["shout"]


def part(manager: StateManager, checkpoint: Checkpoint) -> Path:
    """Return where an artifact of a document lies."""
    assert checkpoint.result is not None
    table = manager.store.open_table(checkpoint.result.artifacts["shouted"])
    [uri, *_] = next(iter(made_references(table)))[2]
    return manager.outputs / "artifacts" / uri


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


def test_a_damaged_part_counts_once_somebody_has_read_it(shouting: Shouting, made: Checkpoint) -> None:
    manager = shouting.manager
    path = part(manager, made)
    flip(path)
    assert manager.faults(made) == []
    with pytest.raises(ArtifactError, match="was altered since it was stored; the next `nic-etl run` makes"):
        manager.store.content(f"sha256/{path.parent.name}/{path.name}")

    [fault] = manager.faults(made)
    assert path.name in fault
    assert "is made again" in fault
    assert manager.find_checkpoint("shout", "") is None


def test_the_stage_makes_what_is_lost_again_and_nothing_else(shouting: Shouting, made: Checkpoint) -> None:
    manager = shouting.manager
    path = part(manager, made)
    whole = path.read_bytes()
    flip(path)
    assert check_artifacts(manager).damaged
    shouting.worked.clear()

    again = shouting.run(TEXTS).stages["shout"]

    assert path.read_bytes() == whole
    assert len(shouting.worked) == 1
    assert manager.faults(again) == []
    assert manager.store.lost() == set()
    assert check_artifacts(manager).damaged == ()


def test_all_artifacts_are_checked_and_missing_ones_are_missed(shouting: Shouting, made: Checkpoint) -> None:
    manager = shouting.manager
    path = part(manager, made)
    path.unlink()

    found = check_artifacts(manager)

    [sentence] = found.damaged
    assert path.name in sentence
    assert "is missing from the store; the next `nic-etl run` makes it again" in sentence
    assert found.checked > 0
    assert manager.faults(made)


def test_what_the_newest_results_need_is_their_products_and_what_those_refer_to(
    shouting: Shouting, made: Checkpoint
) -> None:
    manager = shouting.manager
    manager.store.put("left over", b"nobody needs it", "text/plain")
    assert made.result is not None
    stored = {uri: size for uri, size, _ in manager.store.entries()}
    needed = {ref.uri: ref.bytes for ref in needed_artifacts(manager)}
    assert needed.keys() >= {ref.uri for ref in made.result.artifacts.values()}
    assert (needed.items() <= stored.items(), len(stored) - len(needed)) == (True, 1)
    assert all(ref.sha256 in ref.uri and manager.store.verify(ref) for ref in needed_artifacts(manager))
    path = part(manager, made)
    assert any(uri.endswith(path.name) for uri in needed)
    path.unlink()
    found = check_artifacts(manager)
    assert (found.checked, len(found.damaged)) == (len(stored) - 1, 1)
    [line] = [one for one in manager.audit_log.entries() if one["what"] == "artifacts_damaged"]
    assert line["artifacts"] == [*found.damaged]
    assert check_artifacts(manager).damaged == ()  # what is known to be lost is told once


def test_a_store_that_does_not_answer_has_lost_nothing_and_a_run_goes_on(
    shouting: Shouting, made: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise ArtifactError("the store is away")

    manager = shouting.manager
    for name in ("lost", "forget_lost", "entries"):
        monkeypatch.setattr(ArtifactStore, name, away)
    assert lost_artifacts(manager) == set()
    forget_lost(manager, {"a"})
    [said] = scrub_share(manager, 600)
    assert said == "The artifacts could not be checked (the store is away); the run is not affected."


def test_an_altered_notebook_that_several_runs_name_is_told_once(
    shouting: Shouting, made: Checkpoint
) -> None:
    manager = shouting.manager
    first, second = shouting.run(TEXTS), shouting.run(TEXTS)
    third = PipelineState(
        execution_id="x", stages=first.stages | {"begun": Checkpoint(stage="begun", status="running")}
    )
    runs = [first, second, third]
    assert altered_notebooks(manager, runs) == []
    notebook = manager.absolute(first.stages["shout"].notebook)
    notebook.write_text("{}")
    assert altered_notebooks(manager, runs) == [f"{notebook} was altered since its stage ended"]


def test_what_no_result_refers_to_is_forgotten_after_a_good_run(shouting: Shouting, made: Checkpoint) -> None:
    manager = shouting.manager
    ref = manager.store.put("left over", b"nobody needs it", "text/plain")
    flip(manager.outputs / "artifacts" / ref.uri)
    check_artifacts(manager)
    assert manager.faults(made) == []

    before = lost_artifacts(manager)
    assert before == {ref.uri}
    forget_lost(manager, before)

    assert lost_artifacts(manager) == set()
    assert not list((manager.outputs / "artifacts" / "lost").iterdir())


def test_each_run_checks_its_share_and_warns_of_damage(
    shouting: Shouting, made: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = shouting.manager
    assert scrub_share(manager, 600) == []
    path = part(manager, made)
    flip(path)

    assert scrub_share(manager, 0) == []
    shares = []

    def counted(store: ArtifactStore, after: str, seconds: float) -> Scrubbed:
        shares.append(seconds)
        return scrub(store, after, seconds)

    monkeypatch.setattr("runner.record.damage.scrub", counted)
    [warning] = scrub_share(manager, 600)
    assert shares == [12.0]

    assert path.name in warning
    assert any(
        "artifacts_damaged" in line for line in (manager.outputs / "audit.jsonl").read_text().splitlines()
    )


def test_a_damaged_note_of_the_place_begins_anew(shouting: Shouting, made: Checkpoint) -> None:
    manager = shouting.manager
    for text in ("{", "[]", '{"last": 5}'):
        (manager.outputs / "scrub.json").write_text(text)
        assert scrub_share(manager, 600) == []
    assert '"sha256/' in (manager.outputs / "scrub.json").read_text()
