"""Promises of the selection: which files are documents, and that no file vanishes."""

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagekit import ExecutionStatus, StageError, StageResult
from stagekit.ingestion import (
    Approval,
    Identity,
    SelectionRules,
    Snapshot,
    SourceFile,
    SourceTraits,
    document_id,
    extension_of,
    media_type,
    select,
    set_aside,
    snapshot_record,
    source_id,
)
from stagekit.ingestion.links import LinkError, follow_link
from stagekit.ingestion.remote_url import project_of, public_url

RULES = SelectionRules(("30-Aprovados", "40-Publicados/externos"), ("md", "pdf"), 1000)


def file(path: str, size: int = 1, kind: str = "file") -> SourceFile:
    return SourceFile(path, kind, "0" * 40, size)


ANCHORS = [file("30-Aprovados/ok.md"), file("40-Publicados/externos/ok.pdf")]


def no_links(_: SourceFile) -> bytes:
    raise AssertionError("nothing but links is read for the selection")


def test_a_folder_that_has_held_documents_may_be_empty_one_that_never_did_is_a_slip():
    rules = SelectionRules(("30-Aprovados", "50-Novos"), ("md",), 1000)
    with pytest.raises(StageError, match="no file under the folder '50-Novos'"):
        select(ANCHORS, rules, no_links, ["30-Aprovados"])
    found = select([file("README.md")], rules, no_links, ["30-Aprovados", "50-Novos"])
    assert found.documents == []
    assert [row["category"] for row in found.ignored] == ["outside_folder"]


@pytest.mark.parametrize(
    ("entry", "category"),
    [
        (file("README.md"), "outside_folder"),
        (file("30-Aprovados-antigos/a.md"), "outside_folder"),
        (file("40-Publicados/a.md"), "outside_folder"),
        (file("30-aprovados/a.md"), "outside_folder"),
        (file("30-Aprovados/.oculto.md"), "hidden"),
        (file("30-Aprovados/.pasta/a.md"), "hidden"),
        (file("30-Aprovados/~$a.md"), "lock_file"),
        (file("30-Aprovados/.~lock.a.md#"), "lock_file"),
        (file("30-Aprovados/a.xlsx"), "unsupported_type"),
        (file("30-Aprovados/LEIAME"), "unsupported_type"),
        (file("30-Aprovados/a.md.exe"), "unsupported_type"),
        (file("30-Aprovados/a.md", 1001), "too_large"),
        (file("30-Aprovados/vendor", kind="submodule"), "submodule"),
        (file("30-Aprovados/cano.md", kind="other"), "special_file"),
        (file("/30-Aprovados/a.md"), "unsafe_path"),
        (file("C:/30-Aprovados/a.md"), "unsafe_path"),
        (file("30-Aprovados/../a.md"), "unsafe_path"),
        (file("30-Aprovados\\..\\..\\a.md"), "unsafe_path"),
        (file("30-Aprovados//a.md"), "unsafe_path"),
        (file("30-Aprovados/a\n.md"), "unsafe_path"),
        (file("30-Aprovados/a\x7f.md"), "unsafe_path"),
        (file("30-Aprovados/nota\u202efdp.md"), "unsafe_path"),
        (file("30-Aprovados/\udce7.md"), "unsafe_path"),
    ],
)
def test_each_file_that_is_left_out_has_its_reason(entry, category):
    selection = select([*ANCHORS, entry], RULES, no_links)
    [row] = selection.ignored
    assert row["category"] == category
    assert row["reason"]
    row["path"].encode()  # whatever the name, the row can be stored


@pytest.mark.parametrize(
    "entry",
    [
        file("30-Aprovados/A.MD"),
        file("30-Aprovados/vazio.md", 0),
        file("30-Aprovados/exato.md", 1000),
        file("30-Aprovados/fundo/mais/ata 1.2.pdf"),
        file("30-Aprovados/família 👩‍💻.md"),
        file("40-Publicados/externos/a.md"),
    ],
)
def test_approved_files_are_documents(entry):
    assert entry.path in {d.entry.path for d in select([*ANCHORS, entry], RULES, no_links).documents}


@given(
    st.lists(
        st.builds(
            file,
            st.text(st.characters(), min_size=1, max_size=20).map("30-Aprovados/{}".format),
            st.integers(0, 2000),
            st.sampled_from(["file", "submodule", "other"]),
        ),
        unique_by=lambda entry: entry.path,
    )
)
def test_no_file_vanishes(entries):
    files = {entry.path: entry for entry in [*ANCHORS, *entries]}
    selection = select(files.values(), RULES, no_links)
    assert len(selection.documents) + len(selection.ignored) == len(files)


def test_an_approved_folder_may_itself_be_hidden():
    rules = SelectionRules((".aprovados",), ("md",), 10)
    assert select([file(".aprovados/a.md")], rules, no_links).documents


def test_a_folder_that_is_not_there_is_an_error_that_lists_those_that_are():
    files = [file("30-Aprovados/a.md"), file("10-Entrada/a.md"), file("README.md")]
    with pytest.raises(
        StageError, match=r"'40-Publicados/externos'; .* are 10-Entrada, 30-Aprovados: set target"
    ):
        select(files, RULES, no_links)
    with pytest.raises(StageError, match="it has no folders"):
        select([file("a.md")], RULES, no_links)


