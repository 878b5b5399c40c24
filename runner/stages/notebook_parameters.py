"""What a notebook may be told; to the runner, a faulty notebook is a fault of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runner.errors import ConfigurationError
from stagekit.base import notebook_parameters as parameters_cell
from stagekit.errors import StageError


def notebook_parameters(notebook: Path) -> dict[str, Any]:
    """Return the names and defaults of a notebook's cell tagged ``parameters``.

    Raises:
        ConfigurationError: if the notebook is missing, or has no such cell, or a default is no literal.
    """
    try:
        return parameters_cell.notebook_parameters(notebook)
    except StageError as error:
        raise ConfigurationError(str(error)) from None
