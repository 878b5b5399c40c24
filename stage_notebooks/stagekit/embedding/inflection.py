"""Brings Portuguese, Spanish and English words to one form for number and gender, for the search by words.

A question and a document may be in any of the three languages, and a question has too few words to tell
which: one set of rules serves all. They take off what inflects and nothing that derives: `decisões` is
`decisão`, but `transporte` is no `transparência`. The pairs of words in `tests/unit/word_pairs.tsv` were
written first; docs/architecture.md has what stemmers and a lexicon of lemmas make of them.

A form is no word for people: `técnica` and `técnico` give `tecnico`, `bases` and `base` give `bas`.
"""

import re
import unicodedata
from typing import Final

_MARKS = re.compile("[\u0300-\u036f]")
_VOWELS: Final = frozenset("aeiou")

# Words that no rule brings to their form; without accents, save where two words differ by them alone.
_IRREGULAR: Final = {
    "país": "pais", "pais": "pai pais",  # typed without its accent it may be either
    "caes": "cao", "herois": "heroi", "juiza": "juic", "jueza": "juec", "maes": "mae", "paes": "pao",
    "pes": "pe", "sois": "sol",
    "aleman": "alemao", "alemana": "alemao", "alemanas": "alemao", "alemanes": "alemao",
    "children": "child", "feet": "foot", "heroes": "hero", "men": "man", "menus": "menu", "people": "person",
    "women": "woman",
    "gas": "gas", "mes": "mes", "news": "news", "seis": "seis", "vies": "vies",  # no plurals
}  # fmt: skip
# Nationalities and the like, whose s is no plural: português, inglés, francês; interés, revés.
_SINGULAR_S = re.compile(r"(?:gu|nc|[dlmnr])[éê]s")
_NATIONAL_FEMININE = re.compile(r"(?:gu|nc|[dln])esa")
# Words in an unstressed -il, whose plural is -eis as that of words in -el: fácil, fáceis.
_IL = """
    ag contab contrat deb dific doc dut ester fac fert foss frag hab infert inut inverossim miss mob
    portat projet rept retrat tat text ut verossim versat volat
"""
_UNSTRESSED_IL: Final = frozenset(_IL.split())
# What comes before -a and -o in words that are two, not one in both genders: caso and casa.
_TWO = """
    auditori bal banc barc bols cap carg cart cas cent comissari consultori cont cop cot cuent cust dat
    diari directori diretori estad fil fit folh form franc fund grad laud libr linh list livr lot map marc
    mat minut mod mont muestr notari palm part partid past pat pen pes pist plac plant plaz poc pont port
    prat prec precatori prov puert punt quadr ram rat renda rod sac sal secretari sel sol tel terr test
    tint trat troc vag val var vel vent vid vist
"""
_NO_PAIR: Final = frozenset(_TWO.split())


def base_forms(word: str) -> tuple[str, ...]:
    """Return the forms that a word is found by: one, or two where it can be read in two ways.

    Args:
        word: of letters alone, its case folded, its accents composed and kept: they tell `país` from `pais`.
    """
    irregular = _IRREGULAR.get(word) or _IRREGULAR.get(without_accents(word))
    if irregular:
        return tuple(irregular.split())
    return (_spelt(_ungendered(_singular(word))),)


def without_accents(text: str) -> str:
    """Return text with its case folded, and its letters without accents and other marks."""
    return _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold()))


def _singular(word: str) -> str:
    """Return a word without its plural, and without the e that a plural in -es leaves open: bases, bas."""
    plain = without_accents(word)
    if len(plain) < 4 or not plain.endswith("s") or plain.endswith("ss") or _SINGULAR_S.search(word[-4:]):
        return word
    before, stem = plain[-3:-1], plain[:-3]
    if before == "oe" or (before == "ae" and len(plain) > 5):
        return f"{stem}ão"  # decisões, alemães
    if before == "ei" and stem in _UNSTRESSED_IL:
        return f"{stem}il"
    if before in {"ai", "ei", "oi", "ui"} and len(plain) > (
        4 if before in {"ai", "ui"} or word != plain else 5
    ):
        return f"{stem}{before[0]}l"  # editais, papéis, lençóis, azuis
    if before[1] == "u" and before[0] not in _VOWELS:
        return word  # campus, ônus
    if word[-2:-1] == "e" and before[0] != "e" and len(plain) > 4:
        return word[:-2]  # setores, vezes, bases, policies
    return word[:-1]


def _ungendered(word: str) -> str:
    """Return a word in its masculine form, and without a final e, which plurals in -es leave open."""
    if len(word) < 4:
        return word
    if word.endswith("ã"):
        return f"{word}o"  # cidadã
    if word.endswith("e"):
        return word[:-1]
    if not word.endswith("a") or without_accents(word[:-1]) in _NO_PAIR:
        return word
    if word.endswith(("eia", "éia")) and len(word) > 4:
        return f"{word[:-2]}u"  # europeia
    if word.endswith("ora") or _NATIONAL_FEMININE.search(word[-5:]):
        return word[:-1]  # servidora, portuguesa
    return f"{word[:-1]}o"


def _spelt(word: str) -> str:
    """Return a word without accents, with one spelling for endings that change before a plural."""
    plain = without_accents(word)
    if plain.endswith(("em", "im", "om", "um")):
        return f"{plain[:-1]}n"  # viagem, viagens; imagem, imágenes
    if plain.endswith("z"):
        return f"{plain[:-1]}c"  # vez, veces
    if len(plain) < 4:
        return plain
    if plain.endswith("il") and plain[-3] not in _VOWELS:
        return plain[:-1]  # civil, civis
    if plain.endswith("y") and plain[-2] not in _VOWELS:
        return f"{plain[:-1]}i"  # policy, policies
    return plain
