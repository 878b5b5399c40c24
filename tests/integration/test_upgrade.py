"""Promises to whoever comes from an earlier version: what leaves is told and confirmed, the rest stays."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient

from runner.config_manager import load_config
from runner.events import Event
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.results import PipelineResult
from stagekit.search import search
from stagekit.storage import open_embedded
from tests.integration.clear_text import files_with
from tests.integration.conftest import nic_etl_command
from tests.servers.qdrant_server import QdrantServer
from tests.unit.encryption_keys import KEY
from tests.upgrade.folders import fill_server, unpacked
from tests.upgrade.sources import AGREEMENTS, FEW_NORMS, LEAVE, NORMS, STAY

pytestmark = pytest.mark.slow

Points = dict[str, set[str]]  # ids by source and document


@dataclass
class Upgraded:
    """What an earlier version left, under the commands of this one."""

    folder: Path
    source: str = "norms"
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    def told(self, *words: str) -> Any:
        """Return what a command prints as JSON."""
        chosen = self.settings | {"source_path": str(self.folder / self.source)}
        given = [word for name, value in chosen.items() for word in ("-p", f"{name}={value}")]
        done = nic_etl_command(self.outputs, *words, *given, "--json")
        assert KEY not in done.stdout + done.stderr
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def leaving(self) -> dict[str, str]:
        """Return what the plan says of the documents that leave."""
        return {one["path"]: one["reason"] for one in self.told("plan")[0].get("leaving", [])}

    def found(self) -> list[str]:
        """Return the paths of all passages: a search for so many finds each of them."""
        hits = search(
            "revisa os registros, ou abre e fecha",
            qdrant_url=self.settings.get("qdrant_url", "embedded"),
            outputs_dir=str(self.outputs),
            embedding_model="packaged/multilingual-e5-small",
            top=50,
        )
        return sorted(hit.path for hit in hits)

    def run(self, **settings: Any) -> PipelineResult:
        """Run the chain, and search whenever a stage begins or ends: each time there is an answer."""
        chosen = self.settings | {"source_path": str(self.folder / self.source)} | settings
        config = load_config(overrides=chosen | {"outputs_dir": str(self.outputs)}).config
        one_at_a_time = threading.Lock()
        answers: list[int] = []

        def ask(event: Event) -> None:
            if event.kind in ("stage_started", "stage_finished"):
                with one_at_a_time:
                    answers.append(len(self.found()))

        result = PipelineOrchestrator(config=config, listener=ask).execute_full_pipeline()
        assert len(answers) >= 2
        assert all(answers)
        return result

    def points(self) -> Points:
        """Return the ids of the served points by their source and document."""
        url = self.settings.get("qdrant_url")
        client: Any = (
            QdrantClient(url=url, check_compatibility=False)
            if url
            else open_embedded(self.outputs / "qdrant")
        )
        try:
            records, _ = client.scroll("nic_documents", limit=1000, with_payload=True)
        finally:
            client.close()
        found: Points = {}
        for record in records:
            payload: Mapping[str, Any] = record.payload or {}
            owner = f"{payload['source_id']}/{payload['document_id']}"
            found.setdefault(owner, set()).add(str(record.id))
        return found


@pytest.fixture
def upgraded(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Upgraded]:
    kind: str = request.param
    with ExitStack() as stack:
        place = Upgraded(unpacked(kind, tmp_path))
        if kind == "two_sources":
            server = stack.enter_context(QdrantServer())
            fill_server(place.folder, server.url)
            place.settings["qdrant_url"] = server.url
        if kind == "encrypted":
            monkeypatch.setenv("NIC_ETL_ENCRYPTION_KEY", KEY)
        yield place


@pytest.mark.parametrize("upgraded", ["embedded"], indirect=True)
def test_what_leaves_is_named_and_confirmed_and_the_rest_stays_as_it_is(upgraded: Upgraded) -> None:
    before = upgraded.points()
    assert upgraded.found() == sorted(NORMS)

    reasons = upgraded.leaving()
    assert set(reasons) == set(LEAVE)
    said = {path.rpartition("/")[2]: reason for path, reason in reasons.items()}
    assert "situação: em elaboração" in said["em-elaboracao.md"]
    assert "em hibernação, a status that is not known here" in said["palavra-nova.md"]
    assert "situação: minuta" in said["minuta.md"]
    assert "published: False" in said["nao-publicado.md"]
    assert "draft: True" in said["toml.md"]
    assert "front matter cannot be read: line 2" in said["ilegivel.md"]

    refused = upgraded.run()
    assert refused.overall_status == "failed"
    assert "This run would delete 6 of 9 stored documents" in refused.state.error
    assert upgraded.points() == before
    assert upgraded.found() == sorted(NORMS)

    assert upgraded.run(allow_mass_deletion=True).overall_status == "success"
    assert upgraded.found() == sorted(STAY)
    after = upgraded.points()
    assert len(after) == len(STAY)
    assert after.items() <= before.items()  # the same documents, the same points

    again = upgraded.told("run")
    worked = {stage["name"] for stage in again["stages"] if stage["status"] != "skipped"}
    assert worked <= {"qdrant_storage"}  # the confirmation held once
    assert (again["points"]["upserted"], again["points"]["deleted"]) == (0, 0)
    assert {hit["path"] for hit in upgraded.told("search", "senhas e frases de acesso")} <= set(STAY)


@pytest.mark.parametrize("upgraded", ["embedded"], indirect=True)
def test_a_plan_names_what_has_expired_where_that_is_left_out_and_only_changes_of_the_user(
    upgraded: Upgraded,
) -> None:
    for stage in upgraded.told("plan"):
        said = "; ".join(stage["reasons"])
        assert "(not set)" not in said
        assert "hnsw_m" not in said
        assert len(said) < 400
    upgraded.settings |= {"include_expired": "false", "chunk_overlap": "40"}
    planned = {stage["stage"]: stage for stage in upgraded.told("plan")}
    leaving = {one["path"]: one["reason"] for one in planned["gitlab_ingestion"]["leaving"]}
    assert set(leaving) == {*LEAVE, "30-Aprovados/convenio.md"}
    assert "in force until 2024-12-31" in leaving["30-Aprovados/convenio.md"]
    assert "chunk_overlap 50 → 40" in planned["text_chunking"]["reasons"]


@pytest.mark.parametrize("upgraded", ["encrypted"], indirect=True)
def test_an_encrypted_folder_is_upgraded_without_a_word_in_clear(upgraded: Upgraded) -> None:
    stays, leaves = FEW_NORMS
    sentences = [text.decode().strip().splitlines()[-1][:60] for text in FEW_NORMS.values()]
    assert files_with(upgraded.folder / "norms", sentences)  # what is searched for can be found
    before = upgraded.points()
    assert set(upgraded.leaving()) == {leaves}
    assert upgraded.run().overall_status == "success"
    assert upgraded.found() == [stays]
    after = upgraded.points()
    assert len(after) == 1
    assert after.items() <= before.items()
    assert files_with(upgraded.outputs, sentences) == {}


@pytest.mark.parametrize("upgraded", ["two_sources"], indirect=True)
def test_two_sources_of_a_server_are_upgraded_one_after_the_other(upgraded: Upgraded) -> None:
    before = upgraded.points()
    owners = {owner.partition("/")[0] for owner in before}
    assert len(owners) == 2
    assert upgraded.found() == sorted([*NORMS, *AGREEMENTS])

    assert set(upgraded.leaving()) == set(LEAVE)
    upgraded.run(allow_mass_deletion=True)
    assert "30-Aprovados/acordo.md" in upgraded.found()

    upgraded.source = "agreements"
    upgraded.settings["project"] = "acordos"
    assert set(upgraded.leaving()) == {"30-Aprovados/em-elaboracao.md"}
    assert upgraded.run().overall_status == "success"
    assert upgraded.found() == sorted([*STAY, "30-Aprovados/acordo.md"])
    after = upgraded.points()
    assert after.items() <= before.items()
    assert {owner.partition("/")[0] for owner in after} == owners
    again = upgraded.told("run")["points"]
    assert (again["upserted"], again["deleted"]) == (0, 0)
