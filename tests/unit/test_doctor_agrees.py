"""What a run would fail of, the doctor tells before, in the same words: one situation after the other.

A situation is a lasting one: it is the same for a run and for the doctor before it. What passes by itself, or
shows only in the work, stands in :data:`NOT_TOLD`, which docs/monitoring.md repeats.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig
from runner.errors import ConfigurationError, StateManagementError
from runner.models import ExecutionMode
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.record.state_manager import StateManager
from stagekit.artifacts.known_sources import KnownSource, remember_source
from stagekit.base.collection_settings import CollectionSettings
from stagekit.base.paths import source_notebook
from stagekit.base.store_address import connection_options
from stagekit.checks.doctor_models import check_models
from stagekit.checks.doctor_source import check_source
from stagekit.checks.doctor_store import check_store
from stagekit.embedding import resolve_backend, resolve_model
from stagekit.errors import StageError
from stagekit.sealing.cipher import KEY_VARIABLE
from stagekit.search.retrieval import open_store
from stagekit.storage import (
    PointWriter,
    apply_change,
    connect,
    forget_carried,
    open_target,
    plan_changes,
    publish,
    qdrant_errors,
    stored_points,
)
from tests.servers.gitlab_server import GitLabServer
from tests.servers.gitlab_world import PROJECT, TOKEN, Repository
from tests.servers.qdrant_server import QdrantServer
from tests.unit import encryption_keys
from tests.unit.storage_rows import IDENTITY, SOURCE, Corpus

pytestmark = pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")

NOT_TOLD = {
    "a server that restarts or is overloaded (429, 502, 503)": "a run waits for it for `retry_budget_s`",
    "a connection that breaks off, an answer that is cut off": "a run asks again",
    "a collection or document that changes while it is read": "the next run reads it anew",
    "a disk that fills up during a run": "how much a run needs, only its work tells",
    "a process that is killed, a machine that restarts": "`nic-etl resume` goes on",
    "a document that cannot be used": "doctor reads none; it is rejected by itself, the others go on",
    "models of Docling that are to come from its hub": "they are fetched when the first page is read",
    "an old Qdrant behind a proxy that hides its version": "only a new collection shows it; the run drops it",
}
"""What a doctor cannot tell before, and why that is no harm."""

KEY, READER, SCOPED = "a-key-that-may-write", "a-key-that-reads", "a-key-for-one-collection"


@dataclass
class Place:
    """What a situation is made in, and the settings that lead there."""

    folder: Path
    patch: pytest.MonkeyPatch
    stack: contextlib.ExitStack
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    def documents(self, **files: str) -> Path:
        for name, text in (files or {"a": "# Norma\n\nTexto.\n"}).items():
            path = self.folder / "in/30-Aprovados" / f"{name}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self.folder / "in"

    def repository(self) -> Path:
        place = self.documents()
        for command in (["init", "-qb", "main"], ["add", "-A"], ["commit", "-qm", "um"]):
            names = ("-c", "user.name=A", "-c", "user.email=a@b")
            subprocess.run(["git", "-C", place, *names, *command], check=True, capture_output=True)
        return place

    def gitlab(self) -> GitLabServer:
        repository = Repository(self.folder / "repositorio")
        repository.commit({"30-Aprovados/a.md": "um"})
        server = self.stack.enter_context(GitLabServer())
        server.add_project(PROJECT, repository.path)
        server.add_token(TOKEN)
        self.patch.setenv("GITLAB_TOKEN", TOKEN)
        self.settings |= {"source": "gitlab", "gitlab_url": server.url, "gitlab_project": PROJECT}
        return server

    def qdrant(self, key: str = KEY, **options: Any) -> QdrantServer:
        keys = {"api_key": KEY, "read_only_key": READER, "scoped_key": SCOPED}
        server = self.stack.enter_context(QdrantServer(**keys | options))
        if key:
            self.patch.setenv("QDRANT_API_KEY", key)
        self.settings["qdrant_url"] = server.url
        return server

    def page(self, body: bytes, kind: str = "text/html", status: int = 200) -> str:
        """Return the address of a server that answers everything with one page."""

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                return

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.stack.callback(server.server_close)
        self.stack.callback(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}"

    def config(self) -> PipelineConfig:
        given = {"outputs_dir": str(self.outputs), "retry_budget_s": 1, "request_timeout_s": 5}
        return PipelineConfig(**(given | self.settings))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with contextlib.ExitStack() as stack:
        yield Place(tmp_path, monkeypatch, stack)


# What a run says


def refused(config: PipelineConfig) -> str:
    """Begin a run that is refused before any stage."""
    with pytest.raises((ConfigurationError, StateManagementError)) as caught:
        PipelineOrchestrator(config=config, stages=[], jupyter_mode=False).execute_full_pipeline()
    return str(caught.value)


def first_stage(config: PipelineConfig) -> str:
    """Execute the first cells of stage 01, up to its list of files; return what stops it."""
    notebook = json.loads(source_notebook("gitlab_ingestion").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names: dict[str, Any] = {"display": lambda *_: None}
    exec(cells[0], names)
    settings = config.model_dump(mode="json")
    names |= {name: settings[name] for name in names.keys() & settings.keys()}
    names |= {"outputs_dir": str(config.outputs)}
    try:
        for cell in cells[1:4]:
            exec(cell, names)
    except StageError as error:
        return str(error)
    finally:
        if "repository" in names:
            names["repository"].close()
    return ""


def last_stage(config: PipelineConfig) -> str:
    """Do what stage 06 does with one document; return what stops it."""
    settings, name = config.model_dump(mode="json"), config.collection_name
    try:
        client = connect(config.qdrant_url, config.outputs, **connection_options(settings))
        with contextlib.closing(client), qdrant_errors(config.qdrant_url):
            target = open_target(client, name, IDENTITY, CollectionSettings())
            desired = Corpus({"30-Aprovados/a.md": ["um", "dois"]}).desired()
            plan = plan_changes(desired, stored_points(client, target.name, SOURCE))
            forget_carried(client, target.name, SOURCE, "outputs")
            with PointWriter(client, target.name, config.qdrant_url, statuses={"approved"}) as writer:
                for change in plan.changes:
                    apply_change(change, upsert=writer.upsert, delete=writer.delete)
            publish(client, target, name, SOURCE, "outputs")
    except StageError as error:
        return str(error)
    return ""


def model(config: PipelineConfig) -> str:
    """Do what the first cells of stages 03 and 04 do about the model; return what stops them."""
    try:
        files = resolve_model(config.embedding_model, config.model_revision, verify_weights=True)
        backend, dtype = config.embedding_backend, config.embedding_dtype
        resolve_backend(backend, files, dtype=dtype, device=config.device)
    except ValueError as error:
        return str(error)
    return ""


# What the doctor says


def told(config: PipelineConfig, *, models: bool = False) -> list[str]:
    """Return what is not well, without the machine's clock, disk and packages."""
    health = PipelineOrchestrator(config=config).validate_pipeline_health()
    rows = [{"check": name, "ok": ok, "detail": detail} for name, ok, detail in health.checks]
    settings, outputs = config.model_dump(mode="json"), config.outputs
    if len(rows) > 2:
        rows += check_source(settings, outputs) + check_store(settings, outputs)
        rows += check_models(settings) if models else []
    assert all(row["detail"] for row in rows)
    return [row["detail"] for row in rows if not row["ok"] and row["check"] not in {"disk", "memory"}]


