"""Whatever Docling makes of a document, its chunks are the whole of it and within their limits."""

from dataclasses import replace
from functools import cache

import pytest
from docling_core.types.doc import DoclingDocument
from docling_core.types.doc.document import (
    CodeItem,
    ContentLayer,
    DocItem,
    FormulaItem,
    NodeItem,
    TableCell,
    TableData,
    TextItem,
)
from docling_core.types.doc.labels import DocItemLabel, GroupLabel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel

from stagekit.base.invisible_signs import without_invisible_signs
from stagekit.chunking import Chunking, ChunkSettings, build_markdown, chunk_document
from stagekit.embedding import TokenCounter, load_tokenizer

# Composed and combining accents, right-to-left, an emoji of several code points, ligatures, a line separator,
# no-break and zero-width spaces, a soft hyphen, a control character, Markdown and table marks.
_WORDS = (
    *(
        "A",
        "comissão",
        "aprova",
        "o",
        "relatório",
        "anual,",
        "conforme",
        "a",
        "norma",
        "nº",
        "12;",
        "prazo:",
        "30",
        "dias.",
    ),
    *(
        "Art.",
        "5º",
        "fim.",
        "Não!",
        "¿Qué?",
        "coração",
        "re\u0301sume\u0301",
        "שלום",
        "مرحبا",
        "漢字かな",
        "👩\u200d👩\u200d👧",
    ),
    *(
        "ﬁm",
        "a\u2028b",
        "1\u00a0000",
        "\u200b",
        "in\u00adfor",
        "\x07",
        "|",
        "#",
        "```",
        "- ",
        "---",
        "𝔘𝔫𝔦",
        "…",
        "x" * 70,
    ),
)
_word = st.sampled_from(_WORDS)
_phrase = st.lists(_word, max_size=7).map(" ".join)
_prose = st.tuples(st.lists(_word, max_size=25).map(" ".join), st.integers(1, 9)).map(
    lambda drawn: " ".join([drawn[0]] * drawn[1])
)
_KINDS = (
    "text", "heading", "title", "list", "table", "code", "formula", "picture", "inline", "footnote", "header"
)  # fmt: skip


def add_list(draw: st.DrawFn, document: DoclingDocument, parent: NodeItem | None, depth: int) -> None:
    group = document.add_group(label=GroupLabel.LIST, parent=parent)
    for _ in range(draw(st.integers(0, 5))):
        item = document.add_list_item(draw(_prose), enumerated=draw(st.booleans()), parent=group)
        if depth < 3 and draw(st.integers(0, 3)) == 0:
            add_list(draw, document, item, depth + 1)


def table_data(draw: st.DrawFn) -> TableData:
    """Return a table some of whose cells span rows and columns, with none, one or two header rows."""
    rows, columns = draw(st.integers(0, 25)), draw(st.integers(1, 4))
    headers = draw(st.integers(0, 2))
    taken: set[tuple[int, int]] = set()
    cells = []
    for row in range(rows):
        for column in range(columns):
            if (row, column) in taken:
                continue
            spans = draw(st.integers(0, 7)) == 0
            height = min(2 if spans else 1, rows - row)
            width = 2 if spans and column + 1 < columns and (row, column + 1) not in taken else 1
            taken |= {(row + down, column + right) for down in range(height) for right in range(width)}
            cells.append(
                TableCell(
                    text=draw(_phrase),
                    start_row_offset_idx=row,
                    end_row_offset_idx=row + height,
                    start_col_offset_idx=column,
                    end_col_offset_idx=column + width,
                    row_span=height,
                    col_span=width,
                    column_header=row < headers,
                )
            )
    return TableData(table_cells=cells, num_rows=rows, num_cols=columns)


def add_inline(draw: st.DrawFn, document: DoclingDocument) -> None:
    group = document.add_inline_group()
    for part in draw(st.lists(_phrase, max_size=4)):
        document.add_text(DocItemLabel.TEXT, part, parent=group)


