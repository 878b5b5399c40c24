"""Draws docs/images/run.svg from the report of a run of the bundled sample.

.venv/bin/python docs/images/run_picture.py outputs/runs/RUN > docs/images/run.svg
"""

import sys
from pathlib import Path

from runner.report.flow import flow_figure, flow_steps
from runner.report.history import JSON_NAME
from runner.report.model import RunReport
from runner.report.styles import style_sheet

report = RunReport.model_validate_json((Path(sys.argv[1]) / JSON_NAME).read_bytes())
drawn = flow_figure(flow_steps(report.stages, report.planned))
wide = drawn[drawn.index("<svg ") : drawn.index("</svg>")]
head, _, body = wide.partition(">")
head = head.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
paper = '<rect width="100%" height="100%" style="fill:#fff;stroke:none"/>'
style = style_sheet("flow").replace(".flow svg", ".never").partition("@media")[0]
sys.stdout.write(f"{head}><style>{style}</style>{paper}<g class='flow'>{body}</g></svg>\n")
