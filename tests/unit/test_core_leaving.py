"""Promises of the look at what leaves: each document with its reason, under the rules of today."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig
from stagekit.artifacts.known_sources import KnownSource, remember_source
from stagekit.artifacts.store import outputs_store
from stagekit.artifacts.tables import encode_rows
from stagekit.checks.leaving import leaving
from stagekit.declared import StatusWords
from stagekit.ingestion import approval_fields, blob_id

FOLDER = "30-Aprovados"
TEXTS = {
    "a.md": "---\nstatus: aprovado\nvalidade: 2025-12-31\n---\nPrazos\n",
    "b.md": "---\nsituação: em elaboração\n---\nViagens\n",
    "c.md": "---\ntitle: Norma: das salas\nstatus: aprovado\n---\nSalas\n",
    "d.pdf": "%PDF-1.4",
}


def row(store: Any, name: str, content: bytes, known: dict[str, Any]) -> dict[str, Any]:
    ref = store.put("content", content, "application/octet-stream").model_dump(mode="json")
    facts = {"document_id": name, "path": f"{FOLDER}/{name}", "file_name": name, "status": "ok"}
    facts |= {"file_extension": name.rpartition(".")[2], "blob_id": blob_id(content)}
    return facts | {"size_bytes": len(content), "content": ref} | known


def keep(outputs: Path, texts: dict[str, str], *, judged: bool = False, **source: Any) -> None:
    """Let these documents be stored, as an earlier version judged them or as this one does."""
    store = outputs_store(outputs)
    silent: dict[str, Any] = {"declared_status": None, "declared_as": None, "expiration_date": None}
    rows = []
    for name, text in texts.items():
        known = approval_fields(text.encode(), name, StatusWords(None)) if judged else silent
        rows.append(row(store, name, text.encode(), known))
    documents = store.put_table("documents", encode_rows(rows))
    facts = {"source_id": "01" * 8, "project": "docs", "kind": "gitlab"} | source
    remember_source(outputs, KnownSource(**facts, documents=documents))


def settings(**more: Any) -> dict[str, Any]:
    return PipelineConfig(**({"source": "gitlab"} | more)).model_dump(mode="json")


def told(outputs: Path, *, rules_hold: bool = False, **more: Any) -> dict[str, str]:
    found = leaving(settings(**more), outputs, rules_hold=rules_hold)
    return {path.rpartition("/")[2]: reason for path, reason in found}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "docs" / FOLDER
    folder.mkdir(parents=True)
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return tmp_path / "docs"


def test_of_gitlab_what_was_read_last_is_judged_by_the_rules_of_today(outputs: Path) -> None:
    assert told(outputs) == {}  # nothing was stored yet
    keep(outputs, TEXTS)
    found = told(outputs)
    assert set(found) == {"b.md", "c.md"}
    assert "it says situação: em elaboração (draft)" in found["b.md"]
    assert "its front matter cannot be read: line 2" in found["c.md"]
    assert set(told(outputs, status_words={"em elaboração": "approved"})) == {"c.md"}
    assert "in force until 2025-12-31" in told(outputs, include_expired=False, today="2026-01-01")["a.md"]
    assert "exclude_paths leaves it out" in told(outputs, exclude_paths=["d.pdf"])["d.pdf"]
    assert "outside of the approved folder" in told(outputs, target_folder=["40"])["a.md"]


def test_of_several_sources_the_one_that_is_meant_is_judged(outputs: Path) -> None:
    keep(outputs, TEXTS, project="um")
    keep(outputs, {"x.md": TEXTS["b.md"]}, project="dois", source_id="02" * 8)
    assert set(told(outputs, project="dois")) == {"x.md"}
    assert set(told(outputs, project="um")) == {"b.md", "c.md"}
    assert told(outputs, project="novo") == {}
    assert told(outputs) == {}  # nobody can tell without asking GitLab


def test_a_local_source_is_looked_at_and_a_moved_file_does_not_leave(outputs: Path, source: Path) -> None:
    texts = {name: text for name, text in TEXTS.items() if name != "c.md"} | {"gone.md": "Sem data\n"}
    keep(outputs, texts | {"old.md": "Movido\n"}, kind="folder")
    folder = source / FOLDER
    (folder / "new.md").write_text("Movido\n", encoding="utf-8")
    (folder / "b.md").write_text("Viagens, aprovado\n", encoding="utf-8")
    (folder / "a.md").write_text("---\nstatus: rascunho\n---\nPrazos\n", encoding="utf-8")
    (folder / "d.pdf").rename(folder / "d.xyz")
    found = told(outputs, source="git", source_path=str(source))
    assert set(found) == {"a.md", "d.pdf", "gone.md"}
    assert "it says status: rascunho (draft)" in found["a.md"]
    assert found["gone.md"] == "it is not in the source any more"


def test_a_new_version_that_cannot_be_read_makes_no_document_leave(outputs: Path, source: Path) -> None:
    keep(outputs, TEXTS | {"c.md": "Salas\n"}, kind="folder")
    assert set(told(outputs, source="git", source_path=str(source))) == {"b.md"}


def test_where_the_rules_hold_unchanged_documents_are_judged_without_being_read(
    outputs: Path, source: Path
) -> None:
    keep(outputs, {name: TEXTS[name] for name in ("a.md", "d.pdf")}, judged=True, kind="folder")
    store = outputs_store(outputs)
    for uri, _, _ in list(store.entries()):
        if not uri.endswith(".parquet"):
            store.delete(uri)
    place = {"source": "git", "source_path": str(source)}
    found = told(outputs, rules_hold=True, include_expired=False, today="2026-01-01", **place)
    assert set(found) == {"a.md"}
    assert told(outputs, **place) == {}  # what cannot be read is read again before anybody judges it


def test_what_stage_01_will_refuse_is_left_to_it(outputs: Path, tmp_path: Path) -> None:
    keep(outputs, TEXTS)
    assert told(outputs, source="git", source_path=str(tmp_path / "nowhere")) == {}
    assert told(outputs, today="2026-13-01") == {}