# Before any stage: settings, variables, folders


def no_source(place: Place) -> None:
    place.settings["source_path"] = str(place.folder / "nowhere")


def source_is_a_file(place: Place) -> None:
    place.settings["source_path"] = str(place.documents() / "30-Aprovados/a.md")


def no_approved_folder(place: Place) -> None:
    place.settings |= {"source_path": str(place.documents()), "target_folder": ["40-Outros"]}


def no_gitlab_project(place: Place) -> None:
    place.settings |= {"source": "gitlab", "gitlab_url": "https://gitlab.example.org"}


def wrong_gitlab_address(place: Place) -> None:
    place.settings |= {"source": "gitlab", "gitlab_url": "gitlab.example.org", "gitlab_project": "a/b"}


def no_token_file(place: Place) -> None:
    place.gitlab()
    place.patch.delenv("GITLAB_TOKEN")
    place.patch.setenv("GITLAB_TOKEN_FILE", str(place.folder / "nowhere"))


def wrong_qdrant_address(place: Place) -> None:
    place.settings["qdrant_url"] = "http://localhost:port"


def no_qdrant_key_file(place: Place) -> None:
    place.qdrant()
    place.patch.delenv("QDRANT_API_KEY")
    place.patch.setenv("QDRANT_API_KEY_FILE", str(place.folder / "nowhere"))


def proxy_that_cannot_be_used(place: Place) -> None:
    place.settings["qdrant_url"] = "https://qdrant.example.org"
    place.patch.setenv("HTTPS_PROXY", "ftp://proxy.example.org")


