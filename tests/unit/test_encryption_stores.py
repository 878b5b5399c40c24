"""Promises of an encrypted folder: without the key nothing in it is read, swapped, altered or healed away."""

from __future__ import annotations

import base64
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import fsspec
import numpy as np
import pytest
from qdrant_client import models

from runner.errors import StateManagementError
from runner.kernels.kernel import kernel_environment
from runner.record.state_manager import StateManager
from runner.upkeep.prune import plan_prune
from stagekit.artifacts.memo import Memo
from stagekit.artifacts.store import ArtifactStore, open_store, outputs_store
from stagekit.base.redaction import Redactor, secret_values
from stagekit.contract import ArtifactRef
from stagekit.embedding.vectors import VectorStore, vector_key
from stagekit.errors import ArtifactError, StageError
from stagekit.sealing.cipher import CLEAR, KEY_VARIABLE, AesCipher, EncryptionError, sealed_under
from stagekit.sealing.marker import MARKER_FILE, folder_cipher, prepare_folder
from stagekit.stage.display import hide_documents
from stagekit.storage import open_embedded
from tests.unit.encryption_keys import KEY, KEY_ID, OTHER, OTHER_ID, found_in, values_of
from tests.unit.operations_runs import Shouting

TEXT = "the secret ingredient is cardamom and nothing else"
TEXTS = {"a.md": TEXT, "b.pdf": "locked one"}
Point = models.PointStruct


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """The key is given; another one, or none, when a test says so."""

    def give(text: str) -> None:
        monkeypatch.setenv(KEY_VARIABLE, text)

    give(KEY)
    yield give
    hide_documents(CLEAR)


@pytest.fixture
def shouting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shouting:
    made = Shouting(tmp_path, monkeypatch.setenv)
    made.run(TEXTS)
    return made


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def vectors_of(folder: Path) -> VectorStore:
    store = VectorStore(folder / "vectors.sqlite")
    store.put_many({vector_key(TEXT, "m", "d"): np.arange(4, dtype=np.float32)})
    return store


# What a stage leaves


def test_what_a_stage_leaves_can_be_read_with_the_key_only(shouting: Shouting) -> None:
    outputs = shouting.manager.outputs
    words = (TEXT, TEXT.upper(), "cardamom", "CARDAMOM")
    recorded = {"run.json"}  # the toy stage's fingerprint holds its texts; that of a real one holds hashes
    assert {Path(name).name for name in found_in(outputs, *words)} <= recorded
    artifacts = [path for path in (outputs / "artifacts" / "sha256").rglob("*") if path.is_file()]
    assert {sealed_under(path.read_bytes()) for path in artifacts} == {KEY_ID}
    assert set(values_of(outputs / "memo.sqlite")) == {KEY_ID}
    shouting.worked.clear()
    before = shouting.manifest(shouting.manager.load_checkpoint())
    assert shouting.manifest(shouting.run(TEXTS)) == before
    assert shouting.worked == []  # memo and artifacts are as good as in clear


def test_the_same_search_finds_the_text_in_a_clear_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE)
    made = Shouting(tmp_path, monkeypatch.setenv)
    made.run(TEXTS)
    assert found_in(made.manager.outputs, TEXT.upper())
    assert set(values_of(made.manager.outputs / "memo.sqlite")) == {None}
    assert not (made.manager.outputs / MARKER_FILE).exists()


@pytest.mark.parametrize("given", ["", OTHER, "c2hvcnQ="])
def test_a_missing_wrong_or_weak_key_is_refused_and_nothing_is_touched(
    shouting: Shouting, key: Callable[[str], None], given: str
) -> None:
    outputs = shouting.manager.outputs
    before = contents(outputs)
    key(given)
    with pytest.raises(StateManagementError) as refusal:
        StateManager(outputs)
    assert refusal.value.exit_code == 2
    said = str(refusal.value)
    assert KEY_VARIABLE in said
    assert "\n" not in said
    assert (KEY_ID in said) == (given != "c2hvcnQ=")
    assert (OTHER_ID in said) == (given == OTHER)
    for opening in (
        lambda: Memo(outputs / "memo.sqlite"),
        lambda: VectorStore(outputs / "vectors.sqlite"),
        lambda: open_embedded(outputs / "qdrant"),
        lambda: open_store(outputs / "artifacts").verify(next(refs(shouting))),
        lambda: open_store(outputs / "artifacts").put("x", b"1", "text/plain"),
    ):
        with pytest.raises(EncryptionError):
            opening()
    assert contents(outputs) == before


