"""The NIC schema v1.1: what is stored is what the committed JSON Schema promises."""

import json
import runpy

import pytest
from pydantic import ValidationError

from stagekit.base.paths import config_dir
from stagekit.declared.status import STATUSES as JUDGED
from stagekit.enrichment import NicPayload, complete_payload
from stagekit.enrichment.schema import ADDED_1_1, STATUSES, json_schema, nullable_fields, write_json_schema
from stagekit.storage.embedded.sealing import CLEAR_FIELDS
from tests.unit.nic_rows import payloads

FIELDS = """
document_id title description status created modified version document_type category subcategory tags author
reviewer approver department organization language effective_date expiration_date section_hierarchy
section_titles content_type page_number region_id chunk_id chunk_index chunk_count chunk_content
chunk_content_preview chunk_token_count chunk_start_position chunk_end_position content_hash
processing_timestamp pipeline_version ocr_applied ocr_confidence embedding_model vector_dimension
repository_url repository_branch repository_commit repository_commit_timestamp file_path file_name
file_extension file_size_bytes file_hash is_latest processing_confidence metadata_completeness_score
validation_warnings custom_fields schema_version pages regions
"""
OURS = {"source_id", "vector_key", "point_fingerprint"}
SINCE_1_1 = {
    "clause", "clauses", "has_struck_text", "superseded_by", "watermark", "stale", "metadata",
}  # fmt: skip


@pytest.fixture
def complete():
    return complete_payload(payloads()[0], vector_key="k", vector_dimension=384, embedding_model="m@1")


def test_the_payload_has_the_schemas_fields_and_our_three_documented_additions():
    assert set(NicPayload.model_fields) == set(FIELDS.split()) | OURS | SINCE_1_1
    assert all("addition" in (NicPayload.model_fields[name].description or "") for name in OURS)


def test_what_1_1_added_may_be_null_and_makes_no_document_less_complete(complete):
    assert set(ADDED_1_1) == SINCE_1_1
    NicPayload.model_validate(complete | dict.fromkeys(SINCE_1_1))
    assert not SINCE_1_1 & set(nullable_fields())


def test_only_what_is_no_text_stays_readable_in_an_encrypted_store():
    assert {"clause", "clauses", "has_struck_text", "stale"} == SINCE_1_1 & CLEAR_FIELDS


def test_the_statuses_of_the_schema_are_those_that_are_judged():
    assert set(STATUSES) == set(JUDGED)


def test_every_field_is_present_even_when_it_is_null(complete):
    assert set(complete) == set(NicPayload.model_fields)
    assert set(json_schema()["required"]) == set(NicPayload.model_fields)
    for name in complete:
        with pytest.raises(ValidationError):
            NicPayload.model_validate({key: value for key, value in complete.items() if key != name})


def test_the_committed_json_schema_is_the_one_that_the_models_generate(tmp_path):
    committed = config_dir() / "nic_schema" / "nic_schema_v1.1.json"
    generated = write_json_schema(tmp_path)
    assert generated.name == committed.name
    assert committed.read_bytes() == generated.read_bytes(), "run `python -m stagekit.enrichment`"
    before = committed.stat().st_mtime_ns
    runpy.run_module("stagekit.enrichment", run_name="__main__")
    assert committed.read_bytes() == generated.read_bytes()
    assert committed.stat().st_mtime_ns > before
    assert json.loads(committed.read_text())["properties"]["schema_version"]["const"] == "1.1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "vigente"),
        ("document_type", "memo"),
        ("content_type", "text"),
        ("document_id", "no-uuid"),
        ("created", "2024-05-06"),
        ("created", "2024-13-06T00:00:00Z"),
        ("created", "2024-05-06T00:00:00+00:00"),
        ("effective_date", "2024-02-30"),
        ("language", "português"),
        ("tags", "a, b"),
        ("chunk_index", "0"),
        ("chunk_index", 1),
        ("chunk_end_position", 0),
        ("page_number", 0),
        ("is_latest", 1),
        ("ocr_confidence", 1.01),
        ("processing_confidence", None),
        ("metadata_completeness_score", float("nan")),
        ("repository_url", "https://user:secret@host/x.git"),
        ("schema_version", "0.9"),
        ("point_fingerprint", "abc"),
        ("surprise", 1),
    ],
)
def test_a_value_outside_the_schema_is_refused(complete, field, value):
    with pytest.raises(ValidationError):
        NicPayload.model_validate(complete | {field: value})


def test_an_expiration_must_follow_the_effective_date(complete):
    dates = {"effective_date": "2025-01-01", "expiration_date": "2024-12-31"}
    with pytest.raises(ValidationError, match="is not after"):
        NicPayload.model_validate(complete | dates)
    NicPayload.model_validate(complete | dates | {"expiration_date": "2025-01-02"})


def test_vectors_of_bge_m3_have_1024_dimensions(complete):
    bge = {"embedding_model": "BAAI/bge-m3@abc"}
    with pytest.raises(ValidationError, match="BAAI/bge-m3 has 1024"):
        NicPayload.model_validate(complete | bge)
    NicPayload.model_validate(complete | bge | {"vector_dimension": 1024})
