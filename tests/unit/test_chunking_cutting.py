"""Promises of where a document may be cut: how good each place is, and which ones the chunks take."""

from __future__ import annotations

import re

import pytest

from stagekit.chunking.articulation import articulate
from stagekit.chunking.atoms import Atom, Place, _word_groups, make_atoms
from stagekit.chunking.fullness import ChunkSizes, Fullness, measure_fullness
from stagekit.chunking.limits import ChunkSettings
from stagekit.chunking.markdown import Block, CanonicalMarkdown, Section
from stagekit.chunking.packing import pack_atoms
from stagekit.chunking.repeated_header import NO_HEADER, RepeatedHeader
from stagekit.chunking.tokens import TokenIndex
from tests.unit.test_chunking_structures import counter_of


def prose(text: str) -> tuple[str, str]:
    return "paragraph", text


def document(*texts: tuple[str, str]) -> CanonicalMarkdown:
    """Return a document of blocks (kind, text): items side by side are one list, a table has a header."""
    parts: list[str] = []
    blocks: list[Block] = []
    at = lists = top = 0
    for kind, text in texts:
        again = kind == "list" and bool(blocks) and blocks[-1].kind == "list"
        lists += kind == "list" and not again
        top += kind == "heading"
        parts += ["\n" if again else "\n\n" if blocks else "", text]
        start = at + len(parts[-2])
        at = start + len(text)
        header = start + text.index("\n", text.index("\n") + 1) if kind == "table" else 0
        blocks.append(Block(kind, start, at, Section(top=top), (), header, lists if kind == "list" else 0))
    return articulate(CanonicalMarkdown("".join(parts), tuple(blocks), ""))


def cut(markdown: CanonicalMarkdown, limit: int) -> list[str]:
    """Return the pieces of a document, each behind the name of its place; a word is a token."""
    index = TokenIndex([match.span() for match in re.finditer(r"\S+", markdown.text)])
    return [
        f"{atom.place.name} {'' if atom.opens_sentence else '+'}{markdown.text[atom.start : atom.end]}"
        for atom in make_atoms(markdown, index, limit)
    ]


ITEMS = [("list", "- um"), ("list", "- dois"), ("list", "- três")]
TABLE = ("table", "| A | B |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |")
HEAD = "| A | B |\n|---|---|"


