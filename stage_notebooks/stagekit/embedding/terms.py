"""Cuts text into the terms that the search by words compares: words, numbers, dates and codes.

Words are brought to one form for number and gender (:mod:`stagekit.embedding.inflection`), function words are
left out. What can be written in more than one way gives a term in common: `e-mail` and `email`, `nº 12/2024`
and `nº12/2024`, `5o` and `5º`, `R$ 50.000` and `R$ 50.000,00`, `10/05/2024` and `10 de maio de 2024`,
`POL-012` and `pol 12`. What differs does not: `10,5` is no `105`, `R$ 1.000,00` no `R$ 100.000`.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Final

from stagekit.embedding.inflection import base_forms, without_accents

# A word, or words and numbers joined without a space: 12.527/2011, POL-012, e-mail, 10,5.
_COMPOUND = re.compile(r"[^\W_]+(?:[./,\-–'’][^\W_]+)*")
_JOINTS = re.compile(r"[./,\-–'’]")
_MARKS = re.compile("[\u0300-\u036f]")
_SOFT_HYPHEN = "\u00ad"

_NUMERO = re.compile(r"(?<!\w)(?:n\.?[ºo°]s?\.?|núm\.|№)\s*(?=\d)")  # nº12, n.º 12
_ORDINAL_SIGN = re.compile(r"(?<=\d)\.?[ºª°]s?|[ºª°]")  # 5º, 5.ª
_TYPED_ORDINAL = re.compile(r"(\d{1,4})(?:[oa]s?|st|nd|rd|th|er|ro|ra|do|da|to|ta)")  # 5o, 1a, 2as, 3rd, 1er
_DOTTED_THOUSANDS = re.compile(r"(\d{1,3}(?:\.\d{3})+)(?:,(\d+))?")
_COMMA_THOUSANDS = re.compile(r"(\d{1,3}(?:,\d{3})+)(?:\.(\d+))?")
_DECIMAL = re.compile(r"(\d+)(,|\.(?=\d{1,3}$))(\d+)")
_MIXED_JOINT = re.compile(r"(?<=[^\W\d])[.,]|[.,](?=[^\W\d])")  # of art.5, not of v2.1
LONG_NUMBER: Final = 9
"""Digits from which a code of digits is also typed without its signs: the numbers of people and of cases."""

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "janeiro enero january jan",
            "fevereiro febrero february fev feb",
            "março marco marzo march mar",
            "abril april abr apr",
            "maio mayo may mai",
            "junho junio june jun",
            "julho julio july jul",
            "agosto august ago aug",
            "setembro septiembre setiembre september set sep",
            "outubro octubre october out oct",
            "novembro noviembre november nov",
            "dezembro diciembre december dez dic dec",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_WRITTEN_DATE = re.compile(
    rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:de\s+|of\s+)?(?P<month>{_MONTH})\b\.?,?\s+(?:del?\s+)?"
    rf"(?P<year>\d{{4}})\b|\b(?P<month_first>{_MONTH})\.?\s+(?P<day_second>\d{{1,2}})(?:st|nd|rd|th)?,?\s+"
    r"(?P<year_last>\d{4})\b"
)
_DAY_FIRST = re.compile(r"(?P<day>\d{1,2})([/.\-])(?P<month>\d{1,2})\2(?P<year>\d{4}|\d{2})")
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})([/.\-])(?P<month>\d{1,2})\2(?P<day>\d{1,2})")

# Function words, question words among them; accents folded.
_PORTUGUESE = """
    a ao aos aquela aquelas aquele aqueles aquilo as ate cada com como cujo da das de dela delas dele
    deles depois desde dessa desse desta deste disso disto do dos e ela elas ele eles em entre era eram
    essa essas esse esses esta estao estas estava este estes estou eu foi foram ha haver isso isto ja la
    lhe lhes mais mas me mesma mesmo meu minha muito na nao nas nem nessa nesse nesta neste no nos nossa
    nosso num numa o onde os ou para pela pelas pelo pelos pode podem pois por porque posso quais qual
    quando quanta quantas quanto quantos que quem sao se seja sem ser sera seu seus so sob sobre sua suas
    tambem tao te tem tenho ter teu tinha um uma umas uns voce voces
"""
_ENGLISH = """
    about after all also am an and any are at be because been before being both but by can could did do
    does each for from had has have he her here him his how i if in into is it its may me more most my no
    not of off on only or other our out over own she should so some such than that the their them then
    there these they this those through to too under up very was we were what when where which while who
    whom whose why will with would you your
"""
_SPANISH = """
    al algun alguna alguno antes aunque con cual cuales cuando cuanta cuantas cuanto cuantos cuya cuyo del
    donde el ella ellas ellos en es esa esas ese eso esos esta estan estar esto estos fue fueron hasta hay la
    las le les lo los mi mis muy ni nosotros otra otro pero poco porque puede pueden quien quienes segun
    si sido sin sino son su tal tambien tan tanto tiene todo tu un una unas uno unos usted y ya yo
