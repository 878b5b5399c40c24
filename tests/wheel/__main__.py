"""Installs a wheel into an empty environment, as docs/installing.md says, and uses it: ``make wheel-test``.

    python -m tests.wheel [--with uv|pip]

The commands are those of the page. It needs the package registry or its cache, 7 GB of disk and some minutes.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "installing.md"
_HEADINGS = {"uv": "From a wheel, with uv", "pip": "From a clone, with pip"}
_QUESTION = "prazo para comunicar um incidente de segurança"
_OPENCV = (
    "from importlib.metadata import distributions as d; import cv2;"
    "print(*sorted({p.name for p in d() if p.name.startswith('opencv')}), hasattr(cv2, 'ximgproc'))"
)


class WheelError(Exception):
    """A command failed, or did not do what it promises."""


def documented(way: str) -> str:
    """Return the page's commands for a way to install a wheel, as a script of the shell."""
    section = PAGE.read_text(encoding="utf-8").partition(f"## {_HEADINGS[way]}\n")[2].partition("\n## ")[0]
    [block] = re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S)
    # With pip the page names the clone; its text says what stands there for a wheel.
    return str(block).replace("--no-deps .\n", "--no-deps nic_etl-*.whl\n")


def check(way: str, folder: Path) -> None:
    """Build, install and use a wheel in an empty folder.

    Raises:
        WheelError: with the command that failed, and the end of what it said.
    """
    programs = sysconfig.get_path("scripts")
    _call([f"{programs}/uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT)], folder)
    shutil.copy(ROOT / "requirements.lock", folder)
    _call(["bash", "-euc", documented(way)], folder, PATH=f"{os.environ['PATH']}:{programs}")
    installed = folder / ".venv" / "bin"
    found = _call([str(installed / "python"), "-c", _OPENCV], folder).strip()
    if found != "opencv-contrib-python-headless True":
        raise WheelError(f"OpenCV was to be opencv-contrib-python-headless alone, with ximgproc: {found}")
    empty = folder / "empty"
    empty.mkdir()
    program = str(installed / "nic-etl")
    caches = {"NIC_ETL_MODELS_DIR": str(folder / "models")}
    _call([program, "run", "--quiet"], empty, **caches)
    answer = _call([program, "search", _QUESTION], empty, **caches)
    if "politica-de-seguranca-da-informacao.md" not in answer:
        raise WheelError(f"The search did not find the policy that answers it:\n{answer}")
    if "MCP" not in _call([program, "serve", "--help"], empty, **caches):
        raise WheelError("nic-etl serve --help does not say what it serves.")
    if [path.name for path in empty.iterdir()] != ["outputs"]:
        raise WheelError(f"More than outputs/ was left in {empty}: {sorted(empty.iterdir())}")


def main() -> int:
    """Return 0 if the wheel works, else 1 after saying which command failed."""
    options = argparse.ArgumentParser(prog="python -m tests.wheel", description=__doc__.split("\n")[0])
    options.add_argument("--with", dest="way", choices=sorted(_HEADINGS), default="uv", help="the installer")
    way = options.parse_args().way
    with tempfile.TemporaryDirectory(prefix="nic-etl-wheel-") as folder:
        try:
            check(way, Path(folder))
        except WheelError as error:
            sys.stderr.write(f"wheel-test failed: {error}\n")
            return 1
    sys.stdout.write(f"The wheel, installed with {way}, runs, finds and serves.\n")
    return 0


def _call(command: list[str], folder: Path, **environment: str) -> str:
    shown = " ".join(command[:1] + command[2:] if command[0] == "bash" else command)
    sys.stdout.write(f"$ {shown.strip()}\n")
    sys.stdout.flush()
    # Nothing of the environment that runs this reaches into the other one.
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("NIC_ETL_", "PYTHON", "QDRANT_", "GITLAB_")) and name != "VIRTUAL_ENV"
    }
    begun = time.monotonic()
    done = subprocess.run(
        command, cwd=folder, env={**kept, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise WheelError(f"exit code {done.returncode} of `{shown.strip()}`\n{said}")
    sys.stdout.write(f"  {time.monotonic() - begun:.0f} s\n")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
