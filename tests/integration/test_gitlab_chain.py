"""The whole chain from the GitLab test server to Qdrant, through the command line, over real HTTP."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stagekit.storage import open_embedded
from tests.crash.tiny_model import write_tiny_model
from tests.servers.gitlab_server import GitLabServer
from tests.servers.gitlab_world import APPROVED, PROJECT, TOKEN, Repository

NicEtl = Callable[..., subprocess.CompletedProcess[str]]
TEXTS = {
    "normas/ferias.md": "# Férias\n\nO pedido é entregue 45 dias antes do início.\n",
    "normas/diarias.md": "# Diárias\n\nA prestação de contas é feita em 5 dias úteis.\n",
    "normas/senhas.md": "# Senhas\n\nA senha tem no mínimo 14 caracteres.\n",
    "atas/ata-1.txt": "Ata da reunião de março. Foi aprovado o calendário.\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "repositorio")
    for name, text in TEXTS.items():
        repository.commit({name: text})
    return repository


@pytest.fixture
def server(repository: Repository) -> Iterator[GitLabServer]:
    with GitLabServer() as server:
        server.add_project(PROJECT, repository.path)
        server.add_token(TOKEN)
        yield server


def stored(outputs: Path) -> dict[str, dict[str, Any]]:
    """Return the payload of each document's first chunk, by path below the approved folder."""
    client = open_embedded(outputs / "qdrant")
    try:
        points, _ = client.scroll("nic_documents", limit=1000, with_payload=True)
    finally:
        client.close()
    payloads = [point.payload or {} for point in points]
    return {p["file_path"].removeprefix(f"{APPROVED}/"): p | {"id": p["chunk_id"]} for p in payloads}


@pytest.mark.slow
def test_a_push_changes_just_its_documents_and_a_revoked_token_changes_nothing(
    server: GitLabServer, repository: Repository, tmp_path: Path, nic_etl: NicEtl
) -> None:
    outputs = tmp_path / "outputs"
    settings = {
        "source": "gitlab",
        "gitlab_url": server.url,
        "gitlab_project": PROJECT,
        "embedding_model": write_tiny_model(tmp_path / "model"),
        "max_deletion_share": "1.0",
    }
    arguments = [word for name, value in settings.items() for word in ("-p", f"{name}={value}")]

    def run() -> dict[str, Any]:
        done = nic_etl(outputs, "run", "--json", *arguments, GITLAB_TOKEN=TOKEN)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    first = run()
    before = stored(outputs)
    assert first["documents"]["ok"] == len(TEXTS) == len(before)
    for name, payload in before.items():
        last = repository.git("log", "-1", "--format=%H", "--", f"{APPROVED}/{name}")
        assert payload["repository_commit"] == last
    place = f"/-/blob/{repository.git('rev-parse', 'HEAD')}/{APPROVED}/normas/senhas.md"
    for number in ("01", "02"):  # their tables lead to the documents
        (notebook,) = (outputs / "latest").glob(f"{number}_*.ipynb")
        assert place in notebook.read_text()

    old = repository.path / APPROVED
    (old / "normas/diarias.md").rename(old / "normas/diarias-e-passagens.md")
    (old / "atas/ata-1.txt").unlink()
    changed = repository.commit(
        {
            "normas/senhas.md": TEXTS["normas/senhas.md"].replace("14", "16"),
            "normas/nova.md": "# Nova\n\nTexto.\n",
        }
    )
    second = run()
    after = stored(outputs)

    assert set(after) == {
        "normas/ferias.md", "normas/diarias-e-passagens.md", "normas/senhas.md", "normas/nova.md",
    }  # fmt: skip
    assert after["normas/ferias.md"] == before["normas/ferias.md"]
    assert "16 caracteres" in after["normas/senhas.md"]["chunk_content"]
    assert {after[name]["repository_commit"] for name in after if name != "normas/ferias.md"} == {changed}
    assert second["points"] == {"total": 4, "upserted": 3, "unchanged": 1, "deleted": 3}

    well = nic_etl(outputs, "doctor", "--json", *arguments, GITLAB_TOKEN=TOKEN)
    assert well.returncode == 0, well.stdout
    assert {"GitLab server", "GitLab token", "GitLab project"} <= {
        row["check"] for row in json.loads(well.stdout)
    }

    server.tokens[TOKEN].revoked = True
    ill = nic_etl(outputs, "doctor", *arguments, GITLAB_TOKEN=TOKEN)
    assert ill.returncode == 1
    assert "revoked" in ill.stdout
    refused = nic_etl(outputs, "run", *arguments, GITLAB_TOKEN=TOKEN)
    assert refused.returncode == 1
    assert "revoked" in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr
    assert stored(outputs) == after
    for path in outputs.rglob("*"):
        assert path.is_dir() or TOKEN.encode() not in path.read_bytes(), path