"""
_STOP_WORDS: Final = frozenset(f"{_PORTUGUESE} {_ENGLISH} {_SPANISH}".split())
# Pronouns that Portuguese hangs on a verb: aplica-se. Elsewhere a hyphen may as well be missing.
_HUNG_ON = "la las lhe lhes lo los me na nas no nos se te vos"
_ENCLITICS: Final = frozenset(_HUNG_ON.split())


def sparse_terms(text: str) -> Iterator[str]:
    """Yield the terms of a text, repeated ones too."""
    plain = _plain(text)
    for match in _COMPOUND.finditer(plain):
        compound = match.group()
        if not _JOINTS.search(compound):
            yield from _word(compound)
        elif any(character.isdigit() for character in compound):
            yield from _code(compound)
        else:
            yield from _joined_words(compound)
    for match in _WRITTEN_DATE.finditer(plain):
        found = match.groupdict()
        day, year = found["day"] or found["day_second"], found["year"] or found["year_last"]
        yield _day(day, str(_MONTHS[found["month"] or found["month_first"]]), year)


def _plain(text: str) -> str:
    """Return text without signs of ordinals, in lower case, with its accents composed."""
    lowered = text.replace(_SOFT_HYPHEN, "").casefold()
    unsigned = _ORDINAL_SIGN.sub("", _NUMERO.sub(" ", unicodedata.normalize("NFC", lowered)))
    # What is left of marks belongs to no letter that has a composed form.
    return _MARKS.sub("", unicodedata.normalize("NFKC", unsigned))


def _word(word: str) -> Iterator[str]:
    if word.isdigit():
        yield _number(word)
    elif any(character.isdigit() for character in word):
        yield without_accents(word)
        if ordinal := _TYPED_ORDINAL.fullmatch(word):
            yield _number(ordinal.group(1))
    else:
        yield from _forms(word)


@lru_cache(maxsize=65536)
def _forms(word: str) -> tuple[str, ...]:
    return base_forms(word) if len(word) > 1 and without_accents(word) not in _STOP_WORDS else ()


def _joined_words(compound: str) -> Iterator[str]:
    """Yield words joined by signs, and of those joined by hyphens also the word that they are without."""
    parts = re.split(r"[./,'’]", compound)
    if all(len(part) == 1 for part in parts):
        parts = ["".join(parts)]  # S.U.S.
    for part in parts:
        words = re.split(r"[\-–]", part)
        if len(words) > 1 and words[-1] not in _ENCLITICS:
            yield from _word("".join(words))
        yield from chain.from_iterable(map(_word, words))


def _code(compound: str) -> Iterator[str]:
    """Yield a date, a number, or a code and its parts: 12.527/2011 gives 12527/2011, 12527, 2011."""
    if date := _DAY_FIRST.fullmatch(compound) or _YEAR_FIRST.fullmatch(compound):
        day, month, year = date["day"], date["month"], date["year"]
        if 1 <= int(day) <= 31 and 1 <= int(month) <= 12:
            yield (written := _day(day, month, year))
            yield written.rpartition("/")[2]
            return
    parts = re.split(r"[/\-–'’]", compound)
    if len(parts) > 1:
        yield _whole(compound, parts)
    for part in parts:
        for piece in _MIXED_JOINT.split(part):
            yield from _piece(piece)


def _whole(compound: str, parts: list[str]) -> str:
    """Return a code as one term: without signs where people leave them out, else with one for all."""
    unsigned = _JOINTS.sub("", compound)
    if not unsigned.isdigit():
        return without_accents(unsigned)  # POL-012
    return _number(unsigned) if len(unsigned) >= LONG_NUMBER else "/".join(map(_number, parts))


def _piece(piece: str) -> Iterator[str]:
    """Yield a word, a number, or digits that points part without being one number: 3.3.90.30, v2.1."""
    if not _JOINTS.search(piece):
        yield from _word(piece)
        return
    number = _number(piece)
    yield number
    if not _DECIMAL.fullmatch(piece) and number == piece:
        yield from (
            _number(digits) for digits in re.split("[.,]", piece) if digits.isdigit() and len(digits) > 2
        )


def _number(text: str) -> str:
    """Return a number as digits, with a point before decimals: 058 and 50.000,00 give 58 and 50000.

    What is no number of these forms is returned without accents, as it is.
    """
    if text.isdigit():
        return text.lstrip("0") or "0"
    if found := _DOTTED_THOUSANDS.fullmatch(text) or _COMMA_THOUSANDS.fullmatch(text):
        whole, decimals = _JOINTS.sub("", found[1]), (found[2] or "").rstrip("0")
    elif found := _DECIMAL.fullmatch(text):
        whole, decimals = found[1].lstrip("0") or "0", found[3]
        # 5.10 may be the number of a section and then is not 5.1; 5,10 and 1200.50 are amounts.
        if found[2] == "," or len(whole) > 2 or decimals == "00":
            decimals = decimals.rstrip("0")
    else:
        return without_accents(text)
    return f"{whole}.{decimals}" if decimals else whole


def _day(day: str, month: str, year: str) -> str:
    return f"{int(day)}/{int(month)}/{year if len(year) == 4 else f'20{year}'}"
