"""Promises of the git source, on real repositories."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stagekit import StageError
from stagekit.ingestion import ContentError, SourceFile, blob_id, document_rows, measured, open_source, select
from stagekit.ingestion.git_source import GitSource
from stagekit.ingestion.selection import SelectionRules

APPROVED = "30-Aprovados"
RULES = SelectionRules((APPROVED,), ("md", "txt", "pdf"), 1024)
ODD_NAMES = [
    "ação çedilha.md",
    "guia 📧 final.md",
    'aspas "e" \\barra.md',
    "-começa-com-traço.md",
    ":dois-pontos.md",
    "A.md",
    "a.md",
    "cafe\u0301.md",
    "caf\u00e9.md",
    "x" * 190 + ".md",
    "fundo/mais fundo/quebrado [1]*.md",
]


class Repository:
    """A git repository in a temporary folder; each commit has the next day's date."""

    def __init__(self, path: Path, branch: str = "main") -> None:
        self.path = path
        self.day = 0
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", branch)
        self.git("config", "user.email", "ana@exemplo.example")

    def git(self, *arguments: str, **environment: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.path), *arguments],
            check=True,
            capture_output=True,
            env=os.environ | environment,
        )
        return done.stdout.decode().strip()

    def write(self, name: str, content: str | bytes) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, author: str = "Ana Souza", **files: str) -> str:
        for name, content in files.items():
            self.write(name, content)
        self.git("add", "-A")
        return self.commit_index(author)

    def commit_index(self, author: str = "Ana Souza", *options: str) -> str:
        self.day += 1
        date = f"2024-03-{self.day:02d}T09:00:00-03:00"
        self.git(
            *("-c", f"user.name={author}", "commit", "-q", "--allow-empty", "-m", "mudança", *options),
            GIT_AUTHOR_DATE=date,
            GIT_COMMITTER_DATE=date,
        )
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "docs")


@pytest.fixture
def opened(repository: Repository):
    sources: list[GitSource] = []

    def open_it(
        path: Path | None = None, branch: str = "", folders: tuple[str, ...] = (APPROVED,)
    ) -> GitSource:
        source = open_source("git", str(path or repository.path), folders=folders, target_branch=branch)
        assert isinstance(source, GitSource)
        sources.append(source)
        return source

    yield open_it
    for source in sources:
        source.close()


def rows_of(source: GitSource, rules: SelectionRules = RULES) -> dict[str, dict]:
    selection = select(source.files(), rules, source.read)
    sizes = source.fetch([document.content for document in selection.documents], rules.max_bytes)
    selection = measured(selection, sizes, rules)
    return {
        row["path"].removeprefix(f"{APPROVED}/"): row for row in document_rows(source, selection.documents)
    }


def reasons_of(source: GitSource, rules: SelectionRules = RULES) -> dict[str, str]:
    return {row["path"]: row["category"] for row in select(source.files(), rules, source.read).ignored}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_is_found_and_read_whatever_its_name(repository, opened, name):
    path = f"{APPROVED}/{name}"
    repository.commit(**{path: f"texto de {name}"})
    source = opened()
    [file] = source.files()
    assert file.path == path
    assert source.read(file).decode() == f"texto de {name}"
    assert rows_of(source)[name]["repository_commit"] == repository.git("rev-parse", "HEAD")


def test_a_row_tells_who_wrote_the_file_and_what_changed_it_last(repository, opened):
    first = repository.commit("José Ñúñez 📧", **{f"{APPROVED}/a.md": "um", f"{APPROVED}/b.md": "b"})
    second = repository.commit("Quem Corrigiu", **{f"{APPROVED}/a.md": "dois"})
    repository.commit("Outra Pessoa", **{"fora.md": "x"})
    rows = rows_of(opened())
    assert rows["a.md"]["repository_commit"] == second
    assert rows["a.md"]["author"] == "José Ñúñez 📧"
    assert rows["a.md"]["created"] == "2024-03-01T12:00:00Z"
    assert rows["a.md"]["modified"] == rows["a.md"]["repository_commit_timestamp"] == "2024-03-02T12:00:00Z"
    assert rows["b.md"]["repository_commit"] == first
    assert rows["b.md"]["blob_id"] == blob_id(b"b")
    assert rows["b.md"]["size_bytes"] == 1


