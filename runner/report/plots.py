"""Draws the report's plots as SVG that takes its colours from the page: light, dark or paper."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from runner.report.model import Chart, Content, Timeline, TrendRun
from runner.wording import _, decimal, language, term, worded

if TYPE_CHECKING:
    from datetime import datetime

    from matplotlib.axes import Axes

# Stand-ins that are replaced by CSS variables: the page decides on colours, matplotlib on places.
_INK, _RULE = "#010101", "#020202"
_SERIES = ("#030303", "#040404", "#050505", "#060606", "#070707", "#080808")
_BAD = "#090909"
_VARIABLES = {_INK: "--ink", _RULE: "--rule", _BAD: "--bad"} | {
    color: f"--series-{number}" for number, color in enumerate(_SERIES, 1)
}
_SIZE = (4.4, 2.8)  # inches: drawn for a column of 400 px, where 1 pt is about 1.2 px
_STYLE = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, found and copied
    "text.parse_math": False,  # a stage's or file's name may hold a dollar sign
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "font.size": 10.5,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _RULE,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "text.color": _INK,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": _RULE,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}
_DASHES = ("-", "--", ":", "-.")
_ID = re.compile(r'(\bid="|url\(#|href="#)')
_HEAD = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_BOX = re.compile(r'viewBox="[^"]+"')
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)


def draw_plots(content: Content | None, trend: Sequence[TrendRun]) -> dict[str, str]:
    """Return the plots by name, each as an ``<svg>`` element with a description for those who cannot see it.

    Nothing is drawn, and matplotlib is not loaded, where there is nothing to show.
    """
    plots: dict[str, str] = {}
    if content is not None:
        for name in ("progress", "pages"):
            timeline = getattr(content, name)
            if timeline is not None:
                plots[name] = _svg(name, worded(timeline.title), partial(_lines, timeline=timeline))
        for name in ("confidence", "chunk_lengths"):
            chart = getattr(content, name)
            if chart is not None:
                plots[name] = _svg(name, worded(chart.title), partial(_bins, chart=chart))
        if len(trend) > 1:
            plots["trend_time"] = _svg(
                "trend_time", _("Duration of the last runs"), partial(_times, trend=trend)
            )
            plots["trend_size"] = _svg("trend_size", _("Points after each run"), partial(_sizes, trend=trend))
    return plots


def _svg(name: str, label: str, draw: Callable[[Axes], None]) -> str:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    buffer = io.StringIO()
    # Without pyplot, which keeps every figure and belongs to whoever uses the runner from a notebook.
    style: dict[Any, Any] = {**_STYLE, "svg.hashsalt": name}  # equal figures give equal bytes
    with mpl.rc_context(style):
        figure = Figure(figsize=_SIZE)
        draw(figure.subplots())
        FigureCanvasSVG(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _for_page(buffer.getvalue(), name, label)


def _for_page(svg: str, name: str, label: str) -> str:
    svg = _METADATA.sub("", _HEAD.sub("", svg))
    svg = _ID.sub(lambda found: f"{found[1]}{name}-", svg)  # several plots share a page, and ids are its own
    for color, variable in _VARIABLES.items():
        svg = svg.replace(color, f"var({variable})")
    end = svg.index(">")
    box = _BOX.search(svg[:end])
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    head = f'<svg {spaces} {box[0] if box else ""} role="img" aria-label="{html.escape(label)}">'
    return head + svg[end + 1 :].strip()


def _lines(axes: Axes, timeline: Timeline) -> None:
    for number, (name, line) in enumerate(timeline.series.items()):
        color, dash = _SERIES[number % len(_SERIES)], _DASHES[number % len(_DASHES)]
        axes.step(
            [moment for moment, _ in line],
            [done for _, done in line],
            where="post",
            label=term(name),
            color=color,
            linestyle=dash,
            linewidth=1.8,
        )
    axes.set(xlabel=_("seconds since the start"), ylabel=term(timeline.unit))
    axes.set_ylim(bottom=0)
    if len(timeline.series) > 1:
        axes.figure.legend(loc="outside upper left", ncols=2, fontsize=9)


def _bins(axes: Axes, chart: Chart) -> None:
    left = chart.edges[:-1]
    widths = [b - a for a, b in zip(left, chart.edges[1:], strict=True)]
    stacked: list[tuple[list[float], list[float] | None, str]] = [(chart.values, None, _SERIES[0])]
    if any(chart.beside):
        stacked.append((chart.beside, chart.values, _SERIES[1]))
    for number, (values, bottom, color) in enumerate(stacked):
        name = chart.series[number] if number < len(chart.series) else ""
        axes.bar(
            left, values, widths, bottom=bottom or 0, align="edge", color=color, label=term(name), linewidth=0
        )
    if chart.bound:
        axes.axvline(chart.bound, color=_INK, linestyle="--", linewidth=1)
        place: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "ha": "right", "va": "top"}
        axes.annotate(decimal(f"{chart.bound:g} "), (chart.bound, 1), fontsize=9, **place)
    axes.set(xlabel=term(chart.unit), ylabel=term("chunks" if chart.unit == "tokens" else "documents"))
    if language() != "en":
        axes.xaxis.set_major_formatter(lambda value, _place: decimal(f"{value:g}"))
    axes.locator_params(axis="y", integer=True)
    if len(stacked) > 1:
        axes.figure.legend(loc="outside upper left", ncols=2, fontsize=9)


def _times(axes: Axes, trend: Sequence[TrendRun]) -> None:
    seconds = [run.seconds or 0.0 for run in trend]
    bad = [run.status not in {"success", "partial"} for run in trend]
    bars = axes.bar(range(len(trend)), seconds, color=[_BAD if is_bad else _SERIES[0] for is_bad in bad])
    for bar, is_bad in zip(bars, bad, strict=True):
        bar.set_hatch("///" if is_bad else "")
    axes.set(ylabel=term("seconds"))
    _name_runs(axes, trend)


def _sizes(axes: Axes, trend: Sequence[TrendRun]) -> None:
    known = [(index, run.points) for index, run in enumerate(trend) if run.points is not None]
    axes.plot(
        [index for index, _ in known],
        [points for _, points in known],
        color=_SERIES[0],
        marker="o",
        markersize=4,
        linewidth=1.8,
    )
    axes.set(ylabel=term("points"))
    axes.set_ylim(0, 1.1 * max((points for _, points in known), default=0) or 1)
    axes.set_xlim(-0.5, len(trend) - 0.5)
    _name_runs(axes, trend)


def _name_runs(axes: Any, trend: Sequence[TrendRun]) -> None:
    shown = sorted({0, len(trend) // 2, len(trend) - 1})
    axes.set_xticks(shown, [_short(trend[index].started) for index in shown])
    axes.set_xlabel(_("start of the run (UTC)"))


def _short(started: datetime) -> str:
    return started.strftime("%d/%m %H:%M" if language() == "pt-BR" else "%m-%d %H:%M")
