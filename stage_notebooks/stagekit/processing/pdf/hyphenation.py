"""Joins the lines of a paragraph and closes words that a line end has split.

Docling drops every hyphen at a line end. In Portuguese that breaks what the hyphen belongs to: `dirigir-se`,
`far-lhe-á`, `segunda-feira`. A hyphen is dropped here only between two lower-case letters, and kept where
what follows is a pronoun or what precedes is a part of a compound.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["join_lines"]

_COMPOUND_STARTS = frozenset(
    {
        "além",
        "anti",
        "aquém",
        "auto",
        "bem",
        "co",
        "decreto",
        "e",
        "ex",
        "guarda",
        "infra",
        "inter",
        "jurídico",
        "mal",
        "meio",
        "médico",
        "non",
        "para",
        "político",
        "post",
        "pre",
        "pré",
        "pró",
        "pós",
        "quarta",
        "quinta",
        "recém",
        "segunda",
        "self",
        "sem",
        "sexta",
        "sub",
        "sócio",
        "terça",
        "técnico",
        "vale",
        "vice",
        "well",
    }
)
_SPLIT = re.compile(r"([^\W\d_]+)-$")
_HEAD = re.compile(r"([^\W\d_]+)")


def join_lines(lines: Sequence[str]) -> str:
    """Return the lines as one text: split words closed, soft hyphens removed, single spaces between.

    Args:
        lines: The lines of one paragraph or cell, top to bottom.
    """
    text = ""
    for line in (line.strip() for line in lines):
        if not line:
            continue
        if text.endswith("\u00ad"):
            text = text[:-1] + line
        elif text.endswith("-") and text[-2:-1].isalnum():
            text = (text if _keeps_hyphen(text, line) else text[:-1]) + line
        else:
            text = f"{text} {line}" if text else line
    return text.replace("\u00ad", "")


def _keeps_hyphen(text: str, line: str) -> bool:
    """Whether the hyphen at the end of `text` belongs to the word (or the number) and stays."""
    before, after = _SPLIT.search(text), _HEAD.match(line)
    if before is None or after is None:
        return True
    tail, head = before.group(1), after.group(1)
    if not (tail[-1].islower() and head[0].islower()):
        return True
    if tail.lower() in _COMPOUND_STARTS:
        return True
    return _is_enclitic(tail.lower(), head.lower())


def _is_enclitic(verb: str, pronoun: str) -> bool:
    """Whether `pronoun` hangs on a Portuguese verb, as far as spelling tells (`fazê-lo`, `aplica-se`)."""
    if pronoun in {"se", "lhe", "lhes"}:
        return not verb.endswith("s")
    if pronoun in {"lo", "la", "los", "las"}:
        return verb[-1] in "áâéêíóôú"
    return pronoun in {"no", "na", "nos", "nas"} and verb.endswith(("m", "ão", "õe"))
