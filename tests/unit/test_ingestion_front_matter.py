"""Promises of the front-matter reader that all stages share."""

import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagekit.base.front_matter import canonical_status, split_front_matter
from stagekit.ingestion import declared_status


def test_front_matter_and_body_are_told_apart():
    text = "---\ntitle: Política\ntags: [a, b]\n---\n# Corpo\n\n---\nresto\n"
    values, body, warning = split_front_matter(text)
    assert values == {"title": "Política", "tags": ["a", "b"]}
    assert body == "# Corpo\n\n---\nresto\n"
    assert warning is None


@pytest.mark.parametrize("end", ["---", "...", "---   "])
def test_byte_order_mark_and_windows_line_ends_are_accepted(end):
    assert split_front_matter(f"\ufeff---\r\na: 1\r\n{end}\r\nb") == ({"a": 1}, "b", None)
    assert split_front_matter(f"---\na: x\n{end}") == ({"a": "x"}, "", None)


@pytest.mark.parametrize(
    "text", ["", "# só texto", "---\nnunca fecha: sim\n", "---\numa frase\n---\noutra", "x\n---\na: 1\n---\n"]
)
def test_a_text_without_front_matter_comes_back_whole(text):
    assert split_front_matter(text) == ({}, text, None)


def test_an_empty_block_is_no_warning():
    assert split_front_matter("---\n---\nb") == ({}, "b", None)
    assert split_front_matter("---\n# nada\n---\nb") == ({}, "b", None)


def test_values_are_plain_json_and_versions_keep_their_zeros():
    text = (
        "---\nd: 2024-03-01\nt: 2024-03-01T10:00:00Z\nv: 1.10\nn: 007\nf: 2.5\ni: 12\nk: .nan\nh: 1:30\n"
        "s: !!set {b, a}\nb: !!binary aGk=\n1: um\nm: {x: [2024-01-01]}\nz: null\n---\n"
    )
    values, _, warning = split_front_matter(text)
    assert warning is None
    assert values == {
        "d": "2024-03-01",
        "t": "2024-03-01T10:00:00Z",
        "v": "1.10",
        "n": "007",
        "f": 2.5,
        "i": 12,
        "k": ".nan",
        "h": "1:30",
        "s": ["a", "b"],
        "b": "aGk=",
        "1": "um",
        "m": {"x": ["2024-01-01"]},
        "z": None,
    }
    json.dumps(values, allow_nan=False)


def test_what_can_be_read_of_a_broken_block_is_read():
    values, body, warning = split_front_matter(
        "---\ntitle: Política: versão 2\nstatus: draft\nautor: {{ nome }}\n\nsem dois pontos\n"
        "lista: [a\n---\nb"
    )
    assert values["title"] == "Política: versão 2"
    assert values["status"] == "draft"
    assert values["lista"] == "[a"
    assert body == "b"
    assert warning is not None
    assert "line 2" in warning


@pytest.mark.parametrize(
    "block",
    [
        "a: &x [1, 2]\nb: *x",
        "a: !!python/object/apply:os.system ['true']",
        "d: 2024-13-45",
        "a: " + "[" * 3000,
        "? [a]\n: b",
        "n: " + "9" * 5000,
        "a: \x00",
    ],
)
def test_hostile_or_impossible_yaml_is_a_warning(block):
    values, body, warning = split_front_matter(f"---\n{block}\nstatus: draft\n---\nb")
    assert body == "b"
    assert warning
    assert values["status"] == "draft"


def test_a_block_too_long_to_be_metadata_is_not_parsed():
    values, body, warning = split_front_matter("---\na: 1\n" + "x: y\n" * 20_000 + "---\nb")
    assert (values, body) == ({}, "b")
    assert "longer than" in (warning or "")


@given(st.text(alphabet=st.sampled_from("-:.\n ab[]{}&*!|>'\"#%@0123?,\t\r")))
def test_no_text_makes_it_fail_or_lose_the_body(text):
    values, body, _ = split_front_matter(f"---\n{text}\n---\ncorpo")
    assert body.endswith("corpo")
    json.dumps(values, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("Approved", "approved"),
        (" aprovado ", "approved"),
        ("Em revisão", "review"),
        ("publicada", "published"),
        ("Borrador", "draft"),
        ("obsoleto", "archived"),
        ("Sigiloso", "sigiloso"),
        (False, "false"),
        ("", None),
        (None, None),
    ],
)
def test_statuses_of_three_languages_are_understood(value, status):
    assert canonical_status(value) == status


def test_the_status_is_found_in_any_usual_encoding():
    text = "---\ntítulo: não\nSTATUS: draft\n---\n"
    for encoding in ("utf-8", "utf-8-sig", "latin-1", "utf-16"):
        assert declared_status(text.encode(encoding)) == "draft"
    assert declared_status(b"# sem") is None


@pytest.mark.parametrize(
    ("front_matter", "status"),
    [
        ("situação: Rascunho", "draft"),
        ("Situacao: aprovado", "approved"),
        ("estado: borrador", "draft"),
        ("estado: SP", None),  # a state of Brazil
        ("status: vigente\nestado: rascunho", "approved"),
        ("status: em análise\nestado: rascunho", "em análise"),
    ],
)
def test_a_status_may_stand_under_its_portuguese_or_spanish_name(
    front_matter: str, status: str | None
) -> None:
    assert declared_status(f"---\n{front_matter}\n---\n# Norma\n".encode()) == status


def word_file(core: str | None) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as package:
        package.writestr("word/document.xml", "<w:document/>")
        if core is not None:
            package.writestr("docProps/core.xml", core)
    return made.getvalue()


@pytest.mark.parametrize(
    ("said", "status"),
    [("Rascunho", "draft"), ("Em revis&#227;o", "review"), ("Final", None), ("Publicado", "published")],
)
def test_a_word_document_declares_its_status_in_its_properties(said: str, status: str | None) -> None:
    core = f"<cp:coreProperties><cp:contentStatus>{said}</cp:contentStatus></cp:coreProperties>"
    assert declared_status(word_file(core), "docx") == status


@pytest.mark.parametrize(
    "data", [word_file(None), word_file("<cp:coreProperties/>"), b"PK\x03\x04 cut short", b"", b"%PDF-1.7"]
)
def test_a_word_document_that_says_nothing_or_is_damaged_declares_no_status(data: bytes) -> None:
    assert declared_status(data, "docx") is None


def test_other_files_declare_no_status() -> None:
    assert declared_status(b"---\nstatus: draft\n---\n", "txt") is None
