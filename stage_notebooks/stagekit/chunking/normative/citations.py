"""Understands how people name clauses and norms: in questions, and in a filter's value.

Descending ("art. 12, § 1º, III, a"), ascending ("alínea “a” do inciso III do § 1º do art. 12"), plurals and
ranges ("arts. 5º a 8º"), numbers with and without their signs ("art 5", "Art. 5o", "5°").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from stagekit.chunking.normative.address import GROUPINGS, Address, Level, Part, printed
from stagekit.chunking.normative.labels import fold
from stagekit.chunking.normative.numerals import (
    ORDINAL_WORDS,
    from_letter,
    from_roman,
    from_word,
    to_roman,
)

MOST_OF_RANGE: Final = 50  # clauses that "arts. 1º a 90" stands for, from its beginning
MOST_ANNEXES: Final = 30

_NUMBER = r"\d{1,3}(?:\.\d{3})+|\d{1,4}"
_ORDINAL_NUMBER = rf"(?:{_NUMBER})(?:\s?[ºª°]|[oa](?![a-z]))?(?:-[a-z]{{1,2}}(?![a-z]))?"
_BETWEEN = r"(?:\s*,\s*(?:e\s+)?|\s+(?:e|ou|y|and|or)\s+|\s+(?:a|ao|ate|to|through)\s+|\s?[-–]\s?(?=[\dº]))"
_NUMBERS = rf"{_ORDINAL_NUMBER}(?:{_BETWEEN}{_ORDINAL_NUMBER}(?![\w.]))*"
_NUMBERS_OF_ONE = rf"{_ORDINAL_NUMBER}(?:\s+(?:e|a|ao|ate|ou|y|and|to)\s+{_ORDINAL_NUMBER}(?![\w./]))*"
_ROMAN = r"[ivxlcdm]+(?:-[a-z]{1,2})?(?![\w])"
_LETTER = r"[\"“'‘]?[a-z]{1,2}[\"”'’]?(?![\w])"
_CITED = re.compile(
    rf"(?:\barts\b\.?|\bartigos\b|\barticulos\b|\barticles\b)\s*(?P<articles>{_NUMBERS})"
    rf"|(?:\bart\b\.?|\bart(?=\d)|\bartigo\b|\bartg\b\.?)\s*(?P<article>{_NUMBERS_OF_ONE}|unico\b)"
    rf"|\b(?P<word>articulo|article|section)\s+(?P<foreign>(?:{_NUMBER})(?:\s?(?:bis|ter|quater)\b)?)"
    rf"(?:\.(?P<f_par>\d{{1,2}}))?(?:\((?P<f_par2>\d{{1,2}})\))?(?:[.(]\(?(?P<f_ali>[a-z])\))?"
    rf"|(?:§\s*§|\bparagrafos\b|\bpars\b\.?)\s*(?P<paragraphs>{_NUMBERS})"
    rf"|(?:§|\bparagrafo\b|\bpar\b\.?)\s*(?P<paragraph>{_NUMBERS_OF_ONE}|unico\b)"
    rf"|\bparagrafo\s+(?P<ordinal_paragraph>{ORDINAL_WORDS})\b"
    rf"|(?:\bincisos\b|\bincs\b\.?)\s*(?P<incisos>{_ROMAN}(?:{_BETWEEN}{_ROMAN})*)"
    rf"|(?:\binciso\b|\binc\b\.?)\s*(?P<inciso>{_ROMAN})"
    rf"|(?:\balineas\b|\bletras\b)\s*(?P<alineas>{_LETTER}(?:{_BETWEEN}{_LETTER})*)"
    rf"|(?:\balinea\b|\bal\b\.?|\bletra\b)\s*(?P<alinea>{_LETTER})"
    r"|(?:\bitens\b|\bsubitens\b)\s*(?P<items>\d+(?:\.\d+)*(?:(?:\s*,\s*|\s+e\s+|\s+a\s+)\d+(?:\.\d+)*)*)"
    rf"|\b(?:clausula|clause)\s+(?P<contract>{ORDINAL_WORDS}\b|unica\b|\d{{1,3}}(?![\d.]*\.\d)(?:\s?[ºª°]|[oa](?![a-z]))?)"
    r"|(?:\bitem\b|\bsubitem\b|\bsecao\b|\bclausula\b|\bclause\b)\s*(?P<item>\d+(?:\.\d+)*)"
    r"|\b(?P<caput>caput|cpt\.)"
    r"|\b(?P<grouping>parte|livro|titulo|capitulo|cap\.|secao|subsecao)\s+(?P<group>[ivxlcdm]+|\d{1,3}|unic[ao]|geral|especial"
    r"|primeir[ao]|segund[ao]|terceir[ao]|quart[ao]|quint[ao])(?:-(?P<group_suffix>[a-z]))?(?!\w)"
    r"|\b(?P<annex>anexo)(?:\s+(?P<annex_number>[ivxlcdm]+|\d{1,2}|unico)(?!\w))?"
)
# A numeral or letter alone counts behind a comma, and where no word goes on after it: not "art. 12, a multa".
_BARE = re.compile(
    rf"\s*\.?,\s*(?:(?P<roman>{_ROMAN}(?:\s+(?:e|a)\s+{_ROMAN})?)|(?P<letter>{_LETTER}))"
    r"(?=\s*(?:[,;.)?!:]|$|d[oae]s?\b|e\s+(?:§|par|inc|al)))"
)
_SAME_WORDS: Final = {"": ["", "Artículo", "Article", "Section"], "Cláusula": ["Cláusula", "Clause"]}
_JOIN = re.compile(r"[\s.,]*(?:(?:d[oae]s?|del?|of|the|no|na)\s+)?\s*")
_AND = re.compile(r"\s*,?\s*(?:e|ou|y|and|or)\s+")
_SUFFIX = re.compile(r"-([a-z]{1,2})$")

_KINDS = (
    "lei complementar|lei|decreto-lei|decreto legislativo|decreto|medida provisoria|emenda|portaria|"
    "resolucao|instrucao normativa|instrucao|deliberacao|provimento|circular|edital|regimento|regulamento|"
    "estatuto|codigo|constituicao|norma|politica|manual|plano|ato|contrato|ley|reglamento|act|regulation|directive"
)
_NORM = re.compile(rf"\b(?P<kind>{_KINDS})\b(?P<rest>[^?!;:]*)")
_NORM_NUMBER = re.compile(
    r"[^\d]{0,24}?(?:\bn\s?[ºo°.]*\s*)?(?<![\d.])(?P<number>\d{1,3}(?:\.\d{3})+|\d+)"
    r"(?:\s*(?:/|,?\s+de\s+(?:\d{1,2}[ºo°]?\s+de\s+[a-z]+\s+de\s+)?)(?P<year>\d{4}))?"
)
_NAME_ENDS = re.compile(
    r"[,.()\"“”]|\b(?:sobre|que|quando|para|com|trata|diz|dispoe|preve|e|ou|se|about|say|says)\b"
)


@dataclass(frozen=True, slots=True)
class NamedNorm:
    """A norm as a question names it, accents and case folded: its kind, and its number or its name."""

    kind: str
    number: str = ""
    year: str = ""
    name: str = ""


@dataclass
class _Mention:
    """Parts that are named together, by level; the end of the last one."""

    parts: dict[Level, list[Part]]
    end: int


def read_citations(text: str) -> list[Address]:
    """Return the clauses that a question names, in order; none that hang on no article, item or grouping."""
    found: dict[Address, None] = {}
    for mention in _mentions(fold(text).lower()):
        for address in _addresses(mention.parts):
            found.setdefault(address)
    return list(found)


def read_norm(text: str) -> NamedNorm | None:
    """Return the norm that a question names with its number, else the one that it calls by name."""
    folded = fold(text).lower()
    named: NamedNorm | None = None
    for match in _NORM.finditer(folded):
        rest = match["rest"]
        number = _NORM_NUMBER.match(rest)
        if number and not re.search(r"\b(?:art|artigo|item|inciso)\b|§", rest[: number.start("number")]):
            return NamedNorm(match["kind"], number["number"].replace(".", ""), number["year"] or "")
        name = _NAME_ENDS.split(rest)[0].strip()
        named = named or NamedNorm(match["kind"], name=" ".join(name.split()[:5]))
    return named


def clause_values(text: str) -> list[str]:
    """Return the values of the payload field `clauses` that a filter's value stands for.

    An article that is named alone is also meant where it stands in an annex, and where the norm calls it
    Artículo, Article or Section. A value that names no clause stands for itself.
    """
    value = re.fullmatch(r"\s*(\d+(?:\.\d+)*)\.?\s*", text)
    bare = re.fullmatch(r"\s*(\d+)\s?[ºª°oO]?(?:-([A-Za-z]{1,2}))?\s*", text)
    addresses = read_citations(text)
    if not addresses and bare:
        addresses = [(Part(Level.ARTIGO, int(bare[1]), (bare[2] or "").upper()),)]
    if value:
        addresses.append((Part(Level.DECIMAL, word=value[1]),))
    if not addresses and (
        match := re.fullmatch(r"\s*(\d+(?:\.\d+)*)\.?\s*,\s*(?:al[ií]nea\s*)?([a-z])\)?\s*", text)
    ):
        addresses = [(Part(Level.DECIMAL, word=match[1]), Part(Level.ALINEA, from_letter(match[2])))]
    return list(dict.fromkeys(name for address in addresses for name in variants(address))) or [text.strip()]


def variants(address: Address) -> list[str]:
    """Return how `clauses` may print an address: as it is, in an annex, with another word for its article."""
    first = address[0]
    if first.level != Level.ARTIGO:
        return [printed(address)]
    words = [first.word]
    if first.number:
        words = _SAME_WORDS.get(first.word, words)
    names = [printed((Part(Level.ARTIGO, first.number, first.suffix, word), *address[1:])) for word in words]
    if first.word in {"Cláusula", "Section"} and first.number:  # numbers say the same: 4, 4.2
        numbers = [str(first.number), *(part.word for part in address[1:])]
        names += [".".join(numbers)] if all(number.isdigit() for number in numbers) else []
    annexes = [
        "Anexo",
        "Anexo Único",
        *(f"Anexo {to_roman(number)}" for number in range(1, MOST_ANNEXES + 1)),
    ]
    return names + [f"{annex}, {names[0]}" for annex in annexes]


def _mentions(folded: str) -> Iterator[_Mention]:
    current: _Mention | None = None
    position = 0
    while match := _CITED.search(folded, position):
        parts = dict(_parts(match))
        joined = current is not None and _JOIN.fullmatch(folded, current.end, match.start())
        if current is None or not joined or parts.keys() & current.parts.keys():
            inherited: dict[Level, list[Part]] = {}
            if current is not None:
                yield current
                if _AND.fullmatch(
                    folded, current.end, match.start()
                ):  # "art. 37, XI, e § 4º": of the same one
                    inherited = {
                        level: found
                        for level, found in current.parts.items()
                        if level < min(parts, default=Level.ANEXO)
                    }
            current = _Mention(inherited, match.end())
        current.parts |= parts
        current.end = match.end()
        while current.parts.keys() & {Level.ARTIGO, Level.DECIMAL}:
            bare = _BARE.match(folded, current.end)
            steps = _bare_parts(bare, current.parts) if bare else []
            if bare is None or not steps:
                break
            current.parts[steps[0].level] = steps
            current.end = bare.end()
        position = current.end
    if current is not None:
        yield current


def _bare_parts(match: re.Match[str], parts: dict[Level, list[Part]]) -> list[Part]:
    """Return the incisos or the alínea that numerals or a letter alone stand for."""
    text = (match["roman"] or match["letter"]).strip("\"'“”‘’")
    # Of single letters only i, v and x are taken for numerals: c, d, l and m are alíneas more often.
    numeral = match["roman"] is not None and (len(text) > 1 or text in "ivx")
    if numeral and Level.INCISO not in parts and Level.ALINEA not in parts:
        return _incisos(text)
    letter = from_letter(text)
    return [Part(Level.ALINEA, letter)] if letter and Level.ALINEA not in parts else []


def _parts(match: re.Match[str]) -> Iterator[tuple[Level, list[Part]]]:
    groups = match.groupdict()
    if numbers := groups["articles"] or groups["article"]:
        yield Level.ARTIGO, _numbered(Level.ARTIGO, numbers)
    if contract := groups["contract"]:
        digits = re.match(r"\d+", contract)
        place = int(digits[0]) if digits else from_word(contract)
        yield Level.ARTIGO, [Part(Level.ARTIGO, place, word="Cláusula")]
    if ordinal := groups["ordinal_paragraph"]:
        yield Level.PARAGRAFO, [Part(Level.PARAGRAFO, from_word(ordinal))]
    if groups["foreign"]:
        number, _, suffix = groups["foreign"].partition(" ")
        word = {"articulo": "Artículo", "article": "Article", "section": "Section"}[groups["word"]]
        yield Level.ARTIGO, [Part(Level.ARTIGO, int(number.replace(".", "")), suffix, word)]
        if paragraph := groups["f_par"] or groups["f_par2"]:
            yield Level.PARAGRAFO, [Part(Level.PARAGRAFO, int(paragraph), word=paragraph)]
        if groups["f_ali"]:
            yield Level.ALINEA, [Part(Level.ALINEA, from_letter(groups["f_ali"]))]
    if numbers := groups["paragraphs"] or groups["paragraph"]:
        yield Level.PARAGRAFO, _numbered(Level.PARAGRAFO, numbers)
    if numerals := groups["incisos"] or groups["inciso"]:
        yield Level.INCISO, _incisos(numerals)
    if letters := groups["alineas"] or groups["alinea"]:
        found = re.findall(r"[a-z]{1,2}", re.sub(r"\s(?:e|ou|a|ate)\s", " ", letters))
        places = [Part(Level.ALINEA, number) for letter in found if (number := from_letter(letter))]
        yield Level.ALINEA, _filled(places, letters)
    if items := groups["items"] or groups["item"]:
        words = re.findall(r"\d+(?:\.\d+)*", items)
        yield Level.DECIMAL, [Part(Level.DECIMAL, word=word) for word in words]
    if groups["grouping"]:
        yield _grouping(groups["grouping"], groups["group"], groups["group_suffix"])
    if groups["annex"]:
        numeral = groups["annex_number"] or ""
        number = int(numeral) if numeral.isdigit() else from_roman(numeral.upper())
        yield Level.ANEXO, [Part(Level.ANEXO, number, word="Único" if numeral == "unico" else "")]


def _grouping(kind: str, numeral: str, suffix: str | None) -> tuple[Level, list[Part]]:
    level = next(
        level for level, name in GROUPINGS.items() if fold(name).lower().startswith(kind.rstrip("."))
    )
    number = int(numeral) if numeral.isdigit() else from_roman(numeral.upper()) or from_word(numeral)
    words = {"unico": "Único", "unica": "Única", "geral": "Geral", "especial": "Especial"}
    return level, [Part(level, number, (suffix or "").upper(), words.get(numeral, ""))]


def _numbered(level: Level, numbers: str) -> list[Part]:
    if numbers == "unico":
        return [Part(level)]
    found = []
    for one in re.findall(_ORDINAL_NUMBER, numbers):
        suffix = _SUFFIX.search(one)
        number = re.match(_NUMBER, one)
        if number:
            found.append(Part(level, int(number[0].replace(".", "")), suffix[1].upper() if suffix else ""))
    return _filled(found, numbers)


def _roman_part(numeral: str) -> Part | None:
    suffix = _SUFFIX.search(numeral)
    number = from_roman(_SUFFIX.sub("", numeral).upper())
    return Part(Level.INCISO, number, suffix[1].upper() if suffix else "") if number else None


def _incisos(numerals: str) -> list[Part]:
    steps = [
        _roman_part(numeral) for numeral in re.findall(_ROMAN, re.sub(r"\s(?:e|ou|a|ate)\s", " ", numerals))
    ]
    return _filled([step for step in steps if step is not None], numerals)


def _filled(parts: list[Part], text: str) -> list[Part]:
    """Return the parts with those that a range leaves out: "5º a 8º"."""
    if len(parts) == 2 and re.search(r"\s(?:a|ao|ate|to|through)\s|\d[ºª°]?\s?[-–]\s?\d", text):
        first, last = parts
        numbers = range(first.number + 1, min(last.number, first.number + MOST_OF_RANGE))
        return [first, *(Part(first.level, number) for number in numbers), last]
    return parts


def _addresses(parts: dict[Level, list[Part]]) -> list[Address]:
    """Return the clauses that parts named together stand for; see :func:`read_citations`."""
    chosen = dict(parts)
    if Level.ALINEA in chosen and Level.ARTIGO in chosen and Level.DECIMAL in chosen:
        numbers = [
            Part(Level.ITEM, int(part.word)) for part in chosen.pop(Level.DECIMAL) if part.word.isdigit()
        ]
        chosen |= {Level.ITEM: numbers} if numbers else {}
    if Level.ARTIGO in chosen:
        chosen = {level: found for level, found in chosen.items() if level not in GROUPINGS and found}
    elif Level.DECIMAL not in chosen and Level.ANEXO not in chosen and not chosen.keys() & GROUPINGS.keys():
        return []
    return [tuple(steps) for steps in product(*(chosen[level] for level in sorted(chosen)))]
