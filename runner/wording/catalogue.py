"""The catalogues of sentences, read when the first sentence of another language than English is said."""

from __future__ import annotations

import gettext
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from runner.wording.ui_language import language

DOMAIN: Final = "nic_etl"
LOCALES: Final = Path(__file__).resolve().parents[1] / "locale"


@lru_cache
def translations(tag: str) -> gettext.NullTranslations:
    """Return the catalogue of a language, by its BCP 47 tag; English, and what there is none of, is empty."""
    if tag == "en":
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, LOCALES, [tag.replace("-", "_")], fallback=True)


def _(message: str, /, **values: Any) -> str:
    """Say a sentence in the language of the moment.

    Args:
        message: in English, as it stands in the catalogue; its placeholders are named, as ``{path}``.
        values: of the placeholders.
    """
    said = translations(language()).gettext(message)
    return said.format(**values) if values else said


def ngettext(one: str, several: str, count: int, /, **values: Any) -> str:
    """Say a sentence in the form that goes with a number.

    Args:
        one: in English, for one.
        several: in English, for any other number.
        count: the number.
        values: of the placeholders.
    """
    said = translations(language()).ngettext(one, several, count)
    return said.format(**values) if values else said


def pgettext(context: str, message: str, /) -> str:
    """Say a text that other languages put otherwise elsewhere.

    Args:
        context: where it stands.
        message: in English.
    """
    return translations(language()).pgettext(context, message)


def N_(message: str) -> str:  # noqa: N802 - gettext's own name
    """Return a text that ``_`` says later: it only marks it for the catalogue."""
    return message
