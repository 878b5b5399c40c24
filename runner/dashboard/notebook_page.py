"""An executed notebook as a page to read: sources and outputs as text and pictures, nothing that runs."""

from __future__ import annotations

import base64
import binascii
import html
import re
from pathlib import Path
from typing import Any

import nbformat

from stagekit.base.plain_json import parse_json, require_plain

__all__ = ["notebook_page"]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 24px auto; padding: 0 16px; }
pre { background: #f6f8fa; padding: 8px 10px; margin: 4px 0; font-size: 12.5px; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
pre.out { background: #fff; border-left: 3px solid #d0d7de; }
pre.error { border-left-color: #cf222e; color: #a40e26; }
img { max-width: 100%; } .n { color: #57606a; font-size: 12px; }
"""


def notebook_page(path: Path) -> str:
    """Return an executed notebook as HTML: every text is escaped, outputs in HTML are left out.

    Raises:
        ValueError: if the file is no notebook.
    """
    try:
        require_plain(parse_json(text := path.read_text(encoding="utf-8")))
        notebook = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
        cells = [_cell(number, cell) for number, cell in enumerate(notebook.cells, 1)]
    except (AttributeError, KeyError, TypeError, ValueError, nbformat.ValidationError) as error:
        raise ValueError(f"{path} is no whole notebook ({type(error).__name__}).") from None
    title = html.escape(path.stem)
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return f"<!doctype html>{head}<h1>{title}</h1>{''.join(cells)}"


def _cell(number: int, cell: Any) -> str:
    source = html.escape(cell.source)
    if cell.cell_type != "code":
        return f"<pre class=out>{source}</pre>"
    outputs = "".join(_output(output) for output in cell.outputs)
    return f"<p class=n>Cell {number}</p><pre>{source}</pre>{outputs}"


def _output(output: Any) -> str:
    if output.output_type == "stream":
        return f"<pre class=out>{html.escape(output.text)}</pre>"
    if output.output_type == "error":
        return f'<pre class="out error">{html.escape(_without_colours(output))}</pre>'
    picture = _picture(str(output.data.get("image/png", "")))
    text = str(output.data.get("text/plain", ""))
    return picture or (f"<pre class=out>{html.escape(text)}</pre>" if text else "")


def _picture(encoded: str) -> str:
    try:
        data = base64.b64decode(encoded, validate=False)
    except binascii.Error:
        return ""
    if not data.startswith(b"\x89PNG"):
        return ""
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(data).decode()}">'


def _without_colours(output: Any) -> str:
    text = "\n".join(output.get("traceback") or [f"{output.ename}: {output.evalue}"])
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
