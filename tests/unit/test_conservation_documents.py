"""What a document shows arrives, or the verdict says that it did not: random documents of every format."""

import importlib
from types import SimpleNamespace

import pytest

from stagekit.chunking import ChunkSettings, build_markdown, chunk_document
from stagekit.conservation.chunk_law import chunk_faults
from stagekit.conservation.sources import read_source
from stagekit.conservation.words import words_of
from stagekit.declared import read_declaration
from stagekit.processing.content_type import detect_format
from stagekit.processing.process import process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings
from stagekit.processing.verdict import quality_verdict
from tests.unit.test_chunking_chunker import WORDS

FORMATS = ("docx", "html", "markdown", "odt", "pptx", "text", "xlsx")
SETTINGS = ProcessingSettings()


def generated(name, seed):
    return importlib.import_module(f"tests.generated.{name}").document(seed)


def forms(words):
    """Words as they are compared."""
    return {form for word in words for form in words_of(word)}


def source_of(document):
    kind = detect_format(document.content, document.name)
    text = read_declaration(document.content, kind).text
    return read_source(document.content if text is None else text, kind)


@pytest.fixture(scope="module")
def reader():
    return DocumentReader(lambda: pytest.fail("no model is needed"))


@pytest.mark.parametrize("name", FORMATS)
def test_the_second_reader_sees_each_word_that_is_shown_once_and_lists_what_it_leaves_out(name):
    for seed in range(60):
        document = generated(name, seed)
        source = source_of(document)
        read = [word for unit in source.units for word in words_of(unit.text)]
        assert forms(document.shown) <= set(read), seed
        assert all(read.count(word) == 1 for word in forms(document.shown)), seed
        assert not forms(document.unseen) & set(read), seed
        left_out = forms(text for texts in source.left_out.values() for text in texts)
        assert forms(document.unseen) <= left_out, seed


@pytest.mark.parametrize("name", FORMATS)
def test_what_does_not_arrive_is_told_word_by_word_and_in_the_verdict(name, reader):
    for seed in range(12):
        document = generated(name, seed)
        processed = process_document(reader, document.content, document.name, SETTINGS)
        arrived = set(words_of(build_markdown(processed.document).text))
        joined = "".join(words_of(build_markdown(processed.document).text))
        missing = {word for word in forms(document.shown) if word not in arrived and word not in joined}
        coverage = processed.text_coverage
        told = {
            word
            for loss in coverage.losses
            for word, gone in zip(words_of(loss_text(document, loss)), loss.missing, strict=True)
            if gone
        }
        assert missing == told, seed
        leaked = forms(document.unseen) & arrived
        assert leaked <= set(coverage.added), seed
        if len(missing) > 0.02 * len(forms(document.shown)):
            assert quality_verdict(processed, SETTINGS) == "low_coverage", seed


def loss_text(document, loss):
    return source_of(document).units[loss.unit].text


@pytest.mark.parametrize("name", FORMATS)
def test_each_word_of_the_markdown_is_in_a_chunk_and_none_is_made(name, reader):
    for seed in range(12):
        document = generated(name, seed)
        processed = process_document(reader, document.content, document.name, SETTINGS)
        for size in (60, 400):
            settings = ChunkSettings(chunk_size=size, chunk_overlap=size // 5)
            cut = chunk_document(processed.document, WORDS, settings)
            assert chunk_faults(cut.markdown, cut.chunks).sentences() == [], seed
            chunks = {word for chunk in cut.chunks for word in words_of(chunk.text)}
            assert set(words_of(cut.markdown)) == chunks, seed


class TestChunkLaw:
    MARKDOWN = (
        "# Título\n\nPrimeiro texto.\n\n| Nome | Valor |\n|---|---|\n| um | dois |\n\nFim ~~velho~~ novo."
    )

    def chunk(self, text, of=None):
        start = self.MARKDOWN.index(of or text)
        return SimpleNamespace(text=text, start=start, end=start + len(of or text))

    def test_exact_spans_keep_everything(self):
        assert chunk_faults(self.MARKDOWN, [self.chunk(self.MARKDOWN)]).sentences() == []
        halves = [self.chunk(self.MARKDOWN[:30]), self.chunk(self.MARKDOWN[22:])]
        assert chunk_faults(self.MARKDOWN, halves).sentences() == []

    def test_words_in_no_chunk_are_named(self):
        parts = [self.chunk("# Título"), self.chunk("| Nome | Valor |\n|---|---|\n| um | dois |")]
        assert chunk_faults(self.MARKDOWN, parts).sentences() == [
            "Words that are in no chunk: primeiro texto fim velho novo."
        ]
        cut = self.chunk("# Título\n\nPrimeiro.", of="# Título\n\nPrimeiro texto.")
        assert chunk_faults(self.MARKDOWN[: cut.end], [cut]).missing == ("texto",)

    def test_headings_and_headers_of_tables_may_be_added_and_nothing_else(self):
        first = self.chunk(self.MARKDOWN[: self.MARKDOWN.index("| um")])
        rest = self.MARKDOWN[self.MARKDOWN.index("| um") :]
        headed = self.chunk(f"# Título\n| Nome | Valor |\n|---|---|\n{rest}", of=rest)
        assert chunk_faults(self.MARKDOWN, [first, headed]).sentences() == []
        made = self.chunk(f"Primeiro inventado\n{rest}", of=rest)
        assert chunk_faults(self.MARKDOWN, [first, made]).sentences() == [
            "Words that only a chunk has: primeiro inventado."
        ]

    def test_struck_text_may_be_dropped_where_that_is_set(self):
        dropped = [self.chunk(self.MARKDOWN.replace("~~velho~~ ", ""), of=self.MARKDOWN)]
        assert chunk_faults(self.MARKDOWN, dropped).missing == ("velho",)
        assert chunk_faults(self.MARKDOWN, dropped, struck_dropped=True).sentences() == []
