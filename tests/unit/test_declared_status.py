"""Whether a document is approved: in any format and encoding, by words that are known, never by a guess."""

import io
import re
import zipfile
from pathlib import Path

import openpyxl
import pptx
import pytest
from docx import Document

from stagekit import StageError
from stagekit.declared import StatusWords, declared_format, judge_status, read_declaration
from stagekit.declared.status import STATUS_WORDS, STATUSES
from stagekit.ingestion import Approval, approval_fields

WORDS = StatusWords()


def status_of(data, name="norma.md", words=WORDS):
    return approval_fields(data if isinstance(data, bytes) else data.encode(), name, words)["declared_status"]


def block(said):
    return f"---\n{said}\n---\n# Norma\n\nTexto.\n"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Approved", "approved"),
        (" aprovado ", "approved"),
        ("APROVADAS", "approved"),
        ("Em vigor", "approved"),
        ("em-vigor", "approved"),
        ("homologada", "approved"),
        ("válidos", "approved"),
        ("Final", "approved"),
        ("publicada", "published"),
        ("Em revisão", "review"),
        ("Borrador", "draft"),
        ("minutas", "draft"),
        ("em elaboração", "draft"),
        ("não aprovado", "draft"),
        ("ainda não aprovada", "draft"),
        ("no aprobado", "draft"),
        ("not yet approved", "draft"),
        ("não vigente", "archived"),
        ("obsoleto", "archived"),
        ("revogada", "archived"),
        ("suspensas", "archived"),
        ("substituída", "archived"),
        ("cancelada", "archived"),
        ("Sigiloso", None),
        ("não revogada", None),
        ("aprovado com ressalvas", None),
        (False, None),
        ("", None),
    ],
)
def test_words_of_three_languages_are_understood_in_any_gender_and_number(word, status):
    assert WORDS.status_of(word) == status


def test_no_word_of_the_table_means_two_things():
    words = [word for listed in STATUS_WORDS.values() for word in listed]
    assert len(set(words)) == len(words)
    for status, listed in STATUS_WORDS.items():
        assert {WORDS.status_of(word) for word in listed} == {status}
        assert status in STATUSES


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "cp850"]
)
@pytest.mark.parametrize("name", ["a.md", "a.MARKDOWN", "a.mkd"])
def test_a_draft_is_one_in_every_encoding(encoding, name):
    assert (
        status_of(block("título: Norma de licitação\nsituação: rascunho").encode(encoding), name) == "draft"
    )


def test_one_foreign_byte_spoils_neither_text_nor_status():
    data = block("situação: rascunho\ntítulo: Organização").encode() + b"Prazo \x96 dez dias"
    declared = read_declaration(data, "md")
    assert declared.front_matter == {"situação": "rascunho", "título": "Organização"}
    assert (declared.text or "").endswith("Prazo – dez dias")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("situação: Rascunho", "draft"),
        ("Situaçao: rascunho", "draft"),
        ("SITUACION: derogada", "archived"),
        ("Situacao: aprovado", "approved"),
        ("situação: sigilosa", "unknown"),
        ("status: em chamas", "unknown"),
        ("status: no", "unknown"),
        ("status: [aprovado, rascunho]", "draft"),
        ("status: {a: b}", "unknown"),
        ("status:", None),
        ("estado: borrador", "draft"),
        ("estado: não aprovado", "draft"),
        ("estado: SP", None),  # a state of Brazil
        ("state: NY", None),
        ("status: vigente\nestado: rascunho", "draft"),
        ("status: vigente\nestado: SP", "approved"),
        ("status: em chamas\nestado: rascunho", "unknown"),
        ("status: draft\nstatus: approved", "draft"),
        ("Status: draft\nstatus: approved", "draft"),
        ("draft: true", "draft"),
        ("draft: false", None),
        ("published: false", "draft"),
        ("published: true", None),
        ("publicado: não", "draft"),
        ("vigente: não", "archived"),
        ("revogado: sim", "archived"),
        ("rascunho: sim\nstatus: aprovado", "draft"),
        ("published: 2024-01-31", None),
        ("revisão: 1\nrevision: 2", None),
        ("title: Rascunho de pescaria", None),
        ("Situação atual: suspensa", "archived"),
        ("documentStatus: draft", "draft"),
        ("docStatus: em chamas", "unknown"),
        ("approval_status: pending", "review"),
        ("status da publicação: https://exemplo", None),
        ("status do projeto: cancelado", None),  # of something else
        ("lifecycle: deprecated", "archived"),
        ("aprovação: pendente", "review"),
        ("aprovação: 2024-05-10", None),
        ("aprovado: pendente", "review"),
        ("aprovado por: Maria", None),
        ("ativo: N", "archived"),
        ("rascunho: x", "draft"),
        ("draft: 1", "draft"),
        ("draft: 0", None),
        ("revisão: X", None),
        ("revogada por: Portaria 12/2024", "archived"),
        ("superseded_by: POL-7", "archived"),
        ("revogado em:", None),
        ("revogado em: n/a", None),
        ("revogado por: ninguém\nrevogado em: não", "archived"),
        ("arquivado em: armário 5", None),
        ("documento:\n  situação: minuta", "draft"),
        ("params: {status: draft}", "draft"),
        ("autor: {status: inativo}", None),
    ],
)
def test_of_all_that_front_matter_says_the_strictest_counts(said, status):
    assert status_of(block(said)) == status


