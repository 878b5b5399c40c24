"""An executed notebook as a page to read in any browser: text, tables and pictures; code is folded away.

nbconvert makes such pages too, for a quarter of the processor time of a run with one changed document, and
loads scripts and styles from elsewhere. This page is one file, asks no network, and nothing in it runs.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from pathlib import Path
from typing import Any

from runner.report.safe_html import safe_html
from runner.report.styles import style_sheet
from runner.wording import _, language, ngettext
from stagekit.base.plain_json import parse_json, require_plain

# Nothing that is in the page may run, load or send anything, whatever a document or an altered file says.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def page_of(notebook: Path) -> Path:
    """Return where the page of an executed notebook stands: beside it."""
    return notebook.with_suffix(".html")


def notebook_page(notebook: bytes, name: str) -> str:
    """Return an executed notebook as HTML: code folded, outputs as tables, pictures or text.

    What stands around the cells is in the language of the moment; they are as they were executed. Its link
    leads to the report of the run that executed it, and its title is the name of the file.

    Raises:
        ValueError: if it is no notebook.
    """
    try:
        content = require_plain(parse_json(notebook))
        cells = [_cell(number, cell) for number, cell in enumerate(content["cells"], 1)]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{name} is no whole notebook ({type(error).__name__}).") from None
    title = html.escape(name)
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="referrer" content="no-referrer"><title>{title}</title>'
        f"<style>{style_sheet('notebook')}</style>"
    )
    way = f'<p class="soft"><a href="report.html">{html.escape(_("Report of the run"))}</a></p>'
    body = f"<body>{way}{''.join(cells)}</body>"
    return f'<!DOCTYPE html>\n<html lang="{language()}"><head>{head}</head>{body}</html>\n'


def _cell(number: int, cell: dict[str, Any]) -> str:
    source = _text(cell["source"])
    if cell["cell_type"] == "markdown":
        return f'<section lang="en">{_markdown(source)}</section>'
    if cell["cell_type"] != "code":
        return f"<pre>{html.escape(source)}</pre>"
    executed = cell.get("execution_count")
    label = f"In [{executed}]" if executed else _("Cell {number}", number=number)
    count = len(source.splitlines())
    said = ngettext("{label}: {count} line of code", "{label}: {count} lines of code", count)
    code = (
        f"<details><summary>{html.escape(said.format(label=label, count=count))}</summary>"
        f"<pre><code>{html.escape(source)}</code></pre></details>"
    )
    outputs = "".join(
        f'<div class="out" lang="en">{one}</div>' for one in map(_output, cell["outputs"]) if one
    )
    return f"<section>{code}{outputs}</section>"


def _output(output: dict[str, Any]) -> str:
    kind = output["output_type"]
    if kind == "stream":
        return f"<pre>{html.escape(_COLOURS.sub('', _text(output['text'])))}</pre>"
    if kind == "error":
        trace = "\n".join(output.get("traceback") or [f"{output['ename']}: {output['evalue']}"])
        return f'<pre class="error">{html.escape(_COLOURS.sub("", trace))}</pre>'
    data = {name: _text(value) for name, value in output["data"].items() if isinstance(value, str | list)}
    if picture := _picture(data.get("image/png", "")):
        return picture
    if "text/markdown" in data:
        return _markdown(data["text/markdown"])
    shown = safe_html(data["text/html"]) if "text/html" in data else ""
    text = data.get("text/plain", "")
    return shown or (f"<pre>{html.escape(text)}</pre>" if text else "")


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)


def _markdown(text: str) -> str:
    # Imported here: what only reads a report needs none of it.
    from markdown_it import MarkdownIt

    return safe_html(MarkdownIt("commonmark").enable("table").render(text))


def _picture(encoded: str) -> str:
    try:
        data = base64.b64decode(encoded, validate=False)
    except binascii.Error:
        return ""
    if not data.startswith(b"\x89PNG"):
        return ""
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(data).decode()}">'
