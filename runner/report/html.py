"""Turns a report into one HTML page that needs nothing else: no script, no font, no other file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.report import words
from runner.report.flow import flow_figure, flow_steps
from runner.report.model import RunReport
from runner.report.styles import TEMPLATES, style_sheet
from runner.wording import N_, _, counted, figure_words, language, moment, ngettext, number, term, worded

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_STATUS = {
    "success": ("good", "✓", N_("Success")),
    "partial": ("warn", "!", N_("Partial success")),
    "failed": ("bad", "✗", N_("Failed")),
    "cancelled": ("warn", "■", N_("Cancelled")),
    "interrupted": ("bad", "✗", N_("Interrupted")),
    "running": ("warn", "…", N_("Running")),
}
SHOWN = 12
"""Items of a list that the page shows; report.json has them all."""


def render_html(report: RunReport, plots: Mapping[str, str]) -> str:
    """Return the page, with the SVG elements that :func:`runner.report.plots.draw_plots` gives by name."""
    from markupsafe import Markup

    trusted = {name: Markup(svg) for name, svg in plots.items()}  # ours, with escaped labels
    css = Markup(style_sheet("report") + style_sheet("flow"))
    flow = Markup(flow_figure(flow_steps(report.stages, report.planned)))  # ours, with escaped texts
    kind, sign, word = _STATUS.get(report.status, ("warn", "?", report.status))
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            plots=trusted,
            css=css,
            flow=flow,
            kind=kind,
            sign=sign,
            status_word=_(word),
            language=language(),
            reports={run.execution_id for run in report.trend if run.report},
            shown=SHOWN,
        )
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # Imported here: 40 ms that a command without a report need not pay.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,  # names, titles and messages come from documents: all is text, nothing is markup
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"_": _say, "ngettext": _say_number}
    filters: dict[str, Callable[..., object]] = {
        "duration": words.duration,
        "moment": moment,
        "number": number,
        "worded": worded,
        "term": term,
        "kind": _kind,
        "value": words.value_text,
        "changes": words.change_words,
        "stage_word": words.stage_words,
        "figure": figure_words,
        "share": _share,
        "link": quote,
        "documents": _documents,
        "breakable": _breakable,
    }
    environment.filters |= {name: _when_shown(function) for name, function in filters.items()}
    return environment


def _when_shown(function: Callable[..., object]) -> Callable[..., object]:
    """Keep Jinja from calling a filter as it compiles: constants would stay in the first page's language."""
    from jinja2 import pass_context

    @pass_context
    def shown(_context: object, *values: object) -> object:
        return function(*values)

    return shown


def _say(message: str, /, **values: object) -> Markup:
    """Say a sentence as markup: the sentence and its values are text, but for values that are markup."""
    from markupsafe import Markup, escape

    return Markup(escape(_(message))).format(**values)


def _say_number(one: str, several: str, count: int, /, **values: object) -> Markup:
    """As :func:`_say`, in the form that goes with a number."""
    from markupsafe import Markup, escape

    return Markup(escape(ngettext(one, several, count))).format(**values)


def _kind(kind: str, count: int) -> str:
    """Return the word for so many documents of a kind, without the number."""
    return counted(kind, count).replace(number(count), "").strip()


def _share(value: float | None, values: Iterable[float | None]) -> str:
    """Return a bar's length in percent of the longest one."""
    longest = max((item or 0.0 for item in values), default=0.0)
    return f"{100 * (value or 0.0) / longest:.1f}" if longest else "0"


def _breakable(text: str) -> Markup:
    """Return a name that a narrow column may break after its underscores and slashes."""
    from markupsafe import Markup, escape

    marked = str(escape(text)).replace("_", "_<wbr>").replace("/", "/<wbr>")
    return Markup(marked)


def _documents(count: int) -> str:
    return ngettext("{count} document", "{count} documents", count, count=number(count))
