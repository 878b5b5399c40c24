"""Languages as authors name them, as BCP 47 tags."""

from __future__ import annotations

import re
from typing import Any, Final

from stagekit.declared.keys import fold

# The region is part of the tag only where the organization's documents have one.
TAGS: Final = {"pt": "pt-BR", "en": "en", "es": "es"}
_NAMES: Final = {
    "portugues": "pt-BR", "portugues_brasil": "pt-BR", "portuguese": "pt-BR", "por": "pt-BR",
    "ingles": "en", "english": "en", "eng": "en",
    "espanhol": "es", "espanol": "es", "castellano": "es", "spanish": "es", "spa": "es",
}  # fmt: skip


def normalize_language(value: Any) -> str | None:
    """Return the tag for what an author wrote ("pt", "pt_BR", "Português"), None where it is none."""
    if not isinstance(value, str) or not value.strip():
        return None
    if name := _NAMES.get(fold(value)):
        return name
    primary, *rest = value.strip().replace("_", "-").split("-")
    if not re.fullmatch(r"[A-Za-z]{2,3}", primary) or not all(
        re.fullmatch(r"[A-Za-z0-9]{2,8}", part) for part in rest
    ):
        return None
    if not rest:
        return TAGS.get(primary.lower(), primary.lower())
    return "-".join([primary.lower(), *(part.upper() if len(part) == 2 else part.title() for part in rest)])
