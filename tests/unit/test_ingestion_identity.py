"""Promises of a source's identity: harmless changes keep it, and another source is refused."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stagekit import StageError
from stagekit.artifacts.known_sources import KnownSource
from stagekit.artifacts.rows import Rows
from stagekit.ingestion import SourceTraits, identified, identify, newcomers, open_source, source_id
from stagekit.ingestion.source import Snapshot, SourceFile

APPROVED = "30-Aprovados"
ADDRESS = "a.example/nic/docs"
IN_GITLAB = KnownSource(source_id="0f" * 8, project=ADDRESS, gitlab_id=7, address=ADDRESS)


def git(place: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@exemplo.example")
    done = subprocess.run(["git", "-C", str(place), *who, *arguments], check=True, capture_output=True)
    return done.stdout.decode().strip()


def write(place: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = place / APPROVED / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return place


def committed(place: Path, **texts: str) -> Path:
    if not (place / ".git").exists():
        place.mkdir(parents=True, exist_ok=True)
        git(place, "init", "-q", "-b", "main")
    write(place, **texts)
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", "mudança")
    return place


class Outputs:
    """What an outputs folder remembers of its sources, and of their documents."""

    def __init__(self) -> None:
        self.known: list[KnownSource] = []
        self._documents: dict[str, Rows] = {}

    def identity(self, place: Path, project: str = "", branch: str = "", folders: tuple = (APPROVED,)):
        source = open_source("git", str(place), folders=folders, target_branch=branch, project=project)
        try:
            return identify(source, project, self.known, lambda one: self._documents.get(one.source_id))
        finally:
            source.close()

    def store(self, place: Path, project: str = "", folders: tuple = (APPROVED,)) -> str:
        """Read a source and remember it as a run does that stored it; return its id."""
        identity = self.identity(place, project, folders=folders)
        source = open_source("git", str(place), folders=folders)
        traits, files = source.traits(), source.files()
        source.close()
        rows = [{"path": one.path, "blob_id": one.blob_id} for one in files if one.path.startswith(APPROVED)]
        self._documents[identity.source_id] = Rows.of(rows)
        known = KnownSource(
            source_id=identity.source_id,
            project=identity.project,
            named=bool(project),
            kind=source.snapshot().source,
            places=traits.places,
            address=traits.address,
            roots=traits.roots,
            folders=folders,
        )
        self.known = [known, *(one for one in self.known if one.source_id != known.source_id)]
        return identity.source_id


@pytest.fixture
def outputs() -> Outputs:
    return Outputs()


def test_a_new_source_is_named_by_the_setting_or_by_a_first_guess(outputs, tmp_path):
    place = write(tmp_path / "docs", a="um")
    assert outputs.identity(place).project == "docs"
    named = outputs.identity(place, "normas")
    assert (named.project, named.source_id) == ("normas", source_id("normas"))


@pytest.mark.parametrize(
    "url", ["https://git.novo.example/nic/docs.git", "git@git.novo.example:nic/docs.git", "file:///srv/docs"]
)
def test_a_clone_with_another_host_or_another_form_of_address_is_the_same_source(outputs, tmp_path, url):
    place = committed(tmp_path / "clone", a="um")
    git(place, "remote", "add", "origin", "https://git.velho.example/nic/docs.git")
    before = outputs.store(place)
    git(place, "remote", "set-url", "origin", url)
    now = outputs.identity(place)
    assert (now.source_id, now.project) == (before, "git.velho.example/nic/docs")


def test_another_branch_another_place_and_another_folder_are_the_same_source(outputs, tmp_path):
    place = committed(tmp_path / "docs", a="um")
    before = outputs.store(place)
    git(place, "branch", "-m", "main", "principal")
    assert outputs.identity(place).source_id == before
    git(place, "checkout", "-q", "--detach")
    assert outputs.identity(place, folders=(APPROVED, "40-Vigentes")).source_id == before
    git(tmp_path, "clone", "-q", str(place), str(tmp_path / "outro lugar"))
    assert outputs.identity(tmp_path / "outro lugar").source_id == before


def test_a_shallow_clone_is_known_by_its_address_or_by_its_documents(outputs, tmp_path):
    origin = committed(tmp_path / "docs", a="um")
    before = outputs.store(committed(origin, b="dois"))
    shallow = tmp_path / "job"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{origin}", str(shallow))
    assert not open_source("git", str(shallow), folders=[APPROVED]).traits().roots
    assert outputs.identity(shallow).source_id == before
    outputs.store(shallow)
    git(shallow, "remote", "set-url", "origin", "https://a.example/nic/docs")
    outputs.store(shallow)
    git(shallow, "remote", "set-url", "origin", "ssh://git@b.example:2222/nic/docs.git")
    committed(shallow, a="outro", b="texto")
    assert outputs.identity(shallow).source_id == before


def test_links_to_dated_releases_are_the_same_source(outputs, tmp_path):
    write(tmp_path / "2024-05", a="um", b="dois")
    current = tmp_path / "current"
    current.symlink_to("2024-05")
    before = outputs.store(current)
    write(tmp_path / "2024-06", c="três")
    current.unlink()
    current.symlink_to("2024-06")
    now = outputs.identity(current)
    assert (now.source_id, now.project) == (before, "2024-05")
    outputs.store(current)
    write(tmp_path / "2024-07", c="três", d="quatro", e="cinco")  # named without the link
    assert outputs.identity(tmp_path / "2024-07").source_id == before


def test_a_folder_whose_documents_all_changed_or_are_gone_is_the_same_source(outputs, tmp_path):
    place = write(tmp_path / "docs", a="um")
    before = outputs.store(place)
    shutil.rmtree(place / APPROVED)
    assert outputs.identity(place).source_id == before
    write(place, z="outro")
    assert outputs.identity(place).source_id == before
    moved = write(tmp_path / "elsewhere" / "x", a="um, revisto")
    assert outputs.identity(moved).source_id == before


def test_a_history_begun_anew_or_a_lost_one_keep_the_source_of_the_same_documents(outputs, tmp_path):
    place = committed(tmp_path / "docs", a="um", b="dois", c="três")
    before = outputs.store(place)
    shutil.rmtree(place / ".git")
    assert outputs.identity(place).source_id == before
    committed(place, c="três, revisto")
    assert outputs.identity(place).source_id == before


@pytest.mark.parametrize("versioned", [True, False])
def test_evidently_another_source_is_refused_in_one_sentence_that_names_project(outputs, tmp_path, versioned):
    make = committed if versioned else write
    outputs.store(make(tmp_path / "um", a="norma a"))
    other = make(tmp_path / "dois", b="norma b")
    with pytest.raises(StageError, match=r"another source \(dois\) than .*keeps \(um\).*setting project"):
        outputs.identity(other)
    assert outputs.identity(other, "dois").source_id == source_id("dois")


def test_another_repository_in_the_same_place_is_refused_even_with_equal_names(outputs, tmp_path):
    place = committed(tmp_path / "docs", a="norma a")
    outputs.store(place)
    shutil.rmtree(place)
    with pytest.raises(StageError, match="setting project"):
        outputs.identity(committed(place, a="de outra casa"))


def test_a_name_given_later_to_a_known_source_is_its_own(outputs, tmp_path):
    place = write(tmp_path / "docs", a="um")
    before = outputs.store(place)
    elsewhere = write(tmp_path / "x", q="nada em comum")
    assert outputs.identity(elsewhere, "docs").source_id == before


def test_of_several_sources_the_one_that_is_meant_is_told_by_what_it_holds(outputs, tmp_path):
    one, two = write(tmp_path / "a", x="um"), write(tmp_path / "b", y="dois")
    ids = [outputs.store(one, "um"), outputs.store(two, "dois")]
    assert [outputs.identity(place).source_id for place in (one, two)] == ids
    with pytest.raises(StageError, match=r"keeps \(dois, um\)"):
        outputs.identity(write(tmp_path / "c", z="três"))


class GitLab:
    """A project as the API tells of it."""

    def __init__(self, number: int, address: str, **blobs: str) -> None:
        self._traits = SourceTraits(address=address, gitlab_id=number)
        self._snapshot = Snapshot("gitlab", address, f"https://{address}", "main", "c" * 40, None)
        self._files = [
            SourceFile(f"{APPROVED}/{name}.md", "file", hashlib.sha1(text.encode()).hexdigest(), 1)
            for name, text in blobs.items()
        ]

    def traits(self) -> SourceTraits:
        return self._traits

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def files(self) -> list[SourceFile]:
        return self._files


@pytest.mark.parametrize(
    ("now", "same"),
    [
        (GitLab(7, "a.example/novo/docs", z="x"), True),  # moved
        (GitLab(7, "b.example/nic/docs", z="x"), True),  # another host name
        (GitLab(9, "b.example/nic/docs", z="x"), True),  # taken along to another instance
        (GitLab(7, "b.example/outro/lugar", a="um"), True),  # both, with the same documents
        (GitLab(7, "b.example/outro/lugar", z="x"), False),  # a number means nothing on another instance
        (GitLab(8, "a.example/nic/outro", a="um"), False),
    ],
)
def test_a_gitlab_project_is_known_by_its_number(now, same):
    first = GitLab(7, "a.example/nic/docs", a="um")
    rows = Rows.of([{"path": one.path, "blob_id": one.blob_id} for one in first.files()])
    if same:
        assert identify(now, "", [IN_GITLAB], lambda _: rows).source_id == IN_GITLAB.source_id
    else:
        with pytest.raises(StageError, match="gitlab_project leads to another source"):
            identify(now, "", [IN_GITLAB], lambda _: rows)


def test_a_clone_takes_over_from_the_gitlab_api(outputs, tmp_path):
    place = committed(tmp_path / "clone", a="um")
    git(place, "remote", "add", "origin", "git@a.example:nic/docs.git")
    outputs.known = [IN_GITLAB]
    assert outputs.identity(place).source_id == IN_GITLAB.source_id


def test_a_snapshot_has_the_name_that_lasts_and_its_own_address():
    known = KnownSource(source_id="0f" * 8, project="docs")
    identity = identify(GitLab(1, "a.example/x", a="1"), "docs", [known], lambda _: None)
    local = Snapshot("folder", "2024-06", "file:2024-06", "unversioned", "c" * 40, None)
    assert identified(local, identity).repository_url == "file:docs"
    remote = Snapshot("git", "a.example/x", "https://a.example/x", "main", "c" * 40, None)
    assert identified(remote, identity).repository_url == "https://a.example/x"
    assert identified(remote, identity).project == "docs"


def test_only_documents_that_were_not_there_before_are_newcomers():
    rows = [{"document_id": "a"}, {"document_id": "b"}]
    known = KnownSource(source_id="0f" * 8, project="docs")
    assert newcomers(rows, known, lambda _: Rows.of([{"document_id": "a"}])) == ["b"]
    assert newcomers(rows, None, lambda _: None) == []
    assert newcomers(rows, known, lambda _: None) == []


def test_a_relative_path_and_a_link_are_the_same_place(tmp_path, monkeypatch):
    write(tmp_path / "docs", a="um")
    (tmp_path / "link").symlink_to("docs")
    monkeypatch.chdir(tmp_path)
    places = [
        set(open_source("git", name, folders=[APPROVED]).traits().places)
        for name in ("docs", "link", os.fspath(tmp_path / "docs"))
    ]
    assert set.intersection(*places)
