"""What a stage's cells for display compute is for the reader alone: no result depends on it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "stage_notebooks").glob("*.ipynb"))


def _names(source: str, context: type[ast.expr_context]) -> set[str]:
    nodes = ast.walk(ast.parse(source))
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, context)}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_no_cell_that_counts_reads_what_only_a_cell_for_display_has_made(notebook: Path) -> None:
    # A cell tagged `display` is left out of the fingerprint: another content of it executes nothing anew.
    made_for_display: set[str] = set()
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        if "display" in cell["metadata"].get("tags", []):
            made_for_display |= _names(source, ast.Store)
            continue
        made = _names(source, ast.Store)
        assert not (_names(source, ast.Load) - made) & made_for_display, source
        made_for_display -= made
