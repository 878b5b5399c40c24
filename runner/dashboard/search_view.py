"""A box for a question, and the passages that answer it."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from runner.dashboard.background import Action
from runner.dashboard.markup import STYLE, note, plain, span
from runner.dashboard.workspace import Workspace

__all__ = ["SearchView", "search_widget"]

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
            placeholder="A question in your own words",
            continuous_update=False,
            layout=widgets.Layout(flex="1 1 320px", min_width="0"),
        )
        self.top = widgets.Dropdown(
            options=[("5 passages", 5), ("10 passages", 10), ("25 passages", 25)],
            layout=widgets.Layout(width="130px"),
        )
        self.action = Action(
            "Search", self._search, "What nic-etl search does", busy="Searching; the model is loaded first …"
        )
        row = widgets.HBox(
            [self.question, self.top, self.action.button], layout=widgets.Layout(flex_flow="row wrap")
        )
        self.widget = widgets.VBox([row, self.action.output])
        self.question.observe(self._entered, "value")

    def _entered(self, change: Any) -> None:
        if change["new"].strip():
            self.action.begin()

    def _search(self) -> str:
        question = self.question.value.strip()
        if not question:
            return note(span("Write a question first.", "warn"))
        self._workspace.keep_warm()
        top = f"--top={self.top.value}"
        hits: list[dict[str, Any]] = self._workspace.ask("search", top, words=(question,))
        if not hits:
            return note("Nothing was found: ask with other words.")
        return note("".join(_passage(hit) for hit in hits))


def search_widget(workspace: Workspace | None = None) -> widgets.VBox:
    """Return a search box over the collection.

    Args:
        workspace: the configuration, which names the collection; None: the default one.
    """
    view = SearchView(workspace or Workspace.open()).widget
    view.children = (widgets.HTML(STYLE), *view.children)
    return view


def _passage(hit: dict[str, Any]) -> str:
    text = str(hit["text"])
    shown = text if len(text) <= _PASSAGE else text[:_PASSAGE].rsplit(" ", 1)[0] + " …"
    facts = [" › ".join(hit["section_titles"])] if hit["section_titles"] else []
    facts += [str(hit["clause"])] if hit["clause"] else []
    facts += [f"page {hit['page_number']}"] if hit["page_number"] else []
    facts += [f"score {hit['score']:.3f}"]
    facts += [f"expired on {hit['expiration_date']}"] if hit["expired"] else []
    facts += [f"superseded by {hit['superseded_by']['title']}"] if hit["superseded_by"] else []
    facts += ["some of it is struck out or revoked"] if hit["has_struck_text"] else []
    facts += [f"the same text as in {hit['duplicate_of']}"] if hit["duplicate_of"] else []
    link = str(hit["link"])
    place = span(link, "soft")
    if link.startswith(("https://", "http://")):
        place = f'<a href="{plain(link)}" target="_blank" rel="noopener noreferrer">{plain(hit["path"])}</a>'
    body = "<br>".join(plain(line) for line in shown.splitlines())
    title = f"<b>{plain(hit['rank'])}. {plain(hit['title'])}</b>"
    return f'<div class="hit">{title}<br>{span(" · ".join(facts), "soft")}<br>{body}<br>{place}</div>'
