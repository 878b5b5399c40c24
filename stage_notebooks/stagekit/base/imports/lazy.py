"""Packages whose public names are loaded when somebody asks for them (PEP 562): importing one is free."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

# Not `ast.parse`, which fails where two threads import at the same time (python/cpython#106905).
_HANDED_ON: Final = re.compile(r"^    from (\S+) import \(?\s*(\w+) as \2\b", re.MULTILINE)


def lazy_names(
    package: str, source: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]], tuple[str, ...]]:
    """Return the ``__getattr__``, ``__dir__`` and ``__all__`` of a package (its name and file).

    Its block ``if TYPE_CHECKING:`` is the one list of its public names, a line a name, ``from module import
    name as name``: that is how a package says to type checkers and editors, which execute nothing, that it
    hands a name on. No name may be that of one of its modules: once imported, the module would stand in its
    place.
    """
    home_of = {name: module for module, name in _HANDED_ON.findall(Path(source).read_text(encoding="utf-8"))}
    names = tuple(sorted(home_of))

    def load(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(home_of[name]), name)

    return load, lambda: list(names), names
