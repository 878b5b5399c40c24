"""Commands about documents: what became of one, and the text of all as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from runner.cli.call import Call
from runner.terminal import say
from runner.tools import run_tool
from runner.wording import _, decimal, ngettext, term, worded

_FACTS = {
    "source": (
        "status", "declared_status", "author", "created", "modified", "size_bytes", "repository_commit",
    ),
    "processed": (
        "status", "title", "file_format", "pages", "quality_verdict", "text_coverage", "ocr_confidence",
        "watermark", "produced_at",
    ),
    "chunked": ("status", "chunk_count", "token_count"),
    "described": ("status", "document_status", "document_type", "language", "is_latest"),
    "stored": ("upserted", "unchanged", "deleted"),
}  # fmt: skip
_SAID = ("category", "message", "remedy")
_WARNED = ("warnings", "validation_warnings")


def document(
    call: Call, path: Annotated[str, typer.Argument(help="The file's path in the repository.")]
) -> None:
    """Show what became of one document: source, verdict, text chunk by chunk, points.

    Example: nic-etl document 30-Aprovados/normas/portaria-12.pdf
    """
    request = {"path": path, "outputs_dir": str(call.config.outputs)}
    call.answer(run_tool("stagekit.tools.document", request), _print_document)


def export(
    call: Call, folder: Annotated[Path, typer.Argument(help="Where the files go; made if it is missing.")]
) -> None:
    """Write the text of each document as FOLDER/<path>.md, as it was cut into chunks.

    Example: nic-etl export /tmp/textos
    """
    request = {"folder": str(folder.absolute()), "outputs_dir": str(call.config.outputs)}
    call.answer(run_tool("stagekit.tools.markdown_export", request), _print_export)


def _print_export(console: Console, done: dict[str, Any]) -> None:
    written = done["written"]
    told = ngettext(
        "{count} text in {folder}", "{count} texts in {folder}", written, count=written, folder=done["folder"]
    )
    say(console, told)
    for left in done["left_out"]:
        say(console, _("Left out, its name is too long for a file: {left}", left=left))


def _print_document(console: Console, found: dict[str, Any]) -> None:
    say(console, found["path"], "bold")
    if found["ignored"]:
        say(console, _("ignored: {reason}", reason=worded(found["ignored"])))
    for part, names in _FACTS.items():
        row = found[part]
        if row is None:
            continue
        known = [
            f"{term(name.replace('_', ' '))} {_value(row[name])}"
            for name in names
            if row.get(name) not in (None, "", [])
        ]
        say(console, f"{term(part)}: {', '.join(known)}")
        for name in _SAID:
            if row.get(name):
                said = term(row[name].replace("_", " ")) if name == "category" else worded(row[name])
                say(console, f"   {term(name)}: {said}")
        for warning in [one for name in _WARNED for one in row.get(name) or []]:
            say(console, _("   warning: {warning}", warning=worded(warning)))
    for chunk in (found["chunked"] or {}).get("chunks", []):
        pages = ", ".join(map(str, chunk["pages"] or []))
        facts = [_("page {pages}", pages=pages)] if pages else []
        facts += [" › ".join(chunk["section_titles"] or []), ", ".join(chunk["clauses"] or [])]
        tokens = chunk["token_count"]
        facts.append(ngettext("{count} token", "{count} tokens", tokens, count=tokens))
        facts.append(_("point {id}", id=chunk["point"]) if chunk["point"] else _("no point"))
        say(console, "")
        told = " · ".join(fact for fact in facts if fact)
        say(console, f"{chunk['chunk_index'] + 1}. {told}", "dim")
        say(console, chunk["text"])


def _value(value: Any) -> str:
    """Return a value as text: a code of the record in words, a number in the form of the language."""
    if isinstance(value, bool):
        return _("true") if value else _("false")
    return decimal(str(value)) if isinstance(value, float) else term(str(value))
