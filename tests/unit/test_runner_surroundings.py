"""Promises of the command line where it lacks what programs usually have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from runner.cli.surroundings import fix_paths, missing_folder, place_caches
from runner.record.state_manager import StateManager
from stagekit.base.sockets import folder as socket_folder
from stagekit.errors import StageError

PRINTING = """
import os, sys
from runner.cli.surroundings import open_streams
open_streams()
file = open(sys.argv[1], "w")
print("a" * 100_000, flush=True)
print("later", file=sys.stderr)
os.write(1, b"what a child would write")
file.write(f"{sys.stdout.lost or 'fine'} {file.fileno() > 2}")
file.close()
"""


def printing(redirections: str, tmp_path: Path) -> str:
    (tmp_path / "program.py").write_text(PRINTING)
    command = f"PYTHONPATH={Path.cwd()} {sys.executable} {tmp_path}/program.py {tmp_path}/done {redirections}"
    subprocess.run(["bash", "-c", command], check=True, timeout=60, stderr=subprocess.DEVNULL)
    return (tmp_path / "done").read_text()


@pytest.mark.parametrize(
    ("redirections", "said"),
    [
        ("> /dev/null", "fine True"),
        ("| head -c 1", "fine True"),  # its reader has what it wants
        ("<&- >&- 2>&-", "fine True"),  # a daemon closes its streams
        ("> /dev/full", "No space left on device True"),
    ],
)
def test_the_work_goes_on_whatever_becomes_of_the_standard_streams(redirections, said, tmp_path):
    assert printing(redirections, tmp_path) == said


def test_a_removed_working_directory_is_said(tmp_path, monkeypatch):
    assert missing_folder() == ""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        assert "working directory does not exist" in missing_folder()
    finally:
        os.chdir(tmp_path)


def test_caches_go_to_a_private_folder_where_the_home_cannot_be_made(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))  # can be made
    monkeypatch.setenv("HOME", "/dev/null/home")
    place_caches()
    folder = Path(os.environ["XDG_CACHE_HOME"])
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700
    assert os.environ["XDG_CONFIG_HOME"] == str(tmp_path / "config")
    folder.chmod(0o777)  # prepared by somebody else, for all we know
    monkeypatch.delenv("XDG_CACHE_HOME")
    place_caches()
    assert Path(os.environ["XDG_CACHE_HOME"]) != folder


def test_a_usable_home_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    place_caches()
    assert "XDG_CACHE_HOME" not in os.environ


def test_a_path_in_the_environment_means_the_same_place_in_a_kernel(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "casa"))
    given = {
        "GITLAB_TOKEN_FILE": ("segredos/token", tmp_path / "segredos" / "token"),
        "NIC_ETL_PDF_PASSWORDS_FILE": ("~/senhas", tmp_path / "casa" / "senhas"),
        "NIC_ETL_MODELS_DIR": ("/modelos", Path("/modelos")),
    }
    for name, (written, _) in given.items():
        monkeypatch.setenv(name, written)
    fix_paths()
    assert {name: Path(os.environ[name]) for name in given} == {
        name: meant for name, (_, meant) in given.items()
    }
    assert "QDRANT_API_KEY_FILE" not in os.environ


def test_sockets_go_where_their_names_are_short_enough(tmp_path, monkeypatch):
    long = tmp_path / ("a" * 60) / ("b" * 60)
    long.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    folder = Path(socket_folder.socket_folder("nk-", longest="/k-00000"))
    folder.rmdir()
    assert len(str(folder)) < 100
    assert not list(long.iterdir())
    monkeypatch.setattr(socket_folder, "LONGEST_SOCKET_NAME", 10)
    with pytest.raises(StageError, match="set TMPDIR"):
        socket_folder.socket_folder("nk-", longest="/k-00000")


def test_latest_is_a_copy_where_the_disk_has_no_links(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    state = StateManager(tmp_path / "outputs")
    notebook = tmp_path / "outputs" / "runs" / "1" / "01_a.ipynb"
    notebook.parent.mkdir(parents=True)
    notebook.write_text("first")
    monkeypatch.setattr(Path, "symlink_to", refuse)
    state.set_latest(notebook)
    notebook.write_text("second")
    state.set_latest(notebook)
    assert (tmp_path / "outputs" / "latest" / "01_a.ipynb").read_text() == "second"


@pytest.mark.parametrize("moment", [0.15, 0.4, 0.8])
def test_who_thinks_better_of_it_in_the_first_second_is_told_nothing(tmp_path, moment):
    """Most of that second Python imports; the time goes from when it has come to our own first line."""
    begun = tmp_path / "begun"
    code = f"from runner.__main__ import program; open({str(begun)!r}, 'w').close(); program()"
    environment = os.environ | {"NIC_ETL_OUTPUTS_DIR": str(tmp_path / "outputs")}
    command = [sys.executable, "-c", code, "run"]
    run = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not begun.exists():
        time.sleep(0.01)
    time.sleep(moment)
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=120)
    assert run.returncode == 130
    assert "Traceback" not in said[1]
