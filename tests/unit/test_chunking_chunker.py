"""Chunks are exact spans, within their limits, and together they are the whole document."""

from itertools import pairwise

import pytest
from docling_core.types.doc import DoclingDocument
from docling_core.types.doc.base import BoundingBox, Size
from docling_core.types.doc.document import ProvenanceItem, TableCell, TableData
from docling_core.types.doc.labels import DocItemLabel
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel

from stagekit.chunking import (
    Chunk,
    Chunking,
    ChunkSettings,
    Fullness,
    build_markdown,
    chunk_document,
    chunks_to_table,
)
from stagekit.chunking.fullness import ChunkSizes, measure_fullness
from stagekit.embedding import TokenCounter


def counter_of(pre_tokenizer: object, limit: int = 8192) -> TokenCounter:
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizer
    return TokenCounter(tokenizer, "test@1", limit)


WORDS = counter_of(pre_tokenizers.WhitespaceSplit())
SHORT = counter_of(pre_tokenizers.WhitespaceSplit(), limit=72)
# Counts one token more for every text: the tokens of a chunk are not those of its parts.
MARKED = counter_of(
    pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(prepend_scheme="always", split=False), pre_tokenizers.Split("", "isolated")]
    )
)


def sentences(count: int, words: int = 9) -> str:
    return " ".join(f"Frase {n} " + "palavra " * (words - 3) + "fim." for n in range(count))


def with_table(document: DoclingDocument, rows: int, width: int = 3) -> None:
    cells = [
        TableCell(
            text=f"c{row}.{column}",
            start_row_offset_idx=row,
            end_row_offset_idx=row + 1,
            start_col_offset_idx=column,
            end_col_offset_idx=column + 1,
            column_header=row == 0,
        )
        for row in range(rows)
        for column in range(width)
    ]
    document.add_table(TableData(table_cells=cells, num_rows=rows, num_cols=width))


def assert_whole(result: Chunking) -> None:
    """Offsets are exact; what is not repeated is the text without the space between blocks."""
    position = 0
    for index, chunk in enumerate(result.chunks):
        assert chunk.chunk_index == index
        span = result.markdown[chunk.start : chunk.end]
        assert chunk.text == span or chunk.text.endswith("\n" + span)
        assert chunk.start < chunk.end
        assert span.strip()
        assert chunk.end > position
        assert not result.markdown[position : max(position, chunk.start)].strip()
        position = chunk.end
    assert not result.markdown[position:].strip()


def assert_within(result: Chunking, counter: TokenCounter, sizes: ChunkSettings) -> None:
    for chunk in result.chunks:
        assert chunk.token_count == counter.count(chunk.text) <= sizes.largest
        assert chunk.embedded_token_count == counter.count_embedded(chunk.embedded_text)
        assert chunk.embedded_token_count <= counter.max_seq_length
        assert chunk.embedded_text.endswith(chunk.text)


def test_a_long_section_gives_full_chunks_that_end_with_sentences_and_overlap_by_sentences() -> None:
    document = DoclingDocument(name="longo")
    for _ in range(12):
        document.add_text(DocItemLabel.TEXT, sentences(9, words=11))
    result = chunk_document(document, WORDS, ChunkSettings(200, 40))
    assert all(192 <= chunk.token_count <= 208 for chunk in result.chunks[:-1])
    for before, chunk in zip(result.chunks, result.chunks[1:], strict=False):
        repeated = result.markdown[chunk.start : before.end]
        assert repeated.startswith("Frase")
        assert repeated.endswith("fim.")
        assert WORDS.count(repeated) <= 40
        assert before.text.endswith("fim.")


