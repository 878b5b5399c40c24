"""The run as a picture: its stages, what flows from one to the next, and what leaves at each.

Two drawings of the same: side by side for a screen, one below the other for a telephone; the page shows one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from runner.report.words import stage_words
from runner.wording import _, counted, ngettext, number, term

if TYPE_CHECKING:
    from runner.report.model import StageReport

_MADE = {  # the metric with what flows out of a stage; out of any other flow the documents that are ok
    "text_chunking": "chunks",
    "embedding_generation": "vectors",
    "metadata_enrichment": "payloads",
    "qdrant_storage": "points",
}
_BROKEN = {"failed", "cancelled", "interrupted"}
_BOX, _GAP, _HEIGHT = 108, 74, 64  # pixels of the wide drawing
_LINE = 16


@dataclass(frozen=True, slots=True)
class FlowStep:
    """A stage in the picture.

    Attributes:
        stage: its name.
        state: in a word or two: success, carried over, failed, not reached, …
        kind: how its box is drawn: "" as done, "soft" as not executed in this run, "bad" as broken off.
        enters: how much came in, and its unit; None where nobody knows.
        makes: how much came out, and its unit; None where nobody knows.
        leaves: what did not go on, as "2 rejected".
        stays: what was not made anew, as "20 documents unchanged".
    """

    stage: str
    state: str
    kind: str = ""
    enters: tuple[int, str] | None = None
    makes: tuple[int, str] | None = None
    leaves: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()


def flow_steps(stages: Sequence[StageReport], planned: Sequence[str] = ()) -> list[FlowStep]:
    """Return the steps of a run, in the order of the chain: planned stages that have not begun, too."""
    begun = {stage.name: stage for stage in stages}
    names = [*planned, *(name for name in begun if name not in planned)]
    return [
        _step(begun[name]) if name in begun else FlowStep(name, _("not reached"), "soft") for name in names
    ]


def _step(stage: StageReport) -> FlowStep:
    counts, metrics = stage.counts, stage.metrics
    kind = "bad" if stage.status in _BROKEN else "" if stage.executed else "soft"
    if not counts:
        return FlowStep(stage.name, stage_words(stage), kind)
    read, files = counts.get("read", 0), metrics.get("files")
    served = counts.get("ok", 0) + counts.get("stale", 0)
    unit = _MADE.get(stage.name, "")
    found = metrics.get(unit)
    points = found if isinstance(found, dict) else {}
    made = points.get("total") if points else found
    ours = stage.executed  # of one that was carried over everything is as before: its box says so
    leaving = {
        "ignored": metrics.get("ignored"),
        "rejected": counts.get("rejected"),
        "failed": counts.get("failed"),
        "points deleted": ours and points.get("deleted"),
    }
    stale, same = _known(counts.get("stale")), _known(ours and not points and counts.get("unchanged"))
    reused, kept = _known(ours and metrics.get("vectors_reused")), _known(ours and points.get("unchanged"))
    staying = {
        ngettext(
            "{count} document in an earlier version",
            "{count} documents in an earlier version",
            stale,
            count=number(stale),
        ): stale,
        ngettext("{count} document unchanged", "{count} documents unchanged", same, count=number(same)): same,
        ngettext("{count} vector reused", "{count} vectors reused", reused, count=number(reused)): reused,
        ngettext("{count} point unchanged", "{count} points unchanged", kept, count=number(kept)): kept,
    }
    return FlowStep(
        stage.name,
        stage_words(stage),
        kind,
        enters=(files, "files") if isinstance(files, int) else (read, "documents"),
        makes=(made, unit) if isinstance(made, int) else (served, "documents"),
        leaves=tuple(counted(what, count) for what, one in leaving.items() if (count := _known(one))),
        stays=tuple(words for words, count in staying.items() if count),
    )


def _known(count: object) -> int:
    return count if isinstance(count, int) else 0


def flow_figure(steps: Sequence[FlowStep]) -> str:
    """Return both drawings as HTML, to be styled by ``flow.css``; empty where there is no step."""
    return f'<div class="flow">{_wide(steps)}{_tall(steps)}</div>' if steps else ""


def _label(steps: Sequence[FlowStep]) -> str:
    told = []
    for step in steps:
        made = f"{number(step.makes[0])} {_unit(step.makes)}" if step.makes else _("nothing known")
        told.append(f"{step.stage} ({', '.join((step.state, made, *step.leaves, *step.stays))})")
    return escape("; ".join(told))


def _wide(steps: Sequence[FlowStep]) -> str:
    top, middle, step_width = 8, 8 + _HEIGHT / 2, _BOX + _GAP
    lines = max((len(step.leaves) + len(step.stays) for step in steps), default=0)
    width, height = _GAP + step_width * len(steps), top + _HEIGHT + 8 + _LINE * lines + 4
    parts = []
    for place, step in enumerate(steps):
        left = _GAP + place * step_width
        center = left + _BOX / 2
        if place == 0:
            parts += _arrow_across(0, middle, step.enters)
        parts += [
            f'<rect class="{step.kind}" x="{left}" y="{top}" width="{_BOX}" height="{_HEIGHT}" rx="6"/>'
        ]
        first, _, second = step.stage.partition("_")
        names = [first, second] if second else [first]
        parts += [_text(center, top + 18 + 15 * n, name, "name middle") for n, name in enumerate(names)]
        parts.append(_text(center, top + 54, step.state, f"{step.kind or 'soft'} middle"))
        parts += _arrow_across(left + _BOX, middle, step.makes)
        said = [(words, "warn") for words in step.leaves] + [(words, "soft") for words in step.stays]
        parts += [
            _text(
                center,
                top + _HEIGHT + 18 + _LINE * n,
                ("↓ " if tone == "warn" else "") + words,
                f"{tone} middle",
            )
            for n, (words, tone) in enumerate(said)
        ]
    return _drawing("wide", width, height, _label(steps), parts)


def _arrow_across(left: float, y: float, amount: tuple[int, str] | None) -> list[str]:
    right = left + _GAP - 4
    drawn = [f'<path d="M{left + 4} {y}H{right}m-6 -4l6 4l-6 4"/>']
    if amount:
        center = left + _GAP / 2
        drawn.append(_text(center, y - 8, number(amount[0]), "count middle"))
        drawn.append(_text(center, y + 18, _unit(amount), "soft middle small"))
    return drawn


def _tall(steps: Sequence[FlowStep]) -> str:
    box, gap, width, center, side = 44, 34, 380, 96, 202
    y, parts = 0.0, []
    for place, step in enumerate(steps):
        if place == 0:
            parts += _arrow_down(center, y, gap, step.enters)
            y += gap
        said = [(words, "warn") for words in step.leaves] + [(words, "soft") for words in step.stays]
        parts.append(f'<rect class="{step.kind}" x="2" y="{y}" width="188" height="{box}" rx="6"/>')
        parts.append(_text(center, y + 19, step.stage, "name middle"))
        parts.append(_text(center, y + 36, step.state, f"{step.kind or 'soft'} middle"))
        parts += [
            _text(side, y + 19 + 17 * n, ("→ " if tone == "warn" else "") + words, tone)
            for n, (words, tone) in enumerate(said)
        ]
        y += box
        parts += _arrow_down(center, y, gap, step.makes)
        y += gap
    return _drawing("tall", width, y, _label(steps), parts)


def _arrow_down(x: float, top: float, gap: float, amount: tuple[int, str] | None) -> list[str]:
    drawn = [f'<path d="M{x} {top + 3}V{top + gap - 3}m-4 -6l4 6l4 -6"/>']
    if amount:
        drawn.append(_text(x + 14, top + gap / 2 + 5, f"{number(amount[0])} {_unit(amount)}", "count"))
    return drawn


def _unit(amount: tuple[int, str]) -> str:
    count, unit = amount
    return term(unit.removesuffix("s") if count == 1 else unit)


def _text(x: float, y: float, words: str, kind: str) -> str:
    anchor = ' text-anchor="middle"' if "middle" in kind else ""
    size = ' style="font-size:11px"' if "small" in kind else ""
    names = " ".join(name for name in kind.split() if name not in {"middle", "small"})
    return f'<text x="{x:g}" y="{y:g}" class="{names}"{anchor}{size}>{escape(words)}</text>'


def _drawing(name: str, width: float, height: float, label: str, parts: Sequence[str]) -> str:
    head = f'<svg class="{name}" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{label}">'
    return f"{head}{''.join(parts)}</svg>"
