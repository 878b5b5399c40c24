"""A GitLab test server with documents, and a reader of it whose complaints can be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stagekit import StageError
from tests.servers.gitlab_server import GitLabServer
from tests.servers.gitlab_world import TOKEN, Repository, World

FILES = {f"d{n}.md": f"texto do documento {n}\n" * 40 for n in range(6)}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    repository = Repository(tmp_path / "repositorio")
    repository.commit(dict(FILES))
    with GitLabServer() as server:
        yield World(tmp_path, server, repository)


@pytest.fixture(autouse=True)
def no_secret_on_disk(tmp_path: Path) -> Iterator[None]:
    yield
    for path in (tmp_path / "outputs").rglob("*"):
        assert path.is_dir() or TOKEN.encode() not in path.read_bytes(), path


def complete(world: World, **settings: object) -> bool:
    reading = world.read(**settings)  # type: ignore[arg-type]
    return {name: data.decode() for name, data in reading.contents.items()} == FILES


def sentence(world: World, **settings: object) -> str:
    with pytest.raises(StageError) as caught:
        world.read(**settings)  # type: ignore[arg-type]
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert TOKEN not in text
    return text
