"""Finds the clauses of a norm in its text: by label, sequence, parent, and how the text before them ended.

A label alone is never enough, because norms cite each other. When in doubt nothing opens: a clause that is
missed stays readable within its parent, a false one misfiles all that follows.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from stagekit.chunking.normative.address import GROUPINGS, Address, Level, Part
from stagekit.chunking.normative.clauses import Clause, Line, LineKind
from stagekit.chunking.normative.endings import LONGEST_END, asks_for_more, has_ended, names_another
from stagekit.chunking.normative.labels import Label, fold, labels_at
from stagekit.chunking.normative.numerals import next_letter

MOST_SKIPPED: Final = 20  # incisos that may be missing within a sequence: revoked ones are often left out
_CONTRACT_WORDS: Final = frozenset({"Cláusula", "Clause", "Section"})
MOST_FIRST: Final = 40  # the highest inciso that an excerpt is taken to begin with

_PREFIX = re.compile(r"[\s>*_~#•\-]*")  # emphasis, headings and bullets of Markdown
_OPENING_QUOTE = re.compile(r"[“\"«'‘]\s*(?=\S)")
_CLOSING_QUOTE = re.compile(r"(?:[”\"»'’]\s*(?:\(NR\))?|\(NR\)\s*[”\"»'’]?)[\s.;,*_~]*$")
_INLINE = re.compile(
    r"(?:[.:;)”\"]|;\s(?:e|ou|y|o|and|or))\s+"
    r"(?=(?:Art\.|ART\.|Artigo\s|§|Par[aá]grafo\s|CL[AÁ]USULA\s|[IVXLl]+(?:-[A-Z])?\s?[-–—]|[a-z]\s?\)|\d{1,2}[.)]\s))"
)
_AMENDS = re.compile(
    r"(?:passa[mr]?\s+a\s+vigorar|seguintes?\s+reda|seguintes?\s+altera|acrescid[oa]s?\s+d)", re.I
)
_NAMES_NORM = re.compile(
    r"\bart(?:s?\.|igos?)\s*\d|\bn[º°o.]\s*\d|/(?:19|20)?\d\d\b|constitui|c[oó]digo", re.I
)
_CONTENTS_ENTRY = re.compile(r"(?:\.{3,}|…|(?:\.\s){3,})\s*\d*\s*$")
_OMISSION = re.compile(r"[\s.…·”\"»*_~()NR-]*")
_PAGE_END = re.compile(r"Este texto n[aã]o substitui", re.IGNORECASE)
_DIGIT_OR_LOWER = re.compile(r"[a-z0-9,.;)]")


@dataclass
class _Norm:
    """Where in a norm the reading stands."""

    annex: Part | None = None
    groups: tuple[Part, ...] = ()
    path: Address = ()
    article: Part | None = None
    prefix: Address = ()

    def full(self, path: Address) -> Address:
        return (*self.prefix, *((self.annex,) if self.annex else ()), *path)


@dataclass
class _Reader:
    text: str
    lines: Sequence[Line]
    folded: str = ""
    norm: _Norm = field(default_factory=_Norm)
    outer: _Norm | None = None
    closes: bool = True  # whether the quotation that is open has a closing mark further on
    clauses: list[Clause] = field(default_factory=list)
    before: str = ""
    amendments: int = 0

    def read(self) -> list[Clause]:
        self.folded = fold(self.text)
        number = 0
        while number < len(self.lines):
            line = self.lines[number]
            if line.kind == "row":
                last = number
                while last < len(self.lines) and self.lines[last].kind == "row":
                    last += 1
                self._table(self.lines[number:last])
                number = last
                continue
            self._line(number, line)
            number += 1
        found = [clause for clause in self.clauses if not self._is_omission(clause)]
        # A book has chapters and annexes too: only what holds a clause of its own is a norm.
        is_norm = any(clause.level > Level.SUBSECAO for clause in found)
        has_articles = any(clause.level in {Level.ARTIGO, Level.INCISO} for clause in found)
        return [clause for clause in found if is_norm and (has_articles or clause.level not in GROUPINGS)]

    # Lines

    def _line(self, number: int, line: Line) -> None:
        raw = self.text[line.start : line.end]
        if _PAGE_END.search(raw[:60]):
            self._close(line.start)
            self.norm.path = ()
            self.before = self._tail(line.start, line.end)
            return
        start = _PREFIX.match(self.text, line.start, line.end).end()  # type: ignore[union-attr]
        opened = self._quotation(number, line, start)
        if opened is not None:
            start = opened
        if not _CONTENTS_ENTRY.search(raw) or self.outer is not None or "§" in raw[:3]:
            self._open_at(line, start, inline=False)
            for match in _INLINE.finditer(self.folded, start, line.end):
                if self.clauses and match.end() <= self.clauses[-1].start:
                    continue
                self.before = self._tail(line.start, match.end())
                self._open_at(line, match.end(), inline=True)
        self.before = self._tail(line.start, line.end)
        if self.outer is not None and _CLOSING_QUOTE.search(raw):
            self._end_quotation(line.end)

    def _tail(self, start: int, end: int) -> str:
        """Return the last words of a span: enough to say how it ended, however long the line is."""
        return self.text[max(start, end - LONGEST_END) : end].strip()

    def _quotation(self, number: int, line: Line, start: int) -> int | None:
        """Begin a foreign norm where a label is quoted, or where an amendment is announced without quotes."""
        match = _OPENING_QUOTE.match(self.text, start, line.end)
        labels = labels_at(self.folded, match.end() if match else start, line.end)
        if not labels or self.norm.full(self.norm.path) == ():
            return None
        if match:
            if self.outer is None:
                self._begin_quotation(number, start)
            return match.end()
        part = labels[0].part
        if (
            self.outer is None
            and part.level == Level.ARTIGO
            and _AMENDS.search(self.folded[max(0, line.start - 240) : line.start])
            and self.before.endswith(":")
            and not self._is_next_article(part)
        ):
            self._begin_quotation(number, start)
        elif self._cites(part):
            self._begin_quotation(number, start)
            self.closes = False
        return None

    def _cites(self, part: Part) -> bool:
        """Whether an article stands in a text of numbers (2.1, 2.2), announced: an opinion quotes a law."""
        if self.outer is not None or part.level != Level.ARTIGO or part.word in _CONTRACT_WORDS:
            return False
        numbered = self.norm.article is None and self._last(Level.DECIMAL) is not None
        foreign = part.number > 1 or bool(_NAMES_NORM.search(self.before))
        return numbered and foreign and self.before.endswith(":")

    def _begin_quotation(self, number: int, start: int) -> None:
        self._close(start)
        self.amendments += 1
        self.outer = self.norm
        step = Part(Level.ALTERACAO, self.amendments)
        self.norm = _Norm(prefix=(*self.outer.full(self.outer.path), step))
        self.before = ""
        ahead = self.lines[number : number + 400]
        self.closes = any(_CLOSING_QUOTE.search(self.text[line.start : line.end]) for line in ahead)

    def _end_quotation(self, end: int) -> None:
        if self.outer is not None:
            self._close(end)
            self.norm, self.outer = self.outer, None

    def _table(self, rows: Sequence[Line]) -> None:
        """Open clauses that were laid out as a table: every first cell is a label, next after the last."""
        cells: list[tuple[Line, int, Label]] = []
        for row in rows:
            match = re.match(r"\|\s*([^|]*?)\s*\|\s*", self.text[row.start : row.end])
            if match is None or set(self.text[row.start : row.end]) <= set("|-: "):
                continue
            begin = row.start + match.start(1)
            labels = [
                label for label in labels_at(self.folded, begin, row.start + match.end(1)) if label.bare
            ]
            if not labels:
                return
            cells.append((row, begin, replace(labels[0], end=row.start + match.end(), only_next=True)))
        saved, count = replace(self.norm), len(self.clauses)
        if len(cells) < 2:
            return
        for row, begin, label in cells:
            if not self._open(label, row, begin, inline=False):
                self.norm = saved
                del self.clauses[count:]
                return
            self.before = self.text[row.start : row.end].rstrip("| ")

    # Labels

    def _open_at(self, line: Line, start: int, inline: bool) -> None:
        for label in labels_at(self.folded, start, line.end):
            if self._open(label, line, start, inline):
                return

    def _open(self, label: Label, line: Line, start: int, inline: bool) -> bool:
        if (
            self.outer is not None
            and not self.closes
            and label.part.level == Level.ARTIGO
            and self.outer.article
            and _follows(label.part, self.outer.article)
        ):
            self._end_quotation(start)
        if self._goes_on_outside(label, line, inline):
            self._end_quotation(start)
        path = self._accepted(label, line, inline)
        if path is None:
            return False
        self._close(start)
        part = path[-1]
        if part.level == Level.ANEXO:
            self.norm = _Norm(annex=part, prefix=self.norm.prefix)
            address = (*self.norm.prefix, part)
        elif part.level < Level.DECIMAL:
            self.norm.groups = path
            self.norm.path = ()
            address = self.norm.full(path)
        else:
            self.norm.path = path
            address = self.norm.full(path)
            if part.level == Level.ARTIGO:
                self.norm.article = part
        within = () if part.level < Level.DECIMAL else self.norm.groups
        self.clauses.append(
            Clause(address, within, start, label.end, len(self.text), inline, quoted=self.outer is not None)
        )
        return True

    def _goes_on_outside(self, label: Label, line: Line, inline: bool) -> bool:
        """Whether a number is the next one of the text that quotes, whose quotation nothing closes."""
        if self.outer is None or self.closes or inline or label.part.level != Level.DECIMAL:
            return False
        quoted, self.norm = self.norm, self.outer
        goes_on = self._decimal(label, line) is not None
        self.norm = quoted
        return goes_on

    def _close(self, end: int) -> None:
        if self.clauses and self.clauses[-1].end > end:
            self.clauses[-1] = replace(self.clauses[-1], end=end)

    def _accepted(self, label: Label, line: Line, inline: bool) -> Address | None:
        """Return the path that a label opens, None where it opens nothing."""
        part = label.part
        ended = self._ended()
        if self._goes_on() or (inline and (not ended or names_another(self.before))):
            return None
        if part.level <= Level.SUBSECAO:
            return None if inline else self._grouping(label, line)
        strict = label.only_next or inline
        match part.level:
            case Level.ARTIGO:
                return self._article(part, strict, ended or line.opens_block)
            case Level.PARAGRAFO:
                return self._paragraph(part, strict, ended or line.opens_block)
            case Level.INCISO:
                return self._inciso(part, strict, ended)
            case Level.ALINEA:
                return self._alinea(part, strict, ended)
            case Level.ITEM | Level.SUBITEM:
                return self._item(part)
            case _:
                return None if inline else self._decimal(label, line)

    def _ended(self) -> bool:
        return has_ended(self.before) or self._below_grouping()

    def _goes_on(self) -> bool:
        return asks_for_more(self.before) and not self._below_grouping()

    def _below_grouping(self) -> bool:
        """Whether nothing but the name of a grouping stands between it and here."""
        return bool(self.clauses) and self.clauses[-1].level <= Level.SUBSECAO and not self.norm.path

    def _is_next_article(self, part: Part) -> bool:
        return self.norm.article is None or _follows(part, self.norm.article)

    def _article(self, part: Part, strict: bool, ended: bool) -> Address | None:
        first = self.norm.article is None and not self.norm.path
        if first and not strict:
            return (part,)
        if self.norm.article is not None and _follows(part, self.norm.article):
            return (part,)
        return (part,) if ended and not strict else None

    def _paragraph(self, part: Part, strict: bool, ended: bool) -> Address | None:
        parent = tuple(step for step in self.norm.path if step.level < Level.PARAGRAFO)
        if len(parent) == 2 and parent[0].level == Level.ARTIGO:  # behind the numbers of a cláusula
            parent = parent[:1]
        if not parent or parent[-1].level != Level.ARTIGO:
            if self.norm.prefix and not parent:  # a quoted paragraph whose article is not quoted
                return (part,)
            return None
        last = self._last(Level.PARAGRAFO)
        if part.number == 0:
            return (*parent, part) if last is None or last.number == 0 else None
        if (last is None and part.number == 1) or (last is not None and _follows(part, last)):
            return (*parent, part)
        if strict or not ended:
            return None
        again = last is not None and last.number == 0  # parágrafo único that became § 1º stands above it
        if last is None or again or part.number >= last.number:
            return (*parent, part)
        return None

    def _inciso(self, part: Part, strict: bool, ended: bool) -> Address | None:
        parent = tuple(step for step in self.norm.path if step.level < Level.INCISO)
        grouped = bool(self.norm.annex or self.norm.groups or self.norm.prefix)
        if not parent and not grouped:
            return None
        last = self._last(Level.INCISO)
        if (last is None and part.number == 1) or (last is not None and _follows(part, last)):
            return (*parent, part) if parent or not strict else None
        if strict or not ended:
            return None
        if last is None:
            return (*parent, part) if part.number <= MOST_FIRST else None
        if last.number <= part.number <= last.number + MOST_SKIPPED:
            return (*parent, part)
        return None

    def _alinea(self, part: Part, strict: bool, ended: bool) -> Address | None:
        parent = tuple(step for step in self.norm.path if step.level < Level.ALINEA)
        last = self._last(Level.ALINEA)
        if not parent:
            return None
        if last is None:
            return (*parent, part) if part.number == 1 else None
        if part.number in next_letter(last.number) or (
            part.number == last.number and part.suffix > last.suffix
        ):
            return (*parent, part)
        return (*parent, part) if not strict and ended and part.number >= last.number else None

    def _item(self, part: Part) -> Address | None:
        path = self.norm.path
        if part.level == Level.SUBITEM:
            parent = tuple(step for step in path if step.level < Level.SUBITEM)
            if not parent or parent[-1].level != Level.ITEM:
                return None
            last = self._last(Level.SUBITEM)
            major = int(part.word.split(".")[0])
            return (*parent, part) if major == parent[-1].number and part.number == _after(last) else None
        if path and path[0].level == Level.ARTIGO and path[0].word:  # apartados of an artículo
            last = self._last(Level.PARAGRAFO)
            number = replace(part, level=Level.PARAGRAFO, word=str(part.number))
            return (path[0], number) if part.number == _after(last) else None
        parent = tuple(step for step in path if step.level < Level.ITEM)
        if not parent or parent[-1].level != Level.ALINEA:
            return None
        return (*parent, part) if part.number == _after(self._last(Level.ITEM)) else None

    def _decimal(self, label: Label, line: Line) -> Address | None:
        """Open a number that follows its predecessor: 4.2.1 after 4.2 or 4.2.0, never a date or an amount.

        Below an article nothing opens, but below Cláusula 4 of a contract 4.1 does.
        """
        steps = [int(step) for step in label.part.word.split(".")]
        article, last_number = self.norm.article, self._last(Level.DECIMAL)
        above: Address = ()
        now = [int(step) for step in last_number.word.split(".")] if last_number else []
        if article is not None:
            if article.word not in _CONTRACT_WORDS or len(steps) < 2:
                return None
            if steps[0] == article.number:
                above = (article,)
                now = now or [article.number]
            elif not label.named:
                return None
        if label.named:
            return (*above, label.part) if steps > now and (self._ended() or line.opens_block) else None
        rest = self.folded[label.end : line.end].strip()
        if len(steps) == 1:
            heads = line.kind == "heading" or (
                rest.upper() == rest and len(rest) <= 120 and rest[:1].isalpha()
            )
            follows = steps[0] > (now[0] if now else 0) and steps[0] <= (now[0] if now else 98) + 10
            return (label.part,) if heads and follows else None
        last = now[len(steps) - 1] if len(now) >= len(steps) else 0
        if now[: len(steps) - 1] != steps[:-1] or not last < steps[-1] <= last + 10:
            return None
        if steps[-1] != last + 1 and _DIGIT_OR_LOWER.match(rest):
            return None
        return (*above, label.part)

    def _grouping(self, label: Label, line: Line) -> Address | None:
        part = label.part
        if not self._ended() and not line.opens_block and not label.bare:
            return None
        if part.level == Level.ANEXO:
            return None if part == self.norm.annex else (part,)  # a running title repeats it
        kept = tuple(group for group in self.norm.groups if group.level < part.level)
        return (*kept, part)

    def _last(self, level: Level) -> Part | None:
        return next((step for step in self.norm.path if step.level == level), None)

    def _is_omission(self, clause: Clause) -> bool:
        """Whether a quoted clause is only named, dots in place of its text."""
        own = self.text[clause.text_start : clause.end]
        return clause.quoted and bool(_OMISSION.fullmatch(own))


def _after(last: Part | None) -> int:
    return last.number + 1 if last else 1


def _follows(part: Part, last: Part) -> bool:
    """Whether a number is the next one, or the same with the next letters: 5, 5-A, 5-B, 6."""
    if part.number == last.number:
        return part.suffix > last.suffix
    return part.number == last.number + 1


def read_outline(text: str, lines: Sequence[Line] | None = None) -> list[Clause]:
    """Return the clauses of a text in order, or of some of its lines; none where it is no norm."""
    return _Reader(text, list(_all_lines(text)) if lines is None else lines).read()


def _all_lines(text: str) -> Iterator[Line]:
    start, fresh = 0, True
    for raw in text.split("\n"):
        if raw.strip():
            kind: LineKind = "row" if raw.startswith("|") else "heading" if raw.startswith("#") else "text"
            yield Line(start, start + len(raw), kind, opens_block=fresh)
        fresh = not raw.strip()
        start += len(raw) + 1
