#!/bin/sh
# openvino 2026.4.1 with openvino-telemetry 2025.2.0, which pip installs with it.
#
# Guess: `import openvino` loads a library for inference and nothing else; statistics of use, if there are any, are
# of its command line tools and asked for.
# Seen: the import loads the converter (openvino.tools.ovc), which without a question writes a client id and a count
# into ~/intel and starts a thread that sends the event "import" to Google Analytics (not in CI jobs). Only the
# command `opt_in_out --opt_out` or a missing package openvino_telemetry keeps it from that.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 openvino-telemetry==2025.2.0
mkdir "$folder/home" "$folder/silent"
env -u CI HOME="$folder/home" "$folder/venv/bin/python" -c "import openvino"
ls -R "$folder/home"
test -f "$folder/home/intel/openvino_ga_cid"
HOME="$folder/silent" "$folder/venv/bin/python" - <<'PYTHON'
import sys

sys.modules["openvino_telemetry"] = None
import openvino
PYTHON
test -z "$(ls -A "$folder/silent")"
