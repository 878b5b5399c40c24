"""Promises on the lists of words: each word of a list is found in it with its count, and no other one."""

from __future__ import annotations

import gzip
import json
from importlib.resources import files

import pytest

from stagekit.processing.text.known_words import LANGUAGES, frequency


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_a_list_are_found_with_their_counts(language):
    packed = files("spellchecker").joinpath("resources", f"{language}.json.gz").read_bytes()
    counts = json.loads(gzip.decompress(packed))
    words = list(counts)
    assert words == sorted(words)
    for word in {words[0], words[1], words[-2], words[-1], *words[::997]}:
        assert frequency(word, language) == counts[word] > 0


@pytest.mark.parametrize(
    "word", ["", " ", '"', "a\nb", "zzzzzzzz", "\uffff", "\ud800", "{", "presi", "ação:"]
)
def test_what_is_no_word_of_a_list_has_no_count(word):
    assert frequency(word, "pt") == 0
