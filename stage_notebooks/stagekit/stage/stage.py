"""A stage as its notebook sees it: inputs, an isolated map over documents, products, and the result."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from stagekit.artifacts.manifest import ColumnOrigins, manifest_metadata, require_rows
from stagekit.artifacts.memo import MAP_KEY, Memo, digest
from stagekit.artifacts.rows import Rows, RowSource, column_of, require_columns
from stagekit.artifacts.store import outputs_store
from stagekit.artifacts.table_views import encode_outcomes, without_unchanged
from stagekit.artifacts.tables import decode_rows, encode_rows
from stagekit.base.fingerprint import code_fingerprint, function_source, notebook_code
from stagekit.base.imports.early_imports import load_meanwhile
from stagekit.base.network.web_links import file_at
from stagekit.base.notebook_parameters import notebook_parameters
from stagekit.base.paths import latest_dir, latest_notebooks, outputs_path, private_outputs, source_notebook
from stagekit.base.plain_json import canonical_json, parse_json
from stagekit.contract import (
    STAGE_RESULT,
    ArtifactRef,
    ExecutionStatus,
    StageResult,
    artifact_refs,
    glue,
    read_scraps,
)
from stagekit.errors import StageError
from stagekit.stage.carried import carried_outcomes, execution_record
from stagekit.stage.display import Table, hide_documents, link_documents, outcome_table, table
from stagekit.stage.document_map import DocumentMap, MapMemory
from stagekit.stage.execution import DocumentOutput, Executor, InProcess, Workplace
from stagekit.stage.keeping import Keeper

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DocumentOutput", "Stage", "open_stage"]

Row = dict[str, Any]
_FIRST = "gitlab_ingestion"
_USABLE = {"ok", "stale"}
_WORTH_A_PLOT = 10
_PLACES = {"upstream", "outputs_dir"}  # where a stage reads and writes is no setting of it


def open_stage(
    name: str,
    variables: Mapping[str, Any] | None = None,
    *,
    upstream: dict[str, str] | None = None,
    outputs_dir: str = "",
    parameters: Row | None = None,
    max_failure_rate: float = 0.01,
) -> Stage:
    """Begin a stage, or read what any stage has made: part of the public interface.

    A stage's notebook calls ``open_stage(name, globals())``: what its cell tagged ``parameters`` names is
    taken from there, with the values that papermill gave it. Whoever only reads may give any name, and calls
    :meth:`Stage.read`, :meth:`Stage.read_json`, :meth:`Stage.read_part` and :meth:`Stage.read_bytes`; nothing
    is recorded before :meth:`Stage.finish`.

    Args:
        name: of the stage; one of the six in their notebooks.
        variables: of the stage's notebook; the arguments that follow are found there.
        upstream: executed notebook by stage name; a stage left out is looked up in ``outputs/latest/``.
        outputs_dir: see :func:`stagekit.base.paths.outputs_path`.
        parameters: the stage's parameters, as plain JSON; never a secret.
        max_failure_rate: share of documents that may fail on our side before the stage fails as a whole
            (one document may always fail).

    Raises:
        StageError: if there are variables, but the stage has no notebook with a cell tagged ``parameters``.
    """
    given = _parameters(name, variables)
    outputs = private_outputs(outputs_path(given.get("outputs_dir", outputs_dir)))
    chosen = {one: value for one, value in given.items() if one not in _PLACES} | (parameters or {})
    return Stage(
        name,
        outputs,
        given.get("upstream", upstream) or {},
        chosen,
        given.get("max_failure_rate", max_failure_rate),
    )


def _parameters(stage: str, variables: Mapping[str, Any] | None) -> Row:
    """Return the parameters of a stage's notebook with the values that they have in it."""
    if variables is None:
        return {}
    names = notebook_parameters(source_notebook(stage))
    return {name: variables[name] for name in names if name in variables}


