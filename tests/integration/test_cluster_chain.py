"""The chain on a Dask cluster with artifacts in S3 and points in a server: the result of one machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from qdrant_client import QdrantClient
from s3fs import S3FileSystem

from stagekit.artifacts.store import ArtifactStore, open_store
from stagekit.artifacts.tables import decode_rows
from stagekit.base.paths import latest_notebooks
from stagekit.contract import artifact_refs, read_scraps
from tests.crash.chain import SETTINGS, Points, differences
from tests.crash.corpus import FOLDER, write_corpus
from tests.crash.tiny_model import write_tiny_model
from tests.servers.dask_cluster import DaskCluster
from tests.servers.qdrant_server import QdrantServer
from tests.servers.s3_server import S3Server

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "config" / "sample_repository" / FOLDER
COUNT = 36
# A payload tells when it was made, and so the artifact that holds it; the points are compared in its place.
_OF_THE_MOMENT = {
    "seconds", "produced_at", "memo_key", "payloads", "processing_timestamp", "point_fingerprint",
}  # fmt: skip


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with S3Server() as server:
        server.make_bucket("artifacts")
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        S3FileSystem.clear_instance_cache()
        yield server
        S3FileSystem.clear_instance_cache()


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    root = tmp_path / "documents"
    write_corpus(root, COUNT - 2)
    for name in ("formularios/pessoas/formulario-de-ferias.docx", "atas/comite-gestor/ata-2025-03.md"):
        target = root / FOLDER / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SAMPLE / name, target)
    (root / FOLDER / "atas" / "vazio.md").write_text("")  # is rejected, here as there
    return root


class Chain:
    """`nic-etl` on the documents, with an outputs folder and a Qdrant server of its own."""

    def __init__(self, folder: Path, settings: Mapping[str, object], environment: Mapping[str, str]) -> None:
        self.outputs = folder / "outputs"
        folder.mkdir()
        self._settings = {**SETTINGS, "upsert_batch_size": "100", **settings}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NIC_ETL_")}
        kept |= {name: os.environ.get(name, "") for name in ("NIC_ETL_MODELS_DIR", "NIC_ETL_BFLOAT16")}
        own = {"NIC_ETL_OUTPUTS_DIR": str(self.outputs), "NO_COLOR": "1", "NIC_ETL_PROFILE": "local"}
        self._environment = {n: v for n, v in {**kept, **own, **environment}.items() if v}

    def start(self, *command: str, **settings: object) -> subprocess.Popen[str]:
        chosen = {**self._settings, **settings}
        given = [part for name, value in chosen.items() for part in ("-p", f"{name}={value}")]
        return subprocess.Popen(
            [sys.executable, "-m", "runner", *command, *given],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
            cwd=self.outputs.parent,
        )

    def result(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        said, errors = process.communicate(timeout=300)
        assert process.returncode == 0, said + errors
        assert "testing-secret-key" not in said + errors
        summary: dict[str, Any] = json.loads(said)
        return summary

    def products(self, store: ArtifactStore) -> dict[str, list[dict[str, Any]]]:
        """The rows of each product without what tells of their moment; references hold a sha256."""
        found = {}
        for stage, notebook in latest_notebooks(self.outputs).items():
            for value in read_scraps(notebook).values():
                for ref in artifact_refs(value):
                    if ref.media_type.endswith("parquet") and stage != "qdrant_storage":
                        rows = decode_rows(store.read_table(ref))
                        found[f"{stage}/{ref.name}"] = [_timeless(row) for row in rows]
        return found


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(part) for name, part in value.items() if name not in _OF_THE_MOMENT}
    return value


def points(server: QdrantServer) -> Points:
    client = QdrantClient(url=server.url)
    try:
        records, _ = client.scroll("nic_documents", limit=10_000, with_payload=True, with_vectors=True)
    finally:
        client.close()
    return {
        str(record.id): (
            np.asarray(dict(record.vector or {})["dense"], np.float32),  # type: ignore[arg-type]
            {name: value for name, value in (record.payload or {}).items() if name not in _OF_THE_MOMENT},
        )
        for record in records
    }


def kill_in_mid_work(victim: subprocess.Popen[bytes], s3: S3Server, run: subprocess.Popen[str]) -> int:
    """Kill a worker when it has a document in work and documents are being stored; return how many were."""
    stored = len(s3.requests("PUT"))
    end = time.monotonic() + 200
    begun = 0
    while time.monotonic() < end and run.poll() is None:
        if not begun:
            children = psutil.Process(victim.pid).children()  # a look at all processes: not too often
            if any("stagekit.workers.main" in child.cmdline() for child in children):
                begun = len(s3.requests("PUT")) - stored
            time.sleep(0.05)
            continue
        done = len(s3.requests("PUT")) - stored
        if done >= begun + 4:
            victim.kill()
            return done
        time.sleep(0.01)
    raise AssertionError("the worker was never in the middle of its work")


def test_slow_a_cluster_that_loses_a_worker_makes_what_one_machine_makes(
    tmp_path: Path, documents: Path, s3: S3Server
) -> None:
    model = write_tiny_model(tmp_path / "model" / "tiny")
    common = {"source_path": documents, "embedding_model": model}
    with QdrantServer() as one, QdrantServer() as other, DaskCluster(tmp_path / "cluster") as cluster:
        victim = cluster.start_worker()
        cluster.start_worker()
        cluster.start_worker(NIC_ETL_PDF_PASSWORDS="1234")
        local = Chain(tmp_path / "local", common | {"qdrant_url": one.url}, {})
        expected = local.result(local.start("run", "--json"))
        cluster.wait_for_workers(3)

        settings = common | {"qdrant_url": other.url, "dask_scheduler": cluster.address}
        url = "s3://artifacts/nic-etl"
        away = Chain(tmp_path / "away", settings, {"NIC_ETL_ARTIFACTS_URL": url})
        run = away.start("run", "--json")
        kill_in_mid_work(victim, s3, run)
        summary = away.result(run)

        assert (summary["status"], summary["points"]) == (expected["status"], expected["points"])
        assert victim.poll() == -9
        [report] = (away.outputs / "runs").glob("*/report.json")
        left_out = "was left out: it differs from this machine in NIC_ETL_PDF_PASSWORDS (others there)"
        warned = {
            stage["name"] for stage in json.loads(report.read_text())["stages"] if left_out in str(stage)
        }
        assert warned == {"document_processing"}
        assert not (away.outputs / "artifacts").exists()
        here, there = open_store(local.outputs / "artifacts"), open_store(url)
        wanted, found = local.products(here), away.products(there)
        assert found.keys() == wanted.keys()
        assert {name for name in wanted if found[name] != wanted[name]} == set()
        assert len(wanted["document_processing/processed"]) == COUNT + 1
        assert all(there.verify(ref) for rows in found.values() for row in rows for ref in artifact_refs(row))
        assert differences(points(other), points(one)) == []
        assert cluster.tasks() == []

        again = away.result(away.start("run", "--json"))
        assert (again["points"]["upserted"], again["points"]["deleted"]) == (0, 0)
        assert "testing-secret-key" not in "".join(
            path.read_text(errors="replace") for path in (away.outputs / "runs").rglob("*") if path.is_file()
        )
