"""A small Word file that was made to do harm costs little: nothing in it grows by being said often."""

import time

import pytest

from tests.unit.word_files import cell, paragraph, processed, read, row, run, table, word_file

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MANY = 3000


def one_list(level: str) -> str:
    return (
        f'<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0">{level}</w:lvl></w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
    )


def item(text: str) -> str:
    return paragraph(text, '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>')


@pytest.mark.parametrize("style", ["lowerLetter", "upperRoman", "chicago", "decimalEnclosedCircle"])
def test_a_high_number_is_written_in_digits(style):
    level = f'<w:start w:val="2147483646"/><w:numFmt w:val="{style}"/><w:lvlText w:val="%1)"/>'
    assert read(item("a"), numbering=one_list(level)) == "2147483646) a"


def test_the_text_round_a_number_is_cut():
    level = f'<w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="{"Art. " * 9000}%1"/>'
    assert len(read(item("a") * 20, numbering=one_list(level))) < 20 * 300


def test_a_part_and_a_note_are_taken_in_once():
    link = f'<Relationship Id="i1" Type="{_OFFICE}/aFChunk" Target="a.txt"/>'
    found = read('<w:altChunk r:id="i1"/>' * MANY, links=link, files={"word/a.txt": b"Uma vez."})
    assert found == "Uma vez."
    mark = '<w:r><w:footnoteReference w:id="1"/></w:r>'
    note = f'<w:footnote w:id="1">{paragraph("Uma nota.")}</w:footnote>'
    assert read(paragraph(run("x") + mark * 50), footnotes=note).count("Uma nota.") == 1


def test_a_cell_that_says_it_spans_thousands_of_columns_does_not():
    wide = cell("Grupo", '<w:gridSpan w:val="900000"/>')
    rows = row("a", wide, properties="<w:tblHeader/>"), row("b", "c"), row("d", "e")
    found = processed(word_file(table(*rows)))
    assert found.document.tables[0].data.num_cols < 100


@pytest.mark.parametrize(
    "body",
    [
        "".join(paragraph(run("a "), "<w:rPr><w:del w:id='1'/></w:rPr>") for _ in range(MANY))
        + paragraph("b"),
        paragraph('<w:r><w:fldChar w:fldCharType="begin"/></w:r>' * MANY + run("a") * MANY),
        paragraph('<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr></w:r>' * MANY + run("a")),
        paragraph("".join(run("a", "<w:b/>" if n % 2 else "") for n in range(MANY))),
        paragraph("".join(run("a ", "<w:strike/>" if n % 2 else "") for n in range(MANY))),
        table(*(row(cell("x", "<w:vMerge/>"), "y") for _ in range(MANY))),
    ],
    ids=["deleted marks", "open fields", "raised nothings", "formats", "strikes", "merged rows"],
)
def test_much_of_one_thing_takes_no_more_than_its_share(body):
    from stagekit.processing.office.word.plain import make_plain

    content = word_file(body)
    start = time.process_time()
    make_plain(content)
    assert time.process_time() - start < 2
