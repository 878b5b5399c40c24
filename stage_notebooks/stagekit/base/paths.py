"""Where the project's files are: in a checkout, in an installed wheel, or where the environment says."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from stagekit.base.folder_swap import put_back
from stagekit.errors import StageError


def notebooks_dir() -> Path:
    """Return the folder of the stage notebooks: around this package, or beside it in an installed wheel."""
    around = package_dir().parent
    return around if around.name == "stage_notebooks" else around / "stage_notebooks"


def config_dir() -> Path:
    """Return the folder of defaults, profiles, schemas and the sample repository."""
    notebooks = notebooks_dir()
    beside = notebooks.parent / "config"
    return beside if _in_checkout() else notebooks / "config"


def package_dir() -> Path:
    """Return the folder of stagekit's own code, which an installed wheel keeps apart from the notebooks."""
    return Path(__file__).resolve().parents[1]


def source_notebook(stage: str) -> Path:
    """Return a stage's source notebook: ``$NIC_ETL_NOTEBOOK`` where the runner says it, else by its name."""
    given = os.environ.get("NIC_ETL_NOTEBOOK")
    if given and Path(given).stem.endswith(stage):
        return Path(given)
    return next(notebooks_dir().glob(f"[0-9][0-9]_{stage}.ipynb"), notebooks_dir() / f"{stage}.ipynb")


def outputs_path(outputs_dir: str = "") -> Path:
    """Resolve the outputs folder: the argument, else ``$NIC_ETL_OUTPUTS_DIR``, else ``outputs/``.

    ``outputs/`` lies in the checkout, so that a notebook finds it from whatever folder it runs in; for an
    installed wheel it lies in the current folder.
    """
    chosen = outputs_dir or os.environ.get("NIC_ETL_OUTPUTS_DIR", "")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return (notebooks_dir().parent if _in_checkout() else Path.cwd()) / "outputs"


def latest_dir(outputs: Path) -> Path:
    """Return the folder with a link to each stage's newest good executed notebook."""
    return outputs / "latest"


def latest_notebooks(outputs: Path) -> dict[str, Path]:
    """Return each stage's newest good executed notebook by stage name, in the order of the chain."""
    return {
        path.stem.lstrip("0123456789").lstrip("_"): path
        for path in sorted(latest_dir(outputs).glob("*.ipynb"))
        if path.exists()
    }


def make_private_dir(path: Path) -> Path:
    """Create a folder (and its parents) that only its owner may enter, and return it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def private_outputs(outputs: Path) -> Path:
    """Create the outputs folder, or make sure that nobody else can enter it or has prepared it.

    What this process writes from now on is its owner's alone, wherever it writes.

    Raises:
        StageError: the folder, or something in it that would be written to, is another user's or a link, or
            its key is being changed.
        OSError: it cannot be made.
    """
    os.umask(0o077)
    put_back(outputs)
    make_private_dir(outputs)
    _require_own(outputs.stat(), outputs)
    if stat.S_IMODE(outputs.stat().st_mode) & 0o077:
        outputs.chmod(0o700)
    for folder in (outputs, outputs / "runs", outputs / "artifacts"):
        for path in folder.iterdir() if folder.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):  # a temporary file of a run that goes on
                _require_own(path.lstat(), path)
    return outputs


def _require_own(facts: os.stat_result, path: Path) -> None:
    if stat.S_ISLNK(facts.st_mode):
        raise StageError(
            f"{path} is a symbolic link, through which files elsewhere would be written: remove it "
            "(outputs_dir and NIC_ETL_ARTIFACTS_URL choose other places)."
        )
    if facts.st_uid != os.geteuid():
        raise StageError(
            f"{path} belongs to another user (number {facts.st_uid}): choose another outputs_dir, or give it "
            f"to the user who runs this (number {os.geteuid()})."
        )


def _in_checkout() -> bool:
    return (notebooks_dir() / "stagekit").is_dir()
