#!/bin/sh
# papermill 2.7.0 with nbclient 0.11.0, ipykernel 7.4.0: a cell tagged raises-exception, which shows what goes wrong.
#
# Guess: papermill executes with nbclient, whose tag it is (documented: "the cell is expected to raise; execution goes
# on"), and so do `jupyter execute` and nbconvert: the notebook runs to its end and is written as a success.
# Seen: papermill, whose client is nbclient's, executes every cell, those below too, as nbclient does; and then looks
# for errors among the outputs, takes the expected one for a failure, raises PapermillExecutionError and writes "An
# Exception was encountered" on top of the notebook.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check papermill==2.7.0 nbclient==0.11.0 \
  ipykernel==7.4.0 nbformat==5.11.1
cat > "$folder/run.py" <<'PYTHON'
import copy

import nbformat
import papermill
from nbclient import NotebookClient
from papermill.exceptions import PapermillExecutionError

notebook = nbformat.v4.new_notebook()
notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
notebook.cells = [nbformat.v4.new_code_cell("1 / 0"), nbformat.v4.new_code_cell("print('reached')")]
notebook.cells[0].metadata.tags = ["raises-exception"]
nbformat.write(notebook, "in.ipynb")

done = NotebookClient(copy.deepcopy(notebook)).execute()
assert done.cells[1].outputs[0].text == "reached\n", "nbclient goes on"
try:
    papermill.execute_notebook("in.ipynb", "out.ipynb", progress_bar=False)
    seen = "success"
except PapermillExecutionError as error:
    seen = f"PapermillExecutionError: {error.ename}"
last = nbformat.read("out.ipynb", 4).cells[-1]
print("nbclient: reached; papermill:", seen, "; its last cell:", last.outputs[0].text.strip())
assert seen == "PapermillExecutionError: ZeroDivisionError"
assert last.outputs[0].text == "reached\n"
PYTHON
cd "$folder"
JUPYTER_PREFER_ENV_PATH=1 PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" run.py
