"""Everything that reads executed notebooks, products and state, called as the commands call it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from runner.dashboard.notebook_page import notebook_page
from runner.events import read_events
from runner.kernels.notebook_io import SafeHandler, safe_path
from runner.models import now
from runner.pipeline.planner import differences
from runner.record.audit import AuditLog
from runner.record.environment import environment_report
from runner.record.freshness import freshness
from runner.record.kernels import reap_orphans
from runner.record.manifests import read_manifests
from runner.record.report_generator import document_outcomes, summarize
from runner.record.state_manager import StateManager
from runner.report.facts import collect_report
from runner.report.html import render_html
from runner.report.stages import failed_cell
from runner.spec.recovery import validate_pipeline_integrity
from runner.upkeep.backup import restore_backup
from runner.upkeep.prune import plan_prune
from runner.upkeep.quarantine import list_quarantine
from runner.upkeep.rebuild import rebuild_state
from stagekit.artifacts.memo import Memo
from stagekit.base.paths import latest_notebooks
from stagekit.contract import artifact_refs, read_scraps, stage_result
from stagekit.embedding.vectors import VectorStore
from stagekit.stage.stage import open_stage
from tests.fuzz.guard import Violation, allowed, watched

__all__ = ["READERS", "faults"]

Reader = Callable[[Path], object]


def faults(outputs: Path, recipe: str = "") -> list[str]:
    """Let readers read a folder and return what they did wrong, each with the reader's name.

    Args:
        outputs: the folder.
        recipe: by which it was changed; empty: every reader reads it.
    """
    found = []
    for reader in READERS.get(recipe, _EVERY):
        try:
            with watched(outputs.parent):
                reader(outputs)
        except Violation as error:
            found.append(f"{reader.__name__}: {error}")
        except Exception as error:
            if wrong := allowed(error):
                found.append(f"{reader.__name__}: {wrong}")
    return found


def scraps(outputs: Path) -> None:
    """Read the scraps of each notebook, and what they refer to."""
    for notebook in _notebooks(outputs):
        found = read_scraps(notebook)
        refs = artifact_refs(list(found.values()))
        store = StateManager(outputs).store
        for ref in refs:
            store.present(ref)
            store.verify(ref)


def results(outputs: Path) -> None:
    """Read the result of each stage as the orchestrator does."""
    for notebook in _notebooks(outputs):
        result = stage_result(notebook)
        if result.seconds < 0 and result.end_time is None:
            raise Violation("a time without an end")
        result.model_dump_json()


def stage_inputs(outputs: Path) -> None:
    """Read every product as the stages after it do."""
    stage = open_stage("qdrant_storage", outputs_dir=str(outputs))
    try:
        for name, notebook in latest_notebooks(outputs).items():
            for product in read_scraps(notebook):
                if product != "stage_result":
                    ref = stage.ref(name, product)
                    if ref.media_type.endswith("parquet"):
                        stage.read(name, product)
                        list(stage.rows(name, product))
                    elif ref.media_type.endswith("json"):
                        stage.read_json(name, product)
        stage.show_inputs()
    finally:
        stage.memo.close()


def pages(outputs: Path) -> None:
    """Show each notebook as a page, and the cell in which it broke off."""
    for notebook in _notebooks(outputs):
        failed_cell(notebook)
        try:
            _require_harmless(notebook_page(notebook))
        except ValueError:
            continue  # as it says


def notebook_files(outputs: Path) -> None:
    """Read each notebook through the runner's door and write it again."""
    for notebook in _notebooks(outputs):
        with contextlib.suppress(UnicodeDecodeError):
            text = SafeHandler.read(safe_path(notebook))
            SafeHandler.write(text, safe_path(outputs / "copy.ipynb"))


def state(outputs: Path) -> None:
    """Read the records and the index of runs."""
    manager = StateManager(outputs)
    for record in manager.get_execution_history():
        float(record.seconds or 0)
    for stage in ("gitlab_ingestion", "text_chunking", "qdrant_storage"):
        manager.last_attempt(stage)
        last = manager.last_checkpoint(stage)
        if last:
            manager.find_checkpoint(stage, "0" * 64)
            differences(last[1].fingerprint, {})
    manager.lock_owner()
    freshness(manager, now() - now())
    loaded = manager.load_checkpoint()
    manager.effective_status(loaded)
    validate_pipeline_integrity(loaded, manager)
    manager.save_checkpoint(loaded)
    manager.load_checkpoint(loaded.execution_id)


