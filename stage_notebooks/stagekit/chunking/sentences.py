"""Finds sentence ends in Portuguese, English and Spanish prose, abbreviations left whole."""

import re

_ABBREVIATIONS = frozenset(
    """
    al art arts av cap cf cia cit cód dec desp dr dra drs ed eng etc ex exa exmo exma fig figs fl fls
    gov i.e e.g inc incs ind jr lda ltda máx mín mr mrs ms no núm nº nr obs op p pág págs par pp prof
    profa proc prot r ref rel req res rev s.a seç sec sr sra srs sras tab tel univ v vol vols vs st
    approx dept est jan fev mar abr mai jun jul ago set out nov dez feb apr may aug sep oct
    """.split()  # noqa: SIM905 (a list of strings would hide the words)
)
_END = re.compile(r"[.!?…]+[\"'”’»)\]~]*\s+(?=(?:~~)?[\"'“”‘«(\[–—§•¿¡]?\s?(?P<next>[^\W_]))|\n+")
_CLAUSE_END = re.compile(r"(?<=[;:,])\s+(?=\S)")
_LONGEST_WORD = 40  # characters, more than any abbreviation has
_LAST_WORD = re.compile(r"([^\W_]+(?:\.[^\W_]+)*)\.$")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) spans of a text's sentences, without the white space between them.

    A line end ends a sentence too. A full stop does not where it follows a known abbreviation or a single
    letter, or where the next word begins in lower case.
    """
    spans, start = [], 0
    for match in _END.finditer(text):
        mark = match.group().rstrip()
        end = match.start() + len(mark)
        # Slices of a fixed length: a paragraph without sentence ends is read in linear time.
        last_words = text[max(start, end - _LONGEST_WORD) : end]
        if mark and (match["next"].islower() or not _ends_sentence(last_words)):
            continue
        spans.append((start, end))
        start = match.end()
    spans.append((start, len(text)))
    return [trimmed for begin, end in spans if (trimmed := _trim(text, begin, end))[0] < trimmed[1]]


def clause_spans(sentence: str) -> list[tuple[int, int]]:
    """Return the (start, end) spans of a sentence's clauses: a colon, semicolon or comma ends one."""
    spans, start = [], 0
    for match in _CLAUSE_END.finditer(sentence):
        spans.append((start, match.start()))
        start = match.end()
    return [*spans, (start, len(sentence))]


def _ends_sentence(sentence: str) -> bool:
    word = _LAST_WORD.search(sentence)
    if word is None:
        return True
    last = word.group(1)
    return last.lower() not in _ABBREVIATIONS and not (len(last) == 1 and last.isalpha())


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    body = text[start:end]
    return end - len(body.lstrip()), start + len(body.rstrip())
