"""The command line as a program: it ends at once, with its code, and loses nothing on the way out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import atexit, sys, threading, time
import runner.__main__ as program, runner.cli.entry as entry
def main():
    {body}
entry.main = main
atexit.register(lambda: print("at exit"))
program.program()
"""


def run(body: str) -> subprocess.CompletedProcess[str]:
    script = SCRIPT.format(body=body)
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("print('done')", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit('no such folder')", 1, "no such folder\n"),
    ],
)
def test_it_ends_with_the_code_of_the_command(body: str, code: int, said: str) -> None:
    ended = run(body)
    assert (ended.returncode, ended.stderr) == (code, said)
    assert ended.stdout.endswith("at exit\n")


def test_an_error_that_nobody_expected_is_told() -> None:
    ended = run("1 / 0")
    assert ended.returncode == 1
    assert "ZeroDivisionError" in ended.stderr


def test_what_a_thread_still_writes_is_written() -> None:
    body = "threading.Thread(target=lambda: (time.sleep(0.5), print('late'))).start(); print('x' * 100_000)"
    ended = run(body)
    assert ended.stdout == "x" * 100_000 + "\nlate\nat exit\n"


def test_the_module_is_the_command(tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "runner", "history", "-p", f"outputs_dir={tmp_path}"]
    ended = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
