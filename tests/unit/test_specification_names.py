"""Every name of the specification is there, with the parameters, fields, members and defaults it gives."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig
from tests.bench import specification as bench
from tests.specification import (
    BENCHMARKS,
    ERRORS,
    FIELDS,
    FUNCTIONS,
    MEMBERS,
    METHODS,
    MODULES,
    OPTIONAL,
    TESTS,
    TYPES,
)

ROOT = Path(__file__).parents[2]
NEEDS_WIDGETS = {
    "component_health_checker", "create_error_analysis_widget", "create_pipeline_dashboard",
    "display_execution_progress", "pipeline_configuration_widget", "pipeline_dry_run", "stage_detail_viewer",
    "validate_configuration_widget",
}  # fmt: skip


def named(name: str) -> Any:
    if name in NEEDS_WIDGETS:
        pytest.importorskip("ipywidgets", reason="needs the extra dashboard")
    return getattr(import_module("runner.spec"), name)


def require_parameters(function: Callable[..., Any], wanted: tuple[str, ...]) -> None:
    """The parameters stand where the specification has them; whoever gives only those is understood."""
    known = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    # state is what is called pipeline_state there, where the class says already what it is the state of
    names = ["pipeline_state" if p.name == "state" else p.name for p in known]
    assert tuple(names[: len(wanted)]) == wanted
    assert all(p.default is not p.empty for p in known[len(wanted) :])


@pytest.mark.parametrize("name", METHODS)
def test_a_method_takes_what_the_specification_says(name: str) -> None:
    owner, _, method = name.partition(".")
    require_parameters(getattr(named(owner), method), METHODS[name])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_takes_what_the_specification_says(name: str) -> None:
    require_parameters(named(name), FUNCTIONS[name])


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, fields in FIELDS.items() for field in fields]
)
def test_a_model_has_the_fields_of_the_specification(name: str, field: str) -> None:
    model = named(name)
    fields = getattr(model, "model_fields", None) or model.__dataclass_fields__
    assert field in fields or isinstance(getattr(model, field, None), property)


@pytest.mark.parametrize("name", OPTIONAL)
def test_a_setting_has_the_default_of_the_specification(name: str) -> None:
    assert PipelineConfig.model_fields[name].default == OPTIONAL[name]


@pytest.mark.parametrize("name", MEMBERS)
def test_an_enumeration_has_the_members_of_the_specification(name: str) -> None:
    assert {str(member.value) for member in named(name)} >= MEMBERS[name]
    assert all(member.name == member.value.upper() for member in named(name))


@pytest.mark.parametrize("name", TYPES)
def test_a_type_of_the_specification_is_a_class_that_says_what_it_is(name: str) -> None:
    assert inspect.isclass(named(name))
    assert inspect.getdoc(named(name))


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_has_its_place_in_the_tree(name: str) -> None:
    assert [base.__name__ for base in named(name).__bases__] == [ERRORS[name]]


@pytest.mark.parametrize("file", MODULES)
def test_each_file_of_the_specification_has_its_counterpart(file: str) -> None:
    place, name = MODULES[file]
    if name.endswith(".ipynb"):
        assert (ROOT / place / name).is_file()
    else:
        assert getattr(import_module(place), name)


@pytest.mark.parametrize("name", TESTS)
def test_each_test_of_the_specification_has_its_counterpart(name: str) -> None:
    file, function = TESTS[name]
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_benchmark_of_the_specification_has_its_target() -> None:
    assert all(inspect.isfunction(getattr(bench, name)) for name in BENCHMARKS)
    targets = (bench.DOCUMENTS_PER_HOUR, bench.MAX_MEMORY_MB, bench.MAX_CHECKPOINT_SHARE)
    assert targets == tuple(BENCHMARKS.values())
