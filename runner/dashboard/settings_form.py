"""Every setting as a form: grouped, each with its help, checked while it is typed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

import ipywidgets as widgets

from runner.config_manager import load_config, profiles
from runner.dashboard.boxes import by_itself, growing, row
from runner.dashboard.markup import note, plain, remark, span
from runner.dashboard.workspace import Workspace, setting_text
from runner.errors import ConfigurationError
from runner.settings.pipeline_config import SECRETS, PipelineConfig, marks
from runner.wording import N_, _, term, worded

_TITLES = {
    "Source": N_("Source: which documents"),
    "Processing": N_("Processing: how they are read"),
    "Chunking and embedding": N_("Chunking and embedding: how they are cut and found"),
    "Storage": N_("Storage: where they are served"),
    "Services": N_("Services: what holds for GitLab and Qdrant"),
    "Behaviour": N_("Behaviour of a run"),
}
_FIXED = "outputs_dir"  # the records, progress and history that are shown lie there
_PLACES = ("_path", "_file", "_dir")
_NARROW = widgets.Layout(width="200px", flex="0 0 auto")
_INPUT = widgets.Layout(width="250px", flex="0 0 auto")


class SettingsForm:
    """The form; what is valid is in the workspace at once, what is not is in ``problems``.

    Attributes:
        widget: to be shown.
        fields: the input of each setting, by name.
        problems: a sentence for each setting that is wrong, by name.
    """

    def __init__(self, workspace: Workspace, changed: Callable[[], None] | None = None) -> None:
        self._workspace = workspace
        self._changed: Callable[[], None] | None = None
        self._given = dict(workspace.settings)
        self._base: dict[str, str] = {}
        self._loading = False
        self.problems: dict[str, str] = {}
        self.fields: dict[str, Any] = {}
        self._help: dict[str, widgets.HTML] = {}
        self._rows: dict[str, widgets.HBox] = {}
        known = list(dict.fromkeys([*profiles(), workspace.profile]))
        self.profile = widgets.Dropdown(options=known, value=workspace.profile, layout=_INPUT)
        self.filter = widgets.Text(placeholder=_("find a setting"), layout=_INPUT)
        self.summary = widgets.HTML()
        self._accordion = self._build()
        more = widgets.HTML(note(f"<h3>{plain(_('More settings'))}</h3>"))
        simple = widgets.VBox([line for name, line in self._rows.items() if marks(name).simple])
        label = widgets.Label(_("Profile"), layout=widgets.Layout(width="60px"))
        head, secrets = row(label, self.profile, self.filter), widgets.HTML(_secrets())
        self.widget = widgets.VBox([head, self.summary, simple, more, self._accordion, secrets])
        self.profile.observe(self._choose_profile, "value")
        self.filter.observe(self._find, "value")
        self._load()
        self._changed = changed

    def _build(self) -> widgets.Accordion:
        groups: dict[str, list[Any]] = {}
        for name, field in PipelineConfig.model_fields.items():
            self.fields[name] = _input(field.annotation)
            self.fields[name].disabled = name == _FIXED
            self.fields[name].observe(self._typed, "value")
            self._help[name] = widgets.HTML(layout=growing(220))
            label = widgets.Label(name, layout=_NARROW)
            self._rows[name] = row(label, self.fields[name], self._help[name])
            self._rows[name].layout.align_items = "center"
            if not marks(name).simple:
                groups.setdefault(_(_TITLES[marks(name).group]), []).append(self._rows[name])
        self._groups = list(groups.values())
        boxes = [widgets.VBox(rows) for rows in self._groups]
        return widgets.Accordion(boxes, titles=list(groups), selected_index=None)

    def _load(self) -> None:
        """Show the values of the workspace."""
        config = load_config(self._workspace.profile, self._given).config
        self._base = {name: setting_text(getattr(config, name)) for name in self.fields}
        self._loading = True
        effective = self._workspace.load().config
        for name in self.fields:
            shown = setting_text(getattr(effective, name))
            is_switch = isinstance(self.fields[name], widgets.Checkbox)
            self.fields[name].value = shown == "true" if is_switch else shown
        self._base[_FIXED] = self.fields[_FIXED].value = str(config.outputs)
        self._loading = False
        self._check()

    def _typed(self, _changed: Any) -> None:
        if not self._loading:
            self._check()

    def _check(self) -> None:
        """Take what is valid into the workspace, and say of the rest what is wrong."""
        texts = {name: setting_text(field.value) for name, field in self.fields.items()}
        asked = {name: text for name, text in texts.items() if name != _FIXED and text != self._base[name]}
        self.problems = _relative_paths(asked)
        try:
            load_config(self._workspace.profile, self._given | asked)
        except ConfigurationError as error:
            self.problems |= _by_setting(str(error), asked)
        self._workspace.settings = self._given | {
            name: text for name, text in asked.items() if name not in self.problems
        }
        self._tell(asked)
        if self._changed is not None:
            self._changed()

    def _tell(self, asked: dict[str, str]) -> None:
        for name, field in PipelineConfig.model_fields.items():
            meaning = worded(field.description)
            said = plain(meaning[:1].upper() + meaning[1:])
            if name == _FIXED:
                said += "; " + plain(_("chosen when the dashboard is started"))
            if name in asked:
                was = _("was {value}", value=self._base[name] or _("empty"))
                said += f" · {span(_('changed'), 'busy')}, {plain(was)}"
            if name in self.problems:
                said = span(self.problems[name], "bad")
            self._help[name].value = f'<div class="nic-help">{said}</div>'
        if self.problems:
            wrong = {"count": len(self.problems), "names": ", ".join(sorted(self.problems))}
            words = _("{count} wrong: {names}. A run uses the last valid value.", **wrong)
            self.summary.value = remark(words, "bad")
        else:
            line = plain(self._workspace.command_line())
            self.summary.value = note(f"{plain(_('The same in a terminal or in cron:'))} <code>{line}</code>")

    def _choose_profile(self, change: Any) -> None:
        before = self._workspace.profile
        self._workspace.profile, self._workspace.settings = change["new"], dict(self._given)
        try:
            self._load()
        except ConfigurationError as error:
            self.profile.value = before
            self.summary.value = remark(worded(str(error)), "bad")

    def _find(self, change: Any) -> None:
        wanted = change["new"].strip().lower()
        found = set()
        for name, line in self._rows.items():
            help_text = worded(PipelineConfig.model_fields[name].description)
            if not wanted or wanted in name or wanted in help_text.lower():
                found.add(line)
            line.layout.display = None if line in found else "none"
        opened = (index for index, rows in enumerate(self._groups) if wanted and found.intersection(rows))
        self._accordion.selected_index = next(opened, None)


def pipeline_configuration_widget(workspace: Workspace | None = None) -> widgets.VBox:
    """Return a form with every setting, its help and its value, checked while it is typed.

    Secrets are neither shown nor asked: they stay in the environment.

    Args:
        workspace: takes the values; None: one of its own with the default configuration.
    """
    return by_itself(SettingsForm(workspace or Workspace.open()).widget)


def _input(annotation: Any) -> Any:
    if annotation is bool:
        return widgets.Checkbox(indent=False, layout=_INPUT)
    if get_origin(annotation) is Literal:
        return widgets.Dropdown(options=list(get_args(annotation)), layout=_INPUT)
    return widgets.Text(continuous_update=True, layout=_INPUT)


def _relative_paths(asked: dict[str, str]) -> dict[str, str]:
    # The page has no current folder that a person could see.
    said = N_("{name} is {text}, but it must be an absolute path, as /srv/documents or ~/documents.")
    return {
        name: _(said, name=name, text=repr(text))
        for name, text in asked.items()
        if name.endswith(_PLACES) and text and not text.startswith(("/", "~"))
    }


def _by_setting(message: str, asked: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in message.splitlines():
        name = line.partition(" ")[0].partition(".")[0]  # of a key of a mapping, the mapping
        if name in asked:
            found[name] = worded(line).replace(f" ({term('command line')})", "")
    return found or dict.fromkeys(asked, worded(message))


def _secrets() -> str:
    said = []
    for name in SECRETS.values():
        given = os.environ.get(name) or os.environ.get(f"{name}_FILE")
        said.append(_("{name} is set", name=name) if given else _("{name} is not set", name=name))
    head = _("Secrets come from the environment alone:")
    return note(f"{span(head, 'soft')} {plain(', '.join(said))}.")
