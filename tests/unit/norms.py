"""Norms for tests: LexML names of addresses, and random norms of known structure."""

from dataclasses import dataclass, field

from hypothesis import strategies as st

from stagekit.chunking.normative.address import Address, Level, printed

_NAMES = {
    Level.PARTE: "prt", Level.LIVRO: "liv", Level.TITULO: "tit", Level.CAPITULO: "cap",
    Level.SECAO: "sec", Level.SUBSECAO: "sub", Level.ARTIGO: "art", Level.PARAGRAFO: "par",
    Level.INCISO: "inc", Level.ALINEA: "ali", Level.ITEM: "ite", Level.ALTERACAO: "alt",
}  # fmt: skip
_ROMANS = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"]


def lexml(address: Address) -> str:
    """Return the LexML id of an address, with our extensions for annexes and decimal numbering."""
    steps: list[str] = []
    annex = ""
    for place, part in enumerate(address):
        suffix = f"-{ord(part.suffix) - 64}" if part.suffix else ""
        below = address[place + 1].level if place + 1 < len(address) else None
        if part.level == Level.ANEXO:
            annex = "anexo"
        elif part.level == Level.DECIMAL:
            steps.append(part.word)
        elif address[0].level == Level.DECIMAL:
            steps[-1] += f":{chr(96 + part.number)}"
        else:
            steps.append(f"{_NAMES[part.level]}{part.number or '1u'}{suffix}")
        if part.level == Level.ARTIGO and below in {None, Level.INCISO, Level.ALTERACAO}:
            steps.append("cpt")
    name = "_".join(steps)
    return f"{annex}:{name}".rstrip(":") if annex else name


@dataclass
class Norm:
    """A text and the clauses it has, as they are printed, in order."""

    lines: list[str] = field(default_factory=list)
    clauses: list[str] = field(default_factory=list)


_WORDS = (
    "prazo servidor registro mapa chave acervo termo visita conforme art. 3º da Lei nº 8.112 no item II do "
    "anexo, observado o § 2º do art. 7º deste Regulamento e alínea a) do inciso"
)
_words = st.lists(st.sampled_from(_WORDS.split()), min_size=2, max_size=9)


@st.composite
def norms(draw: st.DrawFn) -> Norm:
    """Return a norm of a few articles, its labels written in one of the ways that are met."""
    norm = Norm()
    ordinal = draw(st.sampled_from(["º", "°", "o", " º"]))
    dash = draw(st.sampled_from([" - ", " – ", " — "]))
    number = draw(st.integers(1, 30))
    for _ in range(draw(st.integers(1, 4))):
        head = f"Art. {number}{ordinal} " if number < 10 else f"Art. {number}. "
        name = f"Art. {number}º" if number < 10 else f"Art. {number}"
        incisos = draw(st.integers(0, 3))
        _add(norm, head, name, draw(_words), ":" if incisos else ".")
        _incisos(draw, norm, name, incisos, dash)
        paragraphs = draw(st.integers(0, 3))
        for paragraph in range(1, paragraphs + 1):
            below = draw(st.integers(0, 2))
            sole = paragraphs == 1
            label = "Parágrafo único. " if sole else f"§ {paragraph}{ordinal} "
            step = f"{name}, parágrafo único" if sole else f"{name}, § {paragraph}º"
            _add(norm, label, step, draw(_words), ":" if below else ".")
            _incisos(draw, norm, step, below, dash)
        number += 1
    return norm


def _incisos(draw: st.DrawFn, norm: Norm, parent: str, count: int, dash: str) -> None:
    for at in range(count):
        letters = draw(st.integers(0, 2))
        last = at == count - 1 and not letters
        end = ":" if letters else "." if last else draw(st.sampled_from([";", "; e"]))
        _add(norm, _ROMANS[at] + dash, f"{parent}, {_ROMANS[at]}", draw(_words), end)
        for letter in "ab"[:letters]:
            final = at == count - 1 and letter == "ab"[letters - 1]
            _add(
                norm, f"{letter}) ", f"{parent}, {_ROMANS[at]}, {letter}", draw(_words), "." if final else ";"
            )


def _add(norm: Norm, label: str, name: str, words: list[str], end: str) -> None:
    norm.lines.append(f"{label}O {' '.join(words)} cabe{end}")
    norm.clauses.append(name)


def names(clauses) -> list[str]:
    """Return the clauses of an outline as they are printed."""
    return [printed(clause.address) for clause in clauses]
