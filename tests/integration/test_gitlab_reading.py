"""Promises of the GitLab source: everything a repository can hold, and only what changed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stagekit import StageError
from stagekit.ingestion import SelectionRules, blob_id, document_rows, measured, open_source, select
from tests.servers.gitlab_server import GitLabServer, OtherHost
from tests.servers.gitlab_world import APPROVED, TOKEN, Repository, World

ODD_NAMES = [
    "ação çedilha.md",
    "guia 📧 final.md",
    'aspas "e" \\barra%2Fe #?&+.md',
    "-começa-com-traço.md",
    "A.md",
    "a.md",
    "cafe\u0301.md",
    "caf\u00e9.md",
    "文書.md",
    "x" * 190 + ".md",
    "fundo/mais fundo/quebrado [1]*.md",
]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    with GitLabServer() as server:
        yield World(tmp_path, server, Repository(tmp_path / "repositorio"))


def pointer(data: bytes) -> bytes:
    oid = hashlib.sha256(data).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n".encode()


def add_lfs(world: World, name: str, data: bytes) -> str:
    oid = hashlib.sha256(data).hexdigest()
    world.project.lfs[oid] = data
    world.repository.write({name: pointer(data)})
    return oid


def raw_requests(requests: list[str]) -> list[str]:
    return [line for line in requests if line.endswith("/raw") or "/raw?" in line]


# What a repository can hold


def test_gitlab_and_a_local_clone_give_the_same_documents(world: World, tmp_path: Path) -> None:
    repository = world.repository
    repository.commit({name: f"texto de {name}" for name in ODD_NAMES})
    (repository.path / APPROVED / "executavel.md").write_text("#!/bin/sh")
    (repository.path / APPROVED / "executavel.md").chmod(0o755)
    (repository.path / APPROVED / "ligacao.md").symlink_to("fundo/../A.md")
    (repository.path / APPROVED / "pasta").symlink_to("fundo")
    (repository.path / APPROVED / "fora.md").symlink_to("/etc/passwd")
    (repository.path / APPROVED / "solta.md").symlink_to("nada.md")
    repository.commit({"vazio.md": b"", "imagem.xyz": b"?", ".oculto.md": b"x"}, author="José Ñúñez 📧")
    lfs = b"%PDF-1.7 grande " * 4000
    oid = add_lfs(world, "lfs.pdf", lfs)
    repository.git("add", f"{APPROVED}/lfs.pdf")
    repository.hour += 1
    repository.git("-c", "user.name=Ana", "commit", "-q", "-m", "lfs")
    repository.git("checkout", "-q", "-b", "lado")
    repository.commit({"a.md": "do lado", "A.md": "descartado"})
    repository.git("checkout", "-q", "main")
    repository.commit({"A.md": "principal", "novo.md": "novo"})
    subprocess.run(["git", "-C", str(repository.path), "merge", "-q", "--no-commit", "lado"], check=False)
    repository.commit({"A.md": "principal"}, author="Quem Fundiu")
    head = repository.git("rev-parse", "HEAD")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{head},{APPROVED}/modulo")
    repository.git("-c", "user.name=Ana", "commit", "-q", "-m", "submódulo")

    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--no-checkout", str(repository.path), str(clone)], check=True)
    objects = clone / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4]
    objects.mkdir(parents=True)
    (objects / oid).write_bytes(lfs)
    local = open_source("git", str(clone), folders=[APPROVED], project="127.0.0.1/nic")
    rules = SelectionRules((APPROVED,), ("md", "pdf", "txt"), 1 << 20)
    selection = select(local.files(), rules, local.read)
    selection = measured(selection, local.fetch([d.content for d in selection.documents], 1 << 20), rules)
    expected = {
        row["path"].removeprefix(f"{APPROVED}/"): row for row in document_rows(local, selection.documents)
    }
    contents = {d.entry.path.removeprefix(f"{APPROVED}/"): local.read(d.content) for d in selection.documents}
    local.close()

    reading = world.read()

    def comparable(rows: dict[str, dict]) -> dict[str, dict]:
        return {name: {k: v for k, v in row.items() if k != "document_id"} for name, row in rows.items()}

    assert comparable(reading.rows) == comparable(expected)
    assert reading.contents == contents
    assert reading.ignored == {
        row["path"].removeprefix(f"{APPROVED}/"): row["category"] for row in selection.ignored
    }
    assert reading.ignored == {
        "fora.md": "symlink",
        "solta.md": "symlink",
        "pasta": "symlink",
        "modulo": "submodule",
        "imagem.xyz": "unsupported_type",
        ".oculto.md": "hidden",
    }
    assert reading.contents["lfs.pdf"] == lfs
    assert reading.rows["lfs.pdf"]["size_bytes"] == len(lfs)
    assert reading.rows["ligacao.md"]["blob_id"] == blob_id(b"principal")
    assert reading.snapshot.commit == repository.git("rev-parse", "main")
    assert not reading.failed


def test_repositories_with_sha256_ids_are_read_and_verified(world: World, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "sha256", "--object-format=sha256")
    repository.commit({"a.md": "um", "b/c.md": "dois"})
    world.server.add_project("nic/sha256", repository.path)
    reading = world.read(project="nic/sha256")
    assert reading.contents == {"a.md": b"um", "b/c.md": b"dois"}
    assert reading.rows["a.md"]["blob_id"] == blob_id(b"um", "sha256")


def test_names_that_lead_out_of_the_folder_are_refused(world: World) -> None:
    repository = world.repository
    blob = repository.git("hash-object", "-w", "--stdin", stdin=b"x")

    def tree(*entries: tuple[str, str, str]) -> str:
        data = b"".join(
            f"{mode} {name}\0".encode() + bytes.fromhex(identity) for mode, name, identity in entries
        )
        return repository.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=data)

    climbing = tree(("40000", "..", tree(("100644", "passwd.md", blob))), ("100644", "bom.md", blob))
    root = tree(("40000", APPROVED, climbing))
    commit = repository.git("-c", "user.name=A", "commit-tree", root, "-m", "x")
    repository.git("update-ref", "refs/heads/main", commit)
    reading = world.read()
    assert list(reading.contents) == ["bom.md"]
    assert reading.ignored == {"../passwd.md": "unsafe_path"}


def test_a_name_that_is_not_utf8_neither_stops_the_run_nor_passes_silently(world: World) -> None:
    world.repository.write({"bom.md": "x"})
    path = bytes(world.repository.path / APPROVED) + b"/a\xe7\xe3o.md"
    with open(path, "wb") as file:  # noqa: PTH123 - pathlib takes no bytes
        file.write(b"latim")
    world.repository.commit()
    reading = world.read()
    assert sorted(reading.contents.values()) == [b"latim", b"x"]
    assert any("not UTF-8" in warning for warning in reading.snapshot.warnings)


def test_a_file_above_the_size_limit_is_left_out_and_not_downloaded(world: World) -> None:
    world.repository.commit({"grande.pdf": b"x" * 3_000_000, "pequeno.md": "x"})
    reading = world.read(max_mb=1)
    assert reading.ignored == {"grande.pdf": "too_large"}
    assert reading.metrics["downloaded_bytes"] == 1
    assert not raw_requests(world.read(max_mb=1).requests)
    assert len(world.read(max_mb=4).contents["grande.pdf"]) == 3_000_000


def test_a_body_without_end_does_not_pass_for_a_large_file(world: World) -> None:
    world.repository.commit({"a.md": "x", "b.md": "outro"})
    world.server.faults.add("endless", f"blobs/{blob_id(b'x')}")
    reading = world.read()
    assert "more bytes" in reading.failed["a.md"]
    assert reading.contents == {"b.md": b"outro"}


# Git LFS


def test_lfs_objects_come_from_object_storage_without_the_token(world: World) -> None:
    data = b"%PDF " * 5000
    oid = add_lfs(world, "lfs.pdf", data)
    world.repository.commit()
    with OtherHost(data) as storage:
        world.project.lfs_redirect = f"{storage.url}/objetos"
        reading = world.read()
        assert reading.contents == {"lfs.pdf": data}
        assert storage.requests() == [f"GET /objetos/{oid}?X-Amz-Signature=s3cr3t"]
        assert not any(TOKEN in str(entry.headers) for entry in storage.log)
    audit = (world.folder / "outputs/gitlab_access.jsonl").read_text()
    assert f"/objetos/{oid}" in audit
    assert "s3cr3t" not in audit


@pytest.mark.parametrize("case", ["missing", "other bytes", "longer"])
def test_an_lfs_file_without_its_true_object_fails_alone(world: World, case: str) -> None:
    data = b"%PDF " * 100
    oid = add_lfs(world, "lfs.pdf", data)
    world.repository.commit({"a.md": "x"})
    del world.project.lfs[oid]
    if case != "missing":
        world.project.lfs[oid] = bytes(reversed(data)) if case == "other bytes" else data * 2
    reading = world.read(retry_budget_s=0.2)
    assert list(reading.contents) == ["a.md"]
    assert ("git lfs push" if case == "missing" else "LFS pointer") in reading.failed["lfs.pdf"]
    world.project.lfs[oid] = data
    assert world.read().contents["lfs.pdf"] == data


def test_an_lfs_object_above_the_limit_is_not_fetched(world: World) -> None:
    add_lfs(world, "lfs.pdf", b"x" * 2_000_000)
    world.repository.commit({"a.md": "x"})
    reading = world.read(max_mb=1)
    assert reading.ignored == {"lfs.pdf": "too_large"}
    assert not [line for line in reading.requests if "lfs=" in line]


def test_a_clone_without_its_lfs_object_says_how_to_fetch_it(world: World) -> None:
    data = b"%PDF " * 100
    oid = add_lfs(world, "lfs.pdf", data)
    world.repository.commit()
    source = open_source("git", str(world.repository.path), folders=[APPROVED])
    assert source.metrics() == {}
    [file] = [file for file in source.files() if file.path.endswith("lfs.pdf")]
    with pytest.raises(Exception, match="git lfs fetch"):
        source.read(file)
    place = world.repository.path / ".git/lfs/objects" / oid[:2] / oid[2:4]
    place.mkdir(parents=True)
    (place / oid).write_bytes(b"outra coisa")
    with pytest.raises(Exception, match="damaged"):
        source.read(file)
    source.close()


# Only what changed


@pytest.mark.parametrize("keyset", [True, False])
def test_an_unchanged_project_costs_two_requests_and_no_download(world: World, keyset: bool) -> None:
    world.project.keyset = keyset
    world.repository.commit({f"{n % 7}/d{n}.md": f"texto {n}" for n in range(320)})
    first = world.read()
    assert len(first.contents) == 320
    assert first.metrics["downloads"] == 320
    assert [line for line in first.requests if "pagination=keyset" in line]
    second = world.read()
    assert second.rows == first.rows
    assert second.contents == first.contents
    assert second.metrics["downloads"] == 0
    assert len(second.requests) == 2


def test_a_push_costs_requests_for_what_it_changed_only(world: World) -> None:
    repository = world.repository
    repository.commit({f"d{n}.md": f"texto {n}" for n in range(130)})
    before = world.read()
    repository.git("mv", f"{APPROVED}/d1.md", f"{APPROVED}/renomeado.md")
    (repository.path / APPROVED / "d2.md").unlink()
    pushed = repository.commit({"d3.md": "mudou", "novo.md": "novo"}, author="Beto")
    after = world.read()
    assert after.metrics["downloads"] == 2
    assert len(after.requests) <= 20
    changed = {name for name, row in after.rows.items() if row != before.rows.get(name)}
    assert changed == {"renomeado.md", "d3.md", "novo.md"}
    assert {after.rows[name]["repository_commit"] for name in changed} == {pushed}
    assert after.rows["d3.md"]["created"] == before.rows["d3.md"]["created"]
    assert set(before.rows) - set(after.rows) == {"d1.md", "d2.md"}


def test_a_change_that_was_taken_back_moves_the_last_commit_all_the_same(world: World) -> None:
    world.repository.commit({"a.md": "um", "b.md": "b"})
    before = world.read()
    world.repository.commit({"a.md": "dois"})
    back = world.repository.commit({"a.md": "um"})
    after = world.read()
    assert after.rows["a.md"]["repository_commit"] == back
    assert after.rows["b.md"] == before.rows["b.md"]
    assert after.metrics["downloads"] == 0


def test_after_a_force_push_no_row_names_a_commit_that_is_gone(world: World) -> None:
    repository = world.repository
    base = repository.commit({"a.md": "um"})
    repository.commit({"b.md": "dois"})
    world.read()
    repository.git("reset", "-q", "--hard", base)
    rewritten = repository.commit({"b.md": "dois"}, author="Outra")
    reading = world.read()
    assert reading.metrics["downloads"] == 0
    assert reading.rows["b.md"]["repository_commit"] == rewritten
    assert reading.rows["b.md"]["author"] == "Outra"
    assert reading.rows["a.md"]["repository_commit"] == base


def test_history_is_asked_for_anew_when_the_old_commit_does_not_exist_any_more(world: World) -> None:
    world.repository.commit({"a.md": "um"})
    world.read()
    shutil.rmtree(world.repository.path)
    fresh = Repository(world.repository.path)
    fresh.hour = 50
    commit = fresh.commit({"a.md": "um"})
    world.project.repository.close()
    world.project.repository._reader = None
    reading = world.read()
    assert reading.rows["a.md"]["repository_commit"] == commit
    assert reading.metrics["downloads"] == 0


def test_more_new_commits_than_files_are_not_walked_one_by_one(world: World) -> None:
    world.repository.commit({"a.md": "um", "b.md": "dois"})
    world.read()
    last = [world.repository.commit({"a.md": f"versão {n}"}) for n in range(5)][-1]
    reading = world.read()
    assert reading.rows["a.md"]["repository_commit"] == last
    assert not [line for line in reading.requests if "/compare" in line]


def test_more_commits_than_files_are_not_walked_at_first_either(world: World) -> None:
    repository = world.repository
    for n in range(60):
        repository.git("-c", "user.name=A", "commit", "-q", "--allow-empty", "-m", str(n))
    repository.commit({f"d{n}.md": str(n) for n in range(101)})
    reading = world.read(folder="")
    assert len(reading.rows) == 101
    # The one commit that added them is asked whether it moved them there.
    assert len([line for line in reading.requests if "/compare" in line]) == 1


def test_a_link_too_long_for_a_path_is_left_out(world: World) -> None:
    blob = world.repository.git("hash-object", "-w", "--stdin", stdin=b"a" * 10_000)
    world.repository.write({"a.md": "um"})
    world.repository.git("add", "-A")
    world.repository.git("update-index", "--add", "--cacheinfo", f"120000,{blob},{APPROVED}/longa.md")
    world.repository.git("-c", "user.name=A", "commit", "-q", "-m", "x")
    assert world.read().ignored == {"longa.md": "symlink"}


def test_a_text_is_its_authors_though_somebody_else_approved_and_corrected_it(world: World) -> None:
    repository = world.repository
    text = "".join(f"A frase {n} da norma trata do acervo.\n" for n in range(40))
    repository.write({"outra.md": "outra"})
    repository.commit({"norma.md": text}, folder="10-Rascunho")
    for old, new in (("10-Rascunho", "20-Em-Revisao"), ("20-Em-Revisao", APPROVED)):
        repository.git("rm", "-q", f"{old}/norma.md")
        corrected = text.replace("acervo", "arquivo", 1)  # on its first way
        repository.commit({"norma.md": corrected}, author="Quem Aprova", folder=new)
    approved = repository.git("rev-parse", "HEAD")
    repository.commit({"outra.md": "outra, corrigida"}, author="Quem Corrige")
    rows = world.read().rows
    assert (rows["norma.md"]["author"], rows["norma.md"]["repository_commit"]) == ("Ana Souza", approved)
    assert rows["outra.md"]["author"] == "Ana Souza"
    local = open_source("git", str(repository.path), folders=[APPROVED])
    for path, history in local.history(local.files()).items():
        if path.startswith(APPROVED):
            row = rows[path.removeprefix(f"{APPROVED}/")]
            assert (history.author, history.created, history.commit) == (
                row["author"],
                row["created"],
                row["repository_commit"],
            )
    local.close()
    again = world.read()
    assert again.rows == rows
    assert not [line for line in again.requests if "/compare" in line or "/commits?" in line]


@pytest.mark.parametrize("limit", [1000, 50])
def test_many_files_get_their_history_from_a_walk_that_agrees_with_git(world: World, limit: int) -> None:
    world.project.diff_limit = limit  # a comparison above it is cut off, and says so
    repository = world.repository
    repository.commit({f"d{n}.md": f"texto {n}" for n in range(60)})
    for n in range(0, 60, 7):
        repository.commit({f"d{n}.md": f"mudado {n}"}, author=f"Autora {n}")
    repository.commit({f"e{n}.md": f"texto {n}" for n in range(60)}, author="Importadora")
    reading = world.read()
    local = open_source("git", str(repository.path), folders=[APPROVED])
    history = local.history(local.files())
    local.close()
    for name, row in reading.rows.items():
        last = history[f"{APPROVED}/{name}"]
        assert (row["repository_commit"], row["author"], row["created"]) == (
            last.commit,
            last.author,
            last.created,
        )
    assert len([line for line in reading.requests if "/commits?" in line]) < 5


def test_a_lost_artifact_is_fetched_again(world: World) -> None:
    world.repository.commit({"a.md": "um", "b.md": "dois"})
    world.read()
    oid = hashlib.sha256(b"um").hexdigest()
    (world.folder / "outputs/artifacts/sha256" / oid[:2] / oid).unlink()
    reading = world.read()
    assert reading.contents["a.md"] == b"um"
    assert reading.metrics["downloads"] == 1


def test_an_altered_artifact_is_fetched_again(world: World) -> None:
    world.repository.commit({"a.md": "um"})
    world.read()
    oid = hashlib.sha256(b"um").hexdigest()
    (world.folder / "outputs/artifacts/sha256" / oid[:2] / oid).write_bytes(b"xx")
    assert world.read().contents["a.md"] == b"um"


def test_downloads_do_not_pile_up_and_are_private(world: World) -> None:
    world.repository.commit({"a.md": "um"})
    world.read()
    folder = world.folder / "outputs/gitlab_downloads"
    assert list(folder.iterdir()) == []
    assert folder.stat().st_mode & 0o077 == 0
    (folder / "0123.part").write_bytes(b"of a run that was killed")
    world.read()
    assert list(folder.iterdir()) == []


# Project, branch, folder


def test_branches_tags_and_commits_can_be_read(world: World) -> None:
    repository = world.repository
    first = repository.commit({"a.md": "um"})
    repository.git("-c", "user.name=A", "tag", "-a", "v1.0", "-m", "versão")
    repository.git("checkout", "-q", "-b", "equipe/versão-2")
    second = repository.commit({"a.md": "dois"})
    repository.git("checkout", "-q", "main")
    assert world.read(branch="v1.0").snapshot.commit == first
    assert world.read(branch="equipe/versão-2").snapshot.commit == second
    assert world.read(branch=second).contents == {"a.md": b"dois"}
    assert world.read().snapshot.repository_branch == "main"


def test_a_renamed_project_keeps_the_ids_of_its_documents(world: World) -> None:
    world.repository.commit({"a.md": "um"})
    before = world.read()
    former = world.project.path
    world.project.path = "nic/novo-nome"
    world.server.moved[former] = world.project.path
    after = world.read()  # by the old path, which GitLab redirects
    assert after.rows["a.md"]["document_id"] == before.rows["a.md"]["document_id"]
    assert after.metrics["downloads"] == 0
    assert any("renamed" in warning for warning in after.snapshot.warnings)
    assert world.read(project=str(world.project.number)).rows == after.rows


def test_an_archived_project_is_read_with_a_warning(world: World) -> None:
    world.repository.commit({"a.md": "um"})
    world.project.archived = True
    reading = world.read()
    assert reading.contents == {"a.md": b"um"}
    assert any("archived" in warning for warning in reading.snapshot.warnings)


def test_a_public_project_needs_no_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.repository.commit({"a.md": "um"})
    world.project.visibility = "public"
    monkeypatch.delenv("GITLAB_TOKEN")
    assert world.read().contents == {"a.md": b"um"}


@pytest.mark.parametrize("old", [True, False])
def test_a_missing_folder_is_an_error_not_an_empty_collection(world: World, old: bool) -> None:
    world.repository.commit({"a.md": "um"})
    world.project.old_missing_folder = old
    with pytest.raises(StageError, match="no file under the folder '40-Publicados'.*30-Aprovados"):
        world.read(folder="40-Publicados")