def socks_without_its_package(place: Place) -> None:
    place.settings |= {"source": "gitlab", "gitlab_url": "https://g.example.org", "gitlab_project": "a/b"}
    place.patch.setenv("ALL_PROXY", "socks5h://127.0.0.1:9")
    place.patch.setattr("stagekit.base.network.proxies.find_spec", lambda _: None)


def no_authority(place: Place) -> None:
    place.settings["ca_file"] = str(place.folder / "nowhere.pem")


def no_tesseract(place: Place) -> None:
    place.settings["ocr_engine"] = "tesseract"
    place.patch.setenv("PATH", str(place.folder))


def no_models_of_docling(place: Place) -> None:
    place.settings |= {"layout_profile": "docling", "artifacts_path": str(place.folder)}


def no_embedding_model(place: Place) -> None:
    place.settings["embedding_model"] = "nobody/nothing"
    place.patch.setenv("HF_HOME", str(place.folder))


def no_file_of_passwords(place: Place) -> None:
    place.patch.setenv("NIC_ETL_PDF_PASSWORDS_FILE", str(place.folder / "nowhere"))


def wrong_word_for_bfloat16(place: Place) -> None:
    place.patch.setenv("NIC_ETL_BFLOAT16", "no")


def no_dask(place: Place) -> None:
    place.settings["dask_scheduler"] = "tcp://127.0.0.1:1"
    place.patch.setattr("stagekit.checks.preflight.find_spec", lambda _: None)


def encrypted_without_a_key(place: Place) -> None:
    place.settings["encrypt_outputs"] = True


def encrypted_under_another_key(place: Place) -> None:
    place.patch.setenv(KEY_VARIABLE, encryption_keys.KEY)
    StateManager(place.outputs).new_run(ExecutionMode.FULL, {}, "")
    place.patch.setenv(KEY_VARIABLE, encryption_keys.OTHER)


def outputs_that_is_a_file(place: Place) -> None:
    place.outputs.write_text("")


def outputs_where_nothing_can_be_made(place: Place) -> None:
    place.settings["outputs_dir"] = "/proc/nic-etl"


def outputs_through_a_link(place: Place) -> None:
    StateManager(place.outputs)
    (place.outputs / "artifacts").symlink_to(place.folder)


def lock_that_cannot_be_written(place: Place) -> None:
    StateManager(place.outputs)
    (place.outputs / "run.lock").mkdir()


def another_run(place: Place) -> None:
    place.stack.enter_context(StateManager(place.outputs).lock("20261130T000000.000Z-abcdef"))


BEFORE = [
    no_source, source_is_a_file, no_approved_folder, no_gitlab_project, wrong_gitlab_address, no_token_file,
    wrong_qdrant_address, no_qdrant_key_file, proxy_that_cannot_be_used, socks_without_its_package,
    no_authority, no_tesseract, no_models_of_docling, no_embedding_model, no_file_of_passwords, no_dask,
    wrong_word_for_bfloat16, encrypted_without_a_key, encrypted_under_another_key, outputs_that_is_a_file,
    outputs_where_nothing_can_be_made, outputs_through_a_link, lock_that_cannot_be_written,
]  # fmt: skip


@pytest.mark.parametrize("make", BEFORE, ids=lambda make: make.__name__)
def test_what_refuses_a_run_at_once_is_told_before(place: Place, make: Callable[[Place], None]) -> None:
    make(place)
    said = refused(place.config())
    assert said in told(place.config())


def test_a_run_at_work_is_named_and_is_no_fault(place: Place) -> None:
    another_run(place)
    said = refused(place.config())
    checks = PipelineOrchestrator(config=place.config()).validate_pipeline_health().checks
    assert ("outputs", True, said) in checks


# Stage 01


def folder_without_files(place: Place) -> None:
    (place.folder / "in/30-Aprovados").mkdir(parents=True)
    place.settings["source_path"] = str(place.folder / "in")


def no_branch(place: Place) -> None:
    place.settings |= {"source_path": str(place.repository()), "target_branch": "nada"}


def folder_of_no_commit(place: Place) -> None:
    place.settings |= {"source_path": str(place.repository()), "target_folder": ["40-Outros"]}


def pattern_that_matches_nothing(place: Place) -> None:
    place.settings |= {"source_path": str(place.documents()), "include_paths": ["atas"]}


def another_source(place: Place) -> None:
    remember_source(place.outputs, KnownSource(source_id="0f" * 8, project="outro", roots=("0" * 40,)))
    place.settings["source_path"] = str(place.repository())


