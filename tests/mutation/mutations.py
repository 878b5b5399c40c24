"""The small faults that a module may have: what stands in each place, and what may stand there wrongly."""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_FEW = 20  # from here on a number is a size
_FOR_PEOPLE = {"debug", "info", "warning", "warn", "error", "exception", "print", "echo", "secho"}


@dataclass(frozen=True)
class Mutation:
    """One change: the lines of the module that it stands in, and the whole text of the changed module.

    The other lines keep their numbers. ``inside`` a function it takes effect with the next call, else with
    the next import.
    """

    module: str
    first: int
    last: int
    told: str
    text: str
    inside: bool


def mutations(module: str, text: str) -> list[Mutation]:
    """Return all mutations of a module; words for people, annotations and what stands in errors stay."""
    found = []
    lines = text.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    for node, changed, inside in _changes(ast.parse(text), False):
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        before, new = text.encode()[begin:end].decode(), ast.unparse(changed)
        lost = "\n" * (node.end_lineno - node.lineno)
        if isinstance(changed, ast.stmt):
            new += lost
        elif lost or isinstance(changed, (ast.Compare, ast.BoolOp, ast.UnaryOp)):
            new = f"({new}{lost})"
        whole = (text.encode()[:begin] + new.encode() + text.encode()[end:]).decode()
        told = f"{' '.join(before.split())[:90]}  ->  {new.strip()[:90]}"
        found.append(Mutation(module, node.lineno, node.end_lineno, told, whole, inside))
    return found


def _changes(tree: ast.AST, inside: bool) -> Iterator[tuple[Any, ast.AST, bool]]:
    """Yield nodes with what takes their place, and whether they stand in the body of a function."""
    for field, value in ast.iter_fields(tree):
        if field in {"annotation", "returns", "decorator_list"}:
            continue
        for node in value if isinstance(value, list) else [value]:
            if not isinstance(node, ast.AST) or _for_people(node) or _without_effect(node):
                continue
            within = inside or (field == "body" and isinstance(tree, (ast.FunctionDef, ast.AsyncFunctionDef)))
            yield from ((node, changed, within) for changed in _instead(node, tree))
            yield from _changes(node, within)


def _for_people(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring
    if isinstance(node, ast.Call):
        return getattr(node.func, "attr", getattr(node.func, "id", "")) in _FOR_PEOPLE
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return True
    return isinstance(node, (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom, ast.Assert))


def _without_effect(node: ast.AST) -> bool:
    """Tell whether a change in a node shows nothing: it is asserted there, or only declared."""
    if isinstance(node, ast.keyword):
        return node.arg == "strict"  # of zip
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):  # of a protocol
        return all(isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) for one in node.body)
    return False


def _instead(node: ast.AST, parent: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[operator]):
            changed = copy.deepcopy(node)
            changed.ops = [_COMPARE[type(operator)]()]
            yield changed
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float()) if not isinstance(parent, ast.UnaryOp):
            # A size may be larger by one without anybody noticing, and ought not to be half or double.
            few = abs(node.value) < _FEW
            both = (node.value - 1, node.value + 1) if few else (node.value // 2, node.value * 2)
            yield from (ast.Constant(one) for one in both)
        case ast.Constant(value=str(key)) if isinstance(parent, (ast.Dict, ast.Subscript)):
            if not isinstance(parent, ast.Dict) or any(node is one for one in parent.keys):
                yield ast.Constant(f"{key}_other")
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()) if not _for_people(node.value):
            yield ast.Pass()


def sampled(root: Path, folder: str, seed: int, per_module: int, sample: int) -> list[Mutation]:
    """Return so many mutations of each module of a folder, and of those so many in all (0: all)."""
    chosen: list[Mutation] = []
    for path in sorted((root / folder).rglob("*.py")):
        module = str(path.relative_to(root))
        every = mutations(module, path.read_text("utf-8"))
        chosen += random.Random(f"{seed} {module}").sample(every, min(per_module, len(every)))
    return random.Random(f"{seed} {folder}").sample(chosen, sample) if 0 < sample < len(chosen) else chosen
