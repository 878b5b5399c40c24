#!/bin/sh
# scrapbook 0.5.0 (with six, which it imports and does not ask for), papermill 2.7.0, nbclient 0.11.0, ipykernel
# 7.4.0: a cell that glues its result, and then wipes its progress away with clear_output(), as loops do whose line
# of text changes.
#
# Guess: glue() records a value in the notebook, clear_output() is about what a person sees: the scrap is there
# afterwards, as a variable would be.
# Seen: a scrap is nothing but an output of its cell that is not shown, and clear_output() takes all outputs of its
# cell: the scrap is gone, without an error or a warning. clear_output(wait=True) takes it with the next thing
# that the cell shows. One that is glued after it, or in another cell, stays.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scrapbook==0.5.0 papermill==2.7.0 \
  nbclient==0.11.0 ipykernel==7.4.0 nbformat==5.11.1 six==1.17.0
cat > "$folder/run.py" <<'PYTHON'
import warnings

import nbformat
import papermill
import scrapbook

warnings.simplefilter("ignore")
notebook = nbformat.v4.new_notebook()
notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
notebook.cells = [
    nbformat.v4.new_code_cell(source)
    for source in (
        "import scrapbook as sb\nfrom IPython.display import clear_output",
        "for step in range(3):\n    print(step)\nsb.glue('before', 1)\nclear_output()",
        "sb.glue('waiting', 2)\nclear_output(wait=True)\nprint('done')",
        "clear_output()\nsb.glue('after', 3)",
        "sb.glue('alone', 4)",
    )
]
nbformat.write(notebook, "in.ipynb")
papermill.execute_notebook("in.ipynb", "out.ipynb", progress_bar=False, log_output=False)
kept = dict(scrapbook.read_notebook("out.ipynb").scraps.data_dict)
print("glued: before, waiting, after, alone; kept:", kept)
assert kept == {"after": 3, "alone": 4}
PYTHON
cd "$folder"
JUPYTER_PREFER_ENV_PATH=1 PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" run.py