@pytest.mark.parametrize(
    ("texts", "limit", "pieces"),
    [
        # A heading and an introduction stay with what follows.
        ([("heading", "# Título"), prose("Um e dois. Três."), prose("Leva:"), *ITEMS[:1]], 60,
         ["HEADING # Título", "HELD Um e dois.", "SENTENCE Três.", "BLOCK Leva:", "HELD - um"]),
        ([prose("Leva:"), prose("Um.")], 60, ["BLOCK Leva:", "BLOCK Um."]),
        # A list is kept whole up to a fifth of a chunk, rather kept whole up to half of one.
        (ITEMS, 30, ["BLOCK - um", "HELD - dois", "HELD - três"]),
        (ITEMS, 29, ["BLOCK - um", "PART - dois", "PART - três"]),
        (ITEMS, 12, ["BLOCK -", "WORD +um", "PART -", "WORD +dois", "PART -", "WORD +três"]),
        (ITEMS, 11, ["BLOCK -", "WORD +um", "SENTENCE -", "WORD +dois", "SENTENCE -", "WORD +três"]),
        # So are the rows of a table; its header is not alone, unless not even one row fits beside it.
        ([("caption", "Tabela 1"), TABLE], 80,
         ["BLOCK Tabela 1", f"HELD {HEAD}\n| 1 | 2 |", "HELD | 3 | 4 |"]),
        ([("caption", "Tabela 1"), prose("Nada."), TABLE], 32,
         ["BLOCK Tabela 1", "BLOCK Nada.", f"BLOCK {HEAD}\n| 1 | 2 |", "PART | 3 | 4 |"]),
        ([TABLE], 11, [f"BLOCK {HEAD}\n| 1 | 2 |", "SENTENCE | 3 | 4 |"]),
        ([TABLE], 10, [f"BLOCK {HEAD}", "SENTENCE |", "WORD +1", "WORD +|", "WORD +2", "WORD +|",
                       "SENTENCE |", "WORD +3", "WORD +|", "WORD +4", "WORD +|"]),
        # Code that fits is not cut.
        ([prose("Assim:"), ("code_block", "```\na b\n\nc\n```")], 5,
         ["BLOCK Assim:", "HELD ```", "HELD a b", "HELD c", "HELD ```"]),
        ([("code_block", "```\na b\n\nc\n```")], 4,
         ["BLOCK ```", "SENTENCE a b", "SENTENCE c", "SENTENCE ```"]),
        # A long sentence is cut between its clauses, one that does not fit between its words.
        ([prose("Um dois três, quatro; cinco. Seis.")], 65,
         ["BLOCK Um dois três, quatro; cinco.", "SENTENCE Seis."]),
        ([prose("Um dois três, quatro; cinco. Seis.")], 64,
         ["BLOCK Um dois", "WORD +três,", "CLAUSE +quatro;", "CLAUSE +cinco.", "SENTENCE Seis."]),
        ([prose("Um dois,  três quatro cinco. Seis.")], 5,
         ["BLOCK Um", "WORD +dois,", "CLAUSE +três", "WORD +quatro", "WORD +cinco.", "SENTENCE Seis."]),
        ([prose("Um dois,  três quatro cinco. Seis.")], 4,
         ["BLOCK Um", "WORD +dois,", "WORD +três", "WORD +quatro", "WORD +cinco.", "SENTENCE Seis."]),
        # An article begins well; the name of what it stands in, and a clause that fits, are not parted.
        ([prose("SUBSEÇÃO I"), prose("DO USO"), prose("Art. 1º É livre. Vale já:"),
          prose("I - de dia;"), prose("II - de noite. E cedo."), prose("**Art. 2º** Fim.")], 90,
         ["BLOCK SUBSEÇÃO I", "HELD DO USO", "HELD Art. 1º É livre.", "HELD Vale já:", "HELD I - de dia;",
          "BLOCK II - de noite.", "HELD E cedo.", "HEADING **Art. 2º** Fim."]),
        ([prose("Art. 1º Um dois. Três."), prose("Art. 2º Fim. Fim.")], 5,
         ["HEADING Art.", "HELD +1º", "HELD +Um", "HELD +dois.", "HELD Três.", "HEADING Art.", "HELD +2º",
          "HELD +Fim.", "HELD Fim."]),
        ([prose("Art. 1º Um dois. Três."), prose("Art. 2º Fim. Fim.")], 4,
         ["HEADING Art.", "WORD +1º", "WORD +Um", "WORD +dois.", "SENTENCE Três.", "HEADING Art.", "HELD +2º",
          "HELD +Fim.", "HELD Fim."]),
        ([("heading", "# 1. OBJETO"), prose("É livre. Vale já."), prose("1.1. De dia. E já."),
          prose("Fim.")], 60,
         ["HEADING # 1. OBJETO", "HELD É livre.", "SENTENCE Vale já.", "BLOCK 1.1.", "HELD De dia.",
          "HELD E já.", "HELD Fim."]),
        ([prose("Art. 1º A Lei terá:"), prose("“Art. 5º Um. Dois.” (NR)"), ("list", "- § 1º Três.")], 90,
         ["HEADING Art. 1º A Lei terá:",
          "BLOCK “Art. 5º Um.", "HELD Dois.”", "HELD (NR)", "BLOCK - § 1º Três."]),
    ],
)  # fmt: skip
def test_how_good_a_place_is_to_cut(texts: list[tuple[str, str]], limit: int, pieces: list[str]) -> None:
    assert cut(document(*texts), limit) == pieces


def test_a_word_of_several_tokens_is_cut_between_them_only_where_it_does_not_fit() -> None:
    text = "abc de  fghijk l."
    index = TokenIndex([match.span() for match in re.finditer(r"\S", text)])
    groups = _word_groups(text, index, (0, len(text)), 4)
    assert [text[start:end] for start, end in groups] == ["abc", "de", "fghi", "jk l."]