def refs(shouting: Shouting) -> Iterator[ArtifactRef]:
    result = shouting.manager.load_checkpoint().stages["shout"].result
    assert result is not None
    yield from result.artifacts.values()


def test_a_clear_folder_is_refused_with_a_key_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: Callable[[str], None]
) -> None:
    key("")
    made = Shouting(tmp_path, monkeypatch.setenv)
    made.run(TEXTS)
    before = contents(made.manager.outputs)
    key(KEY)
    with pytest.raises(
        StateManagementError, match=r"is not encrypted, and .* is set: run `nic-etl state rekey`"
    ):
        StateManager(made.manager.outputs)
    assert contents(made.manager.outputs) == before


def test_a_new_folder_takes_the_key_that_there_is_when_the_first_thing_is_written(
    tmp_path: Path, key: Callable[[str], None]
) -> None:
    key(OTHER)
    StateManager(tmp_path / "outputs")
    key(KEY)  # nothing was written under the other one
    manager = StateManager(tmp_path / "outputs")
    ref = manager.store.put("x", b"1", "text/plain")
    assert sealed_under(manager.store.stored(ref.uri)) == KEY_ID
    assert (tmp_path / "outputs" / MARKER_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 1}'])
def test_a_damaged_marker_is_said_and_never_taken_for_a_clear_folder(tmp_path: Path, text: str) -> None:
    (tmp_path / MARKER_FILE).write_text(text)
    with pytest.raises(EncryptionError, match="encryption.json is damaged"):
        folder_cipher(tmp_path)
    (tmp_path / MARKER_FILE).write_text('{"version": 2, "key_id": ""}')
    with pytest.raises(EncryptionError, match="later version of nic-etl"):
        folder_cipher(tmp_path)


def test_a_lost_marker_does_not_let_anything_be_healed_away(
    shouting: Shouting, key: Callable[[str], None]
) -> None:
    outputs = shouting.manager.outputs
    vectors_of(outputs)
    (outputs / MARKER_FILE).unlink()
    (outputs / "artifacts" / MARKER_FILE).unlink()
    key("")
    manager = StateManager(outputs)
    before = contents(outputs)
    with pytest.raises(EncryptionError, match=f"is encrypted under the key {KEY_ID}: give that key"):
        manager.faults(manager.load_checkpoint().stages["shout"])
    with pytest.raises(EncryptionError), Memo(outputs / "memo.sqlite") as memo:
        list(memo.values())
    with pytest.raises(EncryptionError):
        VectorStore(outputs / "vectors.sqlite").get_many([vector_key(TEXT, "m", "d")])
    with pytest.raises(EncryptionError):
        plan_prune(manager, keep=1)
    assert {
        path: data for path, data in contents(outputs).items() if path in before and "-shm" not in path.name
    } == {path: data for path, data in before.items() if "-shm" not in path.name}


# Artifacts


