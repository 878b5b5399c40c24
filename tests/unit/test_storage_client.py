"""Opening a store: one owner at a time, the server that is meant, and errors that say what to do."""

import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import grpc
import httpx
import pytest
from qdrant_client import grpc as protocol
from qdrant_client.grpc.points_service_pb2_grpc import PointsServicer, add_PointsServicer_to_server
from qdrant_client.http.exceptions import ResponseHandlingException
from qdrant_client.models import PointStruct, UpdateResult, UpdateStatus

from stagekit import StageError
from stagekit.base.network.authorities import trust_also, trusted_pem
from stagekit.base.store_address import connection_options, server_key, server_url
from stagekit.storage import PointWriter, connect, count_points, patience_of, qdrant_errors, require_completed
from stagekit.storage.client import _network_options
from stagekit.storage.retrying import GRPC_RETRY_POLICY
from stagekit.storage.version import require_version
from tests.servers.gitlab_tls import private_ca
from tests.servers.qdrant_server import QdrantServer
from tests.unit.storage_rows import COLLECTION, Corpus, create, reconcile

pytestmark = pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")


# The embedded store


def test_the_embedded_store_keeps_its_points_between_runs(tmp_path):
    client = connect("embedded", tmp_path)
    create(client)
    reconcile(client, Corpus({"30-Aprovados/a.md": ["um", "dois"]}).desired())
    client.close()
    client = connect("Embedded", tmp_path)
    assert count_points(client, COLLECTION) == 2
    assert patience_of(client) is None
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


# The address


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("http://localhost", "http://localhost:6333"),
        ("http://localhost:7000/", "http://localhost:7000"),
        ("https://q.example.com", "https://q.example.com:443"),
        ("https://q.example.com:6333", "https://q.example.com:6333"),
        (" https://q.example.com/vectors/ ", "https://q.example.com:443/vectors"),
        ("http://[::1]", "http://[::1]:6333"),
        ("http://user:word@host", "http://host:6333"),
    ],
)
def test_an_address_without_a_port_means_qdrants_own_or_that_of_https(tmp_path, setting, meant):
    assert server_url(setting) == meant
    client = connect(setting, tmp_path)
    assert client._client.rest_uri == meant
    client.close()


@pytest.mark.parametrize(
    "setting",
    [
        "",
        "localhost:6333",
        "ftp://host",
        "embeded",
        "http://",
        "http://host:port",
        "http://[::1",
        "http://h?a=1",
    ],
)
def test_a_setting_that_is_no_store_is_refused(tmp_path, setting):
    with pytest.raises(StageError, match=r"qdrant_url is .*: set it to the address"):
        connect(setting, tmp_path)


def test_a_prefix_of_a_proxy_belongs_to_the_address(tmp_path):
    with QdrantServer(prefix="/vectors") as server:
        client = connect(server.url, tmp_path)
        assert client.get_collections().collections == []
        client.close()
    assert [entry.target for entry in server.log] == ["/vectors/", "/vectors/collections"]


def test_the_settings_of_a_connection_are_handed_on_as_they_are_named():
    settings = {"qdrant_url": "embedded", "ca_file": "/ca.pem", "request_timeout_s": 5, "device": "cpu"}
    assert connection_options(settings) == {"ca_file": "/ca.pem", "timeout_s": 5}


# The key


def test_the_key_comes_from_the_environment_or_from_a_file(tmp_path, monkeypatch):
    file = tmp_path / "key"
    file.write_text("k-from-file\n")
    monkeypatch.delenv("QDRANT_API_KEY", raising=False)
    monkeypatch.setenv("QDRANT_API_KEY_FILE", str(file))
    for key in ("k-from-file", "k-123"):
        with QdrantServer(api_key=key) as server:
            client = connect(server.url, tmp_path)
            client.get_collections()
            client.close()
        monkeypatch.setenv("QDRANT_API_KEY", " k-123 ")  # goes before the file


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "which cannot be read"),
        (b"", "which is empty"),
        (b"\xff\xfe", "it is not text"),
        (b"two words", "does not hold a key"),
    ],
)
def test_a_file_without_a_key_is_said_by_its_name_not_its_content(tmp_path, content, said):
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StageError, match=f"QDRANT_API_KEY_FILE .*{said}") as caught:
        server_key({"QDRANT_API_KEY_FILE": str(file)})
    assert "two words" not in str(caught.value)


def test_no_key_is_no_error():
    assert server_key({"QDRANT_API_KEY": " "}) is None


# Certificates


