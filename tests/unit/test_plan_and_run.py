"""A promise in every state: what the plan says of a stage is what the next run does with it, and why."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig
from runner.errors import StageCancelledError, StageExecutionError
from runner.events import Event
from runner.kernels.execution import NotebookJob
from runner.models import ExecutionStatus
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.record.state_manager import StateManager
from runner.results import PipelineResult
from stagekit.artifacts.store import ArtifactStore
from stagekit.artifacts.tables import encode_rows
from stagekit.checks.reread import PARTS, changed_contents
from stagekit.contract import STAGE_RESULT, StageResult, artifact_refs, read_scraps
from stagekit.ingestion.content import file_blob_id
from tests.property.in_process import NoKernels
from tests.toy_chain import toy_chain, write_notebook
from tests.unit.core_notebooks import START, executed_notebook
from tests.unit.storage_files import leave_store

ALL = ["listing", "shout", "count", "measure", "storing"]
OUTSIDE = {"listing": "source", "storing": "store"}


class World:
    """The toy chain over a folder and a store; what a stage makes follows from its inputs and settings."""

    def __init__(self, folder: Path) -> None:
        self.outputs, self.source = folder / "outputs", folder / "source"
        self.document = self.source / "30-Aprovados" / "a.md"
        self.document.parent.mkdir(parents=True)
        self.document.write_text("a")
        self.stages = [
            dataclasses.replace(stage, outside=OUTSIDE.get(stage.name, ""), executor_function=self._execute)
            for stage in toy_chain(folder / "notebooks")
        ]
        self.executed: list[str] = []
        self.reasons: dict[str, tuple[str, ...]] = {}
        self.breaks: dict[str, Exception] = {}
        self.failing: set[str] = set()
        self.aside: set[str] = set()
        self.collection = leave_store(self.outputs) / "collection.json"
        write_notebook(self.stages[-1].notebook, "storing", 'collection_name: str = ""', "pass")

    def chain(self, **settings: Any) -> PipelineOrchestrator:
        self.executed, self.reasons = [], {}
        usual = {"outputs_dir": str(self.outputs), "source_path": str(self.source), "chunk_size": 20}
        config = PipelineConfig(**usual | {"chunk_overlap": 1, "max_retries": 0} | settings)
        kernels = NoKernels(self.outputs, {})
        return PipelineOrchestrator(
            config=config, stages=self.stages, kernels=kernels, after=(), listener=self._hear
        )

    def run(self, **settings: Any) -> PipelineResult:
        return self.chain(**settings).execute_full_pipeline()

    def broken(self, stage: str, error: Exception, **settings: Any) -> None:
        """Run the chain until it breaks off in a stage."""
        self.breaks = {stage: error}
        assert self.run(**settings).exit_code != 0
        self.breaks = {}

    def run_with_a_failed_document(self, stage: str) -> None:
        self.failing = {stage}
        self.run()
        self.failing = set()

    def alter_notebook(self, stage: str) -> None:
        notebook = self._notebook(stage)
        notebook.chmod(0o600)
        notebook.write_text(notebook.read_text() + " ")

    def alter_product(self, stage: str) -> None:
        [ref, *_] = artifact_refs(list(read_scraps(self._notebook(stage)).values()))
        [place] = self.outputs.rglob(f"*{ref.sha256}*")
        place.chmod(0o600)
        place.write_bytes(b"altered")

    def write_to_the_collection(self, session: str) -> None:
        entry = json.loads(self.collection.read_text())
        self.collection.write_text(json.dumps(entry | {"sessions": session}))

    def _notebook(self, stage: str) -> Path:
        record = StateManager(self.outputs)
        found = record.last_checkpoint(stage)
        assert found is not None
        return record.absolute(found[1].notebook)

    def _hear(self, event: Event) -> None:
        if event.kind == "stage_started":
            self.reasons[event.stage] = tuple(event.data["reasons"])

    def _execute(self, job: NotebookJob) -> None:
        """Leave what an executed notebook leaves."""
        self.executed.append(job.stage)
        if error := self.breaks.get(job.stage):
            raise error
        upstream = [Path(path) for path in job.parameters["upstream"].values()]
        read = [ref.sha256 for path in upstream for ref in artifact_refs(list(read_scraps(path).values()))]
        told = {name: job.parameters[name] for name in ("chunk_size", "max_pages") if name in job.parameters}
        seen = self._read() if job.stage == "listing" else []
        word = hashlib.sha256(repr((job.stage, read, told, seen)).encode()).hexdigest()
        product = ArtifactStore(self.outputs / "artifacts").put_table(
            "made", encode_rows([{"path": "30-Aprovados/a.md", "word": word}])
        )
        if job.parameters.get("collection_name") == "nic_documents":  # a trial fills another one
            self.write_to_the_collection(word)
        products = {"made": product}
        if job.stage == "listing":
            rows = {"documents": seen, "ignored": [{"path": path} for path in sorted(self.aside)]}
            products |= {
                name: ArtifactStore(self.outputs / "artifacts").put_table(name, encode_rows(rows[name]))
                for name in rows
            }
        result = StageResult(
            stage_name=job.stage,
            status=ExecutionStatus.PARTIAL if job.stage in self.failing else ExecutionStatus.SUCCESS,
            start_time=START,
            end_time=START,
            retry_count=int(job.stage in self.failing),
            artifacts=products,
        )
        scraps = {name: ref.model_dump(mode="json") for name, ref in products.items()}
        scraps[STAGE_RESULT] = result.model_dump(mode="json")
        executed_notebook(job.target.with_suffix(".new"), scraps).replace(job.target)

    def _read(self) -> list[dict[str, str]]:
        """The documents of the source, but for those that are set aside."""
        files = {str(path.relative_to(self.source)): path for path in sorted(self.source.rglob("*.md"))}
        return [
            {"path": path, "status": "ok", "blob_id": file_blob_id(file)}
            for path, file in files.items()
            if path not in self.aside
        ]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


FAULT, CANCELLED = StageExecutionError("count", "no luck"), StageCancelledError("shout", "cancelled")
State = tuple[str, Callable[[World], object], dict[str, Any], list[str]]
STATES: list[State] = [
    ("fresh", lambda _: None, {}, ALL),
    ("unchanged", lambda w: w.run(), {}, []),
    ("carried over before", lambda w: (w.run(), w.run()), {}, []),
    ("another setting", lambda w: w.run(), {"chunk_size": 30}, ALL[1:]),
    ("another speed", lambda w: w.run(), {"workers": 3, "batch_size": 8, "request_timeout_s": 9}, []),
    ("tried and taken back", lambda w: (w.run(), w.run(chunk_size=30)), {}, ["storing"]),
    ("a document changed", lambda w: (w.run(), w.document.write_text("b")), {}, ALL),
    ("changed, run, and changed back",
     lambda w: (w.run(), w.document.write_text("b"), w.run(), w.document.write_text("a")),
     {}, ["listing", "storing"]),
    ("after a trial", lambda w: (w.run(), w.chain().execute_test_run(1)), {}, []),
    ("after a trial with another setting",
     lambda w: (w.run(), w.chain(chunk_size=30).execute_stage("shout", downstream=True)), {}, []),
    ("what a trial tried is wanted",
     lambda w: (w.run(), w.chain(chunk_size=30).execute_stage("shout", downstream=True)),
     {"chunk_size": 30}, ALL[1:]),
    ("after a rerun of one stage", lambda w: (w.run(), w.chain().execute_stage("shout")), {}, []),
    ("after a rerun of one stage with another setting",
     lambda w: (w.run(), w.chain(chunk_size=30).execute_stage("shout")), {}, []),
    ("after a rerun that is published",
     lambda w: (w.run(), w.chain(chunk_size=30).execute_stage("shout", downstream=True, publish=True)),
     {}, ["storing"]),
    ("after a failed stage", lambda w: (w.run(), w.broken("count", FAULT, chunk_size=30)),
     {"chunk_size": 30}, ["count", "storing"]),
    ("after a failed stage, taken back",
     lambda w: (w.run(), w.broken("count", FAULT, chunk_size=30)), {}, []),
    ("a first run that failed", lambda w: w.broken("count", FAULT), {}, ["count", "storing"]),
    ("cancelled", lambda w: (w.run(), w.broken("shout", CANCELLED, chunk_size=30)),
     {"chunk_size": 30}, ALL[1:]),
    ("a failed document", lambda w: w.run_with_a_failed_document("shout"), {}, ["shout"]),
    ("an altered product", lambda w: (w.run(), w.alter_product("shout")), {}, ["shout"]),
    ("an altered notebook", lambda w: (w.run(), w.alter_notebook("count")), {}, ["count"]),
    ("somebody wrote to the store", lambda w: (w.run(), w.write_to_the_collection("alien")), {}, ["storing"]),
    ("all is to be made again", lambda w: w.run(), {"force_refresh": True}, ALL),
    ("nothing is to be carried over", lambda w: w.run(), {"skip_existing": False}, ALL),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "settings", "executed"), [s[1:] for s in STATES], ids=[s[0] for s in STATES]
)
def test_a_run_does_what_the_plan_said_and_for_that_reason(
    world: World, before: Callable[[World], object], settings: dict[str, Any], executed: list[str]
) -> None:
    before(world)
    planned = {stage.name: stage for stage in world.chain(**settings).plan().stages}
    result = world.run(**settings)

    assert result.overall_status is ExecutionStatus.SUCCESS, result.state.error
    assert sorted(world.executed) == sorted(executed)
    for name, stage in planned.items():
        if stage.action != "decide":  # that depends on what the stages before it make
            assert (stage.action == "run") == (name in executed), (name, stage)
        # Of a changed source the plan names the documents; what stages before it will make it cannot know.
        if stage.action == "run" and "1 document changed" not in stage.reasons[0]:
            assert set(stage.reasons) <= {*world.reasons[name]}
    assert {stage.action for stage in world.chain(**settings).plan().stages} == (
        {"run"} if {"force_refresh", "skip_existing"} & settings.keys() else {"carry over"}
    )


NEW = ", ".join(f"30-Aprovados/{name}.md (new)" for name in "bcdef")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("b", "1 document changed: 30-Aprovados/b.md (new)"),
        ("ab", "2 documents changed: 30-Aprovados/a.md, 30-Aprovados/b.md (new)"),
        ("bcdef", f"5 documents changed: {NEW}"),
        ("bcdefgh", f"7 documents changed: {NEW} and 2 more"),
    ],
)
def test_the_plan_names_the_first_documents_that_changed(world: World, names: str, said: str) -> None:
    draft = world.document.with_name("draft.md")
    draft.write_text("left out")
    world.aside = {"30-Aprovados/draft.md"}
    world.run()
    for name in names:
        world.document.with_name(f"{name}.md").write_text("changed")
    assert world.chain().plan().stages[0].reasons == (said,)


@pytest.mark.parametrize("changed", [1, 2])
def test_contents_that_changed_under_old_stamps_are_found_by_a_run_that_works(
    world: World, monkeypatch: pytest.MonkeyPatch, changed: int
) -> None:
    # As on a file system without inodes and change times.
    monkeypatch.setattr("stagekit.ingestion.folder_state.folder_state", lambda *_: "as it was")
    files = [world.document.with_name(f"{number}.md") for number in range(60)]
    for file in files:
        file.write_text("as it was")
    world.run()
    settings = world.chain().config.model_dump(mode="json")
    read = {f"30-Aprovados/{file.name}": "" for file in files}
    parts = [changed_contents(settings, read, part) for part in range(PARTS)]
    turn = next(number for number, part in enumerate(parts) if len(part) >= changed)
    for name in parts[turn][:changed]:
        (world.source / name).write_text("as it is.")
    place = world.outputs / "reread.json"
    assert not place.exists()  # a run that reads the source knows all of it

    place.write_text(json.dumps({"next": turn + PARTS}))
    world.run()
    assert world.executed == []  # and one that does nothing reads nothing
    assert json.loads(place.read_text()) == {"next": turn + PARTS}

    result = world.run(chunk_size=30)
    more = "" if changed == 1 else " and 1 more"
    assert result.summary["warnings"] == [
        f"{parts[turn][0]}{more} changed, although size, time and inode did not: the source is read anew."
    ]
    assert (world.executed.count("listing"), world.executed.count("shout")) == (1, 2)
    assert json.loads(place.read_text()) == {"next": (turn + 1) % PARTS}
