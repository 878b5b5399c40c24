"""What a stored chunk says about its document: the best source for each field, and nothing invented."""

import hashlib
import uuid

import pytest

from stagekit.base.plain_json import canonical_json
from stagekit.enrichment import (
    NicPayload,
    build_payloads,
    chunk_ids,
    complete_payload,
    join_documents,
    nullable_fields,
    payload_inputs,
)
from stagekit.enrichment.citation import file_link
from tests.unit.nic_rows import DOCUMENT_ID, SETTINGS, TEXT, WHEN, chunk, processed, source


def payload(*, path=None, chunks=None, settings=SETTINGS, source_changes=None, **processed_changes):
    row = source(**({"path": path} if path else {}), **(source_changes or {}))
    built = build_payloads(
        row, processed(**processed_changes), chunks or [chunk()], settings, processing_timestamp=WHEN
    )
    return built[0]


def front_matter(**values):
    return payload(front_matter=values)


def test_a_document_without_any_metadata_still_gets_a_complete_payload():
    made = payload()
    assert made["title"] == "senhas"
    assert made["description"] == TEXT
    assert made["status"] == "approved"
    assert made["version"] == "1.0"
    assert made["author"] == "Ana Souza"
    assert (made["created"], made["modified"]) == ("2024-01-02T08:00:00Z", "2025-02-03T10:00:00Z")
    assert (made["category"], made["subcategory"]) == ("seguranca", "acesso")
    assert made["language"] == "pt-BR"
    assert made["tags"] == []
    assert made["processing_timestamp"] == WHEN
    assert made["processing_confidence"] == 1.0
    assert made["file_hash"] == "a" * 40


def test_what_an_answer_cites_stands_once_more_in_one_object_without_the_text():
    made = payload()
    nested = dict(made["metadata"])
    assert nested.pop("source") == file_link(made)
    assert {"document_id", "title", "file_path", "page_number", "clause"} <= nested.keys()
    assert nested == {name: made[name] for name in nested}
    assert TEXT not in str(nested)


def test_title_comes_from_the_best_source_there_is():
    section = [chunk(section_titles=["1. Objetivo", "1.1 Alcance"])]
    everything = {
        "front_matter": {"título": "Da capa"},
        "properties": {"title": "Das propriedades"},
        "title": "Do Docling",
        "chunks": section,
    }
    expected = ["Da capa", "Das propriedades", "Do Docling", "senhas"]
    for drop, title in zip([None, "front_matter", "properties", "title"], expected, strict=True):
        if drop:
            everything.pop(drop)
        assert payload(**everything)["title"] == title
    assert payload(path="30-Aprovados/guia_de-senhas.txt")["title"] == "guia de senhas"


@pytest.mark.parametrize("junk", ["python-docx", "(anonymous)", "untitled", "Microsoft Word - x.doc", " "])
def test_what_programs_write_into_properties_is_not_taken_for_metadata(junk):
    made = payload(properties={"title": junk, "author": junk, "subject": junk})
    assert made["title"] == "senhas"
    assert made["author"] == "Ana Souza"
    assert made["description"] == TEXT


def test_a_code_in_a_files_subject_is_no_description():
    assert payload(properties={"subject": "POP-RH-007"})["description"] == TEXT
    subject = "Como pedir férias e licenças"
    assert payload(properties={"subject": subject})["description"] == subject


def test_front_matter_is_understood_in_three_languages_and_the_rest_is_kept():
    made = front_matter(
        **{
            "Versão": "3.1",
            "situação": "Publicado",
            "aprovado por": "Comitê",
            "revisor": ["Bia", "Caio"],
            "palavras-chave": "senha, acesso; senha",
            "setor": "TI",
            "vigência": "01/02/2025",
            "validade": "2027-01-31",
            "classificação": {"nível": "interno", "prazo": 5},
        }
    )
    assert (made["version"], made["status"], made["approver"]) == ("3.1", "published", "Comitê")
    assert made["reviewer"] == "Bia, Caio"
    assert made["tags"] == ["senha", "acesso"]
    assert made["department"] == "TI"
    assert (made["effective_date"], made["expiration_date"]) == ("2025-02-01", "2027-01-31")
    assert made["custom_fields"] == {"classificação": {"nível": "interno", "prazo": 5}}


@pytest.mark.parametrize(
    ("front_matter", "content_status", "status"),
    [
        ({"situação": "publicado"}, "Draft", "draft"),
        ({}, "Rascunho", "draft"),
        ({}, "Em revisão", "review"),
        ({}, "Final", "approved"),
        ({}, "Versão do Word", "approved"),
        ({"status": "em chamas"}, "Draft", "draft"),
        ({}, None, "approved"),
    ],
)
def test_of_what_author_and_word_say_the_stricter_counts_and_a_folder_approves_what_says_nothing(
    front_matter, content_status, status
):
    made = payload(front_matter=front_matter, properties={"content_status": content_status})
    assert made["status"] == status


