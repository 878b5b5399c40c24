"""Finds in each passage the sentence that shares most of the question's rare words, to be shown first."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

# What Markdown puts before the words of a line; a heading names what follows, and answers nothing.
_HEADING: Final = re.compile(r"#{1,6}\s")
_MARKER: Final = re.compile(r"\s*(?:>\s*)*(?:(?:[-*+]|\d+[.)])\s+)?")
_RULE: Final = re.compile(r"[\s|:+=_*-]*")
# A dot ends a sentence after a word or a number, not after "Sr." or "Art.", which no capital word follows.
_END: Final = re.compile(r"(?<=[\w%)\"”»’*]{2}[.!?…])\s+(?=[\"“«¿¡(*_]*[^\W\d_a-zà-öø-ÿ])")
_SHORTENED: Final = re.compile(r"\b(?:Sra?|Dra?|Profa?|Exm[ao]|Mrs?|Ms|Ud|Lic|cf|vs)\.$", re.IGNORECASE)


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a passage in Markdown, each as it stands there; a table's row is one."""
    for line in text.splitlines():
        if _HEADING.match(line) or _RULE.fullmatch(line):
            continue
        if line.lstrip().startswith("|"):
            yield line.strip()
            continue
        words = line.rstrip()
        begin = place = found.end() if (found := _MARKER.match(words)) else 0
        while end := _END.search(words, place):
            place = end.end()
            if not _SHORTENED.search(words, begin, end.start()):
                yield words[begin : end.start()]
                begin = place
        yield words[begin:]


def answer_sentences(question: str, texts: Sequence[str]) -> list[str]:
    """Return the sentence of each passage that shares most of the question's rare words; "" where none does.

    A word is the rarer, the fewer sentences of all these passages hold it; forms of a word are the same, as
    in the search by words. Of sentences that share as much the shortest is taken, then the first.
    """
    from stagekit.embedding.terms import sparse_terms

    wanted = set(sparse_terms(question))
    shared = [
        [(sentence, wanted & set(sparse_terms(sentence))) for sentence in sentences(text)] for text in texts
    ]
    holders = Counter(term for passage in shared for _, terms in passage for term in terms)
    whole = sum(map(len, shared))
    weights = {term: math.log((whole + 1) / (count + 0.5)) for term, count in holders.items()}

    def worth(found: tuple[str, set[str]]) -> tuple[float, int]:
        return round(sum(weights[term] for term in found[1]), 6), -len(found[0])

    best = [max((one for one in passage if one[1]), key=worth, default=("", set())) for passage in shared]
    return [sentence for sentence, _ in best]
