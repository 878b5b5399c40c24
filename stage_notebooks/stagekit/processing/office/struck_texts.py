"""How struck text of an Office file is written: between two signs, as Markdown does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

STRUCK: Final = "~~"


def struck_text(text: str) -> str:
    """Return a text between the signs; blanks at its ends stay outside."""
    inner = text.strip()
    return text.replace(inner, f"{STRUCK}{inner}{STRUCK}", 1) if inner else text


def enclose(texts: Sequence[Any]) -> None:
    """Write the signs at the first and last letter of elements with text, so that blanks stay outside."""
    texts = [text for text in texts if (text.text or "").strip()]
    if not texts:
        return
    first, last = texts[0], texts[-1]
    inner = first.text.lstrip()
    first.text = first.text[: len(first.text) - len(inner)] + STRUCK + inner
    outer = last.text.rstrip()
    last.text = outer + STRUCK + last.text[len(outer) :]