def test_a_value_that_cannot_be_used_is_named_in_a_warning_and_kept_in_custom_fields():
    made = front_matter(created="ontem", tags=7, empty=None)
    assert made["status"] == "approved"
    assert made["created"] == "2024-01-02T08:00:00Z"
    said = "\n".join(made["validation_warnings"])
    assert "'ontem'" in said
    assert made["custom_fields"] == {"created": "ontem", "tags": 7, "empty": None}


@pytest.mark.parametrize(
    ("written", "timestamp"),
    [
        ("2024-05-06", "2024-05-06T00:00:00Z"),
        ("2024-05-06T07:08:09-03:00", "2024-05-06T10:08:09Z"),
        ("2024-05-06T07:08:09.250Z", "2024-05-06T07:08:09Z"),
        ("6/5/2024", "2024-05-06T00:00:00Z"),
        ("06.05.2024", "2024-05-06T00:00:00Z"),
        ("D:20240506070809-03'00'", "2024-05-06T10:08:09Z"),
        ("D:20240506070809Z", "2024-05-06T07:08:09Z"),
        ("D:2024", "2024-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00+05:00", "2024-01-02T08:00:00Z"),
        ("31/02/2024", "2024-01-02T08:00:00Z"),
        (20240506, "2024-05-06T00:00:00Z"),
        (1715000000, "2024-01-02T08:00:00Z"),
    ],
)
def test_dates_are_read_as_people_and_programs_write_them(written, timestamp):
    assert front_matter(created=written)["created"] == timestamp


def test_dates_that_nobody_knows_are_those_of_the_processing_and_said_so():
    unknown = {
        "created": None,
        "modified": None,
        "repository_commit_timestamp": None,
        "repository_commit": "",
    }
    made = payload(source_changes=unknown)
    assert made["created"] == made["modified"] == made["repository_commit_timestamp"] == WHEN
    assert made["repository_commit"] == "unknown"
    assert any("history" in warning for warning in made["validation_warnings"])


@pytest.mark.parametrize(
    ("path", "title", "kind"),
    [
        ("30-Aprovados/políticas/senhas.md", "Manual", "policy"),
        ("30-Aprovados/rh/x.md", "Relatório da política de férias", "report"),
        ("30-Aprovados/rh/x.md", "Guía de accesibilidad", "guideline"),
        ("30-Aprovados/rh/formulario-ferias.md", "Férias", "form"),
        ("30-Aprovados/rh/x.md", "Employee handbook", "manual"),
        ("30-Aprovados/rh/x.md", "Procedimientos", "procedure"),
        ("30-Aprovados/rh/x.md", "Apresentação", "presentation"),
        ("30-Aprovados/rh/x.md", "Aviso", "other"),
    ],
)
def test_document_type_is_read_from_folders_then_title_then_file_name(path, title, kind):
    assert payload(path=path, title=title)["document_type"] == kind


@pytest.mark.parametrize(
    ("declared", "kind"), [("policy", "policy"), ("Procedimento", "procedure"), ("outro", "other")]
)
def test_a_declared_document_type_wins_over_the_folder(declared, kind):
    made = payload(path="30-Aprovados/manuais/x.md", front_matter={"tipo": declared})
    assert made["document_type"] == kind


@pytest.mark.parametrize(
    ("path", "folders"),
    [
        ("30-Aprovados/a/b/c/x.md", ("a", "b")),
        ("30-Aprovados/a/x.md", ("a", None)),
        ("30-Aprovados/x.md", (None, None)),
        ("projeto/30-Aprovados/a/x.md", ("a", None)),
        ("outra/a/x.md", ("outra", "a")),
    ],
)
def test_categories_are_the_folders_below_the_approved_folder(path, folders):
    made = payload(path=path)
    assert (made["category"], made["subcategory"]) == folders


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("O prazo para comunicar um incidente é de dois dias úteis.", "pt-BR"),
        ("The deadline for reporting an incident is two working days.", "en"),
        ("El plazo para comunicar un incidente es de dos días hábiles.", "es"),
    ],
)
def test_language_is_detected(text, language):
    made = payload(chunks=[chunk(text=text)])
    assert made["language"] == language
    assert not any("language" in warning for warning in made["validation_warnings"])


