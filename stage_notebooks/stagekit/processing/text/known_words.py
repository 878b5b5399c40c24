"""Says how common a word is in Portuguese, Spanish or English, by the lists that come with pyspellchecker.

A list is unpacked where a question first needs it, and searched as it is: it is JSON with one word a line, in
the order of its bytes. Read into a dictionary it would take half a second and 60 MB.
"""

from __future__ import annotations

import gzip
from functools import cache, lru_cache
from importlib.resources import files

LANGUAGES = ("pt", "es", "en")


@lru_cache(maxsize=1 << 14)
def frequency(word: str, language: str) -> int:
    """Return how often a word in lower case was counted in a language; 0 for an unknown one."""
    text, wanted = _list(language), word.encode("utf-8", "surrogatepass")
    low, high = 0, len(text)
    while low < high:  # both are where lines begin
        start = max(low, text.rfind(b"\n", low, (low + high) // 2) + 1)
        quote, end = text.index(b'"', start + 1), text.index(b"\n", start)
        found = text[start + 1 : quote]
        if found == wanted:
            return int(text[quote + 2 : end].rstrip(b","))
        low, high = (end + 1, high) if found < wanted else (low, start)
    return 0


@cache
def _list(language: str) -> bytes:
    """Return the lines `"word": count,` of a list, without the braces around them."""
    packed = files("spellchecker").joinpath("resources", f"{language}.json.gz").read_bytes()
    return gzip.decompress(packed)[2:-1]
