"""What ``search`` and ``evaluate`` print: readable in 80 columns, without color, and in a log."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from runner.search.hit_facts import hit_facts
from runner.search.passage_text import BEGIN, END, marked, plain_lines, short_hashes
from runner.terminal import say
from runner.wording import _, decimal, ngettext, term

Row = dict[str, Any]
_WIDEST = 100
_PASSAGE = 500
_MARKS = re.compile(f"([{BEGIN}{END}])")
_PARTS = ("embedding", "store")
_METRICS = ("hit@1", "hit@3", "hit@5", "mrr@10", "ndcg@10")


def print_hits(console: Console, hits: Sequence[Row]) -> None:
    """Print the passages that a search found: title, place, text, and where to read the file."""
    if not hits:
        say(console, _("Nothing was found: ask with other words, or with fewer filters."))
    for hit in hits:
        say(console, f"{hit['rank']}. {hit['title']}", "bold")
        for line in _indented(" · ".join(hit_facts(hit)), console):
            say(console, line, "dim")
        _print_passage(console, marked(str(hit["text"]), str(hit["answer"]), _PASSAGE))
        # Never broken, so that a terminal can open it and a person can copy it.
        link = str(hit["link"])
        place = link if link.startswith(("https://", "http://")) else short_hashes(link)
        say(console, f"   {place}", "cyan", whole=True)
        console.print()


def _print_passage(console: Console, text: str) -> None:
    """Print a passage without the signs of Markdown, its answering sentence in bold."""
    inside = False
    for line in plain_lines(text):
        for piece in _indented(" ".join(line.text.split()), console):
            shown = Text(style="bold" if line.heading else "")
            for part in _MARKS.split(piece):
                inside = part == BEGIN or (inside and part != END)
                if part not in {BEGIN, END}:
                    shown.append(part, style="bold yellow" if inside and part.strip() else "")
            console.print(shown, soft_wrap=True)


def print_evaluation(console: Console, report: Row, kept: Path | None) -> None:
    """Print the figures by language and class (and mode), the latency, and the questions that were missed."""
    modes = report.get("modes") or {report["mode"]: report}
    count = report["questions"]
    asked = ngettext(
        "{count} question to {collection}, {model}", "{count} questions to {collection}, {model}", count,
        count=count, collection=report["collection"], model=report["embedding_model"],
    )  # fmt: skip
    say(console, f"{asked}\n")
    metrics = "".join(f"{name:>9}" for name in _METRICS)
    say(console, f"{_('mode'):<8}{_('questions'):<10}{_('number'):>8}{metrics}")
    for mode, figures in modes.items():
        groups = {_("all"): figures["overall"], **figures["by_language"], **figures["by_class"]}
        for group, row in groups.items():
            values = "".join(f"{decimal(format(row[name], '.3f')):>9}" for name in _METRICS)
            say(console, f"{mode:<8}{group:<10}{row['queries']:>8}{values}")
    say(console, "")
    for mode, figures in modes.items():
        took = figures["latency_ms"]
        parts = ", ".join(f"{term(part)} {took[part]['p50']:.0f}/{took[part]['p95']:.0f}" for part in _PARTS)
        times = {name: f"{took[name]:.0f}" for name in ("p50", "p95")} | {"parts": parts}
        say(console, _("{mode}: {p50} ms a question (p50), {p95} ms (p95); {parts}", mode=mode, **times))
    _print_missed(console, report)
    if kept:
        say(console, _("Kept in {kept}", kept=kept))


def _print_missed(console: Console, report: Row) -> None:
    missed, absent = report["missed"], set(report["not_indexed"])
    if missed:
        say(console, _("\nWithout their document among the first five ({mode}):", mode=report["mode"]))
    for row in missed:
        place = _("at {rank}", rank=row["rank"]) if row["rank"] else _("not among the first ten")
        found = _("its document is not in the collection") if row["id"] in absent else place
        for line in _indented(f"{row['id']} ({found}): {row['query']}", console):
            say(console, line)


def _indented(text: str, console: Console) -> list[str]:
    width = min(console.width, _WIDEST)
    return textwrap.wrap(text, width, initial_indent="   ", subsequent_indent="   ", break_on_hyphens=False)
