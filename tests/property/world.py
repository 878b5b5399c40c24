"""A small world around the chain: sources that people work on, one outputs folder, a clock, and accidents.

What has to come of a run is asked of the chain itself: the same source, built from nothing. So the world
knows no rule of the product but one: the collection says what the source says.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from runner.config_manager import PipelineConfig, load_config, load_recorded
from runner.errors import ConfigurationError, PipelineOrchestrationError, StateManagementError
from runner.models import ExecutionStatus
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.record.state_manager import StateManager
from runner.results import PipelineResult
from runner.upkeep.prune import apply_prune, plan_prune
from runner.upkeep.rebuild import rebuild_state
from stagekit.artifacts.references import made_references
from stagekit.artifacts.store import outputs_store
from stagekit.artifacts.table_files import PARQUET
from stagekit.contract import stage_result
from stagekit.errors import ArtifactError
from stagekit.ingestion.identity import source_id
from stagekit.storage import open_embedded
from stagekit.storage.collections import served_collection
from stagekit.tools.verify import verify
from tests.crash.chain import SETTINGS, Points, differences, read_points
from tests.property.in_process import InProcessChain, InProcessWorkers, Interruption, NoKernels

COLLECTION = "nic_documents"
SOURCES = ("um", "dois")
Tree = dict[str, tuple[bytes, int]]  # content and time (ns) by path
_GOOD = {ExecutionStatus.SUCCESS, ExecutionStatus.PARTIAL}
# A run may fail because it waits for the other source, or because there is nothing and never was anything.
_WAITS = "also holds points of"
_HEALS = "makes it again"  # the first one that meets a damaged artifact
_EMPTY = ("No document has embeddings", "holds no file under")
_STALE = "stale"
_BEGIN = datetime(2027, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Text:
    """A version of a document.

    Attributes:
        body: what it says; empty for a file from which nothing can be read.
        status: what it declares.
        until: its last day; empty for none.
    """

    body: str
    status: str = "aprovado"
    until: str = ""

    def content(self) -> bytes:
        """Return it as a Markdown file."""
        if not self.body:
            return b""
        last = f"expiration_date: {self.until}\n" if self.until else ""
        return f"---\nstatus: {self.status}\n{last}---\n# Norma\n\n{self.body}\n".encode()


class Clock:
    """What the product takes for the time."""

    def __init__(self) -> None:
        self.moment = _BEGIN

    def step(self, by: timedelta) -> None:
        """Set it forward or back."""
        self.moment += by

    def __call__(self) -> datetime:
        """Return the time, which passes a little with each question."""
        self.moment += timedelta(milliseconds=1)
        return self.moment


@contextmanager
def in_process(clock: Clock) -> Iterator[None]:
    """Let stage 02 call its workers' function, no notebook draw, and the product read this clock."""

    class Moment(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return clock().astimezone(tz)

    class Day(date):
        @classmethod
        def today(cls) -> date:
            return clock().date()

    modules = ("runner.models", "runner.upkeep.prune", "stagekit.checks.store_state")
    modules += ("stagekit.stage.execution", "stagekit.stage.stage", "stagekit.storage.collections")
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch("stagekit.workers.team.DocumentWorkers", InProcessWorkers))
        stack.enter_context(mock.patch("stagekit.stage.stage.Stage.worth_a_plot", return_value=False))
        stack.enter_context(mock.patch("stagekit.declared.in_force.date", Day))
        for module in modules:
            stack.enter_context(mock.patch(f"{module}.datetime", Moment))
        yield


