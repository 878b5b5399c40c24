"""How widgets stand beside and below each other, on a wide page and on a narrow one."""

from __future__ import annotations

import ipywidgets as widgets

from runner.dashboard.markup import STYLE


def row(*parts: widgets.Widget) -> widgets.HBox:
    """Return widgets beside each other, which go on below where there is no room."""
    return widgets.HBox(parts, layout=widgets.Layout(flex_flow="row wrap", min_width="0"))


def growing(pixels: int) -> widgets.Layout:
    """Return the layout of a widget that takes what room is left, and is best that wide."""
    return widgets.Layout(flex=f"1 1 {pixels}px", min_width="0")


def by_itself(*parts: widgets.Widget) -> widgets.VBox:
    """Return a part of the dashboard with its style sheet, for a notebook that shows nothing else of it."""
    return widgets.VBox([widgets.HTML(STYLE), *parts])
