"""The house stays small enough to be read: no module and no function of stagekit grows without end."""

from __future__ import annotations

import ast
from pathlib import Path

STAGEKIT = Path(__file__).parents[2] / "stage_notebooks" / "stagekit"
MODULE_LINES, FUNCTION_LINES, IMPORT_DEPTH = 450, 60, 10


def test_no_module_and_no_function_of_stagekit_is_too_long() -> None:
    """One that is has more than one reason to change: divide it along them."""
    found = {}
    for path in STAGEKIT.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if (lines := text.count("\n")) > MODULE_LINES:
            found[str(path.relative_to(STAGEKIT))] = lines
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > FUNCTION_LINES:
                    found[f"{path.relative_to(STAGEKIT)}: {node.name}"] = length
    assert not found