def test_a_private_authority_is_trusted_when_its_file_is_named(tmp_path):
    authority, context = private_ca(tmp_path)
    with QdrantServer(tls=context) as server:
        trusting = connect(server.url, tmp_path, ca_file=str(authority))
        assert trusting.get_collections().collections == []
        trusting.close()
        wary = connect(server.url, tmp_path)
        with (
            pytest.raises(StageError, match=r"not trusted .*: set ca_file to the PEM file"),
            qdrant_errors(server.url),
        ):
            wary.get_collections()
        wary.close()
    assert len(server.requests("/collections")) == 1


def test_the_public_authorities_are_trusted_beside_the_private_one(tmp_path, monkeypatch):
    (tmp_path / "public").mkdir()
    (tmp_path / "private").mkdir()
    public, of_public = private_ca(tmp_path / "public")
    private, of_private = private_ca(tmp_path / "private")
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    for context in (of_public, of_private):
        with QdrantServer(tls=context) as server:
            client = connect(server.url, tmp_path, ca_file=str(private))
            assert client.get_collections().collections == []
            client.close()
    pem = trusted_pem(trust_also(httpx.create_ssl_context(), str(private)))
    trusted = ssl.create_default_context(cadata=pem.decode())
    assert len(trusted.get_ca_certs()) == 2


def test_an_authority_that_is_no_certificate_is_said(tmp_path):
    for name in ("nowhere.pem", "key"):
        (tmp_path / "key").write_text("no certificate")
        with pytest.raises(StageError, match=r"ca_file is .*: name the certificate of the authority"):
            connect("https://127.0.0.1:1", tmp_path, ca_file=str(tmp_path / name))


# What a server says


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"Must provide an API key", "refuses the key .*set the environment variable QDRANT_API_KEY"),
        (403, b'{"status":{"error":"Forbidden"}}', "does not let this key in .*QDRANT_API_KEY"),
        (500, b'{"status":{"error":"No space left on device"}}', "has no room left .*No space left"),
        (507, b'{"status":{"error":"Insufficient storage: quota"}}', "has no room left .*quota"),
        (413, b"Request Entity Too Large", "takes no request of this size .*lower upsert_batch_size"),
        (400, b'{"status":{"error":"JSON payload (9 bytes) is larger than allowed"}}', "of this size"),
        (404, b'{"status":{"error":"Not found: Collection `c`"}}', "answered HTTP 404: Not found: .*`c`"),
        (422, b'{"status":', r"answered HTTP 422: {.status.:"),
        (200, b"<html>sign in</html>", "did not answer as Qdrant does"),
        (503, b"no upstream", "answered HTTP 503: no upstream: check qdrant_url"),
    ],
)
def test_what_a_server_refuses_is_said_in_one_sentence(tmp_path, status, body, said):
    with QdrantServer() as server:
        server.faults.add("status", code=status, body=body)
        client = connect(server.url, tmp_path)
        with pytest.raises(StageError, match=said) as caught, qdrant_errors(server.url):
            client.get_collection("c")
        client.close()
    assert server.url in str(caught.value)
    assert str(caught.value).endswith(".")
    assert len(server.requests("/collections")) == (3 if status in {200, 503} else 1)


def test_a_server_that_is_not_there_is_said_soon(tmp_path):
    client = connect("http://127.0.0.1:9", tmp_path)
    with pytest.raises(StageError, match="http://127.0.0.1:9 cannot be reached .*check qdrant_url"):
        client.get_collections()
    client.close()


def test_what_goes_wrong_elsewhere_is_said_without_the_password():
    failure = ResponseHandlingException(httpx.ConnectError("refused"))
    with (
        pytest.raises(StageError, match=r"cannot be reached \(refused\)") as caught,
        qdrant_errors("http://u:pw@h"),
    ):
        raise failure
    assert "pw" not in str(caught.value)


def test_an_answer_that_is_not_of_the_interface_is_not_asked_for_again(tmp_path):
    with QdrantServer() as server:
        server.faults.add("status", code=200, body=b'{"result": {"collections": 7}, "status": "ok"}')
        client = connect(server.url, tmp_path)
        with pytest.raises(ResponseHandlingException):
            client.get_collections()
        client.close()
    assert len(server.requests("/collections")) == 1


def test_an_answer_without_json_is_said_where_requests_are_not_repeated():
    with pytest.raises(StageError, match="a login page may be in between"), qdrant_errors("http://h"):
        httpx.Response(200, text="<html>").json()


