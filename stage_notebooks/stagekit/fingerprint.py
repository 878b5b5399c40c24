"""Which code made a result: the part of a memo key that changes when a module or a notebook cell changes."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["code_fingerprint", "function_source", "notebook_code"]

_WITHOUT_EFFECT = {"parameters", "injected-parameters", "display"}


def code_fingerprint(modules: Iterable[ModuleType]) -> str:
    """Return the sha256 of the source of modules; a package counts with everything below it."""
    state = hashlib.sha256()
    for path in sorted(file for module in modules for file in _sources(module)):
        state.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return state.hexdigest()


def notebook_code(notebook: Path) -> list[str]:
    """Return the code cells of a notebook that bear on its result.

    Left out are the parameters (their values are part of the key by themselves) and the cells tagged
    ``display``, so that a better plot does not throw away a night of conversions.
    """
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [
        "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "code" and not _WITHOUT_EFFECT & set(cell["metadata"].get("tags", []))
    ]


def function_source(function: Callable[..., Any]) -> str:
    """Return a function's source text, or its qualified name where there is none to be had."""
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return f"{function.__module__}.{getattr(function, '__qualname__', repr(type(function)))}"


def _sources(module: ModuleType) -> list[Path]:
    if module.__file__ is None:
        return []
    path = Path(module.__file__)
    return sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
