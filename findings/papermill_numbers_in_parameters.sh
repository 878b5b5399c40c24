#!/bin/sh
# papermill 2.7.0, nbformat 5.11.1: words of a command line, given as `-p name word`.
#
# Guess: as the help says ("-p, --parameters: Parameters to pass to the parameters cell"), a word that is written as a
# number is one, and every other word stays as it is: a month 2024_05 and the abbreviated id of a commit, 84e3102,
# are no numbers to anybody who reads them.
# Seen: whatever Python's int() or float() takes is a number: 2024_05 becomes 202405 (PEP 515), and 84e3102 becomes
# infinity, as about one in a hundred commits does whose id is cut to seven digits. `-r name word` gives the word.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check papermill==2.7.0 nbformat==5.11.1
cd "$folder"
venv/bin/python - <<'PYTHON'
import nbformat

notebook = nbformat.v4.new_notebook()
notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
cell = nbformat.v4.new_code_cell('month = ""\ncommit = ""\n')
cell.metadata.tags = ["parameters"]
notebook.cells.append(cell)
nbformat.write(notebook, "in.ipynb")
PYTHON
injected() {
  venv/bin/papermill in.ipynb out.ipynb --prepare-only --no-progress-bar "$@" 2>/dev/null
  venv/bin/python -c 'import nbformat; print(nbformat.read("out.ipynb", 4).cells[1].source.replace("\n", "; "))'
}
typed=$(injected -p month 2024_05 -p commit 84e3102)
raw=$(injected -r month 2024_05 -r commit 84e3102)
printf '%s\n' "-p: $typed" "-r: $raw"
test "$typed" = "# Parameters; month = 202405; commit = float('inf'); "
test "$raw" = '# Parameters; month = "2024_05"; commit = "84e3102"; '
