"""Promises of the code fingerprint: a change that can change a result is seen, one that cannot is not."""

from __future__ import annotations

import functools
import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from stagekit.base.fingerprint import code_fingerprint, function_source, notebook_code, sources_fingerprint
from tests.unit.core_notebooks import source_notebook


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    folder = tmp_path / "fp_package"
    (folder / "inner").mkdir(parents=True)
    for name in ("__init__.py", "inner/__init__.py"):
        (folder / name).write_text("")
    (folder / "inner" / "rules.py").write_text("LIMIT = 1\n")
    (folder / "notes.txt").write_text("no code")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("fp_package")
    for name in ("fp_package", "fp_package.inner"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return module


def test_a_package_counts_with_everything_below_it(package: ModuleType, tmp_path: Path) -> None:
    before = code_fingerprint([package])
    assert code_fingerprint([package]) == before

    (tmp_path / "fp_package" / "notes.txt").write_text("other words")
    assert code_fingerprint([package]) == before
    (tmp_path / "fp_package" / "inner" / "rules.py").write_text("LIMIT = 2\n")
    changed = code_fingerprint([package])
    assert changed != before
    (tmp_path / "fp_package" / "inner" / "more.py").write_text("")
    assert code_fingerprint([package]) not in {before, changed}


def test_where_code_lies_and_whence_it_takes_our_own_names_changes_nothing(tmp_path: Path) -> None:
    before, after = tmp_path / "before" / "rules.py", tmp_path / "after" / "limits.py"
    for path in (before, after):
        path.parent.mkdir()
    before.write_text(
        "from stagekit.memo import digest\nfrom stagekit import paths\nimport re\n\n"
        'def f():\n    """See :func:`stagekit.memo.digest`."""\n    return digest(paths, re)\n'
    )
    after.write_text(
        "import re\n\n"
        "from stagekit.artifacts.memo import (\n    digest,\n)\nfrom stagekit.base import paths\n\n"
        'def f():\n    """See :func:`stagekit.artifacts.memo.digest`."""\n    return digest(paths, re)\n'
    )
    assert sources_fingerprint([before]) != sources_fingerprint([after])  # an empty line more
    after.write_text(after.read_text().replace("import re\n\n", "import re\n", 1))
    assert sources_fingerprint([before]) == sources_fingerprint([after])
    after.write_text(after.read_text().replace("digest,\n)", "digest, canonical_json as json,\n)"))
    assert sources_fingerprint([before]) != sources_fingerprint([after])
    after.write_text(before.read_text().replace("import re", "import regex as re"))
    assert sources_fingerprint([before]) != sources_fingerprint([after])


def test_a_module_counts_by_itself_and_the_order_of_modules_does_not_matter() -> None:
    import stagekit.artifacts.memo
    import stagekit.artifacts.tables

    both = [stagekit.artifacts.memo, stagekit.artifacts.tables]
    assert code_fingerprint(both) == code_fingerprint(both[::-1])
    assert code_fingerprint(both) != code_fingerprint(both[:1])


def test_a_module_without_a_file_adds_nothing() -> None:
    bare = ModuleType("bare")
    bare.__file__ = None
    assert code_fingerprint([bare]) == code_fingerprint([])


def test_parameters_and_display_cells_are_no_code_of_a_result(tmp_path: Path) -> None:
    path = source_notebook(
        tmp_path / "a.ipynb",
        ("parameters", "size = 1"),
        ("injected-parameters", "size = 2"),
        ("", "work(size)"),
        ("display", "plot()"),
        ("other-tag", "finish()"),
    )
    assert notebook_code(path) == ["work(size)", "finish()"]


def test_a_source_split_into_lines_is_the_same_code(tmp_path: Path) -> None:
    path = source_notebook(tmp_path / "a.ipynb", ("", "a = 1\nb = 2"))
    path.write_text(path.read_text().replace('"a = 1\\nb = 2"', '["a = 1\\n", "b = 2"]'))
    assert notebook_code(path) == ["a = 1\nb = 2"]


def test_a_function_is_known_by_its_source() -> None:
    assert "by_its_source" in function_source(test_a_function_is_known_by_its_source)


def test_what_has_no_source_is_known_by_its_name() -> None:
    assert function_source(len) == "builtins.len"
    assert "partial" in function_source(functools.partial(len))