def test_settings_come_in_any_usual_form():
    rules = SelectionRules.from_settings("/30-Aprovados/", ".MD, pdf", 0.5)
    assert rules == SelectionRules(("30-Aprovados",), ("md", "pdf"), 512 * 1024)
    assert SelectionRules.from_settings(["a", "a/"], ["md"], 1).folders == ("a",)
    assert SelectionRules.from_settings("a", ["*.md", "7z"], 1).extensions == ("md", "7z")
    for everything in ("", ".", "/"):
        assert SelectionRules.from_settings(everything, ["md"], 1).folder_of("a.md") == ""


def test_types_of_which_no_file_is_there_are_said():
    rules = SelectionRules(("30-Aprovados",), ("doc",), 1000)
    found = select([file("30-Aprovados/a.md"), file("30-Aprovados/b.PDF")], rules, no_links)
    assert found.documents == []
    assert found.warnings == [
        "include_extensions (doc): nothing is served, the approved folders hold other types (md, pdf)."
    ]
    assert select([file("30-Aprovados/.oculto.md")], rules, no_links).warnings == []


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (([], ["md"], 1), "target_folder"),
        ((["../fora"], ["md"], 1), "target_folder"),
        ((["a"], [], 1), "include_extensions"),
        ((["a"], ["md", ""], 1), "include_extensions"),
        ((["a"], ["md;pdf"], 1), "include_extensions"),
        ((["a"], "md pdf", 1), "include_extensions"),
        ((["a"], ["md"], 0), "max_file_size_mb"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(settings, named):
    with pytest.raises(StageError, match=named):
        SelectionRules.from_settings(*settings)


RESULT = StageResult(
    stage_name="gitlab_ingestion", status=ExecutionStatus.RUNNING, start_time=datetime.now(UTC)
)


def test_statuses_to_include_may_be_written_in_portuguese_and_must_not_be_empty():
    rows = [{"path": "a", "status": "ok", "declared_status": "published", "unchanged": False}]
    assert set_aside(rows, Approval.from_settings("Aprovado, Publicado"), RESULT)[0] == rows
    with pytest.raises(StageError, match="include_statuses is empty"):
        Approval.from_settings([])
    with pytest.raises(StageError, match="include_statuses names 'em chamas'"):
        Approval.from_settings(["em chamas"])


def test_a_link_with_an_unreasonable_target_is_refused():
    link = file("30-Aprovados/a.md", kind="symlink")
    for text in (b"", b"x" * 5000):
        with pytest.raises(LinkError, match="not a path"):
            follow_link(link, {link.path: link}, lambda _, text=text: text)
    other = file("30-Aprovados/vendor", kind="submodule")
    with pytest.raises(LinkError, match="not a regular file"):
        follow_link(link, {link.path: link, other.path: other}, lambda _: b"vendor")


def test_identity_is_stable_and_differs_by_project_and_path():
    known = document_id("git.example.org/grupo/docs", "30-Aprovados/a.md")
    assert known == document_id("git.example.org/grupo/docs", "30-Aprovados/a.md")
    assert uuid.UUID(known).version == 5
    assert known != document_id("git.example.org/grupo/outro", "30-Aprovados/a.md")
    assert known != document_id("git.example.org/grupo/docs", "30-Aprovados/A.md")
    assert source_id("p") == source_id("p") != source_id("q")


def test_types_follow_the_extension():
    assert extension_of("a.b/LEIAME") == ""
    assert extension_of("a/.md") == ""
    assert extension_of("a/x.tar.GZ") == "gz"
    assert media_type("jpg") == media_type("jpeg") == "image/jpeg"
    assert media_type("xyz") == "application/octet-stream"


def test_the_snapshot_record_accounts_for_every_file():
    snapshot = Snapshot("git", "p", "https://h/p", "main", "c" * 40, None)
    documents = [{"size_bytes": 5, "file_extension": "md"}, {"size_bytes": 7, "file_extension": "md"}]
    traits = SourceTraits(places=("0f" * 8,), roots=("d" * 40,))
    identity = Identity("0123456789abcdef", "p")
    ignored = [{"category": "hidden"}]
    record = snapshot_record(snapshot, ["a"], documents, ignored, identity=identity, traits=traits)
    assert record["counts"] == {
        "files": 3,
        "documents": 2,
        "ignored": 1,
        "bytes": 12,
        "by_extension": {"md": 2},
        "ignored_by_category": {"hidden": 1},
    }
    assert record["source_id"] == "0123456789abcdef"
    assert record["traits"]["roots"] == ("d" * 40,)
    assert not record["trial"]


@pytest.mark.parametrize(
    ("url", "public", "project"),
    [
        ("https://u:t@h.example/g/p.git", "https://h.example/g/p", "h.example/g/p"),
        ("https://t@h.example:8443/g/p/", "https://h.example:8443/g/p", "h.example:8443/g/p"),
        ("https://h.example/g/p.git?private_token=t#t", "https://h.example/g/p", "h.example/g/p"),
        ("git@H.example:g/p.git", "ssh://h.example/g/p", "h.example/g/p"),
        ("h.example:g/p", "ssh://h.example/g/p", "h.example/g/p"),
        ("ssh://git@h.example:2222/g/p.git", "ssh://h.example:2222/g/p", "h.example/g/p"),
        ("/srv/git/p.git", "", "p"),
        ("../p", "", "p"),
        ("file:///srv/git/p.git/", "", "p"),
    ],
)
def test_a_remote_names_its_project_and_hides_its_credentials(url, public, project):
    assert public_url(url) == public
    assert project_of(url) == project