@pytest.fixture(params=["folder", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    place = str(tmp_path / "artifacts") if request.param == "folder" else f"memory://{uuid.uuid4().hex}"
    monkeypatch.setenv("NIC_ETL_ARTIFACTS_URL", place)
    yield place
    fsspec.filesystem("memory").store.clear()


def test_any_process_opens_the_store_from_its_address_and_its_environment(
    tmp_path: Path, url: str, key: Callable[[str], None]
) -> None:
    store = outputs_store(tmp_path / "outputs")
    ref = store.put("x", TEXT.encode(), "text/plain")
    other = open_store(url)
    assert other.read(ref) == TEXT.encode()
    assert other.present(ref)
    assert other.put("x", TEXT.encode(), "text/plain") == ref
    assert TEXT.encode() not in other.stored(ref.uri)
    for text in ("", OTHER):
        key(text)
        with pytest.raises(EncryptionError, match=KEY_ID):
            open_store(url).read(ref)
        with pytest.raises(EncryptionError, match=KEY_ID):
            outputs_store(tmp_path / "elsewhere").put("x", b"1", "text/plain")


def test_truncated_altered_and_swapped_artifacts_are_altered_ones_and_mended(
    tmp_path: Path, url: str
) -> None:
    store = outputs_store(tmp_path / "outputs")
    one, two = (store.put("x", data, "text/plain") for data in (b"first text", b"other text"))
    whole = store.stored(one.uri)
    fs, root = fsspec.core.url_to_fs(url)
    for damage in (
        whole[:-1],
        whole[:40] + bytes([whole[40] ^ 1]) + whole[41:],
        store.stored(two.uri),
        b"first text",
    ):
        fs.pipe_file(f"{root}/{one.uri}", damage)
        with pytest.raises(ArtifactError, match="was altered since it was stored"):
            store.read(one)
        store.put("x", b"first text", "text/plain")
        assert store.read(one) == b"first text"


def test_a_document_that_looks_encrypted_is_a_document_like_any_other(
    tmp_path: Path, key: Callable[[str], None]
) -> None:
    hostile = AesCipher(base64.b64decode(OTHER)).seal("x", b"1")
    for given in (KEY, ""):
        key(given)
        store = outputs_store(tmp_path / f"outputs{given[:2]}")
        assert store.read(store.put("x", hostile, "application/octet-stream")) == hostile


def test_a_file_under_another_key_is_refused_with_the_remedy_and_stays(tmp_path: Path) -> None:
    store = outputs_store(tmp_path / "outputs")
    ref = store.put("x", b"1", "text/plain")
    path = tmp_path / "outputs" / "artifacts" / ref.uri
    path.write_bytes(AesCipher(base64.b64decode(OTHER)).seal(ref.uri, b"1"))
    with pytest.raises(EncryptionError, match=f"under the key {OTHER_ID}.*put it back from a backup"):
        store.read(ref)
    assert sealed_under(path.read_bytes()) == OTHER_ID


def test_a_clear_store_elsewhere_is_not_mixed_with_an_encrypted_one(
    tmp_path: Path, url: str, key: Callable[[str], None]
) -> None:
    key("")
    ArtifactStore(url).put("x", b"1", "text/plain")
    key(KEY)
    with pytest.raises(EncryptionError, match=r"artifacts|memory.*is not encrypted, and"):
        outputs_store(tmp_path / "outputs")


def test_a_clear_folder_does_not_write_into_an_encrypted_store(
    tmp_path: Path, key: Callable[[str], None]
) -> None:
    outputs_store(tmp_path / "outputs")
    (tmp_path / "outputs" / MARKER_FILE).unlink()
    key("")
    with pytest.raises(EncryptionError, match=f"artifacts is encrypted under the key {KEY_ID}"):
        outputs_store(tmp_path / "outputs")


# Memo and vectors


def test_values_of_the_memo_are_bound_to_their_keys(tmp_path: Path) -> None:
    prepare_folder(tmp_path)
    with Memo(tmp_path / "memo.sqlite") as memo:
        memo.put_many([("s", "one", {"text": TEXT}), ("s", "two", {"text": "other"})])
        memo.remember_good("s", [("doc", {"text": TEXT})])
        assert memo.get_many(["one"]) == {"one": {"text": TEXT}}
        assert memo.last_good("s", "doc") == {"text": TEXT}
        memo._execute(
            "UPDATE memo SET (value, checksum) = (SELECT value, checksum FROM memo WHERE key = 'two')", [()]
        )
        assert memo.get_many(["one", "two"]) == {"two": {"text": "other"}}
        assert dict(memo.values()) == {"two": {"text": "other"}}
        memo._execute("UPDATE last_good SET value = ?", [('{"text":"planted"}',)])
        assert list(memo.good_values()) == []
    assert found_in(tmp_path, TEXT) == []


def test_vectors_are_sealed_and_bound_to_their_texts(tmp_path: Path) -> None:
    prepare_folder(tmp_path)
    store = VectorStore(tmp_path / "vectors.sqlite")
    one, two = (vector_key(text, "m", "d") for text in ("a", "b"))
    made = {one: np.array([1, 0.5], np.float32), two: np.array([0, 1], np.float32)}
    store.put_many(made)
    found = VectorStore(tmp_path / "vectors.sqlite").get_many([one, two])
    assert {name: vector.tolist() for name, vector in found.items()} == {one: [1, 0.5], two: [0, 1]}
    assert values_of(tmp_path / "vectors.sqlite") == [KEY_ID] * 2
    assert not any(made[one].tobytes() in path.read_bytes() for path in tmp_path.glob("vectors*"))


# The embedded collection


def collection(folder: Path, **payload: object) -> None:
    with closing(open_embedded(folder)) as store:
        store.create_collection("c", {"dense": models.VectorParams(size=2, distance=models.Distance.COSINE)})
        store.create_payload_index("c", "status", models.PayloadSchemaType.KEYWORD)
        store.upsert("c", [Point(id=1, vector={"dense": [1, 0]}, payload={"status": "approved", **payload})])


def test_the_embedded_store_gives_clear_payloads_and_keeps_none(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    prepare_folder_of(outputs)
    fields = {"chunk_content": TEXT, "title": "cardamom", "custom_fields": {"x": [1]}, "file_path": "a.md"}
    collection(outputs / "qdrant", **fields)
    assert found_in(outputs, TEXT, "cardamom") == []
    assert found_in(outputs, "a.md")  # names of files stay
    whole = {"status": "approved", **fields}
    with closing(open_embedded(outputs / "qdrant")) as store:
        approved = models.FieldCondition(key="status", match=models.MatchValue(value="approved"))
        assert store.retrieve("c", [1])[0].payload == whole
        assert store.scroll("c", models.Filter(must=[approved]))[0][0].payload == whole
        assert store.query_points("c", [1.0, 0.0], using="dense").points[0].payload == whole
        assert store.retrieve("c", [1], with_payload=["title"])[0].payload == {"title": "cardamom"}
        assert store.retrieve("c", [1], with_payload=["file_path"])[0].payload == {"file_path": "a.md"}
        assert store.retrieve("c", [1], with_payload=False)[0].payload is None
        assert store.count("c", models.Filter(must_not=[approved])).count == 0


def prepare_folder_of(outputs: Path) -> None:
    outputs.mkdir()
    prepare_folder(outputs)


def test_a_filter_on_an_encrypted_field_is_refused_rather_than_answered_with_nothing(tmp_path: Path) -> None:
    prepare_folder_of(tmp_path / "outputs")
    collection(tmp_path / "outputs" / "qdrant", title="x")
    title = models.FieldCondition(key="title", match=models.MatchValue(value="x"))
    empty = models.IsEmptyCondition(is_empty=models.PayloadField(key="author"))
    with closing(open_embedded(tmp_path / "outputs" / "qdrant")) as store:
        for query in (
            models.Filter(must=[title]),
            models.Filter(should=[models.Filter(must_not=title)]),
            models.Filter(must=[models.HasIdCondition(has_id=[1]), empty]),
        ):
            fused = models.Prefetch(query=[1.0, 0.0], using="dense", filter=query)
            for ask in (
                lambda q=query: store.scroll("c", q),
                lambda q=query: store.count("c", q),
                lambda q=query: store.delete("c", q),
                lambda q=query: store.query_points("c", [1.0, 0.0], using="dense", query_filter=q),
                lambda f=fused: store.query_points(
                    "c", models.FusionQuery(fusion=models.Fusion.RRF), prefetch=[f]
                ),
            ):
                with pytest.raises(StageError, match="(title|author) is encrypted in the embedded store"):
                    ask()


def test_a_payload_in_another_points_place_is_not_taken_for_its_own(tmp_path: Path) -> None:
    prepare_folder_of(tmp_path / "outputs")
    folder = tmp_path / "outputs" / "qdrant"
    collection(folder, title="mine")
    with closing(open_embedded(folder)) as store:
        planted = Point(id=2, vector={"dense": [1, 0]}, payload=store.sealer.sealed(1, {"title": "mine"}))
        store.sealer._active = False
        store.upsert("c", [planted])
        store.sealer._active = True
        assert store.retrieve("c", [2])[0].payload == {}


def test_a_collection_under_another_key_than_its_folder_is_refused(tmp_path: Path) -> None:
    prepare_folder_of(tmp_path / "outputs")
    collection(tmp_path / "outputs" / "qdrant")
    (tmp_path / "clear").mkdir()
    shutil.copytree(tmp_path / "outputs" / "qdrant", tmp_path / "clear" / "qdrant")
    with pytest.raises(EncryptionError, match="under another key than its folder: move the folder away"):
        open_embedded(tmp_path / "clear" / "qdrant")


# What is shown


def test_every_stage_gets_the_key_none_the_old_one_and_neither_is_ever_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NIC_ETL_ENCRYPTION_OLD_KEY", OTHER)
    monkeypatch.setenv("GITLAB_TOKEN", "glpat-of-nobody-at-all")
    environment = kernel_environment((), {})
    assert environment[KEY_VARIABLE] == KEY
    assert "NIC_ETL_ENCRYPTION_OLD_KEY" not in environment
    assert "GITLAB_TOKEN" not in environment
    assert Redactor(secret_values())(f"{KEY} {OTHER}") == "[redacted] [redacted]"