class Stage:
    """One execution of a stage; made by :func:`open_stage`."""

    def __init__(
        self, name: str, outputs: Path, upstream: dict[str, str], parameters: Row, max_failure_rate: float
    ) -> None:
        self.name = name
        self.outputs = outputs
        self.parameters = parameters
        self.store = outputs_store(outputs)
        log = outputs / "logs" / f"{name}-workers-{os.getpid()}.log"
        self._place = Workplace(self.store, self.store.url, log)
        self.memo = Memo(outputs / "memo.sqlite")
        self._keeper = Keeper(name, self.memo, self.store)
        hide_documents(self.memo.cipher)
        link_documents(self._address_of)
        self._upstream = upstream
        self._source: tuple[str, str] | None = None
        self._scraps: dict[str, dict[str, Any]] = {}
        self._columns: dict[str, ColumnOrigins] = {}
        self._max_failure_rate = max_failure_rate
        self.result = StageResult(
            stage_name=name,
            status=ExecutionStatus.RUNNING,
            start_time=datetime.now(UTC),
            parameters=parameters,
        )

    # Inputs

    def upstream_path(self, stage: str) -> Path:
        """Return the executed notebook from which a stage's products are read.

        Raises:
            StageError: if there is none.
        """
        given = self._upstream.get(stage)
        path = Path(given) if given else latest_notebooks(self.outputs).get(stage)
        if path is None or not path.exists():
            raise StageError(
                f"{self.name} needs an executed notebook of {stage}, and there is none at "
                f"{path or latest_dir(self.outputs)}: "
                f"run `nic-etl run` first, or name one in the parameter `upstream`."
            )
        return path

    def ref(self, stage: str, name: str) -> ArtifactRef:
        """Return the reference of an upstream product.

        Raises:
            StageError: if the upstream notebook did not glue it.
        """
        path = self.upstream_path(stage)
        if stage not in self._scraps:
            self._scraps[stage] = read_scraps(path)
        refs = artifact_refs(self._scraps[stage].get(name))
        if not refs:
            raise StageError(f"{path} holds no product {name!r}: run {stage} again.")
        return refs[0]

    def read(self, stage: str, name: str, *, usable_only: bool = True) -> list[Row]:
        """Return a product of a stage as rows, by default only those of usable documents. Public.

        Args:
            stage: that made it, for example ``text_chunking``.
            name: of the product, for example ``chunks``; :meth:`show_inputs` lists them.
            usable_only: leave the documents out that are neither ok nor stale.

        Raises:
            StageError: if the stage was not executed, or has no such product.
            ArtifactError: if the product is missing from the store, or altered.
        """
        rows = decode_rows(self.store.read_table(self.ref(stage, name)))
        require_rows(rows)
        return [row for row in rows if not usable_only or row.get("status", "ok") in _USABLE]

    def rows(self, stage: str, name: str, *, usable_only: bool = True) -> Rows:
        """Return an upstream manifest as :meth:`read` does, as a table whose rows are decoded on demand."""
        ref = self.ref(stage, name)
        table = self.store.open_table(ref)
        require_columns(table)
        rows = Rows(table, (RowSource(f"{stage}.{name}", ref, table),))
        return rows.where("status", _USABLE) if usable_only and len(rows) else rows

    def read_json(self, stage: str, name: str) -> Any:
        """Return a product of a stage that is JSON, for example its ``source_snapshot``. Public.

        Raises:
            StageError: as :meth:`read`, or if it is no JSON.
        """
        try:
            return parse_json(self.store.read(self.ref(stage, name)))
        except ValueError as error:
            raise StageError(
                f"The product {name!r} of {stage} is not JSON ({error}): run it again."
            ) from None

    def read_part(self, ref: ArtifactRef | Row, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the table, or columns of it, that a field such as ``row["chunks"]`` refers to. Public.

        Raises:
            ArtifactError: if it is missing from the store, or altered.
        """
        return self.store.read_table(ref, columns)

    def read_bytes(self, ref: ArtifactRef | Row) -> bytes:
        """Return the bytes that a field of a row refers to, for example ``row["content"]``. Public.

        Raises:
            ArtifactError: if they are missing from the store, or altered.
        """
        return self.store.read(ref)

    def show_inputs(self) -> Table:
        """Return a table of what the stage can read from the stages before it."""
        known = latest_notebooks(self.outputs) | {name: Path(p) for name, p in self._upstream.items()}
        before = [name for name in known if not self._upstream or name in self._upstream]
        before = before[: before.index(self.name)] if self.name in before else before
        rows = [
            {
                "stage": stage,
                "product": ref.name,
                "rows": ref.rows,
                "bytes": ref.bytes,
                "sha256": ref.sha256[:12],
                "executed notebook": str(self.upstream_path(stage)),
            }
            for stage in before
            for name, value in read_scraps(self.upstream_path(stage)).items()
            if name != STAGE_RESULT
            for ref in artifact_refs(value)
        ]
        return table(rows, ["stage", "product", "rows", "bytes", "sha256", "executed notebook"], "Inputs")

    # The map over documents

    def map_documents(
        self,
        rows: Sequence[Row],
        function: Callable[[Row], DocumentOutput] | Executor,
        *,
        key: Callable[[Row], Any],
        parameters: Iterable[str] = (),
        code: Iterable[ModuleType] = (),
        shared: Any = None,
        carry: Callable[[Row], Row] | None = None,
        keep_last_good: bool = False,
    ) -> Sequence[Row]:
        """Apply a function to every document; one bad document stops nothing, and nothing is made twice.

        Args:
            rows: the documents; each row has ``document_id`` and ``path``. With
                :class:`~stagekit.artifacts.rows.Rows`, documents whose rows are those of the last execution
                are not even looked at one by one.
            function: makes a document's output; it may raise :class:`~stagekit.errors.DocumentRejected`.
                Or an executor that has such a function, as :class:`~stagekit.workers.team.DocumentWorkers`.
            key: what of the row determines the output (plain JSON: content hashes, not paths). With ``Rows``
                it must not depend on anything but the row.
            parameters: names of those stage parameters that determine the output.
            code: modules whose source determines the output.
            shared: what else determines the output of every document (plain JSON), a model's fingerprint
                for example.
            carry: columns of the input row that the manifest takes over, beside the output.
            keep_last_good: answer with the last good outcome (status ``stale``) where the document now
                fails or is rejected.

        Returns:
            one outcome a document, in the order of the paths: document_id, path, status (ok, rejected,
            failed, stale), category, message, remedy, seconds, memo_key, produced_at, unchanged, and the
            fields and artifact references of the output. Outcomes are remembered as each one is finished.
            ``Rows`` are answered with ``Rows``.
        """
        executor = function if isinstance(function, Executor) else InProcess(function)
        base = self._base(parameters, code, executor, [] if shared is None else [shared])
        work = DocumentMap(base, key, executor, carry, keep_last_good, _load_plots)
        memory = MapMemory(self.name, self.memo, self._place, self._keeper)
        if not isinstance(rows, Rows):
            ordered = sorted(rows, key=lambda row: str(row["path"]))
            outcomes: Sequence[Row] = list(chain.from_iterable(work.outcomes(ordered, memory)))
        else:
            # Beside the outcomes, what their rows in the manifest depend on.
            how = [function_source(one) if one else None for one in (key, carry)]
            outcomes = self._with_carried(rows, work, memory, digest(base, how, keep_last_good))
        self._columns |= memory.columns
        for note in executor.notes:
            self.warn(note)
        self.result.retry_count = memory.failures
        self._count(outcomes)
        return outcomes

    def _base(
        self, parameters: Iterable[str], code: Iterable[ModuleType], executor: Executor, shared: list[Any]
    ) -> str:
        """Return the digest of what determines every output, whatever the document."""
        return digest(
            self.name,
            {name: self.parameters[name] for name in sorted(parameters)},
            code_fingerprint(code),
            notebook_code(source_notebook(self.name)),
            executor.identity,
            *shared,
        )

    def _with_carried(self, rows: Rows, work: DocumentMap, memory: MapMemory, whole: str) -> Rows:
        """Take over what still holds of the last execution, and process the other documents."""
        key = f"{MAP_KEY}{self.name}"
        record = self.memo.get_many([key]).get(key)
        if record is not None and record.get("base") != whole:
            record = None
        carried = carried_outcomes(rows, record, self.store, copied=work.carry is dict)
        others = rows.take(carried.others).ordered("path")
        made = encode_outcomes(work.outcomes(others, memory, carried=len(carried)))
        table = carried.merged(made, manifest_metadata(self.name, memory.columns.values()))
        return Rows(table, record=execution_record(whole, rows))

    def _count(self, outcomes: Sequence[Row]) -> None:
        result = self.result
        result.input_count = len(outcomes)
        states = column_of(outcomes, "status")
        result.success_count = states.count("ok")
        result.failure_count = states.count("failed")
        result.rejected_count = states.count("rejected")
        result.stale_count = states.count("stale")
        result.output_count = result.success_count + result.stale_count
        unchanged = column_of(outcomes, "unchanged")
        result.unchanged_count = sum(
            old and state == "ok" for old, state in zip(unchanged, states, strict=True)
        )
        for row in (outcomes[place] for place, state in enumerate(states) if state == "failed"):
            result.errors.append(f"{row['path']}: {row['category']}: {row['message']}")

    def worth_a_plot(self) -> bool:
        """Tell whether so many documents were worked on that a plot of all of them looks different now.

        With Matplotlib's import, drawing takes a tenth of a run in which one document changed.
        """
        worked = self.result.input_count - self.result.unchanged_count
        return worked >= _WORTH_A_PLOT or not self.result.unchanged_count

    def show_outcomes(self, outcomes: Sequence[Row], columns: Sequence[str] = (), limit: int = 200) -> Table:
        """Return a table of outcomes: failures first, with reasons, remedies and seconds."""
        return outcome_table(outcomes, columns, limit)

    def link_documents(self, repository_url: str, commit: str) -> None:
        """Let tables link paths to the repository at a commit; by default, at the one that stage 01 read."""
        self._source = (repository_url, commit)

    def _address_of(self, path: str) -> str:
        if self._source is None:
            self._source = ("", "")
            # What lies in latest/ may be of another commit than the rows that this stage was given.
            if not self._upstream or _FIRST in self._upstream:
                with contextlib.suppress(StageError):
                    found = self.read_json(_FIRST, "source_snapshot")
                    self._source = (found["repository_url"], found["commit"])
        return file_at(*self._source, path)

    # Products

    def glue_documents(self, name: str, outcomes: Sequence[Row]) -> ArtifactRef:
        """Store the outcomes as the manifest ``name`` (one row a document) and glue its reference."""
        # Whether this run had to do the work is no part of the result: equal work gives equal bytes.
        if isinstance(outcomes, Rows) and outcomes.record is not None:
            ref = self._glue_ref(self.store.put_table(name, without_unchanged(outcomes.table)))
            record = outcomes.record | {"output": ref.model_dump()}
            self.memo.put("map", f"{MAP_KEY}{self.name}", record)
            return ref
        rows = [{k: v for k, v in row.items() if k != "unchanged"} for row in outcomes]
        made = (self._columns[row["memo_key"]] for row in rows if row.get("memo_key") in self._columns)
        metadata = manifest_metadata(self.name, made)
        return self._glue_ref(self.store.put_table(name, encode_rows(rows, metadata)))

    def glue_table(self, name: str, rows: Sequence[Row], schema_version: str = "1") -> ArtifactRef:
        """Store rows as a Parquet artifact and glue its reference; nested values become JSON columns."""
        ref = self.store.put_table(name, encode_rows(rows), schema_version=schema_version)
        return self._glue_ref(ref)

    def glue_json(self, name: str, value: Any) -> ArtifactRef:
        """Store a JSON value as an artifact and glue its reference."""
        data = canonical_json(value).encode()
        return self._glue_ref(self.store.put(name, data, "application/json"))

    def own_rows(self, name: str, rows: Sequence[Row]) -> Rows:
        """Glue rows with a ``document_id`` as the product ``name``, and return them as :meth:`rows` does.

        What is told of a document in comparison with others so becomes part of its row: a change of it makes
        that document anew, and no other.
        """
        ref = self.glue_table(name, rows)
        table = self.store.open_table(ref)
        return Rows(table, (RowSource(f"{self.name}.{name}", ref, table),))

    def metric(self, name: str, value: float | int | str | dict[str, Any]) -> None:
        """Put a figure into the stage's result."""
        self.result.metrics[name] = value

    def warn(self, message: str) -> None:
        """Put a warning into the stage's result; the run's summary shows it."""
        self.result.warnings.append(message)

    def finish(self) -> Table:
        """Glue the result and return a table of what was glued. The last call of a notebook.

        Raises:
            StageError: if more documents failed than ``max_failure_rate`` allows.
        """
        result = self.result
        allowed = max(1, int(self._max_failure_rate * result.input_count))
        too_many = result.failure_count > allowed
        partial = result.failure_count or result.stale_count
        result.status = ExecutionStatus.PARTIAL if partial else ExecutionStatus.SUCCESS
        if too_many:
            result.status = ExecutionStatus.FAILED
        self._keeper.finish()
        result.end_time = datetime.now(UTC)
        self.memo.close()
        glue(STAGE_RESULT, result.model_dump(mode="json"))
        if too_many:
            raise StageError(
                f"{result.failure_count} of {result.input_count} documents failed in {self.name}, more than "
                f"max_failure_rate ({self._max_failure_rate:g}) allows; the first: {result.errors[0]}"
            )
        columns = ["glued", "kind", "rows", "bytes", "sha256"]
        made = result.artifacts.values()
        cells = [(ref.name, ref.media_type, ref.rows, ref.bytes, ref.sha256[:12]) for ref in made]
        rows: list[Row] = [dict(zip(columns, row, strict=True)) for row in cells]
        rows.append({"glued": STAGE_RESULT, "kind": f"{result.status} in {result.seconds:.1f} s"})
        return table(rows, columns, f"{self.name} glued")

    def _glue_ref(self, ref: ArtifactRef) -> ArtifactRef:
        self.result.artifacts[ref.name] = ref
        self._keeper.sync([ref])
        glue(ref.name, ref.model_dump(mode="json"))
        return ref


def _load_plots(documents: int) -> None:
    if documents >= _WORTH_A_PLOT:
        load_meanwhile("matplotlib.pyplot")  # half a second, while the last documents are in work
