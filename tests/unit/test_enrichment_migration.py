"""A payload of an older schema version becomes one of the present version, or is refused with a remedy."""

import json

import pytest

from stagekit.enrichment import NicPayload, complete_payload, migrate_payload
from stagekit.enrichment.schema import ADDED_1_1
from tests.unit.nic_rows import TEXT, payloads

VECTOR = {"vector_key": "k", "vector_dimension": 384, "embedding_model": "m@1"}


def of_version_0_9():
    """Return a payload as the layout before the published schema had it."""
    made = payloads(front_matter={"nível": "interno", "autor": "Ana"})[0]
    renamed = {
        "doc_type": made.pop("document_type"),
        "custom": made.pop("custom_fields"),
        "warnings": made.pop("validation_warnings"),
        "text": made.pop("chunk_content"),
        "tokens": made.pop("chunk_token_count"),
        "section_path": "1. Objetivo > 1.1 Alcance",
        "page": 3,
        "confidence": 87.5,
        "created": "2024-01-02",
        "modified": "2025-02-03",
        "schema_version": "0.9",
    }
    unknown_then = (
        "section_titles", "page_number", "pages", "regions", "region_id", "processing_confidence",
        "department", "chunk_content_preview", "metadata_completeness_score", "effective_date",
        "expiration_date", *ADDED_1_1,
    )  # fmt: skip
    return {name: value for name, value in made.items() if name not in unknown_then} | renamed


def test_a_payload_of_version_0_9_becomes_a_valid_one_of_today():
    old = of_version_0_9()
    made = migrate_payload(old)

    NicPayload.model_validate(complete_payload(old, **VECTOR))
    assert made["schema_version"] == "1.1"
    assert (made["document_type"], made["custom_fields"]) == ("other", {"nível": "interno"})
    assert (made["chunk_content"], made["chunk_content_preview"]) == (TEXT, TEXT[:100])
    assert made["section_titles"] == ["1. Objetivo", "1.1 Alcance"]
    assert (made["page_number"], made["pages"], made["regions"]) == (3, [3], [])
    assert (made["created"], made["modified"]) == ("2024-01-02T00:00:00Z", "2025-02-03T00:00:00Z")
    assert made["processing_confidence"] == 0.875
    assert made["department"] is None
    assert made["author"] == "Ana"
    assert 0 < made["metadata_completeness_score"] < 1
    assert old == of_version_0_9(), "what was read is left as it was"


def test_a_payload_of_1_0_gets_the_fields_of_1_1_and_loses_nothing():
    made = payloads()[0]
    old = {name: value for name, value in made.items() if name not in ADDED_1_1} | {"schema_version": "1.0"}
    unknown = {"has_struck_text": None}
    made["metadata"] |= unknown
    assert migrate_payload(old) == made | unknown, "what 1.0 did not know, nobody knows"
    assert migrate_payload(old | {"is_latest": False})["stale"] is True


def test_a_payload_of_0_9_without_sections_and_pages_is_migrated_too():
    old = of_version_0_9()
    del old["section_path"], old["page"]
    made = migrate_payload(old)
    assert (made["section_titles"], made["page_number"], made["pages"]) == ([], None, [])


def test_a_payload_of_the_present_version_stays_as_it_is():
    made = payloads()[0]
    assert migrate_payload(made) == made
    assert json.dumps(migrate_payload(made)) == json.dumps(made)


@pytest.mark.parametrize("version", ["0.1", "2.0", None])
def test_a_version_that_this_release_does_not_know_is_refused(version):
    with pytest.raises(ValueError, match=r"reads 0\.9, 1\.0, 1\.1: run metadata_enrichment again"):
        complete_payload(payloads()[0] | {"schema_version": version}, **VECTOR)
