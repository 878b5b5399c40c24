"""Draws docs/images/run.svg from the report of a run of the bundled sample.

.venv/bin/python docs/images/run_picture.py outputs/runs/RUN > docs/images/run.svg
"""

import sys
from pathlib import Path

from runner.report.flow import flow_steps, standalone_flow
from runner.report.history import JSON_NAME
from runner.report.model import RunReport

report = RunReport.model_validate_json((Path(sys.argv[1]) / JSON_NAME).read_bytes())
sys.stdout.write(standalone_flow(flow_steps(report.stages, report.planned)))
