"""Every setting as a form: grouped, each with its help, checked while it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

import ipywidgets as widgets

from runner.config_manager import load_config, profiles
from runner.dashboard.markup import STYLE, note, plain, span
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
_HELP = widgets.Layout(flex="1 1 220px", min_width="0")


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
        self.profile = widgets.Dropdown(options=_profiles(workspace), value=workspace.profile, layout=_INPUT)
        self.filter = widgets.Text(placeholder=_("find a setting"), layout=_INPUT)
        self.summary = widgets.HTML()
        groups = self._build()
        more = widgets.HTML(note(f"<h3>{plain(_('More settings'))}</h3>"))
        simple = widgets.VBox([row for name, row in self._rows.items() if marks(name).simple])
        secrets = widgets.HTML(_secrets())
        self.widget = widgets.VBox([self._head(), self.summary, simple, more, groups, secrets])
        self.profile.observe(self._choose_profile, "value")
        self.filter.observe(self._find, "value")
        self._load()
        self._changed = changed

    def _head(self) -> widgets.HBox:
        label = widgets.Label(_("Profile"), layout=widgets.Layout(width="60px"))
        return widgets.HBox([label, self.profile, self.filter], layout=widgets.Layout(flex_flow="row wrap"))

    def _build(self) -> widgets.Accordion:
        groups: dict[str, list[Any]] = {}
        for name, field in PipelineConfig.model_fields.items():
            self.fields[name] = _input(field.annotation)
            self.fields[name].disabled = name == _FIXED
            self.fields[name].observe(self._typed, "value")
            self._help[name] = widgets.HTML(layout=_HELP)
            row = [widgets.Label(name, layout=_NARROW), self.fields[name], self._help[name]]
            self._rows[name] = widgets.HBox(row, layout=_row())
            if not marks(name).simple:
                groups.setdefault(_(_TITLES[marks(name).group]), []).append(self._rows[name])
        self._groups = list(groups.values())
        boxes = [widgets.VBox(rows) for rows in groups.values()]
        self._accordion = widgets.Accordion(boxes, titles=list(groups), selected_index=None)
        return self._accordion

    def _load(self) -> None:
        """Show the values of the workspace."""
        config = load_config(self._workspace.profile, self._given).config
        self._base = {name: setting_text(getattr(config, name)) for name in self.fields}
        self._loading = True
        effective = self._workspace.load().config
        for name in self.fields:
            shown = setting_text(getattr(effective, name))
            self.fields[name].value = shown == "true" if _is_switch(self.fields[name]) else shown
        self._base[_FIXED] = self.fields[_FIXED].value = str(config.outputs)
        self._loading = False
        self._check()

    def _typed(self, _changed: Any) -> None:
        if not self._loading:
            self._check()

    def _check(self) -> None:
        """Take what is valid into the workspace, and say of the rest what is wrong."""
        texts = {name: self._text(name) for name in self.fields}
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
            said = plain(_capitalized(worded(field.description)))
            if name == _FIXED:
                said += "; " + plain(_("chosen when the dashboard is started"))
            if name in asked:
                was = _("was {value}", value=self._base[name] or _("empty"))
                said += f" · {span(_('changed'), 'busy')}, {plain(was)}"
            if name in self.problems:
                said = span(self.problems[name], "bad")
            self._help[name].value = f'<div class="nic-help">{said}</div>'
        if self.problems:
            words = _(
                "{count} wrong: {names}. A run uses the last valid value.",
                count=len(self.problems),
                names=", ".join(sorted(self.problems)),
            )
            self.summary.value = note(span(words, "bad"))
        else:
            line = plain(self._workspace.command_line())
            self.summary.value = note(f"{plain(_('The same in a terminal or in cron:'))} <code>{line}</code>")

    def _text(self, name: str) -> str:
        return setting_text(self.fields[name].value)

    def _choose_profile(self, change: Any) -> None:
        before = self._workspace.profile
        self._workspace.profile, self._workspace.settings = change["new"], dict(self._given)
        try:
            self._load()
        except ConfigurationError as error:
            self.profile.value = before
            self.summary.value = note(span(worded(str(error)), "bad"))

    def _find(self, change: Any) -> None:
        wanted = change["new"].strip().lower()
        found = set()
        for name, row in self._rows.items():
            help_text = worded(PipelineConfig.model_fields[name].description)
            if not wanted or wanted in name or wanted in help_text.lower():
                found.add(row)
            row.layout.display = None if row in found else "none"
        opened = (index for index, rows in enumerate(self._groups) if wanted and found.intersection(rows))
        self._accordion.selected_index = next(opened, None)


def pipeline_configuration_widget(workspace: Workspace | None = None) -> widgets.VBox:
    """Return a form with every setting, its help and its value, checked while it is typed.

    Secrets are neither shown nor asked: they stay in the environment.

    Args:
        workspace: takes the values; None: one of its own with the default configuration.
    """
    form = SettingsForm(workspace or Workspace.open()).widget
    form.children = (widgets.HTML(STYLE), *form.children)
    return form


def _profiles(workspace: Workspace) -> list[str]:
    return list(dict.fromkeys([*profiles(), workspace.profile]))


def _input(annotation: Any) -> Any:
    if annotation is bool:
        return widgets.Checkbox(indent=False, layout=_INPUT)
    if get_origin(annotation) is Literal:
        return widgets.Dropdown(options=list(get_args(annotation)), layout=_INPUT)
    return widgets.Text(continuous_update=True, layout=_INPUT)


def _is_switch(field: Any) -> bool:
    return isinstance(field, widgets.Checkbox)


def _relative_paths(asked: dict[str, str]) -> dict[str, str]:
    # The page has no current folder that a person could see.
    return {
        name: _(
            "{name} is {text}, but it must be an absolute path, as /srv/documents or ~/documents.",
            name=name,
            text=repr(text),
        )
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


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _row() -> widgets.Layout:
    return widgets.Layout(flex_flow="row wrap", align_items="center")


def _secrets() -> str:
    from os import environ

    said = [
        _("{name} is set", name=name)
        if environ.get(name) or environ.get(f"{name}_FILE")
        else _("{name} is not set", name=name)
        for name in SECRETS.values()
    ]
    head = _("Secrets come from the environment alone:")
    return note(f"{span(head, 'soft')} {plain(', '.join(said))}.")