@pytest.mark.parametrize(
    "text",
    [
        "+++\ndraft = true\n+++\nx",
        ';;;\n{"situação": "minuta"}\n;;;\nx',
        "---toml\nstatus = 'rascunho'\n---\nx",
        "\n\n---\nstatus: draft\n---\nx",
    ],
)
def test_a_draft_is_one_in_every_form_of_front_matter(text):
    assert status_of(text) == "draft"


def test_prose_between_rules_and_plain_text_declare_nothing():
    assert status_of("---\n\nA minuta, ainda em elaboração: ver o anexo.\n\n---\n") is None
    assert status_of("---\nstatus: draft\n---\n", "a.txt") is None
    assert status_of(b"%PDF-1.7", "a.pdf") is None
    assert status_of(b"", "a.md") is None


def saved(file):
    stream = io.BytesIO()
    file.save(stream)
    return stream.getvalue()


def office(kind, status):
    if kind == "xlsx":
        book = openpyxl.Workbook()
        book.properties.contentStatus = status
        return saved(book)
    file = Document() if kind == "docx" else pptx.Presentation()
    file.core_properties.content_status = status
    return saved(file)


@pytest.mark.parametrize("kind", ["docx", "pptx", "xlsx"])
@pytest.mark.parametrize(
    ("said", "status"),
    [("Rascunho", "draft"), ("Em revisão", "review"), ("Final", "approved"), ("Versão do Word", None)],
)
def test_office_files_declare_their_status_in_their_properties(kind, said, status):
    assert status_of(office(kind, said), f"a.{kind}") == status
    assert status_of(office(kind, said), "renamed.md") == status, "bytes decide what a file is"


def test_a_property_that_nobody_understands_is_a_warning():
    found = approval_fields(office("docx", "Versão do Word"), "a.docx", WORDS)
    assert "'Versão do Word'" in found["status_warning"]
    assert approval_fields(office("docx", "Draft"), "a.docx", WORDS)["status_warning"] is None


def package(parts):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return stream.getvalue()


def core(status):
    return (
        f"<cp:coreProperties xmlns:cp='x'><cp:contentStatus>{status}</cp:contentStatus></cp:coreProperties>"
    )


def relations(kind, target):
    return (
        "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>"
        f"<Relationship Id='r' Type='http://x/{kind}' Target='{target}'/></Relationships>"
    )


