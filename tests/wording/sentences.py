"""Reads out of the sources every sentence that people are shown, as the catalogue has to have it.

Two kinds: what is put into words where it is shown (arguments of ``_``, ``N_`` and ``ngettext``, in Python
and in templates), and what is written or raised in English first and recognised when it is shown: messages of
errors, reasons and remedies, arguments of ``stored``, descriptions of settings, help texts, and whatever else
reads as a sentence. An f-string stands for itself: its expressions are the placeholders.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment
from jinja2.ext import extract_from_ast

from runner.wording.recognition import STORED

Key = tuple[str | None, str, str | None]
"""Context (None, ``STORED``, or that of ``pgettext``), message, and its plural."""

_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

ROOT = Path(__file__).resolve().parents[2]
_SETTINGS = ("runner/settings/pipeline_config.py", "stagekit/base/collection_settings.py")
_NOW = {"_", "N_", "ngettext"}
_STORING = {"stored", "warn", "_warn", "rejected", "DocumentRejected", "RenamedSettingWarning"}
_HELPS = {"Option", "Argument", "Commands", "command"}
_HELP_EXAMPLE = "Example: nic-etl "
_SENTENCE = re.compile(r"[A-Z{`].*[a-z}]\S* \S+ \S.*[.!?)]", re.DOTALL)
_REASON = re.compile(r"[a-z{`].*")
_WORDS = re.compile(r"(?<!\S)[\W_]?[A-Za-z]{2,}(?![\w/:.]*[_/:]\w)")
_MARKUP = re.compile(
    r"</?[a-z]+[ >]|^[ \n]*\w+ = |\n\n|\.\n[A-Z]|^(?:SELECT|INSERT|DELETE|tag:|stagekit\.) ?"
)
_PLACEHOLDER = re.compile(r"\{\w*\}")
# For developers, or for programs, or part of an executed notebook, which is a log: one language.
_NOT_SHOWN = {
    "TypeError",
    "NotImplementedError",
    "AssertionError",
    "KeyError",
    "RuntimeError",
    "AttributeError",
}
_IN_ENGLISH = (
    "runner/after/metrics.py", "runner/config_reference.py", "runner/spec/",
    "runner/report/model.py", "runner/report/notebook.py", "runner/record/notebook_progress.py",
    "stagekit/declared/written_dates.py", "stagekit/embedding/packaged_e5/", "stagekit/serving/",
    "stagekit/stage/display.py",
)  # fmt: skip
# Modules whose reasons and findings may have two words.
_TERSE = ("stagekit/checks/doctor_", "stagekit/ingestion/selection.py")
# Rooms whose reasons begin with a small letter: they follow a colon, or stand in a table.
_REASONING = (
    "runner/pipeline/", "runner/record/", "runner/stages/", "runner/upkeep/",
    "stagekit/base/disk_faults.py", "stagekit/checks/", "stagekit/declared/",
    "stagekit/enrichment/metadata.py", "stagekit/ingestion/",
    "stagekit/processing/", "stagekit/stage/execution.py",
)  # fmt: skip


def english_sentences() -> dict[Key, str]:
    """Return the file of each sentence by its key."""
    found: dict[Key, str] = {}
    notebooks = ROOT / "stage_notebooks"
    for base, folder in ((ROOT, ROOT / "runner"), (notebooks, notebooks / "stagekit")):
        for path in sorted(folder.rglob("*.py")):
            name = path.relative_to(base).as_posix()
            if not name.startswith(_IN_ENGLISH):
                for key in _Module(path, name).sentences():
                    found.setdefault(key, name)
        for path in sorted(folder.rglob("*.j2")):
            for key in _in_template(path):
                found.setdefault(key, path.relative_to(base).as_posix())
    return found


def _in_template(path: Path) -> Iterator[Key]:
    tree = Environment().parse(path.read_text(encoding="utf-8"))
    for _line, function, said in extract_from_ast(tree, ("_", "ngettext")):
        texts = (said,) if isinstance(said, str) else said
        yield None, texts[0], texts[1] if function == "ngettext" else None


class _Module:
    def __init__(self, path: Path, name: str) -> None:
        self._name = name
        self._tree = ast.parse(path.read_text(encoding="utf-8"))
        self._seen: set[int] = set()  # nodes that are no sentences of their own

    def sentences(self) -> Iterator[Key]:
        for node in ast.walk(self._tree):
            if isinstance(node, _Documented):
                yield from self._docstring(node)
            elif isinstance(node, ast.Call):
                yield from self._call(node)
        for node in ast.walk(self._tree):
            if id(node) not in self._seen and isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
                for text in self._templates(node):
                    if not _MARKUP.search(text) and self._reads_as_one(text.strip()):
                        yield _stored(text)

    def _reads_as_one(self, text: str) -> bool:
        words = _words(text)
        if _SENTENCE.fullmatch(text) and words > 1:
            return True
        terse = self._name.startswith(_TERSE) and "{" in text
        return (
            self._name.startswith(_REASONING)
            and words > (0 if terse else 2)
            and bool(_REASON.fullmatch(text))
        )

    def _docstring(self, node: _Documented) -> Iterator[Key]:
        for one in node.body:
            if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
                self._seen.add(id(one.value))
        said = ast.get_docstring(node) or ""
        if self._name.startswith("runner/cli/") and _HELP_EXAMPLE in said:  # each command's help has one
            yield STORED, said, None

    def _call(self, node: ast.Call) -> Iterator[Key]:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _NOW:
            said = [one.value for one in node.args[:2] if isinstance(one, ast.Constant)]
            texts = [one for one in said if isinstance(one, str)]
            if texts:
                yield None, texts[0], texts[1] if name == "ngettext" else None
            self._skip(*node.args[: 2 if name == "ngettext" else 1])
            return
        if name == "pgettext":
            said = [one.value for one in node.args if isinstance(one, ast.Constant)]
            if len(said) == len(node.args):
                yield str(said[0]), str(said[1]), None
            self._skip(*node.args)
            return
        if name in _NOT_SHOWN or name == "compile":
            self._skip(*node.args)
            return
        told: list[ast.expr] = []
        if name in _STORING or name.endswith("Error"):
            told = list(node.args)
        elif name in _HELPS:
            told = [one.value for one in node.keywords if one.arg in {"help", "rich_help_panel"}]
        elif self._name in _SETTINGS and not name.startswith("Private"):
            described = node.args[1:2] if name.startswith("_") else []  # a kind of setting, as _source
            told = [*described, *(one.value for one in node.keywords if one.arg == "description")]
        for one in told:
            for text in self._templates(one):
                if (name == "stored" or _words(text) > 1) and not _MARKUP.search(text):
                    yield _stored(text)
            self._skip(one)

    def _skip(self, *nodes: ast.AST) -> None:
        for node in nodes:
            if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp | ast.IfExp):
                self._seen |= {id(one) for one in ast.walk(node) if not isinstance(one, ast.Call)}

    def _templates(self, node: ast.expr) -> list[str]:
        """Return the texts that an expression may have, its own expressions being placeholders."""
        if isinstance(node, ast.Constant):
            return [self._plain(node.value)] if isinstance(node.value, str) else []
        if isinstance(node, ast.IfExp):
            return [*self._templates(node.body), *self._templates(node.orelse)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self._parts(node.left), self._parts(node.right)
            self._skip(node.left, node.right)
            return self._joined([*left, *right]) if left and right else []
        if isinstance(node, ast.JoinedStr):
            self._seen |= {id(one) for one in ast.walk(node) if isinstance(one, ast.Constant)}
            return self._joined(self._parts(node))
        return []

    def _parts(self, node: ast.expr) -> list[list[str] | ast.expr]:
        if isinstance(node, ast.JoinedStr):
            return [one for value in node.values for one in self._parts(value)]
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return [[self._plain(node.value)]]
        if isinstance(node, ast.FormattedValue):
            choice = node.value
            arms = [choice.body, choice.orelse] if isinstance(choice, ast.IfExp) else []
            texts = [one.value for one in arms if isinstance(one, ast.Constant)]
            if len(texts) == 2 and all(isinstance(one, str) for one in texts):
                return [[self._plain(str(one)) for one in texts]]
            return [node.value]
        return [node] if isinstance(node, ast.Name | ast.Attribute | ast.Call) else []

    def _plain(self, text: str) -> str:
        return text.replace("{", "{{").replace("}", "}}")

    def _joined(self, parts: list[list[str] | ast.expr]) -> list[str]:
        taken: list[str] = []
        ways: list[list[str]] = []
        for part in parts:
            if isinstance(part, list):
                ways.append(part)
                continue
            base = _placeholder(part)
            numbered = itertools.chain([base], (f"{base}_{count}" for count in itertools.count(2)))
            name = next(one for one in numbered if one not in taken)
            taken.append(name)
            ways.append([f"{{{name}}}"])
        return ["".join(way) for way in itertools.islice(itertools.product(*ways), 16)]


def _stored(text: str) -> Key:
    # It may begin or end between other sentences; %d is what log messages have for a figure.
    return STORED, text.strip().replace("%d", "{count}"), None


def _words(text: str) -> int:
    return len(_WORDS.findall(_PLACEHOLDER.sub("", text)))


def _placeholder(node: ast.expr) -> str:
    """Return the name that a translator sees for an expression; what starts with ``count`` is a figure."""
    if isinstance(node, ast.Name):
        return node.id.strip("_")
    if isinstance(node, ast.Attribute):
        return node.attr.strip("_")
    if isinstance(node, ast.Subscript):
        key = node.slice
        named = isinstance(key, ast.Constant) and str(key.value).isidentifier()
        return str(key.value) if isinstance(key, ast.Constant) and named else _placeholder(node.value)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in {"len", "sum"}:
            return "count"
        if isinstance(node.func, ast.Attribute) and node.func.attr == "join":
            return _placeholder(node.args[0]) if node.args else "list"
        return _placeholder(node.args[0] if node.args else node.func)
    names = [one for one in ast.walk(node) if isinstance(one, ast.Name | ast.Attribute)]
    return _placeholder(names[0]) if names else "value"
