"""Which language a document is written in, as a BCP 47 tag."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, Final

from stagekit.declared.keys import fold
from stagekit.enrichment.language_model import TAGS, language_identifier

__all__ = ["detect_language", "normalize_language"]

_NAMES: Final = {
    "portugues": "pt-BR", "portugues_brasil": "pt-BR", "portuguese": "pt-BR", "por": "pt-BR",
    "ingles": "en", "english": "en", "eng": "en",
    "espanhol": "es", "espanol": "es", "castellano": "es", "spanish": "es", "spa": "es",
}  # fmt: skip
# py3langid's probability, tempered by the text's length; below it short texts are mostly guesses.
MIN_PROBABILITY: Final = 0.6
SAMPLE_CHARACTERS: Final = 20_000
MIN_LETTERS: Final = 12


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


def detect_language(text: str) -> str | None:
    """Tell Portuguese, English and Spanish apart; None where the text is too short to tell."""
    sample = re.sub(r"https?://\S+|[\w.]+@[\w.]+|`[^`]*`", " ", text[:SAMPLE_CHARACTERS])
    if len(list(islice(filter(str.isalpha, sample), MIN_LETTERS))) < MIN_LETTERS:
        return None
    language, probability = language_identifier(tuple(TAGS)).classify(sample)
    return TAGS[language] if probability >= MIN_PROBABILITY else None
