"""A language in which every translated text stands between ⟦ and ⟧: what is shown without them was forgotten.

Only the words of a sentence are bracketed; its values stand outside, and have to be somebody's data, or words
that are translated themselves.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from runner.wording import catalogue, choose_language, recognition
from tests.wording.catalogue_files import key_of, read_catalogue

TAG = "pt-BR"
_PARTS = re.compile(r"((?<!\{)\{\w*\}(?!\}))")
_BRACKETED = re.compile("⟦[^⟦⟧]*⟧")
_WORD = re.compile(r"(?<![0-9A-Za-z])[A-Za-zÀ-ÿ]{3,}(?![0-9A-Za-z])")  # digests are no words


class _Pseudo(gettext.NullTranslations):
    def __init__(self) -> None:
        super().__init__()
        self._known = {key_of(message)[:2] for message in read_catalogue() if message.id}

    def gettext(self, message: str) -> str:
        return _bracketed(message) if (None, message) in self._known else message

    def ngettext(self, one: str, several: str, count: int) -> str:  # noqa: ARG002
        return self.gettext(one if (None, one) in self._known else several)

    def pgettext(self, context: str, message: str) -> str:
        return _bracketed(message) if (context, message) in self._known else message


def _bracketed(message: str) -> str:
    parts = (part for part in _PARTS.split(message) if part)
    return "".join(part if _PARTS.fullmatch(part) else f"⟦{part}⟧" for part in parts)


@contextmanager
def pseudo_language(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Speak it."""
    known = catalogue.translations
    pseudo = _Pseudo()

    def translations(tag: str) -> gettext.NullTranslations:
        return pseudo if tag == TAG else known(tag)

    for module in (catalogue, recognition):
        monkeypatch.setattr(module, "translations", translations)
    recognition._worded.cache_clear()
    monkeypatch.setenv("LC_ALL", "pt_BR.UTF-8")  # for whoever reads a configuration
    choose_language(TAG)
    try:
        yield
    finally:
        choose_language("")
        recognition._worded.cache_clear()


def forgotten_words(shown: str, data: Iterable[str] = ()) -> list[str]:
    """Return the lines of a text with words that are neither in brackets nor among the data, without these.

    Args:
        shown: what a person reads, without markup.
        data: texts of the world, as paths, titles, names of stages, settings and commands.
    """
    rest = _BRACKETED.sub(" ", shown)
    for text in sorted(filter(None, set(data)), key=len, reverse=True):
        rest = rest.replace(text, " ")
    return [" ".join(line.split()) for line in rest.splitlines() if _WORD.search(line)]
