"""The ingestion notebook on the GitLab test server, executed by papermill as a user would do it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import papermill
import pytest

from stagekit.artifacts.store import ArtifactStore
from stagekit.artifacts.tables import decode_rows
from stagekit.base.paths import source_notebook
from stagekit.contract import ArtifactRef, StageResult, read_scraps
from tests.servers.gitlab_server import GitLabServer
from tests.servers.gitlab_world import APPROVED, PROJECT, TOKEN, Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "repositorio")
    repository.commit({"a.md": "# Um", "b/c.md": "---\nstatus: draft\n---\n# Rascunho", "d.txt": "dois"})
    return repository


def execute(server: GitLabServer, outputs: Path, name: str, **parameters: Any) -> Path:
    done = outputs / f"{name}.ipynb"
    outputs.mkdir(exist_ok=True)
    values = {"source": "gitlab", "gitlab_url": server.url, "gitlab_project": PROJECT} | parameters
    papermill.execute_notebook(
        source_notebook("gitlab_ingestion"),
        done,
        {"outputs_dir": str(outputs), **values},
        progress_bar=False,
        log_output=False,
    )
    return done


def documents(done: Path, outputs: Path) -> dict[str, dict[str, Any]]:
    ref = ArtifactRef.model_validate(read_scraps(done)["documents"])
    rows = decode_rows(ArtifactStore(outputs / "artifacts").read_table(ref))
    return {row["path"].removeprefix(f"{APPROVED}/"): row for row in rows}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_reads_gitlab_and_keeps_the_last_good_version(
    tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    outputs = tmp_path / "outputs"
    with GitLabServer() as server:
        server.add_project(PROJECT, repository.path)
        server.add_token(TOKEN)
        first = execute(server, outputs, "first")
        rows = documents(first, outputs)
        assert set(rows) == {"a.md", "d.txt"}
        result = StageResult.model_validate(read_scraps(first)["stage_result"])
        assert result.metrics["gitlab"]["downloads"] == 3
        assert result.metrics["gitlab"]["requests"] == len(server.log)

        repository.commit({"a.md": "# Mudado"})
        server.faults.add("status", "/blobs/", code=500)
        second = documents(execute(server, outputs, "second", retry_budget_s=0.5), outputs)
        assert second["a.md"]["status"] == "stale"
        assert second["a.md"]["content"] == rows["a.md"]["content"]
        assert second["d.txt"] == rows["d.txt"]

        server.tokens[TOKEN].revoked = True
        with pytest.raises(papermill.PapermillExecutionError, match="was revoked") as caught:
            execute(server, outputs, "third")
        assert TOKEN not in str(caught.value)
    for path in outputs.rglob("*"):
        assert path.is_dir() or TOKEN.encode() not in path.read_bytes(), path
