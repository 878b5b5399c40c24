"""A box for a question, and the passages that answer it."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from runner.dashboard.background import Action
from runner.dashboard.boxes import by_itself, growing, row
from runner.dashboard.markup import note, plain, remark, rendered, span
from runner.dashboard.workspace import Workspace
from runner.search.hit_facts import hit_facts
from runner.search.passage_text import marked, short_hashes
from runner.wording import _, worded

_PASSAGE = 700


class SearchView:
    """The search box; Enter or the button asks.

    Attributes:
        question: the box.
        action: the button and the passages that were found.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.question = widgets.Text(
            placeholder=_("A question in your own words"),
            continuous_update=False,
            layout=growing(320),
        )
        self.top = widgets.Dropdown(
            options=[(_("{count} passages", count=count), count) for count in (5, 10, 25)],
            layout=widgets.Layout(width="130px"),
        )
        self.per_document = widgets.Dropdown(
            options=[
                *((_("{count} of a document", count=count), count) for count in (2, 5)),
                (_("all of a document"), 0),
            ],
            layout=widgets.Layout(width="150px"),
        )
        busy = _("Searching; the model is loaded first …")
        self.action = Action(_("Search"), self._search, _("What nic-etl search does"), busy)
        asking = row(self.question, self.top, self.per_document, self.action.button)
        self.widget = widgets.VBox([asking, self.action.output])
        self.question.observe(self._entered, "value")

    def _entered(self, change: Any) -> None:
        if change["new"].strip():
            self.action.begin()

    def _search(self) -> str:
        question = self.question.value.strip()
        if not question:
            return remark(_("Write a question first."), "warn")
        answer = self._workspace.search(question, top=self.top.value, per_document=self.per_document.value)
        said = "".join(f"<p>{span(worded(warning), 'warn')}</p>" for warning in answer.warnings)
        if not answer.hits:
            return note(said + plain(_("Nothing was found: ask with other words.")))
        return note(said + "".join(_passage(hit) for hit in answer.hits))


def search_widget(workspace: Workspace | None = None) -> widgets.VBox:
    """Return a search box over the collection.

    Args:
        workspace: the configuration, which names the collection; None: the default one.
    """
    return by_itself(SearchView(workspace or Workspace.open()).widget)


def _passage(hit: dict[str, Any]) -> str:
    link = str(hit["link"])
    place = span(short_hashes(link), "soft")
    if link.startswith(("https://", "http://")):
        place = f'<a href="{plain(link)}" target="_blank" rel="noopener noreferrer">{plain(hit["path"])}</a>'
    body = rendered(marked(str(hit["text"]), str(hit["answer"]), _PASSAGE))
    title = f"<b>{plain(hit['rank'])}. {plain(hit['title'])}</b>"
    facts = span(" · ".join(hit_facts(hit)), "soft")
    return f'<div class="hit">{title}<br>{facts}<div class="passage">{body}</div>{place}</div>'
