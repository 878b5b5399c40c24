"""Promises of the advice on missing packages: it can be followed, and it spoils nothing."""

from __future__ import annotations

import shlex
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from stagekit.base.imports import extras

OPTIONAL = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]


def requirements(texts: list[str]) -> set[tuple[str, SpecifierSet]]:
    return {(canonicalize_name(one.name), one.specifier) for one in map(Requirement, texts)}


@pytest.mark.parametrize("extra", ["cluster", "dashboard", "notify", "serve", "socks"])
def test_the_command_names_what_the_extra_adds_and_nothing_else(extra: str) -> None:
    program, verb, *named = shlex.split(extras.install_command(extra))
    assert (program, verb) == ("pip", "install")
    assert requirements(named) == requirements(OPTIONAL[extra])


def test_code_that_is_installed_nowhere_names_the_extra_of_its_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(extras, "requires", unknown)
    assert extras.install_command("serve") == "uv pip install '.[serve]'"
