"""The HTML of the dashboard's texts and tables. Whatever is not written here is escaped and redacted."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from runner.report.styles import style_sheet
from runner.search.passage_text import BEGIN, END
from runner.wording import term
from stagekit.base.redaction import Redactor, secret_values

_SIGNS = {
    "success": "✔", "ok": "✔", "running": "▶", "partial": "!", "stale": "!", "failed": "✖", "rejected": "✖",
    "cancelled": "■", "interrupted": "■", "damaged": "✖", "skipped": "=", "carried over": "=",
}  # fmt: skip
_TONES = {
    "success": "good", "ok": "good", "running": "busy", "partial": "warn", "stale": "warn",
    "failed": "bad", "rejected": "bad", "damaged": "bad", "cancelled": "warn", "interrupted": "warn",
}  # fmt: skip

_RULES = """
.nic, .nic-status, .nic-help { font: 14px/1.45 system-ui, sans-serif; color: #1f2328; white-space: normal; }
.nic { overflow-wrap: anywhere; }
.nic a { color: #0550ae; text-decoration: underline; }
.nic table { border-collapse: collapse; min-width: min(100%, 560px); margin: 4px 0 10px; font-size: 13px; }
.nic th { text-align: left; border-bottom: 2px solid #d0d7de; padding: 4px 18px 4px 0; }
.nic td { border-bottom: 1px solid #eaeef2; padding: 4px 18px 4px 0; vertical-align: top; text-align: left; }
.nic td:not(:last-child) { overflow-wrap: normal; }
@media (max-width: 600px) {
  .nic th, .nic td { padding-right: 8px; }
  .jupyter-widgets.jupyter-widget-tab > .lm-TabBar .lm-TabBar-tab {
    flex: 0 1 auto; min-width: 0; padding: 0 8px;
  }
}
.nic h3 { margin: 10px 0 4px; font-size: 15px; }
.nic code { background: #f6f8fa; padding: 1px 4px; }
.nic .soft, .nic-help { color: #57606a; }
.nic .good { color: #116329; } .nic .bad { color: #a40e26; } .nic .warn { color: #7a4d00; }
.nic .busy { color: #0550ae; } .nic b.tag { white-space: nowrap; }
.nic-status { border-left: 6px solid #8c959f; background: #f6f8fa; padding: 10px 14px; }
.nic-status { overflow-wrap: anywhere; }
.nic-status b { font-size: 17px; } .nic-status div { margin-top: 2px; } .nic-status div b { font-size: 14px; }
.nic-status.good { border-color: #1a7f37; background: #eaf7ed; }
.nic-status.bad { border-color: #cf222e; background: #fff0f0; }
.nic-status.warn { border-color: #bf8700; background: #fff8e5; }
.nic-status.busy { border-color: #0969da; background: #eaf3ff; }
.nic progress { width: clamp(44px, 12vw, 110px); accent-color: #0969da; }
.nic ul { margin: 4px 0 10px; padding-left: 20px; } .nic li { margin: 4px 0; }
.nic-page { width: 100%; height: 78vh; border: 1px solid #d0d7de; border-radius: 6px; color-scheme: light; }
.nic .hit { border-left: 3px solid #0969da; padding: 2px 12px; margin: 10px 0; }
.nic .passage { overflow-x: auto; } .nic .passage p, .nic .passage table { margin: 4px 0; }
.nic .passage :is(h1, h2, h3, h4, h5, h6) { font-size: 14px; margin: 6px 0 2px; }
.nic .passage table { min-width: 0; }
.nic mark { background: #fff3bf; color: inherit; padding: 1px 0; }
.nic-help { font-size: 12px; line-height: 1.3; } .nic-help .bad { color: #a40e26; font-weight: 600; }
"""
STYLE = f"<style>{_RULES}{style_sheet('flow')}</style>"


def plain(value: object) -> str:
    """Return a value as text for HTML: without secrets, every special character escaped."""
    redact = Redactor(secret_values(pdf_passwords=False))
    return html.escape(redact("" if value is None else str(value)))


def rendered(text: str) -> str:
    """Return a passage in Markdown as HTML: its own HTML is text, pictures and links are their words.

    What stands between the marks of :mod:`runner.search.passage_text` is highlighted.
    """
    from markdown_it import MarkdownIt  # here: only a search needs it

    redact = Redactor(secret_values(pdf_passwords=False))
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "link", "autolink"])
    html_text: str = reader.render(redact(text))
    return html_text.replace(BEGIN, "<mark>").replace(END, "</mark>")


def span(value: object, kind: str) -> str:
    """Return an escaped text of a kind: soft, good, warn, bad, busy."""
    return f'<span class="{kind}">{plain(value)}</span>'


def badge(status: str) -> str:
    """Return a status with its sign and colour; it can be read without the colour."""
    return f'<b class="tag {_TONES.get(status, "soft")}">{_SIGNS.get(status, "·")} {plain(term(status))}</b>'


def note(text: str) -> str:
    """Return HTML in the dashboard's style."""
    return f'<div class="nic">{text}</div>'


def remark(sentence: object, kind: str = "") -> str:
    """Return a sentence in the dashboard's style: soft, good, warn, bad, busy, or as any other text."""
    return note(span(sentence, kind) if kind else plain(sentence))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are HTML already."""
    titles = "".join(f"<th>{plain(term(name))}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{titles}</tr>{body}</table>"
