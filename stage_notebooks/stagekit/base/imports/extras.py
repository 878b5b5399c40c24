"""What to install for a part of the project that comes without its packages, said so that it can be done."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires

_PROJECT = "nic-etl"


def install_command(extra: str) -> str:
    """Return the command that installs what an extra of the project adds, ``pip install 'apprise>=1.9'``.

    It names those packages and not the project, and so holds for a checkout and for an installed wheel alike:
    the project is in no registry, and pip, asked for ``'.[notify]'``, would install the OpenCV packages, too,
    that overwrite each other.
    """
    from packaging.requirements import Requirement

    try:
        named = [Requirement(text) for text in requires(_PROJECT) or []]
    except PackageNotFoundError:  # its code is run from a folder, uninstalled: there uv reads pyproject.toml
        named = []
    added = [
        f"'{one.name}{one.specifier}'"
        for one in named
        if one.marker and one.marker.evaluate({"extra": extra}) and not one.marker.evaluate({"extra": ""})
    ]
    return f"pip install {' '.join(added)}" if added else f"uv pip install '.[{extra}]'"