def test_what_is_left_out_moves_what_stands_behind_it() -> None:
    table = ("table", "| ~~A~~ B | C |\n|---|---|\n| 1 | 2 |")
    items = [("list", "- a"), ("list", "- ~~b~~"), ("list", "- c"), ("code_block", "~~x~~")]
    whole = document(prose("~~Um~~ dois ~~três~~."), *items, table)
    left = articulate(whole, "drop")
    assert left.text == "dois .\n\n- a\n- c\n\n~~x~~\n\n| B | C |\n|---|---|\n| 1 | 2 |"
    block = left.blocks[-1]
    assert left.text[block.start : block.header_end] == "| B | C |\n|---|---|"
    assert [left.text[one.start : one.end] for one in left.blocks[1:3]] == ["- a", "- c"]
    assert articulate(whole) == whole


PLACES = {place.name[0]: place for place in Place} | {"X": Place.HELD, "H": Place.HEADING}


def packed(run: str, full: int, most: int, overlap: int) -> str:
    """Return the chunks of a run such as "B5 S3": a place's first letter and the tokens behind it.

    A small letter goes on within a sentence, "h4S3" repeats a header of 4 tokens; X is HELD, H a HEADING. A
    chunk is shown by the atoms that it repeats, in parentheses, and its new ones.
    """
    atoms, at = [], 0
    for header, letter, size in re.findall(r"(?:h(\d))?([A-Za-z])(\d+)", run):
        end = at + 2 * int(size)
        repeated = RepeatedHeader("h", int(header)) if header else NO_HEADER
        place, opens = PLACES[letter.upper()], letter.isupper()
        atoms.append(Atom(at, end - 1, 0, place, opens, not header, repeated))
        at = end
    index = TokenIndex([(start, start + 1) for start in range(0, at, 2)])
    chunks = pack_atoms(atoms, index, lambda _: (full, most), overlap)

    def numbers(start: int, end: int) -> str:
        return ",".join(map(str, range(start, end)))

    return " ".join(f"({numbers(one.overlap, one.first)}){numbers(one.first, one.end)}" for one in chunks)


@pytest.mark.parametrize(
    ("run", "window", "overlap", "chunks"),
    [
        ("B4 S4 S2", (8, 10), 0, "()0,1,2"),
        ("B4 S4 S2 S1", (8, 10), 0, "()0,1,2 ()3"),  # as full as it may be
        ("B4 S4 P2 S4", (8, 10), 0, "()0,1,2 ()3"),
        ("B4 S4 B2 S4", (8, 10), 0, "()0,1 ()2,3"),  # the best place that makes it full
        ("B5 H5 S5 S5", (8, 20), 5, "()0,1,2,3"),
        ("B4 B4 X4 B4", (8, 10), 0, "()0 ()1,2 ()3"),  # rather less full than cut where it is bad
        ("B5 X5 X5", (10, 10), 0, "()0,1 ()2"),  # unless there is no other place
        ("B12 S3", (8, 10), 0, "()0 ()1"),
        ("B2 S2 S12 S3", (8, 10), 0, "()0,1 ()2 ()3"),
        ("h4B3 h4S3 h4S3 h4S3", (8, 10), 5, "()0,1 ()2,3"),  # with the header that it repeats
        ("B5 S5 S5 S5", (8, 10), 5, "()0,1 (1)2 ()3"),  # whole sentences are repeated, never all of a chunk
        ("B5 S5 S5 S5", (8, 10), 4, "()0,1 ()2,3"),
        ("B3 S3 S3 S3 S3 S3", (8, 10), 9, "()0,1,2 (2)3,4 (4)5"),  # up to half a chunk
        ("B5 S5 H5 S5", (8, 10), 5, "()0,1 ()2,3"),  # nothing before a heading
        ("B8 S1 S1 S9 S9", (9, 10), 2, "()0,1,2 (2)3 ()4"),
        ("B9 S1 S12 S9", (8, 10), 5, "()0,1 ()2 ()3"),  # the next one needs the room more
        ("B4 S4 c4 c4 S4", (8, 10), 4, "()0,1 (1)2 ()3,4"),
        ("B6 S2 S3 S3 S4", (8, 10), 5, "()0,1 (1)2,3 (3)4"),  # full with it, it is repeated
        ("B6 S2 S3 S7 S1", (8, 10), 5, "()0,1 ()2,3 ()4"),  # full without it alone, it is not
        ("B6 S2 S4 w3 w3 S1", (8, 10), 5, "()0,1 ()2,3,4 ()5"),  # nor where that ends the better
        ("B2 S2 h0S2 S2 S2 S2", (6, 6), 3, "()0,1,2 ()3,4,5"),  # no row of a table or line of code is
        ("B2 S2 S2 S2 S2 S2 S2 S2", (4, 6), 2, "()0,1,2 (2)3,4 (4)5,6 (6)7"),
    ],
)
def test_chunks_are_full_end_well_and_repeat_sentences(
    run: str, window: tuple[int, int], overlap: int, chunks: str
) -> None:
    assert packed(run, *window, overlap) == chunks