@pytest.mark.parametrize(
    ("declared", "language"),
    [
        ("pt", "pt-BR"),
        ("pt_PT", "pt-PT"),
        ("EN-us", "en-US"),
        ("Español", "es"),
        ("fr", "fr"),
        ("zh-hant", "zh-Hant"),
    ],
)
def test_a_declared_language_wins(declared, language):
    assert front_matter(lang=declared)["language"] == language


def test_text_too_short_to_tell_takes_the_files_language_and_then_the_default():
    short = [chunk(text="42 %")]
    assert payload(chunks=short, language="en")["language"] == "en"
    made = payload(chunks=short, language="?", front_matter={"lang": "sim!"})
    assert made["language"] == "pt-BR"
    assert any("pt-BR assumed" in warning for warning in made["validation_warnings"])


def test_description_is_the_first_running_text_cut_at_the_end_of_a_sentence():
    text = (
        "# Título\n\n| a | b |\n|---|---|\n\n- item\n\nPrimeira frase. "
        + "palavra " * 20
        + "fim. "
        + "x" * 300
    )
    made = payload(chunks=[chunk(text=text)])
    assert made["description"].startswith("Primeira frase.")
    assert made["description"].endswith("fim.")
    endless = payload(chunks=[chunk(text="palavra " * 100)])["description"]
    assert len(endless) <= 300
    assert endless.endswith("palavra…")
    assert payload(chunks=[chunk(text="# Só um título")])["description"] == ""


def test_an_approved_document_without_approver_is_noted():
    assert "approved, but no approver is named" in payload()["validation_warnings"]
    assert payload(front_matter={"approver": "Comitê"})["validation_warnings"] == []
    assert payload(front_matter={"status": "draft"})["validation_warnings"] == []


def test_an_expiration_before_the_effective_date_is_left_out_and_noted():
    made = front_matter(effective_date="2025-01-02", expiration_date="2025-01-02", approver="X")
    assert made["effective_date"] == "2025-01-02"
    assert made["expiration_date"] is None
    assert "expiration_date 2025-01-02 is not after" in made["validation_warnings"][0]


def test_ocr_figures_are_kept_and_a_low_confidence_is_noted():
    made = payload(
        ocr_applied=True, ocr_confidence=0.71, confidence=float("nan"), warnings=["página 2 está em branco"]
    )
    assert (made["ocr_confidence"], made["processing_confidence"]) == (0.71, 0.71)
    assert "ocr_confidence 0.71 is below min_confidence_threshold 0.80" in made["validation_warnings"]
    assert "página 2 está em branco" in made["validation_warnings"]
    assert payload(ocr_applied=False, ocr_confidence=0.5)["ocr_confidence"] is None
    assert payload(confidence=1.3)["processing_confidence"] == 1.0


def test_a_chunk_says_where_it_stands():
    regions = [
        {"ref": "#/texts/3", "page": 4, "bbox": {"l": 1.0, "t": 2.0, "r": 3.0, "b": 4.004}},
        {"ref": "#/texts/4", "page": 5, "l": 1, "t": 2, "r": 3, "b": 4},
        {"ref": "#/texts/5", "page": None, "bbox": None},
        {"ref": "#/texts/6", "page": 5, "bbox": [0.0, 0.0, float("nan"), 1.0]},
    ]
    first = chunk(section_titles=["A", "B"], section_hierarchy=["1", "1.1"], pages=[5, 4], regions=regions)
    made = payload(chunks=[first, chunk(1, text="outro texto")])
    assert (made["chunk_index"], made["chunk_count"]) == (0, 2)
    assert (made["page_number"], made["pages"], made["region_id"]) == (4, [4, 5], "#/texts/3")
    assert made["regions"] == [
        {"ref": "#/texts/3", "page": 4, "bbox": [1.0, 2.0, 3.0, 4.0]},
        {"ref": "#/texts/4", "page": 5, "bbox": [1.0, 2.0, 3.0, 4.0]},
        {"ref": "#/texts/5", "page": None, "bbox": None},
        {"ref": "#/texts/6", "page": 5, "bbox": None},
    ]
    assert made["chunk_content"] == TEXT
    assert made["chunk_content_preview"] == TEXT[:100]


def test_completeness_is_the_share_of_nullable_fields_that_are_filled():
    made = payload()
    filled = [name for name in nullable_fields() if made[name] is not None]
    assert filled == ["category", "subcategory", "author"]
    assert made["metadata_completeness_score"] == round(3 / 11, 4)


def test_chunk_ids_survive_an_edit_elsewhere_and_tell_equal_texts_apart():
    before = chunk_ids(DOCUMENT_ID, ["a", "b", "b", "c"])
    after = chunk_ids(DOCUMENT_ID, ["new", "a", "b", "b"])
    assert len(set(before)) == 4
    assert after[1:] == before[:3]
    assert before[1] == str(uuid.uuid5(uuid.UUID(DOCUMENT_ID), "b:0"))
    assert before[2] == str(uuid.uuid5(uuid.UUID(DOCUMENT_ID), "b:1"))


