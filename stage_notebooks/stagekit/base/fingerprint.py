"""Which code and libraries made a result: the part of a memo key that changes when one of them changes.

What counts is what the code says, not where it lies: a module that moves into another room changes nothing,
and neither does an import or a docstring that names its new place.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

# Not those whose version changes the last digits of a number at most (the arithmetic of embeddings), or only
# how something is stored. What stands here is in the stage's fingerprint and in the key of each document.
_LIBRARIES = {
    "document_processing": (
        "docling", "docling-core", "docling-parse", "pypdfium2", "rapidocr", "rapid-layout", "onnxruntime",
        "openvino", "lxml", "markdown-it-py", "mdit-py-plugins", "tinycss2", "openpyxl", "pikepdf",
        "pyspellchecker",
    ),
    "text_chunking": ("docling-core", "tokenizers"),
    "metadata_enrichment": ("py3langid",),
}  # fmt: skip
_WITHOUT_EFFECT = {"parameters", "injected-parameters", "display"}
_OWN_IMPORT = re.compile(
    r"^[ \t]*(?:from stagekit[\w.]* import (?P<names>\([^)]*\)|[^\n(]*)|import stagekit[^\n]*)\n?",
    re.MULTILINE,
)
_OWN_NAME = re.compile(r"\bstagekit(?:\.\w+)*\.(?=\w)")
_BOUND = re.compile(r"(\w+)\s*(?:,|\)|#|$)", re.MULTILINE)


def code_fingerprint(modules: Iterable[ModuleType]) -> str:
    """Return the sha256 of the source of modules; a package counts with everything below it."""
    return sources_fingerprint(file for module in modules for file in _sources(module))


def sources_fingerprint(files: Iterable[Path]) -> str:
    """Return the sha256 of the contents of source files, whatever their names, places and order."""
    found = sorted(hashlib.sha256(_substance(file.read_text("utf-8")).encode()).digest() for file in files)
    return hashlib.sha256(b"".join(found)).hexdigest()


def notebook_code(notebook: Path) -> list[str]:
    """Return the code cells of a notebook that bear on its result.

    Left out are the parameters (their values are part of the key by themselves) and the cells tagged
    ``display``, so that a better plot does not throw away a night of conversions.
    """
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [
        _substance("".join(cell["source"]))
        for cell in cells
        if cell["cell_type"] == "code" and not _WITHOUT_EFFECT & set(cell["metadata"].get("tags", []))
    ]


def function_source(function: Callable[..., Any]) -> str:
    """Return a function's source text, or its qualified name where there is none to be had."""
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return f"{function.__module__}.{getattr(function, '__qualname__', repr(type(function)))}"


def _substance(source: str) -> str:
    """Return a source without the places of our own modules; the names that it takes from them stay."""
    taken: set[str] = set()
    for found in _OWN_IMPORT.finditer(source):
        taken.update(_BOUND.findall(found["names"] or ""))
    text = _OWN_NAME.sub("", _OWN_IMPORT.sub("", source))
    return f"{text}\0{','.join(sorted(taken))}" if taken else text


def _sources(module: ModuleType) -> list[Path]:
    if module.__file__ is None:
        return []
    path = Path(module.__file__)
    return sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]


def library_versions(stage: str) -> dict[str, str]:
    """Return the version of each library that determines a stage's result, by the library's name."""
    return {name: version(name) for name in _LIBRARIES.get(stage, ())}
