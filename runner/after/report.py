"""The report as what is due after each run."""

from __future__ import annotations

from runner.models import PipelineState
from runner.record.hooks import EndedRun, Hook
from runner.record.state_manager import StateManager
from runner.report.history import carried_report
from runner.report.write import write_report
from stagekit.base.imports.early_imports import load_meanwhile
from stagekit.contract import ExecutionStatus

_FEW = 10  # documents


class Report(Hook):
    """Writes ``report.html`` and ``report.json`` into the run's folder.

    The report of a cancelled run has no plots: whoever cancels waits for the end. Nor has that of a run that
    worked on a few documents only: drawing would take longer than the work, and the plots of the report
    before still tell what there is to see.
    """

    def prepare(self, manager: StateManager, state: PipelineState) -> None:
        """Load the libraries of the page, and those of its plots if there will be any."""
        drawn = not little_work(manager, state)
        plots = ("matplotlib.figure", "matplotlib.backends.backend_svg") if drawn else ()
        load_meanwhile("pyarrow.parquet", "pyarrow.compute", "jinja2", *plots)

    def finish(self, ended: EndedRun) -> list[str]:
        """Write it."""
        manager, state = ended.manager, ended.state
        try:
            former = carried_report(manager, state)
            brief = state.status is ExecutionStatus.CANCELLED or little_work(manager, state)
            write_report(manager, state, content=False if brief else None, rows=ended.rows, former=former)
        except Exception as error:  # a report tells of the run, and must never be what fails it
            sentence = (
                f"The report of {state.execution_id} could not be written ({error}); "
                f"the run is not affected. To try again: `nic-etl report {state.execution_id}`."
            )
            return [sentence]
        return []


def little_work(manager: StateManager, state: PipelineState) -> bool:
    """Tell whether a run, as far as it has come, worked on a few documents only; the first one never did."""
    if len(manager.execution_ids()) < 2:
        return False
    results = [done.result for done in state.stages.values() if done.result and not done.carried_from]
    return all(result.input_count - result.unchanged_count < _FEW for result in results)