def add_item(draw: st.DrawFn, document: DoclingDocument, kind: str) -> None:
    def caption() -> TextItem | None:
        return document.add_text(DocItemLabel.CAPTION, draw(_phrase)) if draw(st.booleans()) else None

    if kind == "heading":
        document.add_heading(draw(_phrase), level=draw(st.integers(1, 6)))
    elif kind == "title":
        document.add_title(draw(_phrase))
    elif kind == "list":
        add_list(draw, document, None, 1)
    elif kind == "table":
        document.add_table(table_data(draw), caption=caption())
    elif kind == "code":
        document.add_code(draw(st.lists(_phrase, max_size=20).map("\n".join)), caption=caption())
    elif kind == "formula":
        document.add_formula(draw(_phrase))
    elif kind == "picture":
        picture = document.add_picture(caption=caption())
        document.add_text(DocItemLabel.TEXT, draw(_phrase), parent=picture)
    elif kind == "inline":
        add_inline(draw, document)
    elif kind == "header":
        document.add_text(DocItemLabel.PAGE_HEADER, draw(_phrase), content_layer=ContentLayer.FURNITURE)
    else:
        document.add_text(DocItemLabel.FOOTNOTE if kind == "footnote" else DocItemLabel.TEXT, draw(_prose))


@st.composite
def documents(draw: st.DrawFn) -> DoclingDocument:
    document = DoclingDocument(name="gerado")
    for kind in draw(st.lists(st.sampled_from(_KINDS), max_size=8)):
        add_item(draw, document, kind)
    return document


@cache
def counter_of(name: str) -> TokenCounter:
    if name == "multilingual":
        return replace(load_tokenizer("packaged/multilingual-e5-small"), max_seq_length=90)
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = (
        pre_tokenizers.WhitespaceSplit() if name == "words" else pre_tokenizers.Split("", "isolated")
    )
    return TokenCounter(tokenizer, "test@1", 8192)


def visible(text: str) -> bool:
    return any(character.isprintable() and not character.isspace() for character in text)


def assert_whole(result: Chunking) -> None:
    """The parts that are not repeated, with the white space between them, are the canonical Markdown."""
    position, rebuilt = 0, ""
    for number, chunk in enumerate(result.chunks):
        assert chunk.chunk_index == number
        span = result.markdown[chunk.start : chunk.end]
        assert span.strip()
        assert chunk.text == span or (chunk.text.endswith("\n" + span) and chunk.text.startswith("|"))
        gap = result.markdown[position : max(position, chunk.start)]
        assert not gap.strip()
        assert chunk.end > position
        rebuilt += gap + result.markdown[max(position, chunk.start) : chunk.end]
        position = chunk.end
    assert rebuilt == result.markdown[:position]
    assert not result.markdown[position:].strip()


def assert_nothing_lost(document: DoclingDocument, result: Chunking) -> None:
    """Every visible item of the body is named by a chunk, and its words are in the Markdown."""
    refs = {region.ref for chunk in result.chunks for region in chunk.regions}
    present = " ".join(result.markdown.split())
    for item, _ in document.iterate_items(
        included_content_layers={ContentLayer.BODY}, traverse_pictures=True
    ):
        if not isinstance(item, DocItem):
            continue
        texts = [cell.text for cell in getattr(getattr(item, "data", None), "table_cells", [])]
        texts += [getattr(item, "text", "")]
        if shown := [text for text in texts if visible(text)]:
            assert item.self_ref in refs
        for text in shown:
            written = text.replace("|", r"\|") if not isinstance(item, TextItem) else text
            written = without_invisible_signs(written)
            assert " ".join(written.split()) in present or isinstance(item, CodeItem | FormulaItem)
    assert refs == {region.ref for block in build_markdown(document).blocks for region in block.regions}


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("words", ChunkSettings(50, 10)),
        ("characters", ChunkSettings(150, 40)),
        ("multilingual", ChunkSettings(80, 20)),
    ],
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents())
def test_any_structure_is_cut_whole_within_limits_and_always_in_the_same_way(
    name: str, sizes: ChunkSettings, document: DoclingDocument
) -> None:
    counter = counter_of(name)
    result = chunk_document(document, counter, sizes)

    assert_whole(result)
    assert_nothing_lost(document, result)
    for chunk in result.chunks:
        assert 0 < chunk.token_count == counter.count(chunk.text) <= sizes.largest
        assert chunk.embedded_token_count == counter.count_embedded(chunk.embedded_text)
        assert chunk.embedded_token_count <= counter.max_seq_length
        assert chunk.embedded_text.endswith(chunk.text)
    read_back = DoclingDocument.model_validate_json(document.model_dump_json())
    assert chunk_document(read_back, counter, sizes) == result
