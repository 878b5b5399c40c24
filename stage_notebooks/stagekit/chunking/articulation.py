"""Gives each clause of a norm a line of its own, and marks wordings that are no longer in force as struck."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from stagekit.chunking.limits import StruckText
from stagekit.chunking.markdown import Block, CanonicalMarkdown
from stagekit.chunking.normative.address import Level, ancestors, printed
from stagekit.chunking.normative.clauses import Clause, Line
from stagekit.chunking.normative.outline import read_outline
from stagekit.chunking.struck import MARK, struck_spans

_REVOKED = re.compile(
    r"[(\[]"
    r"(?:(?:artigo|par[aá]grafo|inciso|al[ií]nea|item|caput|cap[ií]tulo|se[cç][aã]o|t[ií]tulo|anexo)\s+)?"
    r"(?:(?:ab-?rogad|caducad|derogad|exclu[ií]d|revogad|suprimid|tornad[oa]s? sem efeit)[oa]s?"
    r"|repealed|revoked|vig[eê]ncia encerrada)"
    r"(?:(?:,?\s+(?:pel[oa]s?|a partir|by|em|por|tacitamente|expressamente)\b|\s*[-–—])[^()\[\]]*)?[)\]]",
    re.IGNORECASE,
)
# Some pages print the mark of a clause without text in no parentheses.
_REVOKED_STUB = re.compile(r"\s*Revogad[oa]s?\s+pel[oa]s?\s[^;]{0,120}", re.IGNORECASE)
_NEW_WORDING = re.compile(
    r"\((?:reda[cç][aã]o dada|com reda[cç][aã]o|nova reda[cç][aã]o|nr)\b", re.IGNORECASE
)
_LAPSED = re.compile(
    r"\(vig[eê]ncia encerrada\)", re.IGNORECASE
)  # of a provisional act: the older one is back
_NOTES = re.compile(r"(?:\s*(?:\([^()]*\)|\[[^\[\]]*\]|[.;,*_~|]|\b(?:e|ou)\b))*\s*")
_LINE_END = re.compile(r"\n")
_HEADING = re.compile(r"\n#")
_BARE_LABEL_END = re.compile(r"[\s.:;–—\-]*")
_LISTS_CLAUSES = frozenset({"paragraph", "list", "heading", "table"})


@dataclass(frozen=True, slots=True)
class _Edit:
    """`text[start:end]` becomes `new`."""

    start: int
    end: int
    new: str


def articulate(markdown: CanonicalMarkdown, struck_text: StruckText = "mark") -> CanonicalMarkdown:
    """Return the document with its clauses found and each at the beginning of a line.

    A clause that Planalto's "(Revogado pela …)" ends, and a wording above one that says "(Redação dada pela
    …)" or "(Revogado …)" under the same label, are marked as struck, as texts that lost the line through
    them are read.

    Args:
        markdown: As it was written from the document.
        struck_text: "mark" keeps struck text between `~~`, "drop" leaves it out.
    """
    clauses = _outline(markdown)
    edited = _edited(markdown, [*_line_ends(markdown, clauses), *_strikes(markdown, clauses)])
    if struck_text == "drop":
        edited = _edited(edited, _drops(edited))
    if edited is not markdown:
        clauses = _outline(edited)
    return replace(edited, clauses=tuple(clauses))


def is_revoked(text: str, clause: Clause) -> bool:
    """Return whether a clause says of itself that it was revoked.

    It does at the end of its first paragraph, whatever comes below, or where nothing of it follows: what
    stands below a heading, or a signature, is no part of it, though no clause begins there.
    """
    own = text[clause.text_start : clause.end]
    if _REVOKED_STUB.fullmatch(own.strip().partition("\n\n")[0]):
        return True
    match = _REVOKED.search(own)
    if match is None:
        return False
    before = [part for part in own[: match.start()].split("\n\n") if not _NOTES.fullmatch(part)]
    ends = (_LINE_END if len(before) < 2 else _HEADING).search(own, match.end())
    return _NOTES.fullmatch(own, match.end(), ends.start() if ends else len(own)) is not None


def clause_names(clauses: Sequence[Clause], start: int, end: int) -> list[str]:
    """Return the clauses that a span of the text holds something of, as they are cited.

    First those that have text in it, in order, then those that they lie in. What is quoted to amend another
    norm is no clause of this one.
    """
    inside = [clause for clause in clauses if clause.start < end and clause.end > start and not clause.quoted]
    own = [clause for clause in inside if clause.level > Level.SUBSECAO]
    names = dict.fromkeys(printed(clause.address) for clause in own)
    names |= dict.fromkeys(printed(clause.address) for clause in inside)
    above = [name for clause in inside for name in _above(clause)]
    return list(names | dict.fromkeys(above))


def _above(clause: Clause) -> Iterator[str]:
    for address in ancestors(clause.address):
        yield printed(address)
    annex = tuple(part for part in clause.address[:1] if part.level == Level.ANEXO)
    for depth in range(len(clause.within)):
        yield printed((*annex, *clause.within[: depth + 1]))


def _outline(markdown: CanonicalMarkdown) -> list[Clause]:
    return read_outline(markdown.text, list(_lines(markdown)))


def _lines(markdown: CanonicalMarkdown) -> Iterator[Line]:
    for block in markdown.blocks:
        if block.kind not in _LISTS_CLAUSES:
            continue
        kind: Literal["text", "heading", "row"] = "text"
        if block.kind in {"heading", "table"}:
            kind = "heading" if block.kind == "heading" else "row"
        at = block.start
        for raw in markdown.text[block.start : block.end].split("\n"):
            if raw.strip():
                yield Line(at, at + len(raw), kind, opens_block=at == block.start)
            at += len(raw) + 1


def _line_ends(markdown: CanonicalMarkdown, clauses: Iterable[Clause]) -> Iterator[_Edit]:
    """Yield a line end for each clause that begins within a line of running text."""
    for clause in clauses:
        if clause.inline:
            before = clause.start
            while markdown.text[before - 1].isspace():
                before -= 1
            yield _Edit(before, clause.start, "\n")


def _strikes(markdown: CanonicalMarkdown, clauses: Sequence[Clause]) -> Iterator[_Edit]:
    for number, clause in enumerate(clauses):
        if clause.level <= Level.SUBSECAO or clause.quoted:
            continue
        own = markdown.text[clause.text_start : clause.end]
        later = _next_wording(clauses, number)
        if later is not None and _replaces(markdown.text, later):
            yield from _struck(markdown, clause.start, clauses[number + 1].start)
        elif is_revoked(markdown.text, clause):
            mark = _REVOKED.search(own)
            before = own[: mark.start()] if mark else ""
            if not _BARE_LABEL_END.fullmatch(before):
                yield from _struck(markdown, clause.start, clause.text_start + len(before))


def _next_wording(clauses: Sequence[Clause], number: int) -> Clause | None:
    """Return the next clause of the same address where nothing but clauses below it stand between."""
    address = clauses[number].address
    for later in clauses[number + 1 :]:
        if later.address == address:
            return later
        if later.address[: len(address)] != address:
            return None
    return None


def _replaces(text: str, clause: Clause) -> bool:
    own = text[clause.text_start : clause.end]
    return bool(_NEW_WORDING.search(own) or _REVOKED.search(own)) and not _LAPSED.search(own)


def _struck(markdown: CanonicalMarkdown, start: int, end: int) -> Iterator[_Edit]:
    """Yield the edits that mark a span as struck, line by line, what is marked already left alone."""
    for line in re.finditer(r"[^\n]+", markdown.text[start:end]):
        text = line.group()
        body = text.strip(" |")
        if not body or MARK in body or body.startswith("#"):
            continue
        first = start + line.start() + text.index(body)
        yield _Edit(first, first, MARK)
        yield _Edit(first + len(body), first + len(body), MARK)


def _drops(markdown: CanonicalMarkdown) -> Iterator[_Edit]:
    for block in markdown.blocks:
        if block.kind == "code_block":
            continue
        body = markdown.text[block.start : block.end]
        for start, end in struck_spans(body):
            first_of_line = start == 0 or body[start - 1].isspace()
            blank = len(body[end:]) - len(body[end:].lstrip(" ")) if first_of_line else 0
            yield _Edit(block.start + start, block.start + end + blank, "")


def _edited(markdown: CanonicalMarkdown, edits: Iterable[_Edit]) -> CanonicalMarkdown:
    """Return the document with edits within its blocks; a block of which no text is left goes."""
    pending = sorted(edits, key=lambda edit: (edit.start, edit.end))
    if not pending:
        return markdown
    parts: list[str] = []
    blocks: list[Block] = []
    length = at = 0
    for block in markdown.blocks:
        mine = []
        while at < len(pending) and pending[at].end <= block.end:
            mine.append(pending[at])
            at += 1
        text, moved = _applied(markdown.text, block, mine)
        if not any(character.isalnum() for character in text) and mine:
            continue
        if blocks:
            same_list = block.list_id > 0 and blocks[-1].list_id == block.list_id
            parts.append("\n" if same_list else "\n\n")
            length += len(parts[-1])
        parts.append(text)
        blocks.append(
            replace(
                block,
                start=length,
                end=length + len(text),
                header_end=length + moved(block.header_end) if block.header_end else 0,
                region_starts=tuple(length + moved(start) for start in block.region_starts),
            )
        )
        length += len(text)
    return replace(markdown, text="".join(parts), blocks=tuple(blocks))


def _applied(text: str, block: Block, edits: Sequence[_Edit]) -> tuple[str, Callable[[int], int]]:
    """Return a block's text with its edits, and where a character of the document then stands in it."""
    parts, at = [], block.start
    shifts: list[tuple[int, int]] = []  # from this character of the document on, by so much
    for edit in edits:
        parts += [text[at : max(at, edit.start)], edit.new]
        at = max(at, edit.end)
        shifts.append((edit.end, len(edit.new) - (edit.end - edit.start) + (shifts[-1][1] if shifts else 0)))
    parts.append(text[at : block.end])

    def moved(position: int) -> int:
        shift = next((by for begin, by in reversed(shifts) if begin <= position), 0)
        return max(0, position - block.start + shift)

    return "".join(parts), moved
