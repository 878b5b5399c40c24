"""Filters find what people mean, embedded and on a server alike; what cannot be met is said at once."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stagekit.enrichment.schema import NicPayload
from stagekit.errors import StageError
from stagekit.sealing.marker import prepare_folder
from stagekit.search.filter_fields import field_kind, field_name
from stagekit.search.query import SearchRequestError, search
from stagekit.search.retrieval import open_store
from stagekit.search.stored_values import nearest, stored_values
from stagekit.storage import connect
from stagekit.storage.collection import create_payload_indexes
from tests.servers.qdrant_server import QdrantServer
from tests.unit.encryption_keys import KEY
from tests.unit.search_store import fill, meaning
from tests.unit.storage_rows import COLLECTION

DOCUMENTS: dict[str, dict[str, Any]] = {
    "30-Aprovados/Licitações/pt.md": {
        "language": "pt-BR", "departamento": "Gestão de Pessoas", "created": "10/05/2024",
        "tags": ["C++", "São Paulo"],
    },
    "30-Aprovados/es.md": {
        "language": "es", "departamento": "GESTAO DE PESSOAS", "created": "2024-12-31T22:30:00-03:00"
    },
    "30-Aprovados/en.md": {
        "language": "en-US", "departamento": "Financeiro", "created": "2023-07-01",
        "valid_until": "31/12/2024", "tags": ["C"],
    },
    "30-Aprovados/gb.md": {
        "language": "en-GB", "departamento": "Auditoria", "created": "2023", "tags": ["C"],
    },
}  # fmt: skip
PT, ES, EN, GB = DOCUMENTS
Find = Callable[..., set[str]]


@pytest.fixture(scope="module", params=["embedded", "server", "server without indexes"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("filters")
    if request.param == "embedded":
        fill_all(folder, "embedded")
        yield {"outputs_dir": str(folder)}
        return
    with QdrantServer() as server:
        fill_all(folder, server.url)
        if request.param == "server":
            client = connect(server.url, folder)
            create_payload_indexes(client, COLLECTION)
            client.close()
        yield {"outputs_dir": str(folder), "qdrant_url": server.url}


def fill_all(folder: Path, url: str) -> None:
    for number, (path, said) in enumerate(DOCUMENTS.items()):
        text = f"férias número {number}"
        fill(folder, {path: [text]}, front_matter=said, create=not number, url=url)


@pytest.fixture
def find(place: dict[str, Any]) -> Find:
    def paths(**filters: Any) -> set[str]:
        hits = search("férias", embedding_model="unused", embed=meaning, top=10, filters=filters, **place)
        return {hit.path for hit in hits}

    return paths


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"language": "en"}, {EN, GB}),
        ({"language": "en-US"}, {EN}),
        ({"language": "EN_us"}, {EN}),
        ({"language": "pt"}, {PT}),
        ({"idioma": "Português"}, {PT}),
        ({"language": ["pt", "es"]}, {PT, ES}),
        ({"department": "gestao de pessoas"}, {PT, ES}),
        ({"setor": "Gestão  de PESSOAS"}, {PT, ES}),
        ({"tags": "sao paulo"}, {PT}),
        ({"tags": "c++"}, {PT}),
        ({"category": "licitacoes"}, {PT}),
        ({"file_path": "30-aprovados/licitacoes/PT.md"}, {PT}),
        ({"title": "GB"}, {GB}),
        ({"created": {">=": "2024"}}, {PT, ES}),
        ({"created": {">": "2024"}}, {ES}),
        ({"created": {"<": "2024"}}, {EN, GB}),
        ({"created": {"<=": "2023-07"}}, {EN, GB}),
        ({"created": {">=": "01/02/2023", "<": "1º de janeiro de 2025"}}, {PT, EN}),
        ({"created": "10/05/2024"}, {PT}),
        ({"created": ["maio de 2024", "2023"]}, {PT, EN, GB}),
        ({"created": "2024-12-31"}, set()),
        ({"created": "2024-12-31T22:30-03:00"}, {ES}),
        ({"created": {">": "2025-01-01T01:30:00Z"}}, set()),
        ({"created": {">=": "2025-01-01T01:30:00Z"}}, {ES}),
        ({"validade": {">=": "2024-12"}}, {EN}),
        ({"expiration_date": "2024-12-31"}, {EN}),
        ({"valid_until": {"<": "2024-12-31"}}, set()),
        ({"chunk_index": {">=": 0, "<": 1}}, set(DOCUMENTS)),
        ({"chunk_index": {">": "0"}}, set()),
        ({"processing_confidence": "1.0"}, set(DOCUMENTS)),
        ({"superseded": "false", "is_latest": "TRUE"}, set(DOCUMENTS)),
        ({"superseded": True}, set()),
        ({"superseded": ["true", "false"]}, set(DOCUMENTS)),
        ({"language": "en", "department": "auditoria"}, {GB}),
        ({"created": {">=": ["2023-02", "2024"]}}, {PT, ES}),
        ({"created": {"<=": "31/12/9999"}}, set(DOCUMENTS)),
    ],
)
def test_a_filter_finds_what_is_meant(find: Find, filters: dict[str, Any], found: set[str]) -> None:
    assert find(**filters) == found


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        (
            {"department": "Financeira"},
            "Filter department=Financeira: no passage here has it; department is one of: Financeiro, ",
        ),
        ({"language": "e"}, "language is one of: es, "),
        ({"tags": "c#"}, r"tags is one of: C, C\+\+, São Paulo\."),
        ({"clause": "art. 5"}, "Filter clause=art. 5: no passage here has a clause."),
        ({"reviewer": "Ana"}, "Filter reviewer=Ana: no passage here has a reviewer."),
    ],
)
def test_a_value_that_nothing_has_names_those_that_there_are_nearest_first(
    find: Find, filters: dict[str, Any], said: str
) -> None:
    with pytest.raises(SearchRequestError, match=said):
        find(**filters)


def test_of_two_values_one_may_be_missing_and_is_said(find: Find, caplog: pytest.LogCaptureFixture) -> None:
    assert find(language=["pt", "fr"]) == {PT}
    assert "Warning: Filter language=fr: no passage here has it; language is one of: " in caplog.text


def test_a_wrong_value_is_told_before_a_model_is_looked_for(place: dict[str, Any]) -> None:
    with pytest.raises(SearchRequestError, match="status is one of: approved"):
        search("férias", embedding_model="packaged/nothing", filters={"status": "aproved"}, **place)


def test_a_wrong_name_is_told_before_the_store_or_a_model_is_loaded() -> None:
    script = (
        "import sys\nfrom stagekit.search.query import search\n"
        "try: search('x', embedding_model='y', filters={'statuss': 'approved'})\n"
        "except Exception as error: print(error, *sorted({n.partition('.')[0] for n in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "did you mean status?" in done.stdout
    assert not {"qdrant_client", "qdrant_edge", "onnxruntime", "torch"} & set(done.stdout.split())


def test_many_values_are_cut_short() -> None:
    assert nearest("b", [f"valor {n}" for n in range(12)] + ["b"]).startswith("b, valor 0, ")
    assert nearest("b", [f"valor {n}" for n in range(12)]).endswith(" and 4 more")


@pytest.mark.parametrize(
    ("name", "field", "kind"),
    [
        ("validade", "expiration_date", "day"),
        ("Válido até", "expiration_date", "day"),
        ("Situação", "status", "text"),
        ("path", "file_path", "path"),
        ("page", "pages", "number"),
        ("section", "section_titles", "text"),
        ("created", "created", "moment"),
        ("ocr_confidence", "ocr_confidence", "number"),
        ("clauses", "clauses", "clause"),
        ("stale", "stale", "flag"),
    ],
)
def test_a_field_is_known_by_its_names(name: str, field: str, kind: str) -> None:
    assert field_name(name) == field
    assert field_kind(field) == kind


def test_the_page_on_searching_has_every_field_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "search.md").read_text(encoding="utf-8")
    table = page.partition("| fields | take |")[2].partition("\n\n")[0]
    named = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    unmatched = {"custom_fields", "regions", "superseded_by", "metadata"}
    assert named == {*NicPayload.model_fields, "expired", "superseded"} - unmatched


def test_in_an_encrypted_store_one_filters_by_what_is_in_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIC_ETL_ENCRYPTION_KEY", KEY)
    prepare_folder(tmp_path)
    fill_all(tmp_path, "embedded")

    def paths(**filters: Any) -> set[str]:
        place = {"embedding_model": "unused", "outputs_dir": str(tmp_path)}
        return {hit.path for hit in search("férias", embed=meaning, filters=filters, **place)}

    assert paths(department="gestao de pessoas") == paths(created={">=": "2024"}) == {PT, ES}
    with pytest.raises(StageError, match="author is encrypted in the embedded store"):
        paths(author="ana")


def test_a_list_counts_each_of_its_values(tmp_path: Path) -> None:
    fill_all(tmp_path, "embedded")
    with open_store("embedded", str(tmp_path)) as store:
        assert stored_values(store, COLLECTION, "tags") == ["C", "C++", "São Paulo"]
