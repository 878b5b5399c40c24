"""Which language a document is written in, as a BCP 47 tag."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from stagekit.declared.language_tags import TAGS, normalize_language
from stagekit.enrichment.language_model import language_identifier

__all__ = ["detect_language", "normalize_language"]

# py3langid's probability, tempered by the text's length; below it short texts are mostly guesses.
MIN_PROBABILITY: Final = 0.6
SAMPLE_CHARACTERS: Final = 20_000
MIN_LETTERS: Final = 12


def detect_language(text: str) -> str | None:
    """Tell Portuguese, English and Spanish apart; None where the text is too short to tell."""
    sample = re.sub(r"https?://\S+|[\w.]+@[\w.]+|`[^`]*`", " ", text[:SAMPLE_CHARACTERS])
    if len(list(islice(filter(str.isalpha, sample), MIN_LETTERS))) < MIN_LETTERS:
        return None
    language, probability = language_identifier(tuple(TAGS)).classify(sample)
    return TAGS[language] if probability >= MIN_PROBABILITY else None
