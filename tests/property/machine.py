"""Whatever happens before: after each run that ends well the collection says what the source says."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from runner.stages.chain import default_stages
from tests.crash.chain import Points
from tests.crash.tiny_model import write_tiny_model
from tests.property.in_process import InProcessChain, Interruption
from tests.property.world import SOURCES, Clock, Text, World, in_process
from tests.unit.core_notebooks import front_end

# Few of each, so that the same things meet again: at most five documents, which no guard keeps from leaving.
PATHS = st.sampled_from(["a.md", "b.md", "atas/c.md", "atas/a.md"])
TEXTS = st.sampled_from(
    [
        Text("O prazo é de dez dias. O ramal é 1234."),
        Text("O prazo é de vinte dias.\n\n## Anexo\n\nA norma vale para todos, e cada um a guarda."),
        Text("Quem guarda as chaves registra a entrega.", "publicado"),
        Text("A norma vale até o fim de junho.", until="2027-06-30"),
        Text("A minuta ainda muda.", "rascunho"),
        Text(""),
    ]
)
SETTINGS = st.sampled_from(
    [
        ("chunk_size", 60),
        ("chunk_size", 40),
        ("organization", "NIC"),
        ("organization", "CIN"),
        ("hybrid_search", True),
        ("hybrid_search", False),
        ("include_expired", True),
        ("include_expired", False),
        ("include_statuses", ["approved", "published"]),
        ("include_statuses", ["approved", "published", "draft"]),
        ("exclude_paths", []),
        ("exclude_paths", ["30-Aprovados/atas"]),
        ("embedding_model", "model"),
        ("embedding_model", "other model"),
    ]
)
STAGES = [stage.name for stage in default_stages()]
INTERRUPTIONS = st.builds(
    Interruption, st.sampled_from([*STAGES, "qdrant_storage", "qdrant_storage"]), st.integers(0, 90)
)
LOSSES = st.sampled_from(
    [
        "memo.sqlite", "vectors.sqlite", "sources.json", "outputs.id", "last good", "latest", "records",
        "newest record", "a point",
    ]
)  # fmt: skip
STEPS = st.sampled_from([timedelta(days=days) for days in (-400, -2, 2, 150, 400)])
SOURCE = st.sampled_from([SOURCES[0], SOURCES[0], SOURCES[1]])


class Workshop:
    """What all worlds share: models, the stages' code, collections that were built before; a context."""

    def __enter__(self) -> Workshop:
        self._stack = ExitStack()
        # The store is synced a thousand times: in memory, where there is such a place.
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self._stack.callback(shutil.rmtree, self.folder)
        for number, name in enumerate(("model", "other model")):
            write_tiny_model(self.folder / name, seed=number)
        self.clock, self.builds = Clock(), dict[str, Points]()
        self._shown = self._stack.enter_context(front_end(self.folder))
        self._stack.enter_context(in_process(self.clock))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def world(self) -> World:
        """Return a new world, at the beginning of its time."""
        folder = self.folder / "world"
        shutil.rmtree(folder, ignore_errors=True)
        self.clock.moment = Clock().moment
        return World(folder, self.folder / "model", InProcessChain(self._shown), self.clock, self.builds)


class Machine(RuleBasedStateMachine):
    """What people, clocks and accidents do to a world, in any order."""

    def __init__(self, workshop: Workshop) -> None:
        super().__init__()
        self.workshop, self.world = workshop, workshop.world()
        self.world.write("a.md", Text("O prazo é de dez dias. O ramal é 1234."))
        self.world.write("b.md", Text("A norma vale para todos."))
        self.world.write("a.md", Text("Outra casa, outras normas."), "dois")

    @rule(path=PATHS, text=TEXTS, source=SOURCE)
    def write(self, path: str, text: Text, source: str) -> None:
        self.world.write(path, text, source)

    @rule(path=PATHS, source=SOURCE)
    def withdraw(self, path: str, source: str) -> None:
        self.world.withdraw(path, source)

    @rule(path=PATHS, other=PATHS)
    def rename(self, path: str, other: str) -> None:
        self.world.rename(path, other)

    @rule(setting=SETTINGS)
    def change_setting(self, setting: tuple[str, Any]) -> None:
        name, value = setting
        self.world.settings[name] = str(self.workshop.folder / value) if name == "embedding_model" else value

    @rule(source=SOURCE)
    def run(self, source: str) -> None:
        self.world.run(source)

    @rule(path=PATHS, text=TEXTS)
    def write_and_run(self, path: str, text: Text) -> None:
        self.world.write(path, text)
        self.world.run()

    @rule(source=SOURCE, at=INTERRUPTIONS, killed=st.booleans())
    def run_interrupted(self, source: str, at: Interruption, killed: bool) -> None:
        self.world.run(source, interrupted=at, killed=killed)

    @rule()
    def resume(self) -> None:
        self.world.resume()

    @rule(path=PATHS, text=TEXTS, after=st.integers(0, 60))
    def run_while_edited(self, path: str, text: Text, after: int) -> None:
        self.world.run_while_edited(path, text, after)

    @rule(documents=st.integers(1, 2), source=SOURCE)
    def trial(self, documents: int, source: str) -> None:
        self.world.trial(documents, source)

    @rule(at=INTERRUPTIONS)
    def trial_interrupted(self, at: Interruption) -> None:
        self.world.trial(1, interrupted=at)

    @rule(stage=st.sampled_from(STAGES), downstream=st.booleans())
    def rerun(self, stage: str, downstream: bool) -> None:
        self.world.rerun(stage, downstream=downstream)

    @rule(path=PATHS)
    def force(self, path: str) -> None:
        self.world.force(path)

    @rule()
    def rebuild(self) -> None:
        self.world.rebuild()

    @rule(keep=st.integers(0, 3))
    def prune(self, keep: int) -> None:
        self.world.prune(keep)

    @rule()
    def repair(self) -> None:
        self.world.repair()

    @rule(what=LOSSES)
    def lose(self, what: str) -> None:
        self.world.lose(what)

    @rule(stage=st.sampled_from(STAGES), part=st.booleans(), gone=st.booleans())
    def damage(self, stage: str, part: bool, gone: bool) -> None:
        self.world.damage(stage, part=part, gone=gone)

    @rule()
    def save(self) -> None:
        self.world.save()

    @rule(part=st.sampled_from(["all", "all but", "collection"]))
    def restore(self, part: str) -> None:
        self.world.restore(part)

    @rule(by=STEPS)
    def step_clock(self, by: timedelta) -> None:
        self.world.clock.step(by)


def check_sequences(
    workshop: Workshop, number: int, sequences: int, steps: int, *, shrink: bool = False
) -> None:
    """Try so many sequences of so many steps, the same ones for the same number; print one that fails.

    Raises:
        AssertionError: the collection was another one than the source's, or a run failed without a reason.
    """
    phases = [Phase.generate, *([Phase.shrink] if shrink else [])]
    chosen = settings(
        max_examples=sequences,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=phases,
        verbosity=Verbosity.normal,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    made: Callable[[], Machine] = seed(number)(partial(Machine, workshop))
    run_state_machine_as_test(made, settings=chosen)