def report(outputs: Path) -> None:
    """Tell of the last run."""
    manager = StateManager(outputs)
    loaded = manager.load_checkpoint()
    _require_harmless(render_html(collect_report(manager, loaded), {}))


def summary(outputs: Path) -> None:
    """Sum up the last run, as the end of a run does."""
    manager = StateManager(outputs)
    loaded = manager.load_checkpoint()
    summarize(manager, loaded)
    document_outcomes(manager, loaded)
    environment_report(manager, loaded)


def events(outputs: Path) -> None:
    """Read the events and the notes of kernels."""
    for path in outputs.glob("runs/*/events.jsonl"):
        read_events(path)
    reap_orphans(outputs / "kernels")


def audit(outputs: Path) -> None:
    """Verify the audit log and read its lines."""
    log = AuditLog(outputs)
    if not log.verify().head:
        raise Violation("no head")
    for entry in log.entries():
        entry["at"].isascii()


def manifests(outputs: Path) -> None:
    """Read the manifests of the newest notebooks."""
    manager = StateManager(outputs)
    for notebook in latest_notebooks(outputs).values():
        for manifest in read_manifests(manager.store, notebook):
            manifest.stage.isascii()
    list_quarantine(manager)


def rebuilt(outputs: Path) -> None:
    """Make the index, the links and the memo again."""
    rebuild_state(StateManager(outputs))


def pruned(outputs: Path) -> None:
    """Plan what a prune would remove."""
    plan_prune(StateManager(outputs), keep=1, grace=0)


def memo(outputs: Path) -> None:
    """Read everything that is remembered."""
    with Memo(outputs / "memo.sqlite") as found:
        keys = [key for key, _ in found.values()]
        for value in found.get_many(keys).values():
            value.keys()
        for stage, document, row in found.good_values():
            row.keys()
            found.last_good(stage, document)


def kept_vectors(outputs: Path) -> None:
    """Read kept vectors."""
    store = VectorStore(outputs / "vectors.sqlite")
    connection = sqlite3.connect(outputs / "vectors.sqlite")
    try:
        keys = [
            key.hex() for (key,) in connection.execute("SELECT key FROM vectors") if isinstance(key, bytes)
        ]
    except sqlite3.DatabaseError:
        keys = []
    finally:
        connection.close()
    for vector in store.get_many(["00" * 32, *keys]).values():
        vector.sum()


def restored(outputs: Path) -> None:
    """Restore the backup that may lie there."""
    if (outputs / "backup").exists():
        restore_backup(StateManager(outputs.parent / "restored"), str(outputs / "backup"), force=True)


_EVERY: tuple[Reader, ...] = (
    scraps, results, stage_inputs, pages, notebook_files, state, report, summary, events, audit, manifests,
    memo, kept_vectors, pruned, restored, rebuilt,
)  # fmt: skip
# Whom a changed file of each kind reaches; the rest would read what is whole.
READERS: dict[str, tuple[Reader, ...]] = {
    "notebook": (scraps, results, stage_inputs, pages, notebook_files, state, report, summary, rebuilt),
    "record": (state, report, summary, manifests, pruned, rebuilt),
    "manifest": (stage_inputs, report, summary, manifests, pruned, rebuilt),
    "huge_table": (stage_inputs, manifests),
    "audit": (audit, manifests),
    "beside": (events, state, report, summary),
    "memo": (memo, manifests, pruned, rebuilt),
    "index": (state, report, pruned, rebuilt),
    "vectors": (kept_vectors,),
    "backup": (restored,),
}


def _notebooks(outputs: Path) -> Iterator[Path]:
    yield from sorted(outputs.glob("runs/*/*.ipynb"))


def _require_harmless(page: str) -> None:
    if "<script>fuzzed" in page or "onerror=fuzzed()>" in page.replace("&gt;", ""):
        raise Violation("a value of the input is markup in the page")
