"""The house stays small enough to be read: modules, functions and the ways between modules have limits."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = {"runner": ROOT / "runner", "stagekit": ROOT / "stage_notebooks" / "stagekit"}
MODULE_LINES = 450
FUNCTION_LINES = 60  # without its docstring, which says shapes, units and errors
IMPORTS_IN_A_ROW = 10


@cache
def trees() -> dict[str, tuple[Path, str, ast.Module]]:
    """Every module by its dotted name."""
    found = {}
    for package, folder in ROOMS.items():
        for path in folder.rglob("*.py"):
            parts = (package, *path.relative_to(folder).with_suffix("").parts)
            text = path.read_text(encoding="utf-8")
            name = ".".join(parts).removesuffix(".__init__")
            found[name] = path.relative_to(ROOT), text, ast.parse(text)
    return found


def test_no_module_is_too_long() -> None:
    """One that is has more than one reason to change: divide it along them."""
    long = {str(path): text.count("\n") for path, text, _ in trees().values()}
    assert not {path: lines for path, lines in long.items() if lines > MODULE_LINES}


def test_no_function_is_too_long() -> None:
    lengths = {
        f"{path}: {node.name}": code_lines(node)
        for path, _, tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES}


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    said = first if ast.get_docstring(function) is not None else None
    lines = (function.end_lineno or 0) - function.lineno + 1
    return lines - ((said.end_lineno or 0) - said.lineno + 1 if said else 0)


def test_no_modules_import_each_other_in_a_circle() -> None:
    """At the top of a module; what is imported later, in a function, cannot stand in the way of an import."""
    TopologicalSorter(graph()).prepare()


def test_no_import_brings_a_long_chain_of_others() -> None:
    """Whoever changes a module has to think of what stands above it, and waits for what stands below."""
    ways: dict[str, tuple[str, ...]] = {}
    for module in TopologicalSorter(graph()).static_order():
        below = max((ways[one] for one in graph()[module]), key=len, default=())
        ways[module] = (module, *below)
    assert not [" > ".join(way) for way in ways.values() if len(way) - 1 > IMPORTS_IN_A_ROW]


@cache
def graph() -> dict[str, set[str]]:
    """What each module imports at its top, of a package with lazy names the modules that have them."""
    return {name: set(imported(tree)) - {name} for name, (_, _, tree) in trees().items()}


def imported(tree: ast.Module) -> Iterator[str]:
    known = trees()
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if home := lazy_homes(node.module).get(alias.name):
                    yield home
                elif whole in known:
                    yield whole
                elif node.module in known:
                    yield node.module


@cache
def lazy_homes(package: str) -> dict[str, str]:
    """The modules of the names that a package hands out at their first use, as type checkers are told."""
    if package not in trees():
        return {}
    tree = trees()[package][2]
    if not any(isinstance(node, ast.Assign) and "lazy_names(" in ast.unparse(node) for node in tree.body):
        return {}
    imports = [
        node
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
    ]
    return {alias.name: str(node.module) for node in imports for alias in node.names}