def test_a_write_that_the_server_has_not_finished_is_not_taken_for_done():
    require_completed(UpdateResult(operation_id=1, status=UpdateStatus.COMPLETED))
    with pytest.raises(StageError, match=r"did not finish it in time \(acknowledged\)"):
        require_completed(UpdateResult(operation_id=1, status=UpdateStatus.ACKNOWLEDGED))


# gRPC


class Points(PointsServicer):
    """Takes upserts, after the given refusals; a refusal is a status code and a Retry-After or None."""

    def __init__(self, *refusals):
        self.refusals, self.ids, self.keys = list(refusals), [], []

    def Upsert(self, request, context):  # noqa: N802 - of the protocol
        self.keys.append(dict(context.invocation_metadata()).get("api-key"))
        if self.refusals:
            code, pause = self.refusals.pop(0)
            if pause:
                context.set_trailing_metadata((("retry-after", str(pause)),))
            context.abort(code, "said by the server")
        self.ids += [point.id.num for point in request.points]
        done = protocol.UpdateResult(operation_id=1, status=protocol.UpdateStatus.Completed)
        return protocol.PointsOperationResponse(result=done, time=0.1)


@contextmanager
def grpc_server(points):
    server = grpc.server(ThreadPoolExecutor(2))
    add_PointsServicer_to_server(points, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


def write_over_grpc(points, folder):
    with grpc_server(points) as port:
        client = connect("http://127.0.0.1:9", folder, prefer_grpc=True, grpc_port=port, retry_budget_s=20)
        try:
            with PointWriter(client, "c", "http://127.0.0.1:9", statuses={"approved"}) as writer:
                writer.upsert(
                    [PointStruct(id=7, vector={"dense": [0.5, 0.5]}, payload={"a": 1, "status": "approved"})]
                )
        finally:
            client.close()


def test_points_travel_over_grpc_with_the_key(tmp_path, monkeypatch):
    monkeypatch.setenv("QDRANT_API_KEY", "k-123")
    points = Points()
    write_over_grpc(points, tmp_path)
    assert (points.ids, points.keys) == ([7], ["k-123"])


@pytest.mark.parametrize(
    "refusal",
    [
        (grpc.StatusCode.UNAVAILABLE, None),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 1),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, None),
        (grpc.StatusCode.DEADLINE_EXCEEDED, None),
    ],
)
def test_a_fault_over_grpc_that_passes_is_not_noticed(tmp_path, refusal):
    points = Points(refusal)
    write_over_grpc(points, tmp_path)
    assert points.ids == [7]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "refuses the key"),
        (grpc.StatusCode.PERMISSION_DENIED, "does not let this key in"),
        (grpc.StatusCode.INVALID_ARGUMENT, "answered HTTP 400: said by the server"),
        (grpc.StatusCode.UNIMPLEMENTED, "over gRPC .*set qdrant_prefer_grpc to false"),
    ],
)
def test_a_fault_over_grpc_that_stays_is_said(tmp_path, code, said):
    points = Points((code, None))
    with pytest.raises(StageError, match=said):
        write_over_grpc(points, tmp_path)
    assert len(points.keys) == 1


def test_the_first_version_that_keeps_metadata_will_do_and_the_one_before_will_not(tmp_path):
    with QdrantServer() as server:
        server.engine.version = "1.15.9"
        with pytest.raises(StageError, match=r"is version 1\.15\.9, and nic-etl needs version 1\.16"):
            require_version(connect(server.url, tmp_path))
        server.engine.version = "1.16.0"
        with closing(connect(server.url, tmp_path)) as client:
            require_version(client)


def test_a_connection_goes_through_the_proxy_of_the_environment_and_trusts_what_it_is_told(
    tmp_path, monkeypatch
):
    plain = _network_options("http://h:6333", "")
    grpc_options = {"grpc.service_config": GRPC_RETRY_POLICY, "grpc.enable_http_proxy": 0}
    assert plain == {"trust_env": False, "proxy": None, "verify": True, "grpc_options": grpc_options}
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    through = _network_options("http://h:6333", "")
    assert through["proxy"].startswith("http://proxy:3128")
    assert through["grpc_options"]["grpc.enable_http_proxy"] == 1
    assert isinstance(_network_options("https://h:443", "")["verify"], ssl.SSLContext)
    authority, _ = private_ca(tmp_path)
    for url in ("http://h:6333", "https://h:443"):
        trusting = _network_options(url, str(authority))
        assert trusting["grpc_options"]["root_certificates"] == trusted_pem(trusting["verify"])