class World:
    """Sources, outputs folder and clock, and what is known of the collection.

    Args:
        folder: for everything; empty.
        model: a folder with an embedding model.
        chain: the stages.
        clock: that the product reads.
        builds: collections built from nothing, by what they were built from; shared by worlds.
    """

    def __init__(
        self, folder: Path, model: Path, chain: InProcessChain, clock: Clock, builds: dict[str, Points]
    ) -> None:
        self.folder, self.chain, self.clock = folder, chain, clock
        self.outputs = folder / "outputs"
        self.settings: dict[str, Any] = dict(SETTINGS) | {"embedding_model": str(model)}
        self.settings |= {"parallel_processing": False, "max_retries": 0, "allow_mass_deletion": True}
        self._builds = builds
        self._changes = 0
        self._damaged = 0  # artifacts that nobody has met yet, perhaps
        # By source: what readers must see, and what it wrote last, seen or not; None where nobody can tell.
        self.served: dict[str, Points | None] = {name: {} for name in SOURCES}
        self.written: dict[str, Points | None] = {name: {} for name in SOURCES}
        # Of the last run that came to a good end: what it read, with which settings; None if something else
        # has happened to the state since.
        self.settled: tuple[str, dict[str, Any], Tree] | None = None
        self._read: dict[str, Tree] = {}  # by run
        # The last version of each document from which something could be read; and which of them may be lost.
        self._good: dict[str, Tree] = {name: {} for name in SOURCES}
        self._unclear: dict[str, set[str]] = {name: set() for name in SOURCES}
        for name in SOURCES:
            (self.source(name) / "30-Aprovados").mkdir(parents=True)

    # What people do

    def source(self, name: str) -> Path:
        """Return the folder of a source."""
        return self.folder / "sources" / name

    def write(self, path: str, text: Text, source: str = "um") -> None:
        """Write a version of a document."""
        self._touch(self._place(source, path), text.content())

    def withdraw(self, path: str, source: str = "um") -> None:
        """Delete a document."""
        self._place(source, path).unlink(missing_ok=True)

    def rename(self, path: str, other: str, source: str = "um") -> None:
        """Move a document, over another one if there is one."""
        if (place := self._place(source, path)).exists():
            self._touch(self._place(source, other), place.read_bytes())
            place.unlink()

    def tree(self, source: str = "um") -> Tree:
        """Return the documents of a source."""
        root = self.source(source)
        files = (path for path in sorted(root.rglob("*")) if path.is_file())
        return {str(p.relative_to(root)): (p.read_bytes(), p.stat().st_mtime_ns) for p in files}

    def _place(self, source: str, path: str) -> Path:
        return self.source(source) / "30-Aprovados" / path

    def _touch(self, place: Path, content: bytes) -> None:
        # The time of a file tells that it was changed: no two versions have the same.
        self._changes += 1
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        moment = int(_BEGIN.timestamp()) * 10**9 + self._changes * 10**9
        os.utime(place, ns=(moment, moment))

    # Runs

    def config(self, source: str = "um", **more: Any) -> PipelineConfig:
        """Return the configuration for a source, as it is set now."""
        told = self.settings | {"project": source, "source_path": str(self.source(source))}
        return load_config(None, told | {"outputs_dir": str(self.outputs)} | more).config

    def run(
        self, source: str = "um", *, interrupted: Interruption | None = None, killed: bool = False
    ) -> None:
        """Run the chain."""
        self._real(self._orchestrator(source).execute_full_pipeline, source, interrupted, killed)

    def run_while_edited(self, path: str, text: Text, after: int, source: str = "um") -> None:
        """Run the chain while somebody works on a document that it is just reading: the next run has it."""
        edit = Interruption("gitlab_ingestion", after, lambda: self.write(path, text, source))
        self._call(self._orchestrator(source).execute_full_pipeline, edit)
        self.settled, self.served[source], self.written[source] = None, None, None
        if (last := self._last()) is not None:
            self._read[last] = self.tree(source)
        self._doubt_good()
        self._unclear[source].add(f"30-Aprovados/{path}")

    def force(self, path: str, source: str = "um") -> None:
        """Run the chain, and process a document again."""
        again = [f"30-Aprovados/{path}"]
        orchestrator = self._orchestrator(source)
        self._real(lambda: orchestrator.execute_incremental_update(force_reprocess=again), source)

    def resume(self, *, interrupted: Interruption | None = None, killed: bool = False) -> None:
        """Continue the last run."""
        try:
            last = StateManager(self.outputs).load_checkpoint()
        except PipelineOrchestrationError:
            return
        source = str(last.pipeline_config["project"])
        orchestrator = self._orchestrator(source)
        if last.trial:
            self._trial(orchestrator.resume_from_checkpoint, interrupted)
        elif last.scope.only:
            self._partial(orchestrator.resume_from_checkpoint, source)
        else:
            self._real(orchestrator.resume_from_checkpoint, source, interrupted, killed, last.execution_id)

    def trial(self, documents: int, source: str = "um", *, interrupted: Interruption | None = None) -> None:
        """Try the chain on the first documents: nothing of it may be seen."""
        self._trial(lambda: self._orchestrator(source).execute_test_run(documents), interrupted)

    def rerun(self, stage: str, source: str = "um", *, downstream: bool = False) -> None:
        """Execute one stage anew, or also those that build on it."""
        orchestrator = self._orchestrator(source)
        self._partial(lambda: orchestrator.execute_stage(stage, downstream=downstream), source)

    def _orchestrator(self, source: str) -> PipelineOrchestrator:
        return PipelineOrchestrator(
            config=self.config(source),
            stages=self.chain.stages(),
            kernels=NoKernels(self.outputs, {}),
            jupyter_mode=False,
            after=(),
        )

    def _call(
        self, act: Callable[[], PipelineResult], interrupted: Interruption | None, *, killed: bool = False
    ) -> PipelineResult | None:
        """Return what a run came to; None where it was refused before it began, or interrupted."""
        self.chain.prepare(interrupted, self._record if killed else None)
        try:
            result = act()
        except (ConfigurationError, StateManagementError):
            return None
        finally:
            self.chain.interruption = None
        if killed:
            self.chain.put_back()
        if self.chain.struck:
            return result if not killed and result.overall_status in _GOOD else None
        said = result.state.error
        if self._damaged > 0 and _HEALS in said:
            self._damaged -= 1
            return None
        if result.overall_status not in _GOOD:
            assert any(words in said for words in (_WAITS, *_EMPTY)), said
        return result

    def _record(self) -> Path:
        return max(self.outputs.glob("runs/*/run.json"), key=lambda path: path.parent.name)

    def _real(
        self,
        act: Callable[[], PipelineResult],
        source: str,
        interrupted: Interruption | None = None,
        killed: bool = False,
        resumed: str = "",
    ) -> None:
        before, tree = self._collection(), self.tree(source)
        result = self._call(act, interrupted, killed=killed)
        executed = self.chain.executed
        if resumed and "gitlab_ingestion" not in executed:
            tree = self._read.get(resumed, tree)
        if (last := self._last()) is not None:
            self._read[last] = tree
        if executed or self.chain.struck:
            self.settled = None
        if result is None:
            if "qdrant_storage" in executed:
                self.served[source] = self.written[source] = None
            return
        settings = dict(result.state.pipeline_config)
        self.written[source] = self.expected(source, tree, settings)
        if result.overall_status in _GOOD:
            self.served[source] = self.written[source]
            self.settled = source, dict(self.settings), tree
            self._remember_good(source, tree)
        assert _WAITS in result.state.error or not (result.state.error and self.written[source])
        switched = before not in {"", self._collection()}
        for other in SOURCES:
            if other != source and switched:
                self.served[other] = self.written[other]
        self.check()
        if result.overall_status in _GOOD and not resumed:
            self._require_idle(source)

    def _trial(self, act: Callable[[], PipelineResult], interrupted: Interruption | None) -> None:
        points, links = self.points(), self._links()
        self._call(act, interrupted)
        assert differences(self.points(), points) == [], "a trial touched the collection"
        assert self._links() == links, "a trial is taken for the newest good result"

    def _partial(self, act: Callable[[], PipelineResult], source: str) -> None:
        """Execute some stages: where all was in step before, it is afterwards."""
        settled = self.settled == (source, dict(self.settings), self.tree(source))
        result = self._call(act, None)
        if settled and result is not None and result.overall_status in _GOOD:
            self.check()
            return
        self.settled = None
        for name in SOURCES:
            if self.chain.executed and "qdrant_storage" in self.chain.executed:
                self.served[name] = self.written[name] = None

    # Accidents and upkeep

    def lose(self, what: str) -> None:
        """Delete a part of the state below the outputs folder."""
        folder = self.outputs
        if what == "records":
            shutil.rmtree(folder / "runs", ignore_errors=True)
        elif what == "newest record":
            for record in sorted(folder.glob("runs/*/run.json"))[-1:]:
                record.unlink()
        elif what == "last good":
            if (folder / "memo.sqlite").exists():
                with contextlib.closing(sqlite3.connect(folder / "memo.sqlite")) as memo, memo:
                    memo.execute("DELETE FROM last_good")
        elif what == "a point":
            self._lose_point()
        elif what == "latest":
            shutil.rmtree(folder / "latest", ignore_errors=True)
        else:
            for suffix in ("", "-wal", "-shm"):
                (folder / f"{what}{suffix}").unlink(missing_ok=True)
        self.settled = None
        if what in {"last good", "memo.sqlite", "records"}:
            self._doubt_good()

    def damage(self, stage: str, *, part: bool, gone: bool) -> None:
        """Flip a bit of a stage's manifest, or of the first part that it refers to; or delete that."""
        notebook = next((self.outputs / "latest").glob(f"*_{stage}.ipynb"), None)
        if notebook is None or not notebook.exists():
            return
        store = outputs_store(self.outputs)
        refs = [ref for ref in stage_result(notebook).artifacts.values() if ref.media_type == PARQUET]
        uris = [refs[0].uri]
        if part:
            with contextlib.suppress(ArtifactError):
                uris = sorted(
                    uri for _, _, found in made_references(store.open_table(refs[0])) for uri in found
                )
        for artifact in (self.outputs / "artifacts" / uri for uri in uris[:1]):
            if not artifact.exists():
                return
            data = artifact.read_bytes()
            artifact.unlink()
            if not gone:
                artifact.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        self._damaged += 1
        self.settled = None
        self._doubt_good()

    def _lose_point(self) -> None:
        found = self.points()
        if found:
            client = open_embedded(self.outputs / "qdrant")
            try:
                client.delete(COLLECTION, points_selector=[min(found)], wait=True)
            finally:
                client.close()
            self.served = dict.fromkeys(SOURCES)
            self.written = dict.fromkeys(SOURCES)

    def save(self) -> None:
        """Copy the outputs folder."""
        shutil.rmtree(self.folder / "saved", ignore_errors=True)
        if self.outputs.exists():
            shutil.copytree(self.outputs, self.folder / "saved", symlinks=True)

    def restore(self, part: str) -> None:
        """Put back what was saved: ``all`` of it, the ``collection`` alone, or ``all but`` the collection."""
        saved = self.folder / "saved"
        if not (saved / "qdrant").exists():
            return
        if part != "collection":
            for place in list(self.outputs.iterdir()):
                if place.name != "qdrant":
                    shutil.rmtree(place) if place.is_dir() else place.unlink()
            shutil.copytree(
                saved,
                self.outputs,
                symlinks=True,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns("qdrant"),
            )
        if part != "all but":
            shutil.rmtree(self.outputs / "qdrant", ignore_errors=True)
            shutil.copytree(saved / "qdrant", self.outputs / "qdrant")
        self.settled = None
        self.served = dict.fromkeys(SOURCES)
        self.written = dict.fromkeys(SOURCES)
        self._doubt_good()

    def _doubt_good(self) -> None:
        for name in SOURCES:
            self._unclear[name] |= self._good[name].keys()
            self._good[name] = {}

    def rebuild(self) -> None:
        """Make lost state again from the records."""
        if self.outputs.exists():
            with (manager := StateManager(self.outputs)).lock():
                rebuild_state(manager)

    def prune(self, keep: int) -> None:
        """Remove old runs and what only they need."""
        if self.outputs.exists():
            with (manager := StateManager(self.outputs)).lock():
                try:
                    apply_prune(manager, plan_prune(manager, keep=keep, grace=-1e9))
                except PipelineOrchestrationError:
                    return

    def repair(self, source: str = "um") -> None:
        """Bring the collection in step with what is in force, and expect that nothing was to be done."""
        if self.settled != (source, dict(self.settings), self.tree(source)):
            return
        manager = StateManager(self.outputs)
        upstream = {
            name: str(manager.absolute(done.notebook)) for name, (_, done) in manager.in_force().items()
        }
        report = verify(outputs_dir=str(self.outputs), upstream=upstream, repair=True, settings={})
        assert not report["documents"], report
        self.check()

    # What must be so

    def points(self) -> Points:
        """Return what readers see."""
        return read_points(self.outputs, COLLECTION) if self._collection() else {}

    def _collection(self) -> str:
        if not (self.outputs / "qdrant" / "aliases.json").exists():
            return ""
        client = open_embedded(self.outputs / "qdrant")
        try:
            return served_collection(client, COLLECTION)
        finally:
            client.close()

    def check(self) -> None:
        """Compare what readers see with what they must see."""
        found = self.points()
        owners = {value[1]["source_id"] for value in found.values()}
        for name in SOURCES:
            wanted = self.served[name]
            if wanted is not None:
                mine = {
                    point: value for point, value in found.items() if value[1]["source_id"] == source_id(name)
                }
                said = _differences(*(self._told(name, points) for points in (mine, wanted)))
                assert not said, f"{name}: {said}"
        assert owners <= {source_id(name) for name in SOURCES}

    def _told(self, source: str, points: Points) -> Points:
        unclear = {path for path in self._unclear[source] if not self.tree(source).get(path, (b"-", 0))[0]}
        return {point: value for point, value in points.items() if value[1]["file_path"] not in unclear}

    def expected(self, source: str, tree: Tree, settings: dict[str, Any]) -> Points:
        """Return the collection of a source, built from nothing.

        In place of a document from which nothing can be read stands the last version from which something
        could, if it was there all the time.
        """
        good = self._good[source]
        stale = {path for path, (content, _) in tree.items() if not content and path in good}
        whole = {path: good.get(path, told) if path in stale else told for path, told in tree.items()}
        if not any(content for content, _ in whole.values()):
            return {}
        key = repr((source, sorted(whole.items()), sorted(self._bearing(settings).items())))
        if key not in self._builds:
            self._builds[key] = self._build(source, whole, settings)
        return {
            point: (vector, payload | ({_STALE: True} if payload["file_path"] in stale else {}))
            for point, (vector, payload) in self._builds[key].items()
        }

    def _bearing(self, settings: dict[str, Any]) -> dict[str, Any]:
        without = {"outputs_dir", "source_path", "project"}
        day = {} if settings["include_expired"] else {"day": str(self.clock().date())}
        return {name: value for name, value in settings.items() if name not in without} | day

    def _build(self, source: str, tree: Tree, settings: dict[str, Any]) -> Points:
        folder = self.folder / "fresh"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / source / "30-Aprovados").mkdir(parents=True)
        for path, (content, moment) in tree.items():
            place = folder / source / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            os.utime(place, ns=(moment, moment))
        told = settings | {"outputs_dir": str(folder / "outputs"), "source_path": str(folder / source)}
        chain = InProcessChain(self.chain.shown)
        result = PipelineOrchestrator(
            config=load_recorded(told).config,
            stages=chain.stages(),
            kernels=NoKernels(folder / "outputs", {}),
            jupyter_mode=False,
            after=(),
        ).execute_full_pipeline()
        if result.overall_status not in _GOOD:
            assert any(words in result.state.error for words in _EMPTY), result.state.error
            return {}
        return read_points(folder / "outputs", COLLECTION)

    def _remember_good(self, source: str, tree: Tree) -> None:
        readable = {path: told for path, told in tree.items() if told[0]}
        served = {value[1]["file_path"] for value in (self.served[source] or {}).values()}
        kept = {path: told for path, told in self._good[source].items() if path in tree}
        self._good[source] = {path: told for path, told in (kept | readable).items() if path in served}
        self._unclear[source] -= readable.keys() | (self._unclear[source] - tree.keys())

    def _require_idle(self, source: str) -> None:
        planned = {stage.name: stage for stage in self._orchestrator(source).plan().stages}
        due = {name: stage.reasons for name, stage in planned.items() if stage.action == "run"}
        if self._damaged:  # what the end of the run found is made again by the next one
            due = {name: reasons for name, reasons in due.items() if "made again" not in str(reasons)}
        assert not due, f"all is in step, and the plan says {due}"

    def _links(self) -> dict[str, str]:
        links = (self.outputs / "latest").glob("*.ipynb")
        return {link.name: str(link.readlink()) for link in links}

    def _last(self) -> str | None:
        return max((path.parent.name for path in self.outputs.glob("runs/*/run.json")), default=None)


def _differences(found: Points, wanted: Points) -> list[str]:
    stale = {point for point, value in wanted.items() if value[1].get(_STALE)}
    said = [f"point {point} of a version that cannot be read is missing" for point in stale - found.keys()]
    others = {point: value for point, value in found.items() if point not in stale}
    return said + differences(others, {p: value for p, value in wanted.items() if p not in stale})
