"""Promises of the reader of front matter: as GitLab reads it, and never a line of text for metadata."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagekit.declared.front_matter import split_front_matter


def test_front_matter_and_body_are_told_apart():
    found = split_front_matter("---\ntitle: Política\ntags: [a, b]\n---\n# Corpo\n\n---\nresto\n")
    assert found.values == {"title": "Política", "tags": ["a", "b"]}
    assert (found.body, found.fault) == ("# Corpo\n\n---\nresto\n", None)


@pytest.mark.parametrize("end", ["---", "...", "---   "])
def test_byte_order_mark_and_windows_line_ends_are_accepted(end):
    found = split_front_matter(f"\ufeff---\r\na: 1\r\n{end}\r\nb")
    assert (found.values, found.body) == ({"a": 1}, "b")
    assert split_front_matter(f"---\na: x\n{end}").values == {"a": "x"}


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: N\nstatus: draft\n---\ncorpo",
        "---yaml\ntitle: N\nstatus: draft\n---\ncorpo",
        "+++\ntitle = 'N'\nstatus = \"draft\"\n+++\ncorpo",
        "---toml\ntitle = 'N'\nstatus = \"draft\"\n---\ncorpo",
        ';;;\n{"title": "N",\n "status": "draft"}\n;;;\ncorpo',
        '---json\n{"title": "N", "status": "draft"}\n---\ncorpo',
        "\n \n\n---\ntitle: N\nstatus: draft\n---\ncorpo",
        "# -*- coding: utf-8 -*-\n\n---\ntitle: N\nstatus: draft\n---\ncorpo",
        "---\n\ntitle: N\n\nstatus: draft\n\n---\ncorpo",
        "---\n# SPDX-License-Identifier: CC0-1.0\ntitle: N\nstatus: draft\n---\ncorpo",
    ],
)
def test_every_form_that_gitlab_reads_is_read(text):
    found = split_front_matter(text)
    assert found.values == {"title": "N", "status": "draft"}
    assert (found.body, found.fault) == ("corpo", None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# só texto",
        "---\nnunca fecha: sim\n",
        "---\numa frase\n---\noutra",
        "x\n---\na: 1\n---\n",
        "---\n# nada\n---\nb",
        "---\n\n# Norma\n\nO prazo é o seguinte: dez dias.\n\nParágrafo único. Da via: cinco.\n\n---\nb",
        "---\n\nArt. 1º: o prazo é de dez dias.\n\nArt. 2º: o recurso tem efeito.\n\n---\nb",
        "---\n" + "Art. 1º O bem de número 7 é conferido.\n\n" * 3000 + "---\nb",
        "---\n\nO horário é este: segunda, das 10:30 às 12:00\n\n[a: b\n\n---\nb",
        "---php\n$a = 1;\n---\nb",
        "+++\numa linha = outra linha de prosa, que é longa\nmais prosa\noutra\n+++\nb",
    ],
)
def test_a_rule_with_prose_behind_it_is_text_of_which_nothing_is_lost(text):
    found = split_front_matter(text)
    assert (found.values, found.body, found.fault) == ({}, text, None)


def test_a_licence_tag_is_no_heading_that_makes_the_block_text():
    found = split_front_matter("---\n# SPDX-License-Identifier: CC0-1.0\norder: 2\n---\ncorpo")
    assert (found.values, found.body) == ({"order": 2}, "corpo")


def test_an_empty_block_says_nothing():
    found = split_front_matter("---\n---\nb")
    assert (found.values, found.body, found.fault) == ({}, "b", None)


def test_values_are_plain_json_and_versions_keep_their_zeros():
    text = (
        "---\nd: 2024-03-01\nt: 2024-03-01T10:00:00Z\nv: 1.10\nn: 007\nf: 2.5\ni: 12\nk: .nan\nh: 1:30\n"
        "s: !!set {b, a}\nb: !!binary aGk=\n1: um\nm: {x: [2024-01-01]}\nz: null\n---\n"
    )
    values = split_front_matter(text).values
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
    toml = split_front_matter("+++\nd = 2024-03-01\nh = 10:30:00\nn = nan\n+++\n").values
    assert toml == {"d": "2024-03-01", "h": "10:30:00", "n": "nan"}
    json.dumps([values, toml], allow_nan=False)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\ntitle: Política: versão 2\nstatus: draft\n---\nb", 2),
        ("---\nstatus: draft\nautor: {{ nome }}\n---\nb", 3),
        ("\n\n---\nstatus: draft\nlista: [a\nfim: b\n---\nb", 6),
        ("+++\nstatus = 'draft'\ntitle = x y\n+++\nb", 3),
        (';;;\n{"status": "draft",\n "title" "x"}\n;;;\nb', 3),
        ("---\nstatus: draft\na: &x [1, 2]\nb: *x\n---\nb", 4),
        ("---\nstatus: draft\na: 1\n" + "x: y\n" * 20_000 + "---\nb", 2),
        ("---\ntitle: Norma\nstatus: draft\n\n# Norma\n\nsem fim", 1),
    ],
)
def test_metadata_that_cannot_be_read_is_a_fault_with_its_line(text, line):
    found = split_front_matter(text)
    assert found.values == {}
    assert (found.fault or "").startswith(f"line {line}: ")


@pytest.mark.parametrize(
    "block",
    [
        "a: !!python/object/apply:os.system ['true']",
        "d: 2024-13-45",
        "a: " + "[" * 3000,
        "n: " + "9" * 5000,
        "a: \x00",
    ],
)
def test_hostile_or_impossible_yaml_is_a_fault(block):
    assert split_front_matter(f"---\n{block}\nstatus: draft\n---\nb").fault


def test_a_key_that_stands_twice_is_told_twice():
    found = split_front_matter("---\nstatus: draft\nx: {status: a}\nstatus: approved\n---\nb")
    assert found.values["status"] == "approved"
    assert found.repeated == [("status", "draft")]
    assert split_front_matter(';;;\n{"status": "draft", "status": "final"}\n;;;\n').repeated


@given(st.text(alphabet=st.sampled_from("-:.\n ab[]{}&*!|>'\"#%@0123?,\t\r=+;")))
def test_no_text_makes_it_fail_or_lose_the_body(text):
    for mark in ("---", "+++", ";;;"):
        found = split_front_matter(f"{mark}\n{text}\n{mark}\ncorpo")
        assert found.body.endswith("corpo")
        json.dumps(found.values, allow_nan=False)