def repository_without_objects(place: Place) -> None:
    repository = place.repository()
    for path in (repository / ".git/objects").glob("??/*"):
        path.unlink()
    place.settings["source_path"] = str(repository)


def revoked_token(place: Place) -> None:
    place.gitlab().tokens[TOKEN].revoked = True


def token_without_its_scope(place: Place) -> None:
    place.gitlab().add_token(TOKEN, scopes=("read_repository",))


def no_such_project(place: Place) -> None:
    place.gitlab()
    place.settings["gitlab_project"] = "nic/nada"


def no_such_branch_of_gitlab(place: Place) -> None:
    place.gitlab()
    place.settings["target_branch"] = "nada"


def no_such_folder_of_gitlab(place: Place) -> None:
    place.gitlab()
    place.settings["target_folder"] = ["nada"]


def no_gitlab_there(place: Place) -> None:
    place.gitlab()
    with GitLabServer() as gone:
        pass
    place.settings["gitlab_url"] = gone.url


def page_in_place_of_gitlab(place: Place) -> None:
    place.gitlab().faults.add("html_login", "")


def https_on_a_port_of_http(place: Place) -> None:
    server = place.gitlab()
    place.settings["gitlab_url"] = server.url.replace("http://", "https://")


SOURCES = [
    folder_without_files, no_branch, folder_of_no_commit, pattern_that_matches_nothing, another_source,
    repository_without_objects, revoked_token, token_without_its_scope, no_such_project,
    no_such_branch_of_gitlab, no_such_folder_of_gitlab, no_gitlab_there, page_in_place_of_gitlab,
    https_on_a_port_of_http,
]  # fmt: skip


@pytest.mark.parametrize("make", SOURCES, ids=lambda make: make.__name__)
def test_what_stops_the_first_stage_is_told_before(place: Place, make: Callable[[Place], None]) -> None:
    make(place)
    assert_same(told(place.config()), first_stage(place.config()))


# Stage 06


def no_qdrant_there(place: Place) -> None:
    place.qdrant().stop()


def server_too_old(place: Place) -> None:
    server = place.qdrant()
    server.engine.version, server.engine.keeps_metadata = "1.9.2", False


def server_just_too_old(place: Place) -> None:
    server = place.qdrant()
    server.engine.version, server.engine.keeps_metadata = "v1.15.4-dev", False


def no_key(place: Place) -> None:
    place.qdrant(key="")


def wrong_key(place: Place) -> None:
    place.qdrant(key="another")


def key_that_only_reads(place: Place) -> None:
    place.qdrant(key=READER)


def key_for_another_collection(place: Place) -> None:
    place.qdrant(key=SCOPED, scope="outra")


def key_for_this_collection(place: Place) -> None:
    fill(place, scope=IDENTITY.physical_name("nic_documents"))


def page_in_place_of_qdrant(place: Place) -> None:
    place.settings["qdrant_url"] = place.page(b"<html>Sign in</html>")


def json_of_something_else(place: Place) -> None:
    place.settings["qdrant_url"] = place.page(b"{}", "application/json")


def qdrant_of_http_asked_by_https(place: Place) -> None:
    place.settings["qdrant_url"] = place.qdrant().url.replace("http://", "https://")


def wrong_prefix(place: Place) -> None:
    place.settings["qdrant_url"] = f"{place.qdrant().url}/vectors"


def name_of_a_strange_collection(place: Place) -> None:
    place.qdrant().engine.create("nic_documents", {"vectors": {"size": 3, "distance": "Cosine"}})


STORES = [
    no_qdrant_there, server_too_old, server_just_too_old, no_key, wrong_key, key_that_only_reads,
    key_for_another_collection, key_for_this_collection, page_in_place_of_qdrant, json_of_something_else,
    qdrant_of_http_asked_by_https, wrong_prefix, name_of_a_strange_collection,
]  # fmt: skip


def fill(place: Place, **options: Any) -> QdrantServer:
    """Start a server with the collection of a run, and go on with the key for one collection."""
    server = place.qdrant(**options)
    assert last_stage(place.config()) == ""
    drop_points(server)
    place.patch.setenv("QDRANT_API_KEY", SCOPED)
    return server


def drop_points(server: QdrantServer) -> None:
    """Take the points away by hand: the next run has to write."""
    collection = server.engine.collection("nic_documents")
    records, _ = collection.points.scroll(None, 100, None, None, False, False)
    collection.points.delete([record.id for record in records])
    collection.points.changed()


