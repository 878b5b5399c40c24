"""What a reader of a notebook sees: tables with escaped text, and a progress bar the runner can follow."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from stagekit.artifacts.rows import column_of
from stagekit.contract import PROGRESS_MIME
from stagekit.sealing.cipher import CLEAR, Cipher

_CELL = "text-align:left;vertical-align:top;padding:2px 10px 2px 0;white-space:pre-wrap;max-width:46em"
_MAX_TEXT = 300
_ORDER = {"failed": 0, "rejected": 1, "stale": 2, "ok": 3}
# What texts are shown in a notebook of an encrypted folder; those of any other column may be a document's.
_NEVER_CONTENT = frozenset({
    "all", "bytes", "category", "collection", "confidence", "content_type", "count", "document_status",
    "document_type", "documents", "executed notebook", "field", "file_extension", "file_format",
    "files", "folder", "for example", "glued", "kind", "language", "made", "message", "modified", "of",
    "path", "product", "quality_verdict", "readers see it", "reason", "remedy", "replaced", "seconds",
    "setting", "sha256", "share", "stage", "status", "unchanged", "value", "what",
})  # fmt: skip
_shown = {"cipher": CLEAR}
_links: dict[str, Callable[[str], str]] = {}


def hide_documents(cipher: Cipher) -> None:
    """Let tables show the length and a keyed hash of what may be a document's text, unless all is clear."""
    _shown["cipher"] = cipher


def link_documents(address_of: Callable[[str], str]) -> None:
    """Let tables link each path to its web address; "" where it has none."""
    _links["path"] = address_of


class Table:
    """Rows shown as an HTML table, with a plain-text form for terminals and diffs.

    In an encrypted outputs folder texts are shown of a few columns only, see :func:`hide_documents`.
    """

    def __init__(self, rows: Sequence[dict[str, Any]], columns: Sequence[str], caption: str = "") -> None:
        if _shown["cipher"].key_id:
            rows = [{name: _hidden(name, row.get(name)) for name in columns} for row in rows]
        self.rows = rows
        self.columns = columns
        self.caption = caption

    def _repr_html_(self) -> str:
        head = "".join(
            f'<th style="{_CELL};min-width:{self._width(name)}em">{html.escape(_label(name))}</th>'
            for name in self.columns
        )
        body = "".join(
            "<tr>"
            + "".join(f'<td style="{_CELL}">{_cell(name, row.get(name))}</td>' for name in self.columns)
            + "</tr>"
            for row in self.rows
        )
        caption = (
            f'<caption style="text-align:left;caption-side:top">{html.escape(self.caption)}</caption>'
            if self.caption
            else ""
        )
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _width(self, name: str) -> int:
        # Browsers squeeze a sentence to a word a line beside a long path that cannot break.
        return min(16, max((len(_text(row.get(name))) for row in self.rows), default=0) // 2)

    def __repr__(self) -> str:
        cells = [[_label(name) for name in self.columns]]
        cells += [[_text(row.get(name)) for name in self.columns] for row in self.rows]
        widths = [max(len(line[i]) for line in cells) for i in range(len(self.columns))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in cells
        ]
        return "\n".join(([self.caption] if self.caption else []) + lines)


def table(rows: Iterable[dict[str, Any]], columns: Sequence[str] | None = None, caption: str = "") -> Table:
    """Build a :class:`Table`; without ``columns`` the keys of all rows, in order of appearance."""
    listed = list(rows)
    names = columns or list(dict.fromkeys(key for row in listed for key in row))
    return Table(listed, names, caption)


def outcome_table(outcomes: Sequence[dict[str, Any]], columns: Sequence[str], limit: int) -> Table:
    """Return a table of documents' outcomes: failures first, with reasons, remedies and seconds."""
    states, paths = column_of(outcomes, "status"), column_of(outcomes, "path")
    ordered = sorted(range(len(states)), key=lambda place: (_ORDER[states[place]], paths[place]))
    counts = {state: states.count(state) for state in _ORDER}
    said = ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "no document"
    unchanged = sum(map(bool, column_of(outcomes, "unchanged")))
    more = f"; the first {limit} of {len(ordered)}" if len(ordered) > limit else ""
    names = ["status", "path", "message", "remedy", *columns, "seconds", "unchanged"]
    if not any(column_of(outcomes, "message")):
        names = [name for name in names if name not in {"message", "remedy"}]
    shown = [outcomes[place] for place in ordered[:limit]]
    return table(shown, names, f"Documents: {said}; {unchanged} unchanged{more}")


class Progress:
    """A progress bar that is one output of its cell, updated in place.

    Beside the HTML it carries :data:`~stagekit.contract.PROGRESS_MIME`, from which the runner draws its own.
    """

    def __init__(self, total: int, unit: str = "document", interval: float = 0.25) -> None:
        self.total = total
        self.done = 0
        self.unit = unit
        self._interval = interval
        self._begin = time.monotonic()
        self._shown = 0.0
        self._current = ""
        self._known: int | None = None
        self._share: float | None = None
        self._handle = self._display()

    def start(self, *names: str, share: float | None = None) -> None:
        """Say which items are in work, and which share of all work is done, where somebody can tell."""
        if self._known is None:
            self._known = self.done  # before anything was in work
        self._current, self._share = ", ".join(names), share
        self._refresh()

    def advance(self, count: int = 1) -> None:
        """Count finished items."""
        self.done += count
        self._refresh(force=self.done >= self.total)

    def left_s(self) -> float | None:
        """Return the seconds that the rest will take at the pace so far; None where nothing can be said."""
        known = self._known or 0
        done, whole = self.done - known, self.total - known
        share = self._share if self._share is not None else done / max(whole, 1)
        return (time.monotonic() - self._begin) * (1 - share) / share if 0 < share < 1 else None

    def close(self) -> None:
        """Show the final state."""
        self._current, self._share = "", None
        self._refresh(force=True)

    def _display(self) -> Any:
        from IPython.display import display

        return display(self._bundle(), raw=True, display_id=True)

    def _refresh(self, *, force: bool = False) -> None:
        # Each update is a message that costs both processes milliseconds: four a second will do.
        now = time.monotonic()
        if self._handle is not None and (force or now - self._shown >= self._interval):
            self._shown = now
            self._handle.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, Any]:
        seconds, left = time.monotonic() - self._begin, self.left_s()
        text = f"{self.done} of {self.total} {self.unit}s in {seconds:.1f} s"
        if left is not None:
            text += f", about {left:.0f} s left"
        if self._current:
            text += f" · {self._current}"
        state: dict[str, Any] = {
            "done": self.done,
            "total": self.total,
            "unit": self.unit,
            "current": self._current,
        }
        if self._share is not None:
            state["left_s"] = None if left is None else round(left, 1)
        bar = f'<progress value="{self.done}" max="{max(self.total, 1)}" style="width:20em"></progress>'
        return {PROGRESS_MIME: state, "text/html": f"{bar} {html.escape(text)}", "text/plain": text}


def _cell(name: str, value: Any) -> str:
    text = html.escape(_text(value))
    address = _links[name](value) if name in _links and isinstance(value, str) else ""
    if not address:
        return text
    return f'<a href="{html.escape(address)}" target="_blank" rel="noopener noreferrer">{text}</a>'


def _hidden(name: str, value: Any) -> Any:
    if name in _NEVER_CONTENT or value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return f"({len(text)} characters, {_shown['cipher'].pseudonym(text)})" if text else ""


def _label(name: str) -> str:
    return name.replace("_", " ")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    text = ", ".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
