"""The configuration form: every setting with its help, checked while it is typed, and no secret in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

widgets = pytest.importorskip("ipywidgets", reason="needs the extra dashboard")

from runner.config_manager import PipelineConfig, load_config, parse_assignments  # noqa: E402
from runner.dashboard import Workspace, pipeline_configuration_widget  # noqa: E402
from runner.dashboard.settings_form import SettingsForm  # noqa: E402
from runner.dashboard.workspace import setting_text  # noqa: E402
from runner.errors import ConfigurationError  # noqa: E402


@pytest.fixture
def workspace(outputs: Path) -> Workspace:
    return Workspace.open("local", {"outputs_dir": outputs})


@pytest.fixture
def form(workspace: Workspace) -> SettingsForm:
    return SettingsForm(workspace)


def help_of(form: SettingsForm, name: str) -> str:
    return str(form._help[name].value)


def test_every_setting_has_a_field_with_its_value_and_its_help(form: SettingsForm) -> None:
    assert list(form.fields) == list(PipelineConfig.model_fields)
    assert form.fields["chunk_size"].value == setting_text(load_config("local").config.chunk_size)
    assert form.fields["hybrid_search"].value is load_config("local").config.hybrid_search
    assert form.fields["source"].options == ("git", "gitlab")
    assert form.fields["include_statuses"].value == "approved, published"
    assert "Where the documents are" in help_of(form, "source")


def test_what_is_typed_is_in_the_command_that_a_terminal_would_take(
    form: SettingsForm, workspace: Workspace
) -> None:
    form.fields["chunk_size"].value = "77"
    form.fields["target_folder"].value = "30-Aprovados, 40 Normas"
    form.fields["hybrid_search"].value = False
    words = workspace.arguments()
    taken = load_config(words[1], parse_assignments(words[3::2])).config
    assert (taken.chunk_size, taken.hybrid_search) == (77, False)
    assert taken.target_folder == ["30-Aprovados", "40 Normas"]
    assert taken.outputs == workspace.manager.outputs
    assert "-p chunk_size=77" in form.summary.value
    assert "was 250" in help_of(form, "chunk_size") or "changed" in help_of(form, "chunk_size")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("chunk_size", "many", "must be a whole number"),
        ("chunk_size", "0", "greater than 0"),
        ("max_failure_rate", "2", "less than or equal to 1"),
        ("collection_name", "a/b", "has a form that is not allowed"),
        ("qdrant_url", "https://me:pass@host", "user name"),
        ("source_path", "documents", "must be an absolute path"),
        ("include_paths", "[a", "must be a list"),
    ],
)
def test_a_wrong_value_is_named_at_once_and_never_reaches_a_run(
    form: SettingsForm, workspace: Workspace, name: str, text: str, words: str
) -> None:
    form.fields[name].value = text
    assert words in help_of(form, name)
    assert list(form.problems) == [name]
    assert name not in workspace.settings
    form.fields[name].value = form._base[name]
    assert form.problems == {}


def test_other_changes_survive_while_one_setting_is_wrong(form: SettingsForm, workspace: Workspace) -> None:
    form.fields["chunk_size"].value = "90"
    form.fields["max_pages"].value = "x"
    assert workspace.settings["chunk_size"] == "90"
    assert "1 wrong: max_pages" in form.summary.value


def test_what_is_typed_is_shown_as_text(form: SettingsForm) -> None:
    form.fields["device"].value = "<script>alert(1)</script>"
    assert "<script" not in help_of(form, "device")
    assert "&lt;script&gt;" in help_of(form, "device")


def test_secrets_are_neither_shown_nor_asked(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", "glpat-abcdefghijklmnop")
    form = SettingsForm(Workspace.open("local", {"outputs_dir": outputs}))
    assert not {name for name in form.fields if "token" in name or "api_key" in name}
    texts = [widget.value for widget in _all(form.widget) if isinstance(getattr(widget, "value", None), str)]
    assert not [text for text in texts if "abcdefghijklmnop" in text]
    assert any("GITLAB_TOKEN is set" in text for text in texts)


def test_a_profile_brings_its_values_and_a_broken_one_changes_nothing(
    form: SettingsForm, workspace: Workspace, tmp_path: Path
) -> None:
    form.profile.value = "production"
    assert workspace.profile == "production"
    production = load_config("production").config
    assert form.fields["source"].value == production.source
    broken = tmp_path / "broken.yaml"
    broken.write_text("chunk_size: none\n")
    form.profile.options = [*form.profile.options, str(broken)]
    form.profile.value = "production"
    form.profile.value = str(broken)
    assert workspace.profile == form.profile.value == "production"
    assert "chunk_size" in form.summary.value


def test_a_setting_is_found_by_its_name_or_its_help(form: SettingsForm) -> None:
    form.filter.value = "certificate"
    shown = {name for name, row in form._rows.items() if row.layout.display != "none"}
    assert "ca_file" in shown
    assert "chunk_size" not in shown
    form.filter.value = ""
    assert all(row.layout.display is None for row in form._rows.values())


def test_the_outputs_folder_is_that_of_the_dashboard(form: SettingsForm, outputs: Path) -> None:
    assert form.fields["outputs_dir"].disabled
    assert form.fields["outputs_dir"].value == str(outputs)


@pytest.mark.parametrize(
    "value", [["a", "b"], ["a,b", " c"], [], ["[x"], ["", "b"], True, 3, 2.5, 60.0, "text", {"hnsw_m": 32}]
)
def test_a_value_as_text_means_the_same_on_the_command_line(value: Any) -> None:
    text = setting_text(value)
    name = {
        list: "include_paths",
        bool: "hybrid_search",
        int: "max_pages",
        float: "request_timeout_s",
        dict: "qdrant_collection",
    }.get(type(value), "project")
    assert getattr(load_config("local", {name: text}).config, name) == value


def test_the_widget_works_in_any_notebook(outputs: Path) -> None:
    workspace = Workspace.open("local", {"outputs_dir": outputs, "chunk_size": 99})
    form = pipeline_configuration_widget(workspace)
    assert json.dumps([type(child).__name__ for child in form.children])
    assert workspace.settings["chunk_size"] == "99"
    with pytest.raises(ConfigurationError, match="chunk_sise"):
        Workspace.open("local", {"chunk_sise": 1})


def _all(widget: Any) -> list[Any]:
    return [widget, *(inner for child in getattr(widget, "children", ()) for inner in _all(child))]