@pytest.mark.parametrize("target", ["props/meu.xml", "/props/meu.xml", "./Props/MEU.xml"])
def test_core_properties_are_found_by_the_packages_relationships(target):
    moved = {"_rels/.rels": relations("core-properties", target), "props/meu.xml": core("Draft")}
    assert status_of(package(moved), "a.docx") == "draft"
    assert status_of(package(moved | {"docProps/core.xml": core("Final")}), "a.docx") == "draft"
    assert status_of(package({"docProps/core.xml": core("Draft")}), "a.docx") == "draft"


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Situação", "Rascunho", "draft"),
        ("Status do documento", "Revogada", "archived"),
        ("Rascunho", "true", "draft"),
        ("Revogado por", "Portaria 7", "archived"),
        ("Estado", "SP", None),
    ],
)
def test_a_status_among_the_custom_properties_counts(name, value, status):
    custom = f"<Properties><property name='{name}'><lpwstr>{value}</lpwstr></property></Properties>"
    parts = {
        "_rels/.rels": relations("custom-properties", "docProps/custom.xml"),
        "docProps/custom.xml": custom,
    }
    assert status_of(package(parts), "a.xlsx") == status


def test_open_document_and_html_declare_theirs_too():
    meta = "<m xmlns:meta='urn:meta'><meta:user-defined meta:name='Status'>Minuta</meta:user-defined></m>"
    odt = package({"mimetype": "application/vnd.oasis.opendocument.text", "meta.xml": meta})
    assert status_of(odt, "a.odt") == "draft"
    page = '<!doctype html><html><head><meta name="DC.status" content="rascunho"></head><body>x</body></html>'
    assert status_of(page, "a.html") == "draft"
    assert status_of(page.replace("rascunho", "em chamas"), "a.html") == "unknown"
    assert status_of(page.replace("DC.status", "viewport"), "a.html") is None


@pytest.mark.parametrize(
    "data",
    [
        package({"word/document.xml": "<d/>"}),
        package({"docProps/core.xml": "<cut"}),
        package({"docProps/core.xml": "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"}),
        b"PK\x03\x04 cut short",
    ],
)
def test_a_package_that_says_nothing_or_is_damaged_declares_no_status(data):
    assert status_of(data, "a.docx") is None
    assert declared_format(data, "a.docx") == "office"


def test_a_setting_adds_words_and_only_with_statuses_that_exist():
    more = StatusWords({"Vigorante": "approved", "em espera": "draft"})
    assert status_of(block("status: vigorantes"), words=more) == "approved"
    assert status_of(block("situação: não vigorante"), words=more) == "draft"
    assert status_of(block("situação: em espera"), words=more) == "draft"
    with pytest.raises(StageError, match="status_words says that 'x' means 'y'"):
        StatusWords({"x": "y"})


def test_the_reason_names_what_was_said_and_the_words_that_are_accepted():
    approval = Approval.from_settings(["aprovado"])
    category, reason = approval.reason(approval_fields(block("situação: sigilosa").encode(), "a.md", WORDS))
    assert category == "status"
    for said in ("situação: sigilosa", "aprovado", "vigente", "em vigor", "status_words"):
        assert said in reason
    assert "rascunho" not in reason
    said = judge_status([("situação", "Minuta")], {}, WORDS)
    row = {"declared_status": said.status, "declared_as": said.said}
    assert approval.reason(row) == (
        "status",
        "it says situação: Minuta (draft), which is not in include_statuses",
    )


def test_what_has_expired_is_left_out_by_the_setting_from_the_next_day_on():
    row = approval_fields(block("validade: 31/12/2025").encode(), "a.md", WORDS)
    assert row["expiration_date"] == "2025-12-31"

    def reason(day, include=False):
        return Approval.from_settings(["approved"], None, include, day).reason(row)

    assert reason("2025-12-31") is None
    assert reason("2026-01-01") == ("expired", "it was in force until 2025-12-31 (include_expired is off)")
    assert reason("2026-01-01", include=True) is None
    with pytest.raises(StageError, match="today is 'amanhã'"):
        reason("amanhã")


def test_the_documented_table_is_the_one_that_is_used():
    page = (Path(__file__).parents[2] / "docs" / "declarations.md").read_text(encoding="utf-8")
    table = page.partition("\n## Status\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|;]+)", table, re.MULTILINE))
    assert {status: tuple(words.strip().split(", ")) for status, words in rows.items()} == STATUS_WORDS