def test_an_author_without_a_name_is_unknown_rather_than_wrong(repository, opened):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    tree = repository.git("rev-parse", "HEAD^{tree}")
    raw = f"tree {tree}\nauthor  <a@b.example> 1 +0000\ncommitter  <a@b.example> 99999999999999 +0000\n\nm\n"
    made = subprocess.run(
        ["git", "-C", str(repository.path), "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        input=raw.encode(),
        capture_output=True,
        check=True,
    )
    repository.git("update-ref", "refs/heads/main", made.stdout.decode().strip())
    row = rows_of(opened())["a.md"]
    assert row["author"] is None


def test_a_renamed_file_keeps_its_content_id_its_author_and_the_day_it_was_written(repository, opened):
    repository.commit("Ana Souza", **{f"{APPROVED}/velho.md": "texto"})
    before = rows_of(opened())["velho.md"]
    repository.git("mv", f"{APPROVED}/velho.md", f"{APPROVED}/novo.md")
    renamed = repository.commit_index()
    after = rows_of(opened())
    assert set(after) == {"novo.md"}
    assert after["novo.md"]["blob_id"] == before["blob_id"]
    assert after["novo.md"]["document_id"] != before["document_id"]
    assert after["novo.md"]["repository_commit"] == renamed
    assert (after["novo.md"]["author"], after["novo.md"]["created"]) == ("Ana Souza", before["created"])


def test_who_moves_a_text_into_the_approved_folder_has_not_written_it(repository, opened):
    text = "".join(f"A frase {n} da norma trata do acervo.\n" for n in range(12))
    repository.commit("Ana Souza", **{"10-Rascunho/norma.md": text})
    for step in ("20-Em-Revisao", APPROVED):  # moved twice, once with a correction on the way
        (repository.path / step).mkdir(exist_ok=True)
        [old] = repository.path.rglob("norma.md")
        repository.git("mv", str(old.relative_to(repository.path)), f"{step}/norma.md")
        if step != APPROVED:
            repository.write(f"{step}/norma.md", text.replace("acervo", "arquivo", 1))
            repository.git("add", "-A")
        moved = repository.commit_index("Quem Aprova")
    row = rows_of(opened())["norma.md"]
    assert (row["author"], row["created"], row["repository_commit"]) == (
        "Ana Souza",
        "2024-03-01T12:00:00Z",
        moved,
    )


def test_a_copy_or_another_text_of_the_same_name_takes_over_nobodys_authorship(repository, opened):
    repository.commit("Ana Souza", **{"10-Rascunho/norma.md": "um texto de Ana sobre férias"})
    repository.commit("Beto Lima", **{f"{APPROVED}/norma.md": "outro texto, de Beto, sobre diárias"})
    assert rows_of(opened())["norma.md"]["author"] == "Beto Lima"


def test_the_last_commit_is_right_across_merges(repository, opened):
    repository.commit(**{f"{APPROVED}/a.md": "base", f"{APPROVED}/b.md": "base", f"{APPROVED}/c.md": "base"})
    repository.git("checkout", "-q", "-b", "lado")
    repository.commit(**{f"{APPROVED}/c.md": "do lado, descartado"})
    side = repository.commit("Do Lado", **{f"{APPROVED}/a.md": "do lado"})
    repository.git("checkout", "-q", "main")
    kept = repository.commit(**{f"{APPROVED}/b.md": "principal", f"{APPROVED}/c.md": "principal"})
    subprocess.run(
        ["git", "-C", str(repository.path), "merge", "-q", "--no-commit", "lado"],
        check=False,
        capture_output=True,
    )
    repository.write(f"{APPROVED}/b.md", "resolvido na fusão")
    repository.write(f"{APPROVED}/c.md", "principal")
    repository.git("add", "-A")
    merge = repository.commit_index("Quem Fundiu")
    rows = rows_of(opened())
    assert rows["a.md"]["repository_commit"] == side
    assert rows["b.md"]["repository_commit"] == merge
    assert rows["c.md"]["repository_commit"] == kept


def test_a_merge_that_changes_a_file_itself_is_its_last_commit(repository, opened):
    repository.commit(**{f"{APPROVED}/a.md": "base"})
    repository.git("checkout", "-q", "-b", "lado")
    repository.commit(**{f"{APPROVED}/a.md": "lado"})
    repository.git("checkout", "-q", "main")
    repository.commit(**{f"{APPROVED}/a.md": "principal"})
    subprocess.run(
        ["git", "-C", str(repository.path), "merge", "-q", "--no-commit", "lado"],
        check=False,
        capture_output=True,
    )
    merge = repository.commit("Quem Fundiu", **{f"{APPROVED}/a.md": "nem um nem outro"})
    row = rows_of(opened())["a.md"]
    assert row["repository_commit"] == merge


def test_the_branch_that_was_asked_for_is_read_not_the_work_tree(repository, opened):
    repository.commit(**{f"{APPROVED}/a.md": "principal"})
    repository.git("checkout", "-q", "-b", "versão/2.0")
    repository.commit(**{f"{APPROVED}/a.md": "ramo"})
    repository.write(f"{APPROVED}/a.md", "mexido e não gravado")
    for branch, text in (("main", b"principal"), ("versão/2.0", b"ramo"), ("", b"ramo")):
        source = opened(branch=branch)
        assert source.read(source.files()[0]) == text
        assert source.snapshot().repository_branch == (branch or "versão/2.0")


def test_a_push_during_the_run_changes_nothing_of_what_is_read(repository, opened):
    commit = repository.commit(**{f"{APPROVED}/a.md": "antes"})
    source = opened()
    repository.commit(**{f"{APPROVED}/a.md": "depois", f"{APPROVED}/b.md": "novo"})
    assert source.snapshot().commit == commit
    [file] = source.files()
    assert source.read(file) == b"antes"


def test_a_bare_repository_and_every_clone_give_the_same_rows(repository, opened, tmp_path):
    repository.commit(**{f"{APPROVED}/a.md": "um", f"{APPROVED}/sub/b.md": "dois"})
    rows = rows_of(opened())
    bare, clone = tmp_path / "elsewhere" / "docs.git", tmp_path / "copy"
    repository.git("clone", "-q", "--bare", str(repository.path), str(bare))
    repository.git("clone", "-q", str(bare), str(clone))
    assert rows_of(opened(bare)) == rows
    assert rows_of(opened(clone)) == rows


def test_a_detached_checkout_as_ci_makes_it_still_knows_its_branch(repository, opened, tmp_path):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    clone = tmp_path / "ci"
    repository.git("clone", "-q", str(repository.path), str(clone))
    for arguments in (("checkout", "-q", "--detach"), ("branch", "-D", "main")):
        subprocess.run(["git", "-C", str(clone), *arguments], check=True, capture_output=True)
    assert opened(clone).snapshot().repository_branch == "main"
    assert opened(clone, branch="main").snapshot().commit == repository.git("rev-parse", "HEAD")
    repository.git("branch", "other")
    repository.git("checkout", "-q", "--detach")
    assert opened().snapshot().repository_branch == "HEAD"


@pytest.mark.parametrize("what", ["v1", "HEAD~1"])
def test_what_is_checked_out_is_read_whatever_the_remote_has_by_default(repository, opened, tmp_path, what):
    old = repository.commit(**{f"{APPROVED}/a.md": "um"})
    repository.git("tag", "v1")
    repository.commit(**{f"{APPROVED}/a.md": "dois"})
    clone = tmp_path / "clone"
    repository.git("clone", "-q", str(repository.path), str(clone))
    subprocess.run(["git", "-C", str(clone), "checkout", "-q", what], check=True, capture_output=True)
    snapshot = opened(clone).snapshot()
    assert (snapshot.commit, snapshot.repository_branch, snapshot.warnings) == (old, "HEAD", ())
    assert opened(clone, branch="main").snapshot().commit == repository.git("rev-parse", "HEAD")


def test_a_clone_that_only_fetches_is_read_as_its_remote_is_where_the_branch_is_named(
    repository, opened, tmp_path
):
    old = repository.commit(**{f"{APPROVED}/a.md": "um"})
    clone = tmp_path / "clone"
    repository.git("clone", "-q", str(repository.path), str(clone))
    repository.commit(**{f"{APPROVED}/a.md": "dois"})
    new = repository.commit(**{f"{APPROVED}/a.md": "três"})
    subprocess.run(["git", "-C", str(clone), "fetch", "-q"], check=True)
    named, checked_out = opened(clone, branch="main").snapshot(), opened(clone).snapshot()
    assert named.commit == new
    assert named.warnings == (
        "The local branch main is 2 commits behind origin/main: what origin/main has was read.",
    )
    assert checked_out.commit == old
    assert "2 commits behind origin/main: bring it up to date" in checked_out.warnings[0]


def test_commits_that_only_the_clone_has_are_read_and_what_they_lack_is_told(repository, opened, tmp_path):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    repository.git("clone", "-q", str(repository.path), str(tmp_path / "clone"))
    repository.commit(**{f"{APPROVED}/a.md": "dois"})
    clone = tmp_path / "clone"
    for arguments in (
        ("fetch", "-q"),
        ("-c", "user.name=A", "-c", "user.email=a@b.example", "commit", "-qm", "próprio", "--allow-empty"),
    ):
        subprocess.run(["git", "-C", str(clone), *arguments], check=True, capture_output=True)
    snapshot = opened(clone, branch="main").snapshot()
    assert snapshot.commit not in repository.git("rev-list", "--all").split()
    assert "1 commits behind origin/main and has 1 commits of its own" in snapshot.warnings[0]


def test_a_tag_can_be_read_too(repository, opened):
    commit = repository.commit(**{f"{APPROVED}/a.md": "um"})
    repository.git("-c", "user.name=A", "tag", "-a", "-m", "x", "v1")
    repository.commit(**{f"{APPROVED}/a.md": "dois"})
    assert opened(branch="v1").snapshot().commit == commit


def test_a_shallow_clone_works_and_says_what_it_does_not_know(repository, opened, tmp_path):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    last = repository.commit(**{f"{APPROVED}/b.md": "dois"})
    shallow = tmp_path / "shallow"
    repository.git("clone", "-q", "--depth=1", f"file://{repository.path}", str(shallow))
    source = opened(shallow)
    assert rows_of(source)["a.md"]["repository_commit"] == last
    assert "shallow" in source.snapshot().warnings[0]
    assert opened().snapshot().warnings == ()


def test_a_sha256_repository_is_read_and_verified(repository, opened, tmp_path):
    path = tmp_path / "sha256"
    repository.git("init", "-q", "--object-format=sha256", "-b", "main", str(path))
    other = Repository.__new__(Repository)
    other.path, other.day = path, 0
    other.git("config", "user.email", "a@b.example")
    other.commit(**{f"{APPROVED}/a.md": "um"})
    source = opened(path)
    [file] = source.files()
    assert len(file.blob_id) == 64
    assert source.read(file) == b"um"
    assert rows_of(source)["a.md"]["repository_commit"] == source.snapshot().commit


def test_links_inside_the_folder_are_documents_and_others_are_refused(repository, opened):
    repository.commit(
        **{f"{APPROVED}/alvo/a.md": "conteúdo", "fora.md": "segredo", f"{APPROVED}/.oculto.md": "x"}
    )
    folder = repository.path / APPROVED
    targets = {
        "bom.md": "alvo/a.md",
        "sem-extensao": "./alvo/../alvo//a.md",
        "cadeia.md": "bom.md",
        "pasta": "alvo",
        "atraves.md": "pasta/a.md",
        "fora.md": "../fora.md",
        "escapa.md": "../../etc/passwd",
        "absoluto.md": "/etc/passwd",
        "pendente.md": "nada.md",
        "laco.md": "laco.md",
        "oculto.md": ".oculto.md",
        "raiz.md": "..",
    }
    for name, target in targets.items():
        (folder / name).symlink_to(target)
    linked = repository.commit("Quem Ligou")
    source = opened()
    rows = rows_of(source)
    assert set(rows) == {"alvo/a.md", "bom.md", "sem-extensao", "cadeia.md", "atraves.md"}
    for name in set(rows) - {"alvo/a.md"}:
        assert rows[name]["blob_id"] == rows["alvo/a.md"]["blob_id"]
        assert rows[name]["file_extension"] == "md"
        assert rows[name]["repository_commit"] == linked
    ignored = {row["path"]: row["reason"] for row in select(source.files(), RULES, source.read).ignored}
    said = {name: ignored[f"{APPROVED}/{name}"] for name in targets if f"{APPROVED}/{name}" in ignored}
    assert "outside of the approved folder" in said["fora.md"]
    assert "outside of the repository" in said["escapa.md"]
    assert "absolute" in said["absoluto.md"]
    assert "does not exist" in said["pendente.md"]
    assert "back to itself" in said["laco.md"]
    assert "folder" in said["pasta"]
    assert "folder" in said["raiz.md"]
    assert "hidden" in said["oculto.md"]


def test_a_submodule_is_reported_and_not_entered(repository, opened):
    commit = repository.commit(**{f"{APPROVED}/a.md": "um"})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{APPROVED}/vendor")
    repository.commit_index()
    assert reasons_of(opened()) == {f"{APPROVED}/vendor": "submodule"}


def test_names_that_are_not_text_or_lead_elsewhere_are_refused(repository, opened):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    blob = repository.git("rev-parse", f"HEAD:{APPROVED}/a.md")
    names = [b"latin1-\xe7.md", b"tab\there.md", b"..\\..\\fora.md"]
    inner = b"".join(b"100644 " + name + b"\0" + bytes.fromhex(blob) for name in sorted(names))
    inner = b"40000 ..\0" + bytes.fromhex(_tree(repository, b"100644 x.md\0" + bytes.fromhex(blob))) + inner
    outer = b"40000 " + APPROVED.encode() + b"\0" + bytes.fromhex(_tree(repository, inner))
    commit = repository.git("-c", "user.name=A", "commit-tree", "-m", "x", _tree(repository, outer))
    repository.git("update-ref", "refs/heads/main", commit)
    reasons = reasons_of(opened())
    assert set(reasons.values()) == {"unsafe_path"}
    assert len(reasons) == 4
    assert f"{APPROVED}/latin1-\\xe7.md" in reasons


def _tree(repository: Repository, content: bytes) -> str:
    command = ["git", "-C", str(repository.path), "hash-object", "-t", "tree", "-w", "--stdin", "--literally"]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout.decode().strip()


def test_credentials_of_the_remote_are_shown_nowhere(repository, opened):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    url = "https://gitlab-ci-token:glpat-SECRET@Git.Example.org/grupo/docs.git"
    repository.git("remote", "add", "origin", url)
    source = opened()
    assert source.snapshot().repository_url == "https://git.example.org/grupo/docs"
    assert source.snapshot().project == "git.example.org/grupo/docs"
    assert "SECRET" not in repr(source.snapshot()) + repr(rows_of(source))


def test_the_callers_git_environment_and_settings_of_the_repository_do_not_interfere(
    repository, opened, monkeypatch, tmp_path
):
    repository.commit(**{f"{APPROVED}/ação.md": "um"})
    for name, value in (
        ("log.showSignature", "true"),
        ("gpg.program", str(tmp_path / "must-not-run")),
        ("log.showRoot", "false"),
        ("diff.external", str(tmp_path / "must-not-run")),
        ("diff.renames", "copies"),
        ("log.date", "relative"),
        ("core.quotePath", "true"),
        ("color.ui", "always"),
        ("log.follow", "true"),
    ):
        repository.git("config", name, value)
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_WORK_TREE", "/nonexistent")
    for name in ("GIT_ICASE_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_TRACE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("LANG", "pt_BR.UTF-8")
    row = rows_of(opened())["ação.md"]
    assert row["created"] == "2024-03-01T12:00:00Z"


def test_a_history_that_was_cut_by_grafts_or_replaced_is_read_as_it_is(repository, opened):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    last = repository.commit("Rui Lima", **{f"{APPROVED}/b.md": "dois"})
    before = rows_of(opened())
    grafts = repository.path / ".git" / "info" / "grafts"
    grafts.parent.mkdir(exist_ok=True)
    grafts.write_text(f"{last}\n")
    repository.git("replace", before["a.md"]["blob_id"], before["b.md"]["blob_id"])
    source = opened()
    assert rows_of(source) == before
    assert [source.read(file) for file in source.files()] == [b"um", b"dois"]


def test_damaged_content_is_never_handed_on(repository, opened):
    repository.commit(**{f"{APPROVED}/a.md": "um", f"{APPROVED}/b.md": "dois"})
    source = opened()
    first, second = source.files()
    stored = repository.path / ".git" / "objects" / first.blob_id[:2] / first.blob_id[2:]
    stored.unlink()
    with pytest.raises(ContentError, match="lacks the content"):
        source.read(first)
    assert source.read(second) == b"dois"  # one missing file does not spoil the next
    with pytest.raises(ContentError, match="lacks the content"):
        source.read(SourceFile("x", "file", source.snapshot().commit, 1))


def test_reading_goes_on_after_the_source_was_closed_or_git_was_killed(repository, opened):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    source = opened()
    [file] = source.files()
    assert source.read(file) == b"um"
    source.close()
    assert source.read(file) == b"um"
    process = source._blobs._process
    assert process is not None
    process.kill()
    process.wait()
    with pytest.raises(ContentError):
        source.read(file)
    assert source.read(file) == b"um"


def test_an_unknown_branch_is_told_with_the_branches_there_are(repository, opened):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    repository.git("branch", "homologação")
    with pytest.raises(StageError, match=r"no branch 'mian'; it has homologação, main: set target_branch"):
        opened(branch="mian")
    with pytest.raises(StageError, match="no branch '--all'"):
        opened(branch="--all")


def test_an_empty_repository_is_told(repository, opened):
    assert repository.git("branch", "--list") == ""
    with pytest.raises(StageError, match="is empty: it has no commit"):
        opened()


def test_a_broken_repository_is_not_mistaken_for_the_one_around_it(repository, opened):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    inner = repository.path / "inner"
    (inner / ".git").mkdir(parents=True)
    with pytest.raises(StageError, match=r"inner looks like a git repository but git cannot read it"):
        opened(inner)


def test_a_repository_of_another_user_is_told_with_the_command_that_allows_it(
    repository, opened, monkeypatch
):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(StageError, match=r"another user.*git config --global --add safe.directory"):
        opened()


def test_a_machine_without_git_is_told(repository, opened, monkeypatch, tmp_path):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StageError, match="git is not installed"):
        opened()


def test_a_damaged_history_is_a_plain_sentence(repository, opened):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    source = opened()
    tree = repository.git("rev-parse", "HEAD^{tree}")
    (repository.path / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(StageError, match=r"git failed in .* run `git fsck`"):
        source.files()


def test_the_whole_repository_can_be_the_approved_folder(repository, opened):
    repository.commit(**{"a.md": "um", f"{APPROVED}/b.md": "dois"})
    source = opened(folders=("",))
    rows = rows_of(source, SelectionRules(("",), ("md",), 1024))
    assert set(rows) == {"a.md", "b.md"}
    assert all(row["author"] == "Ana Souza" for row in rows.values())


def test_a_work_tree_is_not_needed_and_not_touched(repository, opened):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    shutil.rmtree(repository.path / APPROVED)
    source = opened()
    assert source.read(source.files()[0]) == b"um"


# Repositories in every state


def clone_of(repository: Repository, *options: str) -> Path:
    """Return a clone through the transport that honours filters."""
    repository.git("config", "uploadpack.allowFilter", "true")
    clone = repository.path.parent / "clone"
    repository.git("clone", "-q", *options, f"file://{repository.path}", str(clone))
    return clone


def without_blob(repository: Repository, path: str) -> None:
    blob = repository.git("rev-parse", f"HEAD:{path}")
    (repository.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()


@pytest.mark.parametrize("filter_", ["blob:none", "tree:0"])
def test_a_partial_and_sparse_clone_is_read_where_the_approved_documents_are_there(
    repository, opened, filter_
):
    repository.commit("Ana Souza", **{f"{APPROVED}/a.md": "um", "videos/b.md": "fora", "c/d/e.md": "fundo"})
    rows = rows_of(opened())
    clone = clone_of(repository, f"--filter={filter_}", "--sparse")
    subprocess.run(
        ["git", "-C", str(clone), "sparse-checkout", "set", APPROVED], check=True, capture_output=True
    )
    repository.path.rename(repository.path.parent / "gone")
    source = opened(clone)
    files = {file.path: file for file in source.files()}
    assert source.read(files[f"{APPROVED}/a.md"]) == b"um"
    assert rows_of(source)["a.md"]["blob_id"] == rows["a.md"]["blob_id"]
    assert [warning for warning in source.snapshot().warnings if "--filter=tree" in warning] == (
        [] if filter_ == "blob:none" else list(source.snapshot().warnings)
    )
    with pytest.raises(ContentError, match=r"videos/b.md|partial clone; fetch what it lacks"):
        source.read(files.get("videos/b.md") or SourceFile("videos/b.md", "file", blob_id(b"fora"), 0))


def test_a_lost_content_costs_one_document_and_no_more(repository, opened):
    repository.commit(**{f"{APPROVED}/a.md": "um", f"{APPROVED}/b.md": "dois"})
    without_blob(repository, f"{APPROVED}/b.md")
    source = opened()
    first, second = source.files()
    assert source.fetch([first, second], 1000) == {first.path: 2, second.path: 0}
    assert source.read(first) == b"um"
    with pytest.raises(ContentError, match="git fsck"):
        source.read(second)


def test_what_people_set_for_themselves_changes_nothing_that_is_read(
    repository, opened, tmp_path, monkeypatch
):
    repository.commit("Ana Souza", **{f"{APPROVED}/z.md": "um", f"{APPROVED}/a.md": "dois", "x.md": "três"})
    repository.commit("Beto Lima", **{f"{APPROVED}/a.md": "quatro"})
    repository.git("mv", "x.md", f"{APPROVED}/x.md")
    repository.commit_index("Quem Aprova")
    rows = rows_of(opened())
    mine = tmp_path / "gitconfig"
    mine.write_text(
        "[diff]\n\torderFile = /nonexistent/order\n\trelative = true\n\trenames = false\n\texternal = false\n"
        "[log]\n\tfollow = true\n\tshowSignature = true\n\tdiffMerges = off\n\tmailmap = true\n"
        "[color]\n\tui = always\n[core]\n\tabbrev = 4\n\tquotePath = true\n[format]\n\tpretty = fuller\n"
        "[feature]\n\tmanyFiles = true\n[safe]\n\tbareRepository = explicit\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(mine))
    assert rows_of(opened()) == rows
    bare = tmp_path / "bare.git"
    repository.git("clone", "-q", "--bare", str(repository.path), str(bare))
    assert rows_of(opened(bare)) == rows


def test_a_linked_worktree_is_read_and_one_whose_repository_is_missing_says_which(
    repository, opened, tmp_path
):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    linked = tmp_path / "worktree"
    repository.git("worktree", "add", "-q", str(linked), "-b", "publicado")
    assert rows_of(opened(linked))["a.md"]["size_bytes"] == 2
    repository.path.rename(tmp_path / "elsewhere")
    with pytest.raises(StageError, match=f"{repository.path}/.git/worktrees/worktree, which is missing here"):
        opened(linked)


def test_the_error_is_quoted_and_not_the_warning_before_it(repository, opened, monkeypatch):
    repository.commit(**{f"{APPROVED}/a.md": "um"})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(repository.path / "broken"))
    (repository.path / "broken").write_text("[core\n")
    with pytest.raises(StageError, match=r"fatal: bad config line 1 in file .*broken") as caught:
        opened()
    assert "fsck" not in str(caught.value)


def test_a_repository_of_sha256_names_is_read_alike(tmp_path, opened):
    new = Repository.__new__(Repository)
    new.path, new.day = tmp_path / "sha256", 0
    new.path.mkdir()
    new.git("init", "-q", "-b", "main", "--object-format=sha256")
    new.git("config", "user.email", "ana@exemplo.example")
    new.commit("Ana Souza", **{"10-Rascunho/a.md": "um texto"})
    (new.path / APPROVED).mkdir()
    new.git("mv", "10-Rascunho/a.md", f"{APPROVED}/a.md")
    new.commit_index("Quem Aprova")
    source = opened(new.path)
    row = rows_of(source)["a.md"]
    assert (len(row["blob_id"]), row["author"], row["size_bytes"]) == (64, "Ana Souza", 8)
    assert source.read(source.files()[0]) == b"um texto"