PROSE = prose("Um dois três. Um dois quatro. Um dois três cinco. Fim.")
CODE = ("code_block", "```\na b c\nd e\n```")


@pytest.mark.parametrize(
    ("texts", "chunks", "size", "fullness"),
    [
        ([PROSE], ["Um dois três.", "Um dois quatro. Um dois três cinco. Fim."], 3, Fullness(1, 1, 0)),
        ([PROSE], ["Um dois três.", "Um dois quatro. Um dois três cinco. Fim."], 6, Fullness(1, 0, 0)),
        ([PROSE], ["Um dois três.", "Um dois quatro. Um dois três cinco. Fim."], 7, Fullness(1, 0, 1)),
        ([PROSE], ["Um dois três. Um dois quatro.", "Um dois três cinco. Fim."], 5, Fullness(1, 0, 1)),
        # What is repeated might have been less.
        ([PROSE], ["Um dois três. Um dois quatro.", "Um dois quatro. Um dois três cinco.", "Fim."], 6,
         Fullness(2, 1, 1)),
        ([PROSE], ["Um dois três. Um dois quatro.", "Um dois quatro. Um dois três cinco.", "Fim."], 4,
         Fullness(2, 0, 2)),
        # Behind the last chunk of a section nothing is missing; of a document neither.
        ([PROSE, prose("Mais um.")], [PROSE[1], "Mais um."], 11, Fullness(1, 1, 0)),
        ([PROSE, ("heading", "# Título"), prose("Mais um.")],
         [PROSE[1], "# Título\n\nMais um."], 9, Fullness()),
        # A heading stays with its text, and code in one piece if it fits.
        ([prose("Um."), ("caption", "Dois"), CODE, PROSE], ["Um.", "Dois\n\n" + CODE[1], PROSE[1]], 2,
         Fullness(2, 0, 2)),
        ([prose("Um."), CODE, PROSE], ["Um.", CODE[1], PROSE[1]], 7, Fullness(2, 1, 1)),
        ([prose("Um."), CODE, PROSE], ["Um.", CODE[1], PROSE[1]], 5, Fullness(2, 0, 1)),
        ([prose("Um."), TABLE, PROSE], ["Um.", TABLE[1], PROSE[1]], 12, Fullness(2, 0, 1)),
        ([prose("Um."), TABLE, PROSE], ["Um.", TABLE[1], PROSE[1]], 7, Fullness(2, 0, 2)),
    ],
)  # fmt: skip
def test_a_chunk_is_a_miss_where_another_end_would_have_made_it_full(
    texts: list[tuple[str, str]], chunks: list[str], size: int, fullness: Fullness
) -> None:
    markdown, counter = document(*texts), counter_of("words")
    spans = [(markdown.text.index(text), text) for text in chunks]
    sizes = [ChunkSizes(start, start + len(text), counter.count(text), 0) for start, text in spans]
    assert measure_fullness(markdown, sizes, counter, ChunkSettings(size, tolerance=0)) == fullness