def test_the_same_rows_give_the_same_bytes():
    made = [canonical_json(payload(front_matter={"b": 1, "a": [2]})) for _ in range(2)]
    assert made[0] == made[1]


def test_credentials_in_the_repository_address_never_reach_a_payload():
    from dataclasses import replace

    leaking = replace(SETTINGS, repository_url="https://oauth2:s3cret@gitlab.example.org:8443/nic/docs.git")
    made = payload(settings=leaking)
    assert made["repository_url"] == "https://gitlab.example.org:8443/nic/docs.git"
    assert "s3cret" not in canonical_json(made)


def test_a_payload_is_completed_by_its_vector_and_fingerprinted():
    draft = payload()
    done = complete_payload(draft, vector_key="k1", vector_dimension=384, embedding_model="m@1")
    NicPayload.model_validate(done)
    again = complete_payload(done, vector_key="k1", vector_dimension=384, embedding_model="m@1")
    assert again == done
    other = complete_payload(draft, vector_key="k2", vector_dimension=384, embedding_model="m@1")
    assert other["point_fingerprint"] != done["point_fingerprint"]
    without = {name: value for name, value in done.items() if name != "point_fingerprint"}
    assert done["point_fingerprint"] == hashlib.sha256(canonical_json(without).encode()).hexdigest()


def test_a_payload_that_breaks_the_schema_is_refused_with_the_fields_name():
    with pytest.raises(ValueError, match="NIC schema in chunk_content:"):
        payload(chunks=[chunk(text="")])
    with pytest.raises(ValueError, match=r"NIC schema in payload: .*BAAI/bge-m3 has 1024"):
        complete_payload(payload(), vector_key="k", vector_dimension=384, embedding_model="BAAI/bge-m3@x")


def manifest(document_id, path, **more):
    return {"document_id": document_id, "path": path, **more}


def test_a_moved_document_is_described_by_its_new_path():
    now = manifest("d1", "new.md", blob_id="1")
    then = manifest("d1", "old.md", blob_id="1")
    (row,) = join_documents([now], [manifest("d1", "new.md", source=then)], [manifest("d1", "new.md")], [])
    assert row["source"] == now
    assert row["is_latest"]


def test_a_stale_document_is_described_by_the_version_that_was_processed():
    now = manifest("d1", "a.md", blob_id="2")
    then = manifest("d1", "a.md", blob_id="1")
    (row,) = join_documents([now], [manifest("d1", "a.md", source=then)], [manifest("d1", "a.md")], [])
    assert row["source"] == then
    assert not row["is_latest"]


def test_a_document_whose_newest_version_cannot_be_read_is_not_the_latest():
    then = manifest("d1", "a.md", blob_id="1")
    now = then | {"status": "stale"}  # the last good row, under its own blob id
    processed = manifest("d1", "a.md", source=now)
    (row,) = join_documents([now], [processed], [manifest("d1", "a.md")], [])
    assert row["source"]["blob_id"] == "1"
    assert not row["is_latest"]


def test_only_documents_with_chunks_are_described():
    documents = [manifest("d1", "a.md", blob_id="1"), manifest("d2", "b.md", blob_id="2")]
    rows = join_documents(documents, [manifest("d1", "a.md")], [manifest("d1", "a.md")], [])
    assert [row["path"] for row in rows] == ["a.md"]
    with pytest.raises(ValueError, match=r"gone\.md has chunks but no row"):
        join_documents([], [manifest("d9", "gone.md")], [manifest("d9", "gone.md")], [])


def test_only_what_a_payload_is_made_of_enters_the_memo_key():
    def key(source_row, processed_row, is_latest=True, **relation):
        chunks = {"chunks": {"sha256": "c" * 64}, "produced_at": "2026-01-01T00:00:00Z"}
        row = {"source": source_row, "processed": processed_row, "chunks": chunks, "is_latest": is_latest}
        row["relation"] = relation
        return canonical_json(payload_inputs(row))

    same = key(source(), processed())
    assert key(source(produced_at="later", seconds=9, memo_key="x"), processed(seconds=1)) == same
    assert key(source(path="30-Aprovados/moved.md"), processed()) != same
    assert key(source(), processed(front_matter={"title": "x"})) != same
    assert key(source(), processed(), is_latest=False) != same
    assert key(source(declared_status="draft"), processed()) != same
    assert key(source(), processed(), superseded_by={"title": "x"}) != same
