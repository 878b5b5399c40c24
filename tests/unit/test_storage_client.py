"""Opening a store: its own collections only, one owner at a time, and errors that say what to do."""

import http.server
import subprocess
import sys
import threading

import pytest
from qdrant_client import QdrantClient
from qdrant_client.models import Distance, UpdateResult, UpdateStatus, VectorParams

from stagekit import StageError
from stagekit.storage import (
    PAYLOAD_INDEXES,
    CollectionIdentity,
    check_collection,
    connect,
    count_points,
    create_payload_indexes,
    qdrant_errors,
    require_completed,
)
from tests.unit.storage_rows import COLLECTION, IDENTITY, Corpus, create, reconcile


def test_the_embedded_store_keeps_its_points_between_runs(tmp_path):
    client = connect("embedded", tmp_path)
    create(client)
    reconcile(client, Corpus({"30-Aprovados/a.md": ["um", "dois"]}).desired())
    client.close()
    client = connect("Embedded", tmp_path)
    assert count_points(client, COLLECTION) == 2
    check_collection(client, COLLECTION, IDENTITY)
    client.close()


def test_a_cell_that_is_run_again_is_not_locked_out_by_itself(tmp_path):
    connect("embedded", tmp_path)
    again = connect("embedded", tmp_path)
    again.get_collections()
    again.close()


def test_a_store_that_another_process_holds_is_named_with_the_remedy(tmp_path):
    code = (
        "import sys; from pathlib import Path; from stagekit.storage import connect\n"
        f"connect('embedded', Path({str(tmp_path)!r})); print('open', flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert owner.stdout.readline() == "open\n"
        with pytest.raises(
            StageError, match=r"in use by another process: wait until .* or close the notebook"
        ):
            connect("embedded", tmp_path)
    finally:
        _, noise = owner.communicate("")
    assert noise == ""
    connect("embedded", tmp_path).close()


def test_a_damaged_embedded_store_is_named_with_the_remedy(tmp_path):
    (tmp_path / "qdrant").mkdir()
    (tmp_path / "qdrant" / "meta.json").write_text("{")
    with pytest.raises(StageError, match="move the folder away and run `nic-etl run` again"):
        connect("embedded", tmp_path)


@pytest.mark.parametrize("setting", ["", "localhost:6333", "ftp://host", "embeded"])
def test_a_setting_that_is_no_store_is_refused(tmp_path, setting):
    with pytest.raises(StageError, match=r"qdrant_url is .*: set it to the address"):
        connect(setting, tmp_path)


@pytest.mark.parametrize(
    ("size", "distance", "metadata", "said"),
    [
        (16, Distance.COSINE, IDENTITY.metadata(), r"test-model@1 \(16 dimensions"),
        (8, Distance.DOT, IDENTITY.metadata(), "Dot"),
        (8, Distance.COSINE, {"embedding_model": "other@2"}, "vectors of other@2"),
        (8, Distance.COSINE, None, "vectors of an unknown model"),
    ],
)
def test_vectors_of_two_models_are_never_mixed(size, distance, metadata, said):
    client = QdrantClient(":memory:")
    client.create_collection(
        "c", vectors_config=VectorParams(size=size, distance=distance), metadata=metadata
    )
    with pytest.raises(StageError, match=said) as caught:
        check_collection(client, "c", IDENTITY)
    assert "choose another collection_name" in str(caught.value)
    client.close()


def test_a_collection_with_named_vectors_is_not_ours():
    client = QdrantClient(":memory:")
    client.create_collection("c", vectors_config={"text": VectorParams(size=8, distance=Distance.COSINE)})
    with pytest.raises(StageError, match="named vectors"):
        check_collection(client, "c", IDENTITY)
    client.close()


def test_the_identity_of_a_collection_is_written_on_it():
    client = QdrantClient(":memory:")
    identity = CollectionIdentity("m@1", 4)
    create(client, "c", identity)
    assert client.get_collection("c").config.metadata == identity.metadata()
    check_collection(client, "c", identity)
    client.close()


class Server(http.server.BaseHTTPRequestHandler):
    """Answers every request alike; keeps what it was asked."""

    status, body, seen = 200, b"{}", ()

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        type(self).seen = (
            *self.seen,
            (self.command, self.path, self.headers.get("api-key"), self.rfile.read(length)),
        )
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_GET = do_PUT = do_POST = _answer  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    handler = type("Handler", (Server,), {})
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield handler, f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"Must provide an API key", "set the environment variable QDRANT_API_KEY"),
        (403, b'{"status":{"error":"Forbidden"}}', "set the environment variable QDRANT_API_KEY"),
        (500, b'{"status":{"error":"No space left on device"}}', "HTTP 500: .*No space left"),
        (200, b"<html>sign in</html>", "did not answer as Qdrant does"),
    ],
)
def test_what_a_server_refuses_is_said_in_one_sentence(server, tmp_path, status, body, said):
    handler, url = server
    handler.status, handler.body = status, body
    client = connect(url, tmp_path)
    with pytest.raises(StageError, match=said), qdrant_errors(url):
        client.get_collection("c")
    client.close()


def test_a_server_that_is_not_there_is_said_in_one_sentence_without_the_password(tmp_path):
    client = connect("http://127.0.0.1:9", tmp_path)
    with (
        pytest.raises(StageError, match="cannot be reached") as caught,
        qdrant_errors("http://u:pw@127.0.0.1:9"),
    ):
        client.get_collections()
    assert "pw" not in str(caught.value)
    assert "http://127.0.0.1:9" in str(caught.value)
    client.close()


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
def test_the_key_comes_from_the_environment_and_indexes_are_made_for_what_people_filter_by(
    server, tmp_path, monkeypatch
):
    handler, url = server
    handler.body = b'{"result":{"operation_id":1,"status":"completed"},"status":"ok","time":0.0}'
    monkeypatch.setenv("QDRANT_API_KEY", "k-123")
    client = connect(url, tmp_path)
    create_payload_indexes(client, "c")
    client.close()
    assert {key for _, _, key, _ in handler.seen} == {"k-123"}
    asked = b" ".join(body for *_, body in handler.seen).decode()
    assert len(handler.seen) == len(PAYLOAD_INDEXES)
    assert all(name in asked for name in ("document_id", "source_id", "language", "status", "is_latest"))


def test_a_write_that_the_server_has_not_finished_is_not_taken_for_done():
    require_completed(UpdateResult(operation_id=1, status=UpdateStatus.COMPLETED))
    with pytest.raises(StageError, match=r"did not finish it in time \(acknowledged\)"):
        require_completed(UpdateResult(operation_id=1, status=UpdateStatus.ACKNOWLEDGED))