def test_chunks_do_not_cross_top_level_sections_unless_these_are_tiny() -> None:
    document = DoclingDocument(name="seções")
    for title, length in (("Um", 6), ("Dois", 6), ("Três", 1), ("Quatro", 1)):
        document.add_heading(title, level=1)
        document.add_text(DocItemLabel.TEXT, sentences(length))
    chunks = chunk_document(document, WORDS, ChunkSettings(100, 0)).chunks
    starts = [[line for line in chunk.text.splitlines() if line.startswith("#")] for chunk in chunks]
    assert starts == [["## Um"], ["## Dois", "## Três", "## Quatro"]]
    larger = chunk_document(document, WORDS, ChunkSettings(60, 0)).chunks
    assert [chunk.section_titles for chunk in larger] == [("Um",), ("Dois",), ("Três",)]


def test_nothing_is_repeated_across_a_heading() -> None:
    document = DoclingDocument(name="títulos")
    document.add_heading("Geral", level=1)
    for title in ("Um", "Dois", "Três"):
        document.add_heading(title, level=2)
        document.add_text(DocItemLabel.TEXT, sentences(8))
    chunks = chunk_document(document, WORDS, ChunkSettings(76, 30)).chunks
    assert [chunk.section_titles[-1] for chunk in chunks] == ["Um", "Dois", "Três"]
    assert [chunk.embedded_text.split("\n")[0] for chunk in chunks] == ["## Geral", "Geral", "Geral"]
    assert {chunk.content_type for chunk in chunks} == {"paragraph"}
    assert all(before.end <= chunk.start for before, chunk in pairwise(chunks))


def test_a_tiny_section_is_not_joined_where_both_would_be_more_than_a_chunk() -> None:
    document = DoclingDocument(name="pequena")
    for title, length in (("Um", 10), ("Dois", 2)):
        document.add_heading(title, level=1)
        document.add_text(DocItemLabel.TEXT, sentences(length))
    chunks = chunk_document(document, WORDS, ChunkSettings(100, 0)).chunks
    assert [chunk.text.splitlines()[0] for chunk in chunks] == ["## Um", "## Dois"]


def test_a_chunk_names_every_page_that_it_stands_on() -> None:
    document = DoclingDocument(name="páginas")
    for page in (1, 2, 3):
        document.add_page(page, Size(width=600, height=800))
        box = BoundingBox(l=50, t=100, r=500, b=200)
        where = ProvenanceItem(page_no=page, bbox=box, charspan=(0, 0))
        document.add_text(DocItemLabel.TEXT, sentences(2), prov=where)
    (chunk,) = chunk_document(document, WORDS, ChunkSettings(200, 0)).chunks
    assert chunk.pages == (1, 2, 3)
    regions = chunks_to_table([chunk])["regions"][0].as_py()
    assert regions[0] == {"ref": "#/texts/0", "page": 1, "bbox": {"l": 50, "t": 100, "r": 500, "b": 200}}


def test_titles_stand_before_the_embedded_text_but_not_twice() -> None:
    document = DoclingDocument(name="contexto")
    document.add_title("Manual")
    document.add_heading("Férias", level=1)
    document.add_heading("Prazo", level=2)
    document.add_text(DocItemLabel.TEXT, sentences(20))
    result = chunk_document(document, WORDS, ChunkSettings(100, 20), title="Manual do servidor")
    first, second = result.chunks[:2]
    assert first.text.startswith("# Manual\n\n## Férias\n\n### Prazo\n\nFrase 0")
    assert first.embedded_text == "Manual do servidor\n\n" + first.text
    assert second.embedded_text == "Manual do servidor > Férias > Prazo\n\n" + second.text
    assert second.section_titles == ("Férias", "Prazo")
    assert second.section_hierarchy == ("1", "1.1")


def test_where_the_model_is_short_the_outermost_titles_go_first() -> None:
    document = DoclingDocument(name="contexto")
    document.add_heading("capítulo " * 30, level=1)
    document.add_heading("artigo quinto", level=2)
    document.add_text(DocItemLabel.TEXT, sentences(20))
    chunk = chunk_document(document, SHORT, ChunkSettings(60, 10)).chunks[-1]
    assert chunk.embedded_text == "artigo quinto\n\n" + chunk.text


