"""Names the place of a clause in its norm, and prints it the way that Brazilian norms are cited."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from stagekit.chunking.normative.numerals import to_roman


class Level(IntEnum):
    """Levels of a norm from large to small, after LexML; ALTERACAO is text quoted to amend another norm."""

    ANEXO = 0
    PARTE = 1
    LIVRO = 2
    TITULO = 3
    CAPITULO = 4
    SECAO = 5
    SUBSECAO = 6
    DECIMAL = 7
    ARTIGO = 8
    PARAGRAFO = 9
    INCISO = 10
    ALINEA = 11
    ITEM = 12
    SUBITEM = 13
    ALTERACAO = 14


GROUPINGS: Final = {
    Level.PARTE: "Parte",
    Level.LIVRO: "Livro",
    Level.TITULO: "Título",
    Level.CAPITULO: "Capítulo",
    Level.SECAO: "Seção",
    Level.SUBSECAO: "Subseção",
}
"""What articles are grouped by, and how it is printed."""


@dataclass(frozen=True, slots=True)
class Part:
    """One step of an address."""

    level: Level  # of the clause
    # its number; 0 for a sole one ("parágrafo único"). The letters of alíneas count from a = 1
    number: int = 0
    suffix: str = ""  # letters of a number that was inserted: "A" in "Art. 5º-A"
    # what stands for the number or the kind where they do not say it: "4.2.1" of decimal numbering,
    # "Geral" of a Parte, "Artículo", "Section" or "Cláusula" of an article that is not called Art
    word: str = ""


Address = tuple[Part, ...]
"""From the outermost part that a citation names to the clause: no grouping stands before an article."""


def printed(address: Address) -> str:
    """Return an address as it is cited, such as ``Art. 5º, § 2º, III, a``; the caput goes without saying.

    So does the cláusula of a contract before a number below it, which says it again: ``4.2``.
    """
    return ", ".join(
        _printed_part(part)
        for part, below in zip(address, [*address[1:], None], strict=True)
        if below is None or below.level != Level.DECIMAL or part.level != Level.ARTIGO
    )


def ancestors(address: Address) -> list[Address]:
    """Return the clauses that an address lies in, outermost first, without itself."""
    found: list[Address] = []
    for depth, part in enumerate(address):
        if part.level == Level.DECIMAL:
            steps = part.word.split(".")
            found += [
                (*address[:depth], Part(Level.DECIMAL, word=".".join(steps[:count])))
                for count in range(1, len(steps))
            ]
        found.append(address[: depth + 1])
    return found[:-1]


def _printed_part(part: Part) -> str:
    suffix = f"-{part.suffix}" if part.suffix else ""
    match part.level:
        case Level.ANEXO:
            return f"Anexo {part.word or (to_roman(part.number) if part.number else '')}".strip() + suffix
        case Level.DECIMAL:
            return part.word
        case Level.ARTIGO if part.word == "Cláusula":
            return f"Cláusula {part.number}ª{suffix}" if part.number else "Cláusula única"
        case Level.ARTIGO if part.word:
            return f"{part.word} {part.number}{suffix and ' ' + part.suffix.lower()}"
        case Level.ARTIGO:
            return f"Art. {_ordinal(part.number)}{suffix}" if part.number else "Art. único"
        case Level.PARAGRAFO if part.word:
            return part.word
        case Level.PARAGRAFO:
            return f"§ {_ordinal(part.number)}{suffix}" if part.number else "parágrafo único"
        case Level.INCISO:
            return to_roman(part.number) + suffix
        case Level.ALINEA:
            return _letter(part.number) + suffix
        case Level.ITEM | Level.SUBITEM:
            return part.word or str(part.number)
        case Level.ALTERACAO:
            return "alteração"
        case _:
            number = part.word or (to_roman(part.number) if part.number else "Única")
            return f"{GROUPINGS[part.level]} {number}{suffix}"


def _ordinal(number: int) -> str:
    return f"{number}º" if number < 10 else f"{number:,}".replace(",", ".")


def _letter(number: int) -> str:
    return chr(96 + number) if number <= 26 else chr(96 + number - 26) * 2
