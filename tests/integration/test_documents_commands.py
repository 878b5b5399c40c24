"""Promises of ``nic-etl document`` and ``nic-etl export``: what became of one, the text of all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.conftest import NicEtl, SampleRun

pytestmark = pytest.mark.slow
ANSWER = "30-Aprovados/politicas/seguranca/politica-de-seguranca-da-informacao.md"


def test_a_document_is_told_from_source_to_points(sample_run: SampleRun, nic_etl: NicEtl) -> None:
    shown = nic_etl(sample_run.outputs, "document", ANSWER)
    assert shown.returncode == 0, shown.stderr
    told = json.loads(nic_etl(sample_run.outputs, "document", ANSWER, "--json").stdout)
    assert (told["source"]["status"], told["processed"]["quality_verdict"]) == ("ok", "pass")
    chunks = told["chunked"]["chunks"]
    assert len(chunks) == told["chunked"]["chunk_count"] > 1
    assert sum(told["stored"].values()) >= len(chunks)
    for chunk in chunks:
        assert chunk["point"] in shown.stdout
        assert chunk["text"] in shown.stdout


def test_of_what_is_no_part_of_the_collection_the_reason_is_told(
    sample_run: SampleRun, nic_etl: NicEtl
) -> None:
    rows = json.loads(nic_etl(sample_run.outputs, "show", "--json").stdout)["outcomes"]
    rejected = next(row["path"] for row in rows if row["status"] == "rejected")
    told = nic_etl(sample_run.outputs, "document", rejected)
    assert "status rejected" in told.stdout
    assert "remedy: " in told.stdout
    ignored = nic_etl(sample_run.outputs, "document", "10-Entrada/proposta-de-convenio.md")
    assert "ignored: outside of the approved folder" in ignored.stdout
    wrong = nic_etl(sample_run.outputs, "document", "politica-de-seguranca-da-informacao.md")
    assert wrong.returncode == 1
    assert f"Did you mean {ANSWER}?" in wrong.stderr


def test_the_texts_are_written_as_files(sample_run: SampleRun, nic_etl: NicEtl, tmp_path: Path) -> None:
    done = nic_etl(sample_run.outputs, "export", str(tmp_path / "textos"), "--json")
    assert done.returncode == 0, done.stderr
    written = sorted((tmp_path / "textos").rglob("*.md"))
    assert json.loads(done.stdout)["written"] == len(written) == sample_run.summary["documents"]["ok"]
    text = (tmp_path / "textos" / f"{ANSWER}.md").read_text()
    assert text.startswith("# ")
    assert "### 4.1" in text
    (tmp_path / "file").write_text("")
    failed = nic_etl(sample_run.outputs, "export", str(tmp_path / "file"))
    assert failed.returncode == 1
    assert "choose another folder" in failed.stderr


def test_the_version_is_told(sample_run: SampleRun, nic_etl: NicEtl) -> None:
    assert nic_etl(sample_run.outputs, "--version").stdout.startswith("nic-etl 0.")