@pytest.mark.parametrize("make", STORES, ids=lambda make: make.__name__)
def test_what_stops_the_last_stage_is_told_before(place: Place, make: Callable[[Place], None]) -> None:
    make(place)
    assert_same(told(place.config()), last_stage(place.config()))


def test_a_server_too_old_is_refused_by_whoever_opens_the_store(place: Place) -> None:
    place.qdrant().engine.version = "1.12.6"
    said, where = last_stage(place.config()), place.settings["qdrant_url"]
    assert said == (
        f"Qdrant at {where} is version 1.12.6, and nic-etl needs version 1.16 or newer; nothing was written: "
        "upgrade the server, one minor version after another, or set qdrant_url to one that is new enough."
    )
    with pytest.raises(StageError) as caught, open_store(where, str(place.outputs)):
        pass  # search, evaluate and the dashboard
    assert str(caught.value) == said


# Models


@pytest.mark.parametrize(
    "settings",
    [
        {"embedding_model": "packaged/nothing"},
        {"embedding_dtype": "int8", "embedding_backend": "torch"},
    ],
)
def test_what_stops_the_model_is_told_before(place: Place, settings: dict[str, Any]) -> None:
    place.settings |= settings
    assert_same(told(place.config(), models=True), model(place.config()))


def test_a_models_place_that_cannot_be_written_is_told_before(place: Place) -> None:
    place.patch.setenv("NIC_ETL_MODELS_DIR", "/proc/nic-etl")
    said = model(place.config())
    assert "set NIC_ETL_MODELS_DIR to a folder" in said
    assert_same(told(place.config(), models=True), said)


def assert_same(doctor: list[str], run: str) -> None:
    assert run.endswith("."), run
    assert _timeless(run) in map(_timeless, doctor)


def _timeless(sentence: str) -> str:
    """Leave out for how long was waited."""
    return re.sub(r"\d+(\.\d+)? s\b", "… s", sentence)


# Where a run works, the doctor finds nothing


def without_a_root(place: Place) -> None:
    place.qdrant().faults.add("status", "GET /$", code=403, body=b"<html>Forbidden</html>")


def with_a_page_at_the_root(place: Place) -> None:
    place.qdrant().faults.add("html", "GET /$")


def with_a_redirect_at_the_root(place: Place) -> None:
    fault = {"code": 302, "body": b"", "headers": {"Location": "http://127.0.0.1:1/ui"}}
    place.qdrant().faults.add("status", "GET /$", **fault)


def with_a_root_that_hangs_up(place: Place) -> None:
    place.qdrant().faults.add("drop_before", "GET /$")


def of_a_version_without_a_number(place: Place) -> None:
    place.qdrant().engine.version = "dev"


def below_a_prefix(place: Place) -> None:
    place.qdrant(prefix="/qdrant")


def without_the_list_of_collections(place: Place) -> None:
    said = "Forbidden: Global access is required"
    place.qdrant().faults.add("status", "GET /collections$", code=403, error=said)


def in_strict_mode(place: Place) -> None:
    place.qdrant().engine.strict_mode = {
        "enabled": True,
        "unindexed_filtering_retrieve": False,
        "unindexed_filtering_update": False,
        "max_query_limit": 1,
        "upsert_max_batchsize": 2,
        "max_timeout": 1,
    }


WELL = [
    without_a_root, with_a_page_at_the_root, with_a_redirect_at_the_root, with_a_root_that_hangs_up,
    of_a_version_without_a_number, below_a_prefix, without_the_list_of_collections, in_strict_mode,
]  # fmt: skip


@pytest.mark.parametrize("make", WELL, ids=lambda make: make.__name__)
def test_where_a_run_works_the_doctor_finds_nothing(place: Place, make: Callable[[Place], None]) -> None:
    place.settings["source_path"] = str(place.documents())
    make(place)
    for _ in range(2):  # before there is a collection, and after
        assert told(place.config()) == []
        assert last_stage(place.config()) == ""
    assert first_stage(place.config()) == ""


def test_an_old_server_that_hides_its_version_is_told_by_the_run_and_left_as_it_was(place: Place) -> None:
    server = place.qdrant()
    server.engine.keeps_metadata = False
    server.faults.add("html", "GET /$")
    assert "does not keep what is written on a collection, and nic-etl needs version 1.16" in last_stage(
        place.config()
    )
    assert server.engine.collections == {}


def test_the_page_for_operators_lists_what_is_not_told() -> None:
    text = Path("docs/monitoring.md").read_text(encoding="utf-8")
    for what, why in NOT_TOLD.items():
        assert f"| {what} | {why} |" in text