def test_a_title_that_is_too_long_alone_is_cut_at_its_end() -> None:
    document = DoclingDocument(name="contexto")
    document.add_heading("artigo " * 60, level=1)
    document.add_text(DocItemLabel.TEXT, sentences(20))
    chunk = chunk_document(document, SHORT, ChunkSettings(60, 10)).chunks[-1]
    context = chunk.embedded_text.removesuffix(chunk.text)
    assert context.split() == ["artigo"] * 18  # a quarter of what the model takes
    assert chunk.embedded_token_count <= 72
    chunk = chunk_document(document, WORDS, ChunkSettings(200, 10)).chunks[-1]
    assert chunk.embedded_text.removesuffix(chunk.text).split() == ["artigo"] * 50  # or of the chunk's size


def test_limits_hold_with_a_tokenizer_that_counts_a_part_differently_from_the_whole() -> None:
    document = DoclingDocument(name="marcado")
    document.add_text(DocItemLabel.TEXT, "abc " * 500)
    sizes = ChunkSettings(100, 0)
    result = chunk_document(document, MARKED, sizes)
    assert_whole(result)
    assert_within(result, MARKED, sizes)


def test_a_table_is_cut_between_rows_and_its_header_repeated() -> None:
    document = DoclingDocument(name="tabela")
    with_table(document, 40)
    result = chunk_document(document, WORDS, ChunkSettings(100, 20))
    header = "| c0.0 | c0.1 | c0.2 |\n|---|---|---|\n"
    assert len(result.chunks) > 1
    assert all(chunk.text.startswith(header) for chunk in result.chunks)
    assert result.markdown[result.chunks[1].start :].startswith("| c")
    rows = [line for chunk in result.chunks for line in chunk.text.splitlines()[2:]]
    assert rows == result.markdown.splitlines()[2:]
    assert {chunk.content_type for chunk in result.chunks} == {"table"}


@pytest.mark.parametrize("kind", ["table", "code", "list"])
def test_what_fits_is_kept_whole_with_its_introduction(kind: str) -> None:
    document = DoclingDocument(name="inteiro")
    document.add_text(DocItemLabel.TEXT, sentences(20))
    document.add_text(DocItemLabel.TEXT, "Veja a seguir:")
    if kind == "table":
        with_table(document, 5)
    elif kind == "code":
        document.add_code("\n\n".join(f"linha {n} do programa" for n in range(10)))
    else:
        group = document.add_list_group()
        for n in range(7):
            document.add_list_item(f"item {n} da lista", parent=group)
    document.add_text(DocItemLabel.TEXT, sentences(8))
    result = chunk_document(document, WORDS, ChunkSettings(200, 0))
    (holder,) = [chunk for chunk in result.chunks if "Veja a seguir:" in chunk.text]
    tail = {"table": "| c4.0 | c4.1 | c4.2 |", "code": "linha 9 do programa\n```", "list": "item 6 da lista"}
    assert tail[kind] in holder.text


def test_a_long_list_is_cut_between_items_where_a_chunk_would_stay_half_empty() -> None:
    document = DoclingDocument(name="lista")
    document.add_text(DocItemLabel.TEXT, sentences(6))
    document.add_text(DocItemLabel.TEXT, "Veja a seguir:")
    group = document.add_list_group()
    for n in range(40):
        document.add_list_item(f"item {n} da lista", parent=group)
    first, *_ = chunk_document(document, WORDS, ChunkSettings(100, 0)).chunks
    assert 96 <= first.token_count <= 104
    assert "Veja a seguir:\n\n- item 0 da lista\n" in first.text
    assert first.text.endswith("da lista")


