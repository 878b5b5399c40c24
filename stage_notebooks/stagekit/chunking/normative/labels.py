"""Reads what may be the label of a clause at a place of a text; whether it is one, the outline decides.

Labels come as typewriters, Word, PDF extraction and OCR leave them: `Art. 1o`, `Art. 1 o`, `Art. 2º.`, `Art.
3°`, `§ único`, `Paragrafo unico`, `II —`, `lll -`, `d )`.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

from stagekit.chunking.normative.address import Level, Part
from stagekit.chunking.normative.numerals import ORDINAL_WORDS, from_letter, from_roman, from_word


@dataclass(frozen=True, slots=True)
class Label:
    """What may open a clause."""

    part: Part  # the step of the address that it would add
    end: int  # where the clause's own text begins, behind the label and its signs
    # the form is common elsewhere too, or spoiled by OCR: it opens only as the next of its sequence
    only_next: bool = False
    bare: bool = False  # nothing but the label stands on the line
    named: bool = False  # a word says what the number is of: "Section 2.1"


_ACCENTS: Final = str.maketrans(
    "áàâãäéèêëíìîïóòôõöúùûüçÁÀÂÃÄÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇ", "aaaaaeeeeiiiiooooouuuucAAAAAEEEEIIIIOOOOOUUUUC"
)
_DASH = r"[-–—‐‑]"
_NUMBER = r"(?P<number>\d{1,3}(?:\.\d{3})+(?!\d)|\d{1,4}(?!\d))"
# A raised o that became a letter: at once behind the number, or behind a blank where a sentence begins after
# it.
_ORDINAL = r"(?:\.?\s?[ºª°]|[oa](?![A-Za-z])|\s[oa](?=\s+[A-Z\"“(]))?"
_SUFFIX = rf"(?:{_DASH}(?P<suffix>[A-Z]{{1,2}})(?![\w])(?!\s+[a-z]))?"
_STOP = rf"\s*(?:(?:[.:]|{_DASH})+(?=\s|$))?\s*"

_ARTICLE = re.compile(rf"(?:Art|ART)(?:igo|IGO)?\s?[.,]?\s*{_NUMBER}{_ORDINAL}{_SUFFIX}{_STOP}")
_SOLE_ARTICLE = re.compile(rf"(?:Art|ART)(?:igo|IGO)?\s?\.?\s+(?:[uU]nico|UNICO)\b{_STOP}")
_FOREIGN_ARTICLE = re.compile(
    rf"(?P<word>Articulo|ARTICULO|Article|ARTICLE|Section|SECTION)\s+{_NUMBER}(?!\.\d)[.º]?o?(?:\s?(?P<suffix>bis|ter|quater|[A-Z]))?"
    rf"(?![\w]){_STOP}"
)
_FOREIGN_WORDS: Final = {"ARTICULO": "Artículo", "ARTICLE": "Article", "SECTION": "Section"}
# Of contracts: CLÁUSULA PRIMEIRA, Cláusula 2ª, Clause 3, Section 2.1.
_CONTRACT = re.compile(
    rf"(?P<word>Clausula|CLAUSULA|Clause|CLAUSE)\s+(?:(?P<ordinal>(?i:{ORDINAL_WORDS}|unica))\b"
    rf"|{_NUMBER}(?:\s?[ºª°]|[oa](?![A-Za-z]))?(?!\.\d)|(?P<roman>[IVXLC]+)\b){_STOP}"
)
_NAMED_DECIMAL = re.compile(
    rf"(?:Clausula|CLAUSULA|Clause|CLAUSE|Section|SECTION)\s+(?P<word>\d{{1,2}}(?:\.\d{{1,3}}){{1,5}})(?![\w]){_STOP}"
)
_PUNCTUATED = re.compile(rf"[.:]|{_DASH}")
_PARAGRAPH = re.compile(rf"§\s*{_NUMBER}{_ORDINAL}{_SUFFIX}{_STOP}")
_SOLE_PARAGRAPH = re.compile(
    rf"(?:§\s*(?:[uU]nico|UNICO)\b|(?:Paragrafo|PARAGRAFO)\s+(?:[uU]nico|UNICO)\b(?=\s*(?:[.:]|{_DASH}|[A-Z(]|$))){_STOP}"
)
_WORDED_PARAGRAPH = re.compile(
    rf"(?:Paragrafo|PARAGRAFO)\s+(?:(?P<ordinal>(?i:{ORDINAL_WORDS}))\b|{_NUMBER}\s?[ºª°oa]?){_STOP}"
)
_INCISO = re.compile(
    rf"(?P<roman>[IVXLCDM]+|[Il]{{1,3}}|l[VX]|[VX]l{{1,3}})(?:{_DASH}(?P<suffix>[A-Z]{{1,2}})(?=\s*{_DASH}))?"
    rf"(?P<sign>\s*{_DASH}|\s?\)|\.(?=\s))\s*(?=\S|$)"
)
_ALINEA = re.compile(rf"(?P<open>\()?(?P<letter>[a-z]{{1,2}})(?:{_DASH}(?P<suffix>[A-Z]))?\s?\)\s*")
_ITEM = re.compile(rf"\(?(?P<number>\d{{1,2}})\s?(?:[.)]|\s{_DASH})\s+(?=\S)")
_DECIMAL = re.compile(rf"(?P<word>\d{{1,2}}(?:\.\d{{1,3}}){{0,5}})(?:[.)]|\s{_DASH})?\s+(?=\S)")
_GROUPING = re.compile(
    r"(?P<word>parte|livro|titulo|capitulo|secao|subsecao|seccion|libro|part|book|title|chapter)\s+"
    r"(?P<number>[ivxlcdm]+|\d{1,3}|unic[ao]|geral|especial|[a-z]+)\b[ºª]?"
    rf"(?:{_DASH}(?P<suffix>[a-z]))?(?!\w)",
    re.IGNORECASE,
)
_LEVELS: Final = {
    "parte": Level.PARTE, "part": Level.PARTE,
    "livro": Level.LIVRO, "libro": Level.LIVRO, "book": Level.LIVRO,
    "titulo": Level.TITULO, "title": Level.TITULO, "capitulo": Level.CAPITULO, "chapter": Level.CAPITULO,
    "secao": Level.SECAO, "seccion": Level.SECAO, "subsecao": Level.SUBSECAO,
}  # fmt: skip
_ANNEX = re.compile(
    r"(?P<word>ANEXO|Anexo|ANNEX|Annex)(?:\s+(?P<number>[IVXLCDM]+|\d{1,2}|[A-Z]|UNICO|Unico|unico))?(?![\w])"
)
_END_OF_LABEL = re.compile(rf"\s*(?:(?:[.:]|{_DASH})+(?=\s|$))?\s*")
# What goes on as a citation does: "Art. 9º do Regimento", "§ 2º, da Lei", "arts. 5º e 6º", "Article 5 of the
# Act".
_CITES = re.compile(
    r"\s*(?:[,;)\]/]|c/c\b|(?:e|ou|and|or|y|o|a)\s+(?:§|\d|art|inciso|[IVXLC]+\b)"
    r"|(?:d[oae]s?|dest[ea]s?|dess[ea]s?|daquel[ea]s?|del|of|shall apply|combinad[oa]s?|caput|inciso)\b)"
)


def fold(text: str) -> str:
    """Return a text of the same length without accents."""
    return text.translate(_ACCENTS)


def labels_at(folded: str, start: int, end: int) -> list[Label]:
    """Return what a folded text (see :func:`fold`) may open from `start` on, the most telling first."""
    first = folded[start : start + 1]
    if not (first.isalnum() or first in "§("):
        return []
    readers = (_articles, _paragraphs, _groupings, _incisos, _alineas, _numbers)
    return [label for reader in readers for label in reader(folded, start, end)]


def _articles(folded: str, start: int, end: int) -> list[Label]:
    if match := _SOLE_ARTICLE.match(folded, start, end):
        return [_label(folded, Part(Level.ARTIGO), match.end(), end)]
    if match := _ARTICLE.match(folded, start, end):
        if _CITES.match(folded, _behind_number(match), end) and not folded[match.end() :][:1].isupper():
            return []
        part = Part(Level.ARTIGO, _number(match), match["suffix"] or "")
        return [_label(folded, part, match.end(), end)]
    if match := _FOREIGN_ARTICLE.match(folded, start, end):
        if _CITES.match(folded, _behind_number(match), end):
            return []
        word = _FOREIGN_WORDS[match["word"].upper()]
        return [
            _label(folded, Part(Level.ARTIGO, _number(match), match["suffix"] or "", word), match.end(), end)
        ]
    return _contract_clauses(folded, start, end)


def _contract_clauses(folded: str, start: int, end: int) -> list[Label]:
    if match := _NAMED_DECIMAL.match(folded, start, end):
        part = Part(Level.DECIMAL, word=match["word"])
        is_label = _heads_text(folded, match, match.end("word"), end)
        return [replace(_label(folded, part, match.end(), end), named=True)] if is_label else []
    match = _CONTRACT.match(folded, start, end)
    if match is None:
        return []
    behind = max(match.end(group) for group in ("ordinal", "number", "roman"))
    sign = re.match(r"\s?[ºª°]|[oa](?![A-Za-z])", folded[behind : match.end()])
    if not _heads_text(folded, match, behind + (sign.end() if sign else 0), end):
        return []
    ordinal = match["ordinal"] or ""
    number = from_word(ordinal) or (_number(match) if match["number"] else from_roman(match["roman"] or ""))
    if not number and ordinal.lower() != "unica":
        return []
    word = "Clause" if match["word"].upper() == "CLAUSE" else "Cláusula"
    return [_label(folded, Part(Level.ARTIGO, number, word=word), match.end(), end)]


def _heads_text(folded: str, match: re.Match[str], behind: int, end: int) -> bool:
    """Whether a label in words is followed by its own text, and is no subject of a sentence."""
    rest = folded[match.end() : end].lstrip()
    if _CITES.match(folded, behind, end):
        return False
    stops = _PUNCTUATED.search(folded, behind, match.end()) is not None
    return stops or not rest or rest[0].isupper() or not rest[0].isalpha()


def _paragraphs(folded: str, start: int, end: int) -> list[Label]:
    if match := _SOLE_PARAGRAPH.match(folded, start, end):
        if _CITES.match(folded, match.end(), end):
            return []
        return [_label(folded, Part(Level.PARAGRAFO), match.end(), end)]
    if match := _PARAGRAPH.match(folded, start, end):
        if _CITES.match(folded, _behind_number(match), end):
            return []
        return [
            _label(folded, Part(Level.PARAGRAFO, _number(match), match["suffix"] or ""), match.end(), end)
        ]
    if match := _WORDED_PARAGRAPH.match(folded, start, end):
        behind = match.end("ordinal") if match["ordinal"] else _behind_number(match)
        if not _heads_text(folded, match, behind, end):
            return []
        number = from_word(match["ordinal"]) if match["ordinal"] else _number(match)
        return [_label(folded, Part(Level.PARAGRAFO, number), match.end(), end)] if number else []
    return []


def _groupings(folded: str, start: int, end: int) -> list[Label]:
    if match := _ANNEX.match(folded, start, end):
        return _annex(folded, match, end)
    match = _GROUPING.match(folded, start, end)
    if match is None:
        return []
    level, numeral = _LEVELS[match["word"].lower()], match["number"]
    word, capitals = "", match["word"].isupper()
    if numeral.lower() in {"geral", "especial"}:
        if level != Level.PARTE:
            return []
        number, word = 0, numeral.capitalize()
    elif numeral.lower() in {"unico", "unica"}:
        number, word = 0, "Único" if numeral.lower() == "unico" else "Única"
    else:
        number = from_roman(numeral) or (int(numeral) if numeral.isdigit() else from_word(numeral))
        if not number:
            return []
    stop = _END_OF_LABEL.match(folded, match.end(), end)
    text_start = stop.end() if stop else match.end()
    rest = folded[match.end() : end].strip()
    # A name begins with a capital, or behind a dash; "Capítulo III deste Regimento" is a citation.
    if not match["word"][0].isupper() or (rest[:1].islower() or rest[:1] in set(",;)")):
        return []
    if not capitals and rest and match.end() == text_start:
        return []
    part = Part(level, number, (match["suffix"] or "").upper(), word)
    return [Label(part, text_start, bare=not rest)]


def _annex(folded: str, match: re.Match[str], end: int) -> list[Label]:
    rest = folded[match.end() : end].strip()
    capitals = match["word"].isupper()
    if rest and not (
        re.match(rf"[.:]|{_DASH}", rest) or ((capitals and rest[:1].isupper()) or rest[:1] == "(")
    ):
        return []
    numeral = match["number"] or ""
    part = Part(Level.ANEXO, from_roman(numeral) or (int(numeral) if numeral.isdigit() else 0))
    if numeral.lower() == "unico":
        part = Part(Level.ANEXO, word="Único")
    elif numeral and not part.number:
        part = Part(Level.ANEXO, word=numeral)
    stop = _END_OF_LABEL.match(folded, match.end(), end)
    return [Label(part, stop.end() if stop else match.end(), bare=not rest)]


def _incisos(folded: str, start: int, end: int) -> list[Label]:
    match = _INCISO.match(folded, start, end)
    if match is None:
        return []
    numeral = match["roman"].replace("l", "I")
    number = from_roman(numeral)
    if not number:
        return []
    spoiled = "l" in match["roman"]
    usual = match["sign"].strip()[:1] not in {")", "."}
    part = Part(Level.INCISO, number, match["suffix"] or "")
    return [_label(folded, part, match.end(), end, only_next=spoiled or not usual)]


def _alineas(folded: str, start: int, end: int) -> list[Label]:
    match = _ALINEA.match(folded, start, end)
    number = from_letter(match["letter"]) if match else 0
    if match is None or not number:
        return []
    part = Part(Level.ALINEA, number, match["suffix"] or "")
    return [_label(folded, part, match.end(), end, only_next=bool(match["open"]))]


def _numbers(folded: str, start: int, end: int) -> list[Label]:
    found = []
    if match := _ITEM.match(folded, start, end):
        found.append(_label(folded, Part(Level.ITEM, int(match["number"])), match.end(), end, only_next=True))
    if match := _DECIMAL.match(folded, start, end):
        word = match["word"]
        if word.count(".") == 1:
            minor = int(word.split(".")[1])
            found.append(
                _label(folded, Part(Level.SUBITEM, minor, word=word), match.end(), end, only_next=True)
            )
        found.append(_label(folded, Part(Level.DECIMAL, word=word), match.end(), end))
    return found


def _label(folded: str, part: Part, text_start: int, end: int, only_next: bool = False) -> Label:
    return Label(part, text_start, only_next, bare=not folded[text_start : min(end, text_start + 80)].strip())


def _number(match: re.Match[str]) -> int:
    return int(match["number"].replace(".", ""))


def _behind_number(match: re.Match[str]) -> int:
    """Return where what follows the number begins, its ordinal sign and letters left behind."""
    suffix = match.groupdict().get("suffix")
    behind = match.end("suffix") if suffix else match.end("number")
    rest = match.string[behind : match.end()]
    sign = re.match(r"\.?\s?[ºª°]|[oa](?![A-Za-z])|\s[oa](?=\s+[A-Z\"“(])", rest)
    return behind + (sign.end() if sign and not suffix else 0)
