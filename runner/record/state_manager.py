"""What is known of runs: the record in each run's folder, its checkpoints, and who holds the lock."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runner.errors import StateManagementError
from runner.models import Checkpoint, ExecutionMode, Found, PipelineState, RunScope, now
from runner.record.audit import AuditLog
from runner.record.lock import LockNote, lock_holder, lock_path, locked
from runner.record.run_lookup import USABLE, RunLookup
from runner.results import ExecutionRecord
from stagekit.artifacts.references import made_references
from stagekit.artifacts.store import ArtifactStore, outputs_store
from stagekit.artifacts.table_files import PARQUET
from stagekit.base.disk_faults import disk_fault
from stagekit.base.files import atomic_write, sha256_file
from stagekit.base.paths import latest_dir, make_private_dir, private_outputs
from stagekit.contract import ArtifactRef, ExecutionStatus, artifact_refs, read_scraps
from stagekit.errors import ArtifactError, StageError
from stagekit.sealing.cipher import EncryptionError

_ID_TIME = "%Y%m%dT%H%M%S.%f"
_MOMENT = re.compile(r"\d{8}T\d{6}\.\d{1,6}Z")  # at the beginning of a run's id
_TRIES = 5  # checkpoints of one fingerprint: to look at one means to read what it made


class StateManager:
    """Reads and writes the state below one outputs folder.

    Args:
        outputs: the folder.
        store: of its artifacts, for the change of a key; by default the one that belongs to the folder.

    Raises:
        StateManagementError: the folder cannot be used, or is encrypted and its key is not there.
    """

    def __init__(self, outputs: Path, store: ArtifactStore | None = None) -> None:
        try:
            self.outputs = private_outputs(outputs)
            self.store = store or outputs_store(outputs)
            self.runs = make_private_dir(outputs / "runs")
        except OSError as error:
            if fault := disk_fault(error):
                raise StateManagementError(fault) from None
            raise StateManagementError(
                f"outputs_dir: the folder {outputs} cannot be made ({error.strerror}); choose another.",
                exit_code=2,
            ) from None
        except (ArtifactError, EncryptionError) as error:
            raise StateManagementError(str(error), exit_code=2) from None
        except StageError as error:
            raise StateManagementError(f"outputs_dir: {error}", exit_code=2) from None
        self.kernels = outputs / "kernels"
        self.audit_log = AuditLog(outputs)
        self._lookup = RunLookup(self.runs)

    # Runs

    def new_run(
        self,
        mode: ExecutionMode,
        config: dict[str, Any],
        config_hash: str,
        scope: RunScope | None = None,
    ) -> PipelineState:
        """Create a run: its sequence number and its id come after those of all runs; its folder is empty.

        The caller holds the lock.
        """
        state = PipelineState(
            execution_id=self._new_id(),
            mode=mode,
            sequence=self._lookup.last_sequence() + 1,
            scope=scope or RunScope(),
            pipeline_config=config,
            config_hash=config_hash,
        )
        folder = make_private_dir(self.runs / state.execution_id)
        try:
            self.save_checkpoint(state)
        except OSError:
            folder.rmdir()  # a folder without a record is no run
            raise
        return state

    def begin_run(self, state: PipelineState, config: dict[str, Any], config_hash: str) -> PipelineState:
        """Return the record of a run that begins now, or goes on, with its configuration."""
        if not state.execution_id:
            return self.new_run(state.mode, config, config_hash, state.scope)
        state.resumed += 1
        state.paused_seconds += self.seconds_since_end(state)
        state.pipeline_config, state.config_hash = config, config_hash
        return state

    def _new_id(self) -> str:
        """Return an id that tells the time, and sorts after all others whatever the clock said or says."""
        moment = now()
        if found := _MOMENT.match(max(self.execution_ids(), default="")):
            last = datetime.strptime(found[0], f"{_ID_TIME}Z").replace(tzinfo=UTC)
            moment = max(moment, last + timedelta(milliseconds=1))
        # To the millisecond: a run with nothing to do may begin and end within a second of the one before.
        return f"{moment:{_ID_TIME}}"[:-3] + f"Z-{secrets.token_hex(3)}"

    def run_dir(self, execution_id: str) -> Path:
        """Return the folder of a run."""
        return self.runs / execution_id

    def save_checkpoint(self, state: PipelineState) -> str:
        """Record the state of a run and return its id; whole on disk when this returns."""
        text = state.model_dump_json(indent=1)
        atomic_write(self.run_dir(state.execution_id) / "run.json", text.encode())
        return state.execution_id

    def load_checkpoint(self, checkpoint_id: str = "") -> PipelineState:
        """Return the state of a run: by id, by the unique beginning of one, or the last run.

        Raises:
            StateManagementError: if there is no such run, or its record is damaged.
        """
        known = self.execution_ids()
        if not known:
            raise StateManagementError("There is no run yet: start one with `nic-etl run`.", exit_code=2)
        matches = [name for name in known if name.startswith(checkpoint_id)]
        if checkpoint_id in known:
            matches = [checkpoint_id]
        if not matches or (checkpoint_id and len(matches) > 1):
            fault = "More than one run's id begins" if matches else "No run's id begins"
            raise StateManagementError(
                f"{fault} with {checkpoint_id!r}: `nic-etl history` lists the runs.", exit_code=2
            )
        return self._read(matches[-1])

    def execution_ids(self) -> list[str]:
        """Return the ids of all runs, oldest first."""
        return sorted(path.parent.name for path in self.runs.glob("*/run.json"))

    def get_execution_history(self) -> list[ExecutionRecord]:
        """Return one record a run, newest first; a damaged run is listed as such."""
        records = []
        for execution_id in reversed(self.execution_ids()):
            try:
                state = self._read(execution_id)
            except StateManagementError as error:
                begun = datetime.fromtimestamp(self.run_dir(execution_id).stat().st_mtime, UTC)
                records.append(ExecutionRecord(execution_id, "", "damaged", begun, None, {}, str(error)))
                continue
            records.append(
                ExecutionRecord(
                    execution_id=execution_id,
                    mode=state.mode,
                    status=self.effective_status(state),
                    started=state.start_timestamp,
                    seconds=state.seconds,
                    stages={name: str(checkpoint.status) for name, checkpoint in state.stages.items()},
                    error=state.error,
                    sequence=state.sequence,
                    resumed=state.resumed,
                )
            )
        return records

    def newest_states(self, *, trials: bool | None = None) -> Iterator[PipelineState]:
        """Yield the runs whose records can be read, the newest first: only trials, none of them, or all."""
        for execution_id in reversed(self.execution_ids()):
            with contextlib.suppress(StateManagementError):
                state = self._read(execution_id)
                if trials in {None, state.trial}:
                    yield state

    def last_real_run(self) -> PipelineState | None:
        """Return the newest run whose record can be read and that is no trial; None if there is none."""
        return next(self.newest_states(trials=False), None)

    def last_run_with(self, stage: str, project: str) -> PipelineState | None:
        """Return a source's newest run, no trial, that has a usable result of a stage; None if none has."""
        runs = self.newest_states(trials=False)
        own = (run for run in runs if run.pipeline_config.get("project", project) == project)
        return next((run for run in own if stage in run.completed_stages), None)

    def real_run_of(self, collection: str) -> str:
        """Return the id of the newest run, no trial, that was to fill a collection; empty if none was."""
        runs = self.newest_states(trials=False)
        return next(
            (run.execution_id for run in runs if run.pipeline_config.get("collection_name") == collection), ""
        )

    def newer_run(self, state: PipelineState) -> PipelineState | None:
        """Return the newest run, a trial if this is one, that was made after this one and began a stage."""
        alike = self.newest_states(trials=state.trial)
        newer = takewhile(lambda other: other.execution_id > state.execution_id, alike)
        return next((other for other in newer if other.stages), None)

    def seconds_since_end(self, state: PipelineState) -> float:
        """Return for how long a run has not worked: since its end, or its last word if it was killed."""
        end = state.end_timestamp
        if end is None:
            files = [self.run_dir(state.execution_id) / name for name in ("run.json", "events.jsonl")]
            last = max(file.stat().st_mtime for file in files if file.exists())
            end = max(datetime.fromtimestamp(last, UTC), state.start_timestamp)
        return max(0.0, (now() - end).total_seconds())

    def effective_status(self, state: PipelineState) -> str:
        """Return a run's status; one that says "running" without a living owner was interrupted."""
        if state.status is not ExecutionStatus.RUNNING:
            return str(state.status)
        owner = self.lock_owner()
        return "running" if owner and owner.get("execution_id") == state.execution_id else "interrupted"

    def clear_pipeline_state(self) -> None:
        """Forget what could be reused (checkpoints, memo, latest); runs, artifacts and collection stay."""
        for execution_id in self.execution_ids():
            with contextlib.suppress(StateManagementError):  # a damaged record: nothing of it is reused
                state = self._read(execution_id)
                for checkpoint in state.stages.values():
                    checkpoint.withdrawn = checkpoint.withdrawn or "the state was cleared since it was made"
                self.save_checkpoint(state)
        for name in ("memo.sqlite", "vectors.sqlite"):
            for suffix in ("", "-wal", "-shm"):
                (self.outputs / f"{name}{suffix}").unlink(missing_ok=True)
        shutil.rmtree(latest_dir(self.outputs), ignore_errors=True)

    # Checkpoints

    def find_checkpoint(self, stage: str, digest: str, *, trials: bool = False) -> Found | None:
        """Return the newest whole checkpoint of a stage with that fingerprint, and its run's id.

        Args:
            stage: its name.
            digest: of the fingerprint.
            trials: look among the trials first; real runs never see what those made.
        """
        for execution_id, checkpoint in islice(self._usable(stage, digest, trials=trials), _TRIES):
            if not self.faults(checkpoint):
                return execution_id, checkpoint
        return self.find_checkpoint(stage, digest) if trials else None

    def last_checkpoint(self, stage: str, *, trials: bool = False) -> Found | None:
        """Return the checkpoint that is in force, whole or not, and the id of the run that made it.

        That is the usable one which the newest run executed or carried over; ``trials``: of the trials.
        """
        return next(self._usable(stage, trials=trials), None)

    def last_attempt(self, stage: str, *, trials: bool = False) -> str:
        """Return the id of the newest run that executed a stage, however that ended; empty if none did."""
        return self._lookup.last_attempt(stage, trials=trials)

    def in_force(self) -> dict[str, Found]:
        """Return for each stage that real runs know the checkpoint in force, and the run that made it."""
        found = {stage: self.last_checkpoint(stage) for stage in self._lookup.stages()}
        return {stage: one for stage, one in found.items() if one is not None}

    def faults(self, checkpoint: Checkpoint) -> list[str]:
        """Return what is wrong with a checkpoint: withdrawn, or notebook or artifacts missing or altered.

        Its documents' artifacts are not read: one of them counts once somebody could not read it.
        """
        if checkpoint.withdrawn:
            return [checkpoint.withdrawn]
        if fault := self.notebook_fault(checkpoint):
            return [fault]
        try:
            scraps = read_scraps(self.absolute(checkpoint.notebook))
        except StageError as error:
            return [str(error)]
        # A product stands in the notebook twice: by itself and in the stage's result.
        refs = {ref.uri: ref for ref in artifact_refs(list(scraps.values()))}
        found = []
        for ref in refs.values():
            try:
                self.store.read(ref)
            except ArtifactError as error:
                found.append(str(error))
        return found or self._lost_parts(list(refs.values()))

    def notebook_fault(self, checkpoint: Checkpoint) -> str:
        """Return a sentence if a checkpoint's executed notebook is missing or altered; empty if it is not."""
        notebook = self.absolute(checkpoint.notebook)
        if not notebook.is_file():
            return f"{notebook} is missing"
        if sha256_file(notebook) != checkpoint.notebook_sha256:
            return f"{notebook} was altered since its stage ended"
        return ""

    def set_latest(self, notebook: Path) -> None:
        """Let ``outputs/latest/`` lead to this executed notebook, as its stage's newest good one."""
        folder = make_private_dir(latest_dir(self.outputs))
        link = folder / notebook.name
        temporary = folder / f".{link.name}.{secrets.token_hex(3)}"
        try:
            temporary.symlink_to(os.path.relpath(notebook, folder))
        except OSError:  # network shares and exFAT have no links
            shutil.copy(notebook, temporary)
        temporary.replace(link)

    def relative(self, path: Path) -> str:
        """Return a path below outputs as it is recorded: relative, so that outputs can be moved."""
        return str(path.relative_to(self.outputs)) if path.is_relative_to(self.outputs) else str(path)

    def absolute(self, recorded: str) -> Path:
        """Return the place of a recorded path."""
        return self.outputs / recorded

    # The lock

    @contextlib.contextmanager
    def lock(self, execution_id: str = "") -> Iterator[LockNote]:
        """Hold the outputs folder for one run.

        The operating system gives the lock up when its holder ends, however it ends.

        Raises:
            StateManagementError: exit code 2, if the folder cannot be written to, or, naming the holder, if
                another run holds it.
        """
        with locked(self.outputs) as file:
            left_behind = file.read().strip()
            if left_behind:
                self.audit("lock_taken_over", {"from": left_behind})
            note = LockNote(file, lock_path(self.outputs))
            try:
                note.update(execution_id=execution_id)
                yield note
            finally:
                note.clear()

    def require_free(self) -> None:
        """Refuse a folder that a run could not work in now; nothing is changed.

        Raises:
            StateManagementError: exit code 2, if it cannot be written to, or another run holds it.
        """
        with locked(self.outputs):
            pass

    def lock_owner(self) -> dict[str, Any] | None:
        """Return who holds the lock (pid, user, host, since, execution_id), or None."""
        return lock_holder(lock_path(self.outputs))

    def audit(self, what: str, details: dict[str, Any]) -> None:
        """Append a line to the audit log: who, where, when, what."""
        self.audit_log.append(what, details)

    # Internals

    def _read(self, execution_id: str) -> PipelineState:
        path = self.run_dir(execution_id) / "run.json"
        try:
            state = PipelineState.model_validate_json(path.read_bytes())
            if state.execution_id != execution_id:
                raise ValueError(execution_id)
        except (OSError, ValueError, ValidationError):
            raise StateManagementError(
                f"The record {path} is damaged: its run cannot be used; start a new one with `nic-etl run`."
            ) from None
        return state

    def _usable(self, stage: str, digest: str = "", *, trials: bool = False) -> Iterator[Found]:
        for maker, recorder in self._lookup.holders(stage, digest, trials=trials):
            with contextlib.suppress(StateManagementError):
                checkpoint = self._read(recorder).stages.get(stage)
                if checkpoint is not None and (checkpoint.status in USABLE or checkpoint.carried_from):
                    yield maker, checkpoint

    def _lost_parts(self, refs: list[ArtifactRef]) -> list[str]:
        """Return what is lost of the documents' artifacts; looked for only where anything is."""
        try:
            if not (lost := self.store.lost()):
                return []
            tables = [self.store.open_table(ref) for ref in refs if ref.media_type == PARQUET]
            made = {uri for table in tables for _, _, uris in made_references(table) for uri in uris}
        except (ArtifactError, TypeError, ValueError) as error:
            return [str(error)]
        return [f"{uri} could not be read, and is made again" for uri in sorted(made & lost)]
