"""Medians, ratios, targets and the printed table of a benchmark; ratios are taken within a round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import Any

Run = Mapping[str, Any]
BARE = "bare script"
ONE, TWO = "chain, 1 worker", "chain, 2 workers"
CHAIN = "nic-etl"
NOTHING, ON_DEMAND = "nothing changed", "nothing changed, Docling on demand"
SHORTEST_PHASE_S = 0.1  # a shorter one is too near to the clock's own errors to be divided by
_PAIRS = {"1 worker / bare": (ONE, BARE), "2 workers / bare": (TWO, BARE), "2 workers / 1": (TWO, ONE)}
_SAVING = "checkpointing: what is saved only for another run (memo, vectors, notebooks, records, audit)"
_SHARE = "  the row `of wall clock` is its share; phases of stages that run side by side may exceed the wall)"
_FIGURES = ("wall_s", "cpu_s", "peak_rss_mb", "peak_pss_mb")


@dataclass(frozen=True)
class Target:
    """A figure that is wanted, and whether it was reached; None where nothing was measured for it.

    One without a limit tells how far the one before it could be reached.
    """

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
    return _ratio(runs, above, below, lambda run: run[figure])


def phase_ratios(runs: Sequence[Run]) -> dict[str, dict[str, float | None]]:
    """Return by phase and pair the ratio of the full runs; None where a phase is too short or missing."""
    names = dict.fromkeys(name for run in runs if run["run"] == "full" for name in run["phases"])
    found = {
        name: {
            pair: _ratio(runs, (above, "full"), (below, "full"), partial(_phase_seconds, name=name))
            for pair, (above, below) in _PAIRS.items()
        }
        for name in names
    }
    return {name: ratios for name, ratios in found.items() if any(ratios.values())}


def checkpointing_shares(runs: Sequence[Run]) -> dict[tuple[str, str], float]:
    """Return the median share of the wall clock that was spent on checkpointing, by (contestant, run)."""
    found: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        if "checkpointing" in run["phases"]:
            found.setdefault((run["contestant"], run["run"]), []).append(_checkpointing(run))
    return {key: round(median(shares), 4) for key, shares in found.items()}


def targets(runs: Sequence[Run], processors: int) -> list[Target]:
    """Return what is wanted of the chain beside the bare script.

    Args:
        runs: all runs.
        processors: that they had.
    """
    share = checkpointing_shares(runs).get((ONE, "full"))
    base, both = (BARE, "full"), (TWO, "full")
    spread = _ratio(runs, both, base, lambda run: run["cpu_s"] / processors, lambda run: run["wall_s"])
    return [
        _target("chain / bare, 1 worker, full run", "≤", 1.05, ratio(runs, (ONE, "full"), base)),
        _target("chain / bare, 2 workers, full run", "<", 0.8, ratio(runs, both, base)),
        Target("  if its processor time filled all cores", "", spread, None),
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
    lean = ratio(runs, (CHAIN, NOTHING), ("CocoIndex", ON_DEMAND))
    return [
        _target("nothing changed / best peer", "≤", 0.1, best(NOTHING)),
        _target("the same / CocoIndex with Docling imported on demand", "≤", 0.1, lean),
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
    lines += _shares(runs, found)
    lines += _pairs(phase_ratios(runs))
    lines += _matrix("Processor seconds by role", found, "cpu_roles", lambda value: f"{value:.2f}")
    lines += _matrix("Peak RSS by role, MB", found, "roles", lambda value: f"{value:,.0f}")
    lines += ["", "Targets"]
    for target in wanted:
        verdict = {True: "met", False: "NOT met", None: ""}[target.met]
        verdict = "not measured" if target.value is None else verdict
        lines.append(f"  {target.name:<48} {target.limit:>7}   {_shown(target.value):>8}   {verdict}")
    return "\n".join(lines)


def _ratio(
    runs: Sequence[Run],
    above: tuple[str, str],
    below: tuple[str, str],
    value: Callable[[Run], float | None],
    divisor: Callable[[Run], float | None] | None = None,
) -> float | None:
    found = []
    for number in sorted({run["round"] for run in runs}):
        values = [
            next((figure(run) for run in runs if (run["round"], run["contestant"], run["run"]) == key), None)
            for key, figure in (((number, *above), value), ((number, *below), divisor or value))
        ]
        if values[0] is not None and values[1]:
            found.append(values[0] / values[1])
    return round(median(found), 4) if found else None


def _phase_seconds(run: Run, name: str) -> float | None:
    seconds = float(run["phases"].get(name, 0.0))
    return seconds if seconds >= SHORTEST_PHASE_S else None


def _shares(runs: Sequence[Run], found: Iterable[tuple[str, str]]) -> list[str]:
    shares = checkpointing_shares(runs)
    if not shares:
        return []
    phased = {(run["contestant"], run["run"]) for run in runs if run["phases"]}
    values = (f"{shares[key]:.1%}" if key in shares else "" for key in found if key in phased)
    return [
        f"  {'of wall clock':<18}" + "".join(f"{value:>10}" for value in values),
        f"  ({_SAVING};",
        _SHARE,
    ]


def _pairs(ratios: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    shown = [pair for pair in _PAIRS if any(row[pair] for row in ratios.values())]
    if not shown:
        return []
    lines = ["", "Full run, ratio of seconds by phase", "  " + " " * 18 + "".join(f"{p:>18}" for p in shown)]
    for name, row in ratios.items():
        lines.append(f"  {name:<18}" + "".join(f"{_shown(row[pair]):>18}" for pair in shown))
    return lines


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
