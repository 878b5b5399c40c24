"""Where the project's files are: in a checkout, in an installed wheel, or where the environment says."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = [
    "latest_dir",
    "latest_notebooks",
    "make_private_dir",
    "notebooks_dir",
    "outputs_path",
    "project_root",
    "source_notebook",
]


def project_root() -> Path:
    """Return the folder that holds ``stage_notebooks/`` and ``config/``."""
    here = Path(__file__).resolve().parent
    checkout = here.parent.parent
    if (checkout / "config").is_dir() and (checkout / "stage_notebooks").is_dir():
        return checkout
    return here.parent / "runner" / "_bundle"  # an installed wheel, see pyproject.toml


def notebooks_dir() -> Path:
    """Return the folder of the stage notebooks."""
    return project_root() / "stage_notebooks"


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
    root = project_root()
    return (Path.cwd() if root.name == "_bundle" else root) / "outputs"


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
