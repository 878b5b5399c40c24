"""Medians, ratios, targets and the printed table of a benchmark; ratios are taken within a round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

__all__ = ["Target", "medians", "peer_targets", "ratio", "render", "targets"]

Run = Mapping[str, Any]
BARE = "bare script"
ONE, TWO = "chain, 1 worker", "chain, 2 workers"
CHAIN = "nic-etl"
_FIGURES = ("wall_s", "cpu_s", "peak_rss_mb", "peak_pss_mb")


@dataclass(frozen=True)
class Target:
    """A figure that is wanted, and whether it was reached; None where nothing was measured for it."""

    name: str
    limit: str
    value: float | None
    met: bool | None

    def record(self) -> dict[str, Any]:
        """Return the fields as plain JSON."""
        return asdict(self)


def medians(runs: Iterable[Run]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the medians over the rounds, by (contestant, run)."""
    by_kind: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        by_kind.setdefault((run["contestant"], run["run"]), []).append(run)
    return {kind: _median_of(found) for kind, found in by_kind.items()}


def ratio(
    runs: Sequence[Run],
    above: tuple[str, str],
    below: tuple[str, str],
    figure: str = "wall_s",
) -> float | None:
    """Return the median over the rounds of one contestant's figure divided by another's of the same round.

    Args:
        runs: all runs.
        above: contestant and run of the dividend.
        below: contestant and run of the divisor.
        figure: what is compared.
    """
    found = []
    for number in sorted({run["round"] for run in runs}):
        values = [
            next((run[figure] for run in runs if (run["round"], run["contestant"], run["run"]) == key), None)
            for key in ((number, *above), (number, *below))
        ]
        if values[0] is not None and values[1]:
            found.append(values[0] / values[1])
    return round(median(found), 4) if found else None


def targets(runs: Sequence[Run]) -> list[Target]:
    """Return what is wanted of the chain beside the bare script."""
    saving = [_checkpointing(run) for run in runs if run["contestant"] == ONE and run["run"] == "full"]
    share = round(median(saving), 4) if saving else None
    base = (BARE, "full")
    return [
        _target("chain / bare, 1 worker, full run", "≤", 1.05, ratio(runs, (ONE, "full"), base)),
        _target("chain / bare, 2 workers, full run", "<", 0.8, ratio(runs, (TWO, "full"), base)),
        _target("checkpointing / wall clock, 1 worker, full run", "≤", 0.02, share),
    ]


def peer_targets(runs: Sequence[Run]) -> list[Target]:
    """Return what is wanted of the chain beside the peers: the best of them counts in each round."""

    def best(run: str) -> float | None:
        peers = {one["contestant"] for one in runs} - {CHAIN}
        found = [ratio(runs, (CHAIN, run), (peer, run)) for peer in peers]
        return max((value for value in found if value is not None), default=None)

    renamed = [
        run["counts"].get("texts") for run in runs if (run["contestant"], run["run"]) == (CHAIN, "rename")
    ]
    memory = ratio(runs, (CHAIN, "full"), ("CocoIndex", "full"), "peak_rss_mb")
    shared = ratio(runs, (CHAIN, "full"), ("CocoIndex", "full"), "peak_pss_mb")
    return [
        _target("nothing changed / best peer", "≤", 0.1, best("nothing changed")),
        _target("full / best peer", "≤", 1.0, best("full")),
        _target("peak memory / CocoIndex, full, sum of RSS", "≤", 0.6, memory),
        _target("peak memory / CocoIndex, full, sum of PSS", "≤", 0.6, shared),
        _target("texts embedded after a rename", "≤", 0, max(renamed, default=None)),
    ]


def render(runs: Sequence[Run], base: tuple[str, str], wanted: Sequence[Target]) -> str:
    """Return the tables as text: every contestant's runs, the phases, memory by role, the targets."""
    found = medians(runs)
    names = ("run", "contestant", "wall s", "CPU s", "RSS MB", "PSS MB", "/ base", "CPU / base")
    lines = ["", _line(names)]
    for (contestant, run), figures in found.items():
        key = (contestant, run)
        against = [_shown(ratio(runs, key, base, figure)) for figure in ("wall_s", "cpu_s")]
        values = [f"{figures[name]:.1f}" for name in _FIGURES[:2]]
        values += [f"{figures[name]:,.0f}" for name in _FIGURES[2:]]
        lines.append(_line([run, contestant, *values, *against]))
    lines.append(f"(base: {base[0]}, {base[1]} run; a forked kernel shares pages with the others: PSS counts")
    lines.append("them once, the sum of RSS once in each process)")
    lines += _matrix("Seconds by phase", found, "phases", lambda value: f"{value:.2f}")
    lines += _matrix("Processor seconds by role", found, "cpu_roles", lambda value: f"{value:.2f}")
    lines += _matrix("Peak RSS by role, MB", found, "roles", lambda value: f"{value:,.0f}")
    lines += ["", "Targets"]
    for target in wanted:
        verdict = {True: "met", False: "NOT met", None: "not measured"}[target.met]
        lines.append(f"  {target.name:<48} {target.limit:>7}   {_shown(target.value):>8}   {verdict}")
    return "\n".join(lines)


def _checkpointing(run: Run) -> float:
    return float(run["phases"].get("checkpointing", 0.0)) / float(run["wall_s"])


def _target(name: str, sign: str, limit: float, value: float | None) -> Target:
    met = None if value is None else (value < limit if sign == "<" else value <= limit)
    return Target(name, f"{sign} {limit:g}", value, met)


def _median_of(runs: Sequence[Run]) -> dict[str, Any]:
    figures: dict[str, Any] = {name: median(run[name] for run in runs) for name in _FIGURES}
    for part in ("phases", "roles", "cpu_roles", "counts"):
        names = dict.fromkeys(name for run in runs for name in run[part])
        figures[part] = {name: median(run[part].get(name, 0) for run in runs) for name in names}
    return figures


def _matrix(
    title: str,
    found: Mapping[tuple[str, str], Mapping[str, Any]],
    part: str,
    shown: Callable[[float], str],
) -> list[str]:
    columns = [key for key in found if found[key][part]]
    if not columns:
        return []
    names = dict.fromkeys(name for key in columns for name in found[key][part])
    lines = ["", title]
    lines += [f"  {number}: {contestant}, {run}" for number, (contestant, run) in enumerate(columns, 1)]
    lines.append("  " + " " * 18 + "".join(f"{number:>10}" for number in range(1, len(columns) + 1)))
    for name in names:
        values = (found[key][part].get(name) for key in columns)
        lines.append(f"  {name:<18}" + "".join(f"{'' if v is None else shown(v):>10}" for v in values))
    return lines


def _line(values: Sequence[str]) -> str:
    return "".join(f"{value:<18}" if at < 2 else f"{value:>11}" for at, value in enumerate(values))


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
