"""Which other documents a document replaces as a whole, by its front matter or by a sentence of its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from stagekit.declared.fields import texts
from stagekit.declared.keys import SUPERSEDING_KEYS, fold, fold_key

Row = dict[str, Any]
_ACT: Final = (
    r"(?P<kind>portaria|resolu[çc][ãa]o|instru[çc][ãa]o normativa|norma|decreto|lei|ato|delibera[çc][ãa]o|"
    r"circular|ordem de servi[çc]o|provimento|pol[íi]tica|regulamento|regimento|"
    r"resoluci[óo]n|instrucci[óo]n|acuerdo|disposici[óo]n|ley|"
    r"ordinance|resolution|decree|order|policy|regulation)"
    r"(?P<issuer>(?:\s+[A-ZÀ-Ý][\w/.-]*){0,3})"
    r"\s*,?\s*(?:n[º°.o]{0,2}\.?\s*)?(?P<number>\d[\d.]*)"
    r"(?:\s*[/-]\s*|,?\s+(?:de|del|of)\s+(?:\d{1,2}[º°]?\s+(?:de|of)?\s*\w+\s+(?:de|del|of)?\s*)?)"
    r"(?P<year>\d{4}|\d{2})\b"
)
_DATED: Final = (
    r"(?:\s*,?\s+(?:de|del|of)\s+\d{1,2}[º°]?\s+(?:de\s+|of\s+)?\w+(?:\s+(?:de|del|of))?\s+\d{4})?"
)
_BEFORE: Final = (
    r"(?:fica(?:m)?(?: expressamente| integralmente)? revogad[oa]s?|revoga-se|revogam-se|"
    r"queda(?: expresamente)? derogad[oa]|queda sin efecto|se deroga|der[óo]gase)\s+(?:a|o|la|el)\s+"
)
_BEHIND: Final = r"\s+is(?: hereby)? (?:revoked|repealed|superseded)"
_SENTENCES: Final = (
    re.compile(rf"^(?:\W*(?:art(?:igo|ículo)?\.?\s*\d+[º°.]*|§\s*\d+[º°.]*|[IVXLC]+|\d+(?:\.\d+)*)\W*)?"
               rf"{_BEFORE}(?P<act>{_ACT}{_DATED})\s*$", re.IGNORECASE),
    re.compile(rf"^(?:the\s+)?(?P<act>{_ACT}{_DATED}){_BEHIND}\s*$", re.IGNORECASE),
)  # fmt: skip
_HINT: Final = re.compile(r"revog|derog|sin efecto|revoked|repealed|superseded", re.IGNORECASE)
_MARK: Final = "\x00"


def revocations(front_matter: Mapping[str, Any], paragraphs: Iterable[str]) -> list[Row]:
    """Return what a document replaces: rows of ``names`` (as it is written) and ``quote``.

    Front matter has no quote. A sentence counts only where it takes away one act as a whole ("Fica revogada a
    Portaria nº 12/2023."); one that takes away parts, several acts, or sets a condition, does not.
    """
    found: list[Row] = []
    for key, value in front_matter.items():
        if fold_key(key) in SUPERSEDING_KEYS:
            named = value if isinstance(value, list) else [value]
            found += [{"names": name, "quote": None} for name in texts(named)]
    for paragraph in paragraphs:
        if not _HINT.search(paragraph):
            continue
        for sentence in _sentences(paragraph):
            match = next((hit for one in _SENTENCES if (hit := one.match(sentence.rstrip(".;")))), None)
            if match:
                found.append({"names": match["act"].strip(), "quote": sentence})
    return found


def act_key(text: str) -> tuple[str, int, int] | None:
    """Return kind, number and year of the act that a name begins with ("Portaria nº 12/2023"), or None."""
    match = re.match(_ACT, " ".join(text.split()), re.IGNORECASE)
    if match is None:
        return None
    year = int(match["year"])
    number = re.sub(r"\D", "", match["number"])
    return fold(match["kind"]), int(number), year if year > 99 else 2000 + year if year < 70 else 1900 + year


def _sentences(paragraph: str) -> list[str]:
    """Return the sentences of a paragraph; the full stop of ``nº 1.234`` and ``Art. 5`` ends none."""
    text = " ".join(paragraph.split())
    marked = re.sub(
        r"(?<=[^\W_]{3})([.;])\s+(?=[A-ZÀ-Ý§])|(?<=\d{4})([.;])\s+(?=[A-ZÀ-Ý§])", rf"\1\2{_MARK}", text
    )
    return [one.strip() for one in marked.split(_MARK) if one.strip()]
