"""What a notebook may be told: the names and defaults of its cell tagged ``parameters``."""

from __future__ import annotations

import ast
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stagekit.errors import StageError

# Python 3.11 counts the depth of a syntax tree for all threads together (python/cpython#106905), and stages
# that run side by side would end with "AST constructor recursion depth mismatch".
_PARSING = threading.Lock()


def notebook_parameters(notebook: Path) -> dict[str, Any]:
    """Return the names and defaults of the cell tagged ``parameters``.

    Papermill's own inspection reads the cell with regular expressions and misses what they do not cover;
    this reads Python's syntax tree.

    Raises:
        StageError: if the notebook is missing, or has no such cell, or a default is no literal.
    """
    try:
        content = json.loads(notebook.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StageError(f"The stage notebook {notebook} cannot be read: {error}.") from None
    for cell in content.get("cells", []):
        if "parameters" in cell.get("metadata", {}).get("tags", []):
            return _literals("".join(cell["source"]), notebook)
    raise StageError(f"{notebook} has no cell tagged `parameters`.")


def _literals(source: str, notebook: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        with _PARSING:
            tree = ast.parse(source)
    except SyntaxError as error:
        raise StageError(
            f"{notebook}: the cell tagged `parameters` is not Python ({error.msg}, line {error.lineno})."
        ) from None
    for name, value in _assignments(tree):
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, TypeError):
            raise StageError(f"{notebook}: the default of {name} must be a literal value.") from None
    return found


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