def test_a_sentence_that_does_not_fit_is_cut_and_the_next_chunk_repeats_it_from_its_beginning() -> None:
    document = DoclingDocument(name="frases longas")
    long = "O prazo de que trata este artigo " + "poderá ser prorrogado, " * 8 + "nos termos da lei."
    document.add_text(DocItemLabel.TEXT, " ".join([long] * 12))
    result = chunk_document(document, WORDS, ChunkSettings(100, 40))
    assert len(result.chunks) > 4
    for before, chunk in pairwise(result.chunks):
        assert 96 <= before.token_count <= 104
        assert before.text.endswith((",", "lei."))
        assert chunk.text.startswith("O prazo")


def test_fullness_counts_the_chunks_that_more_of_their_section_follows() -> None:
    document = DoclingDocument(name="cheio")
    document.add_heading("Um", level=1)
    document.add_text(DocItemLabel.TEXT, sentences(60))
    document.add_heading("Dois", level=1)
    document.add_text(DocItemLabel.TEXT, sentences(8))
    document.add_code("\n".join(f"linha {n} do programa" for n in range(22)))
    document.add_text(DocItemLabel.TEXT, sentences(8))
    result = chunk_document(document, WORDS, ChunkSettings(100, 20))
    of_first = sum(chunk.section_titles == ("Um",) for chunk in result.chunks) - 1
    # In front of the code the chunk cannot be full: the code fits a chunk, and is therefore not cut.
    assert result.fullness == Fullness(open=of_first + 2, full=of_first + 1, unfillable=1)
    assert result.fullness.share == 1.0
    assert Fullness().share == 1.0
    assert (Fullness(3, 2, 0) + Fullness(1, 1, 0)).share == 0.75


def test_a_chunk_that_could_have_been_full_is_counted_as_a_miss() -> None:
    document = DoclingDocument(name="meio cheio")
    document.add_text(DocItemLabel.TEXT, sentences(30))
    markdown, sizes = build_markdown(document), ChunkSettings(100, 0)
    half = markdown.text.index(" Frase 5")
    chunks = [ChunkSizes(0, half, 45, 0), ChunkSizes(half + 1, len(markdown.text), 225, 0)]
    assert measure_fullness(markdown, chunks, WORDS, sizes) == Fullness(open=1, full=0, unfillable=0)


def test_a_heading_is_not_left_at_the_end_of_a_chunk() -> None:
    document = DoclingDocument(name="títulos")
    document.add_heading("Capítulo", level=1)
    for n in range(12):
        document.add_heading(f"Artigo {n}", level=2)
        document.add_text(DocItemLabel.TEXT, sentences(3, words=10 + n))
    for chunk in chunk_document(document, WORDS, ChunkSettings(60, 10)).chunks:
        assert not chunk.text.splitlines()[-1].startswith("#")


def test_a_document_without_text_has_no_chunks() -> None:
    assert chunk_document(DoclingDocument(name="vazio"), WORDS) == Chunking("", [])


def test_a_heading_alone_is_a_chunk() -> None:
    document = DoclingDocument(name="só título")
    document.add_title("Aviso")
    (chunk,) = chunk_document(document, WORDS).chunks
    assert (chunk.text, chunk.content_type, chunk.section_titles) == ("# Aviso", "heading", ())


def test_sizes_that_do_not_fit_the_model_are_refused() -> None:
    with pytest.raises(ValueError, match="chunk_size"):
        chunk_document(DoclingDocument(name="x"), SHORT, ChunkSettings(100, 10))


def test_the_arrow_table_has_every_field_of_a_chunk() -> None:
    document = DoclingDocument(name="tabela")
    document.add_text(DocItemLabel.TEXT, sentences(40))
    chunks: list[Chunk] = chunk_document(document, WORDS, ChunkSettings(100, 20)).chunks
    rows = chunks_to_table(chunks).to_pylist()
    assert [row["text"] for row in rows] == [chunk.text for chunk in chunks]
    assert rows[0]["regions"] == [{"ref": "#/texts/0", "page": None, "bbox": None}]
    assert chunks_to_table([]).num_rows == 0
