"""Joins the lines of a paragraph and closes words that a line end has divided.

Docling drops every hyphen at a line end. In Portuguese that breaks what the hyphen belongs to: `dirigir-se`,
`far-lhe-á`, `segunda-feira`. The document's own words decide first (the same word within a line), then a list
of the language's words (`presidente` is one, `exdiretor` is none), then the rules of spelling.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from stagekit.processing.text.known_words import frequency

COMMON = 100  # counts in the list of words from which on a word is certainly one
SHORTEST_HALF = 4  # letters of the second half of a compound
# Before whatever follows these stands a hyphen, as long as that is a word (Acordo Ortográfico, base XVI).
_APART = frozenset({
    "além", "aquém", "bem", "ex", "pós", "pré", "pró", "recém", "sem", "soto", "vice", "vizo",
})  # fmt: skip
# Never: co-, pre- and re- are written together with what follows.
_TOGETHER = frozenset(["co", "des", "in", "pre", "re"])
# A prefix is parted from h and from the letter that it ends with; others are parted from these letters.
_PREFIXES = frozenset({
    "ante", "anti", "arqui", "auto", "contra", "eletro", "entre", "extra", "foto", "hidro", "infra",
    "intra", "macro", "maxi", "mega", "micro", "mini", "moto", "multi", "neo", "pluri", "poli", "proto",
    "pseudo", "retro", "semi", "sobre", "socio", "supra", "tele", "ultra",
})  # fmt: skip
_PREFIX_LETTERS = {
    "circum": "aeiouhmn",
    "pan": "aeiouhmn",
    "mal": "aeiouáéíóúh",
    "sub": "brh",
} | dict.fromkeys(("hiper", "inter", "super"), "rh")
_ENDINGS = frozenset({
    "ante", "ário", "ável", "dade", "dades", "dora", "doras", "dores", "eira", "eiro", "ente", "ismo",
    "ista", "ível", "mento", "mentos", "mente", "tiva", "tivas", "tivo", "tivos", "tória", "tório",
    "ria", "rias",
})  # fmt: skip
_SHORT_FIRST_HALVES = frozenset(["ar", "má", "pé"])
_SHORT_HALVES = frozenset(["dia", "fé", "lei", "luz", "mãe", "mor", "pai", "sol", "voz"])
# Of offices ("corregedor-geral") and peoples ("luso-brasileiro"), whose first halves a list may lack.
_SECOND_HALVES = re.compile(r"gera(?:l|is)|(?:brasileir|american|african)[oa]s?|europe(?:us?|ias?)")
_FUNCTION_WORDS = {
    "pt": frozenset({
        "ao", "da", "das", "do", "dos", "e", "em", "na", "não", "nas", "no", "nos", "os", "ou", "pela",
        "pelo", "são", "se", "um", "uma", "à", "às", "é",
    }),
    "es": frozenset({
        "al", "del", "el", "en", "es", "la", "las", "lo", "los", "por", "se", "su", "un", "una", "y",
    }),
    "en": frozenset({
        "and", "are", "be", "by", "for", "in", "is", "it", "of", "on", "or", "that", "the", "this",
        "to", "with",
    }),
}  # fmt: skip
_ENDS = (
    ("s", ""), ("ões", "ão"), ("ãos", "ão"), ("ães", "ão"), ("ais", "al"), ("eis", "el"),
    ("ns", "m"), ("es", ""), ("as", "o"), ("a", "o"),
)  # fmt: skip
_PRONOUNS = frozenset({
    "a", "as", "la", "las", "lhe", "lhes", "lo", "los", "me", "na", "nas", "no", "nos", "o", "os", "se",
    "te", "vos",
})  # fmt: skip
# "pré- e pós-operatório": the hyphen stands for what follows later.
_CONJUNCTIONS = frozenset(["e", "ou", "y", "u", "and", "or"])
_SPLIT = re.compile(r"([^\W\d_]+)-$")
_HEAD = re.compile(r"([^\W\d_]+)")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(frozen=True)
class Vocabulary:
    """The words of a document."""

    # words within its lines, in lower case, with their hyphens
    words: frozenset[str] = field(default_factory=frozenset)
    language: str = "pt"  # a code of `known_words`; the list that knows its words

    @classmethod
    def of(cls, lines: Iterable[str]) -> Vocabulary:
        """Gather the words that no line end divides, and tell the language by its smallest words."""
        counts: Counter[str] = Counter()
        after_hyphen = False
        for line in lines:
            words = [match.group().lower() for match in _WORD.finditer(line)]
            divided = line.rstrip().endswith("-")
            counts.update(words[after_hyphen : len(words) - divided])
            after_hyphen = divided
        votes = {
            code: sum(counts[word] for word in words - _shared(code))
            for code, words in _FUNCTION_WORDS.items()
        }
        return cls(frozenset(counts), max(votes, key=lambda code: votes[code]))

    def count(self, word: str) -> int:
        """Return how common a word is in the language, at least `COMMON` for a word of the document."""
        return max(frequency(word, self.language), COMMON if word in self.words else 0)


def is_divided(line: str, following: str) -> bool:
    """Whether the end of a line divides a word that the next line goes on with."""
    before, after = _SPLIT.search(line.rstrip()), _HEAD.match(following.lstrip())
    if before is None or after is None:
        return False
    return after[1][0].islower() or (before[1].isupper() and after[1].isupper())


def join_lines(lines: Sequence[str], vocabulary: Vocabulary | None = None) -> str:
    """Return the lines of a paragraph as one text: divided words closed, soft hyphens removed, single spaces.

    The document's vocabulary decides; without it the list of Portuguese words.
    """
    text = ""
    for line in (line.strip() for line in lines):
        if not line:
            continue
        if text.endswith("\u00ad"):
            text = text[:-1] + line
        elif text.endswith("-") and text[-2:-1].isalnum():
            keeps = _keeps_hyphen(text, line, vocabulary or Vocabulary())
            blank = " " if keeps and line.split()[0] in _CONJUNCTIONS else ""
            text = (text if keeps else text[:-1]) + blank + line
        else:
            text = f"{text} {line}" if text else line
    return text.replace("\u00ad", "")


def _keeps_hyphen(text: str, line: str, known: Vocabulary) -> bool:
    """Whether the hyphen at the end of `text` belongs to the word (or the number) and stays."""
    before, after = _SPLIT.search(text), _HEAD.match(line)
    if before is None or after is None:
        return True
    tail, head = before.group(1), after.group(1)
    if not (tail[-1].islower() and head[0].islower()):
        return True
    tail, head = tail.lower(), head.lower()
    if f"{tail}-{head}" in known.words:
        return True
    if tail + head in known.words or any(frequency(f, known.language) for f in _forms(tail + head)):
        return False
    if head in _CONJUNCTIONS:
        return True
    if text[before.start() - 1 : before.start()] == "-" and tail in _PRONOUNS | {"da", "de", "do", "e"}:
        return True  # far-se-á, mão-de-obra
    return _is_enclitic(tail, head, known) or _is_parted(tail, head, known)


def _is_parted(prefix: str, rest: str, known: Vocabulary) -> bool:
    """Whether spelling puts a hyphen between two parts of a word that no list has in one."""
    word = known.count(rest) > 0
    if prefix in _APART:
        return word
    if prefix in _TOGETHER:
        return False
    if prefix in _PREFIX_LETTERS:
        return rest[0] in _PREFIX_LETTERS[prefix]
    if prefix in _PREFIXES:
        return _plain(rest[0]) in ("h", prefix[-1])
    if _SECOND_HALVES.fullmatch(rest):
        return len(prefix) > 2
    compound = known.count(prefix) >= COMMON and known.count(rest) >= COMMON
    long = len(rest) >= SHORTEST_HALF and rest not in _ENDINGS
    first = len(prefix) > 2 or prefix in _SHORT_FIRST_HALVES
    return compound and first and (long or rest in _SHORT_HALVES)


def _is_enclitic(verb: str, pronoun: str, known: Vocabulary) -> bool:
    """Whether `pronoun` hangs on a Portuguese verb, as far as spelling tells (`fazê-lo`, `aplica-se`)."""
    if pronoun in {"se", "lhe", "lhes"}:
        return not verb.endswith("s")
    if pronoun in {"lo", "la", "los", "las"}:
        return verb[-1] in "áâéêíóôú"
    if pronoun in {"me", "te", "vos"}:
        return known.count(verb) >= COMMON
    return pronoun in {"no", "na", "nos", "nas"} and verb.endswith(("m", "ão", "õe"))


def _forms(word: str) -> Iterator[str]:
    """Yield a word, and what it may be in the singular and the other gender: lists lack many forms."""
    yield word
    yield from (word.removesuffix(end) + own for end, own in _ENDS if word.endswith(end))


def _plain(letter: str) -> str:
    return letter.translate(str.maketrans("áâãàéêíóôõú", "aaaaeeiooou"))


def _shared(language: str) -> frozenset[str]:
    """Return the function words that other languages have too, which say nothing."""
    return frozenset().union(*(words for code, words in _FUNCTION_WORDS.items() if code != language))
