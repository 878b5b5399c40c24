"""Packages whose public names are loaded when somebody asks for them (PEP 562): importing one is free."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(
    package: str, homes: Mapping[str, Iterable[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a package.

    The package also imports the same names under ``TYPE_CHECKING`` and lists them in ``__all__``, for type
    checkers and editors, which execute nothing. No name may be that of one of its modules: once imported, the
    module would stand in its place.

    Args:
        package: the package's ``__name__``.
        homes: public names by the module that defines them.
    """
    home_of = {name: module for module, names in homes.items() for name in names}

    def load(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(home_of[name]), name)

    def names() -> list[str]:
        return sorted(home_of)

    return load, names
