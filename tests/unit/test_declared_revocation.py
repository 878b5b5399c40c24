"""A document that another one revokes as a whole says so, as long as that one is here."""

import pytest

from stagekit.declared.revocation import act_key, revocations
from stagekit.enrichment import relate_documents


def named(*sentences):
    return [found["names"] for found in revocations({}, sentences)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Fica revogada a Portaria nº 12/2023.",
        "Art. 9º Fica revogada a Portaria nº 12/2023.",
        "Art. 9º Fica expressamente revogada a Portaria nº 12, de 3 de março de 2023.",
        "Revoga-se a Portaria PRES nº 12/2023.",
        "Esta Portaria entra em vigor na data de sua publicação. Fica revogada a Portaria nº 12/2023.",
        "Queda derogada la Resolución N° 12/2023.",
        "Ordinance No. 12/2023 is hereby revoked.",
    ],
)
def test_a_sentence_that_takes_away_an_act_as_a_whole_counts_and_is_quoted(sentence):
    (found,) = revocations({}, [sentence])
    assert found["quote"] in sentence
    assert act_key(found["names"])[1:] == (12, 2023)


@pytest.mark.parametrize(
    "sentence",
    [
        "Fica revogado o art. 5º da Portaria nº 12/2023.",
        "Ficam revogadas as disposições em contrário.",
        "Fica revogada a Portaria nº 12/2023 no que couber.",
        "Fica revogada a Portaria nº 12/2023, exceto o art. 2º.",
        "Ficam revogadas as Portarias nº 12/2023 e nº 13/2023.",
        "Não fica revogada a Portaria nº 12/2023.",
        "Discutiu-se se fica revogada a Portaria nº 12/2023.",
        "A Portaria nº 12/2023 segue em vigor.",
        "Ordinance No. 12/2023 is not revoked.",
    ],
)
def test_parts_conditions_and_mentions_revoke_nothing(sentence):
    assert named(sentence) == []


@pytest.mark.parametrize("key", ["revoga", "Substitui", "replaces", "supersedes", "deroga"])
def test_front_matter_names_what_a_document_replaces(key):
    assert revocations({key: ["Portaria nº 1/2020", "velha.md"]}, []) == [
        {"names": "Portaria nº 1/2020", "quote": None},
        {"names": "velha.md", "quote": None},
    ]


def document(path, title, *revokes):
    return {"document_id": path, "path": path, "title": title, "revokes": list(revokes)}


OLD = document("n/portaria-12-2023.md", "Portaria nº 12/2023 – Diárias")


@pytest.mark.parametrize(
    "name",
    [
        "Portaria nº 12/2023",
        "portaria n. 12, de 3 de março de 2023",
        OLD["path"],
        "portaria-12-2023.md",
        OLD["title"],
    ],
)
def test_a_document_is_found_by_its_path_its_title_and_its_number(name):
    by = document("n/nova.md", "Portaria nº 7/2026", {"names": name, "quote": None})
    old, new = relate_documents([OLD, by])
    assert old["superseded_by"] == {
        "document_id": "n/nova.md",
        "file_path": "n/nova.md",
        "title": "Portaria nº 7/2026",
        "quote": None,
    }
    assert (new["superseded_by"], new["warnings"]) == (None, [])


def test_a_relation_goes_when_the_document_that_says_it_goes():
    assert relate_documents([OLD])[0]["superseded_by"] is None


def test_a_name_that_nobody_or_two_documents_bear_marks_nothing_and_front_matter_is_told_so():
    twin = document("outra/portaria-12-2023.md", "Portaria nº 12/2023")
    said = [{"names": name, "quote": None} for name in ("Portaria nº 12/2023", "Portaria nº 99/2023")]
    rows = relate_documents([OLD, twin, document("nova.md", "Nova", *said)])
    assert [row["superseded_by"] for row in rows] == [None] * 3
    assert "2 documents here bear that name" in rows[2]["warnings"][0]
    assert "no document here is it" in rows[2]["warnings"][1]


def test_a_sentence_is_quoted_and_nobody_revokes_himself():
    quote = "Fica revogada a Portaria nº 12/2023."
    said = {"names": "Portaria nº 12/2023", "quote": quote}
    old, _ = relate_documents([OLD, document("nova.md", "Nova", said)])
    assert old["superseded_by"]["quote"] == quote
    (alone,) = relate_documents([OLD | {"revokes": [said]}])
    assert (alone["superseded_by"], alone["warnings"]) == (None, [])
