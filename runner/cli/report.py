"""``nic-etl report``: a run's report, written anew and opened in the browser."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from runner.cli.call import Call, RunId
from runner.cli.common import print_json
from runner.terminal import say
from runner.wording import _, worded


def report(
    call: Call,
    execution_id: RunId = "",
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of report.json instead.")
    ] = False,
) -> None:
    """Write a run's report anew, as a page with plots and as JSON, beside its executed notebooks.

    Every run writes its own when it ends; this adds what came later, as an evaluation, and looks into the
    documents also where the run had nothing to do.

    Example: nic-etl report --open
    """
    # Here, because no other command needs the report's models.
    from runner.report.model import RunReport
    from runner.report.write import write_report

    if schema:
        print_json(RunReport.model_json_schema())
        return
    written = write_report(call.state, call.state.load_checkpoint(execution_id), content=True)
    place = _("Report: {html}", html=written.html)
    call.answer(written.report.model_dump(mode="json"), say, f"{worded(written.report.headline)}\n{place}")
    if open_browser:
        webbrowser.open(written.html.as_uri())
