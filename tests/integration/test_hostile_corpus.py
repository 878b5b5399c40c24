"""Promises about documents made to do harm: each is read or refused within its limits, and harms nobody."""

from __future__ import annotations

import socketserver
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from runner.config_manager import load_config
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.record.report_generator import document_outcomes, ignored_files
from runner.record.state_manager import StateManager
from runner.results import PipelineResult
from runner.stages.chain import default_stages
from tests.crash.chain import is_worker
from tests.hostile.corpus import APPROVED, write_corpus, write_repository

_SECRET = "canario-que-so-esta-fora-da-pasta"
_MEMORY_MB = 1500
_SAMPLING_MB = (
    1500  # what a process may take between two looks of its watcher, half a second apart under load
)
REFUSED = {
    "office/bomba-sobreposta.docx": "too_large",
    "office/bomba-mentirosa.docx": "corrupt",
    "office/membros.docx": "too_large",
    "office/risadas.docx": "corrupt",
    "office/entidade-local.docx": "corrupt",
    "office/entidade-remota.docx": "corrupt",
    "office/propriedades-com-entidade.docx": "corrupt",
    "office/xml-fundo.docx": "corrupt",
    "pdf/pagina-gigante.pdf": "too_large",
    "pdf/paginas-em-excesso.pdf": "too_many_pages",
    "pdf/paginas-em-circulo.pdf": "corrupt",
    "pdf/cifrado-estranho.pdf": "encrypted",
    "imagens/cabecalho-65000.png": "corrupt",
    "imagens/fita.png": "blank",
    "textos/citacoes.md": "too_complex",
    "textos/binario.txt": "unsupported",
    "textos/bomba-yaml.md": "front_matter",
}
READ = (
    "office/macro.docx",
    "office/travessia.docx",
    "office/externo-image.docx",
    "office/objeto-remoto.odt",
    "pdf/acao-javascript.pdf",
    "pdf/acao-launch.pdf",
    "pdf/anexo.pdf",
    "textos/script.md",
    "textos/imagens-remotas.md",
    "textos/instrucoes.md",
    "textos/pagina.html",
    "nomes/emoji-\U0001f4a3-bomba.md",
    "nomes/<script>alert(1)<script>.md",
)
IGNORED = {
    "entradas/fora.md": "symlink",
    "entradas/fora-relativo.md": "symlink",
    "entradas/aparelho.md": "symlink",
    "entradas/volta.md": "symlink",
    "entradas/pasta-fora": "symlink",
    "entradas/cano.md": "special_file",
    "textos/esparso.txt": "too_large",
    "nomes/\x1b[31mvermelho\x1b[0m.md": "unsafe_path",
    "nomes/quebra\nde linha.md": "unsafe_path",
    "nomes/..\\..\\fora.md": "unsafe_path",
}


@dataclass
class Listener:
    """A server that counts who asks it for anything."""

    url: str = ""
    connections: list[Any] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    heard = Listener()

    class Note(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            heard.connections.append(self.request.recv(200))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Note) as server:
        heard.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield heard
        server.shutdown()
        thread.join()


class Scales(threading.Thread):
    """Weighs the document workers of this process as long as it runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.done = threading.Event()
        self.peak_mb = 0.0

    def run(self) -> None:
        while not self.done.wait(0.1):
            for process in psutil.Process().children(recursive=True):
                try:
                    if is_worker(process):
                        self.peak_mb = max(self.peak_mb, process.memory_info().rss / 2**20)
                except psutil.Error:
                    continue


def ingest_and_process(source: Path, outputs: Path) -> PipelineResult:
    settings = {
        "source_path": str(source),
        "outputs_dir": str(outputs),
        "include_extensions": ["pdf", "docx", "odt", "html", "md", "txt", "png", "jpg"],
        "max_file_size_mb": 5,
        "max_pages": 200,
        "document_timeout_s": 60,
        "document_memory_mb": _MEMORY_MB,
        "max_failure_rate": 0,
        "workers": 2,
    }
    stages = default_stages()[:2]
    return PipelineOrchestrator(
        config=load_config(None, settings).config, stages=stages
    ).execute_full_pipeline()


def below(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return {row["path"].removeprefix(f"{APPROVED}/"): row[name] for row in rows}


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_no_document_of_a_hostile_corpus_harms_the_run_the_machine_or_its_neighbours(
    tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, source, outputs, scratch = (tmp_path / name for name in ("fora", "fonte", "outputs", "tmp"))
    outside.mkdir()
    scratch.mkdir()
    canary = outside / "canario.md"
    canary.write_text(f"# {_SECRET}\n")
    monkeypatch.setenv("TMPDIR", str(scratch))
    count = write_corpus(source, listener.url, canary, scale=1)
    before = {path: path.lstat().st_mtime_ns for path in source.rglob("*")}
    scales = Scales()
    scales.start()
    begin = time.monotonic()

    result = ingest_and_process(source, outputs)

    scales.done.set()
    scales.join()
    assert result.exit_code in {0, 3}, result.state.error
    manager = StateManager(outputs)
    outcomes, ignored = document_outcomes(manager, result.state), ignored_files(manager, result.state)
    statuses = Counter(row["status"] for row in outcomes)
    assert set(statuses) == {"ok", "rejected"}, [row for row in outcomes if row["status"] == "failed"]
    assert len(outcomes) + len(ignored) >= count
    categories = below(outcomes, "category")
    assert {name: categories[name] for name in REFUSED} == REFUSED
    assert [name for name in READ if below(outcomes, "status")[name] != "ok"] == []
    reasons = below(ignored, "category")
    assert {name: reasons.get(name) for name in IGNORED} == IGNORED
    assert all(row["seconds"] < 90 for row in outcomes if row.get("seconds"))
    assert time.monotonic() - begin < 600

    assert listener.connections == []
    assert scales.peak_mb < 2000 + _MEMORY_MB + _SAMPLING_MB  # what the models take, and the document
    assert scales.peak_mb > 100  # they were seen
    assert [p for p in psutil.Process().children(recursive=True) if is_worker(p)] == []
    assert {path: path.lstat().st_mtime_ns for path in source.rglob("*")} == before
    assert {path.name for path in outside.iterdir()} == {"canario.md"}
    assert {path.name for path in scratch.iterdir()} <= {"torchinductor_root", ".ses"}  # of libraries
    assert not Path("/tmp/fora.txt").exists()  # where an archive wanted to write
    for path in outputs.rglob("*"):
        assert path.is_dir() or _SECRET.encode() not in path.read_bytes(), path
    for path in outputs.rglob("*.ipynb"):
        assert "<script>alert(1)" not in path.read_text().split('"text/plain"')[0], path


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_links_and_submodules_of_a_git_repository_lead_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = tmp_path / "canario.md"
    canary.write_text(f"# {_SECRET}\n")
    canary.chmod(0o644)
    monkeypatch.setenv("HF_TOKEN_FILE", str(canary))  # a secret that everybody can read
    write_repository(tmp_path / "repositorio", canary)
    before = sorted(path.name for path in tmp_path.iterdir())

    result = ingest_and_process(tmp_path / "repositorio", tmp_path / "outputs")

    assert result.exit_code == 0, result.state.error
    assert any("other users can read" in warning for warning in result.summary["warnings"])
    manager = StateManager(tmp_path / "outputs")
    assert below(document_outcomes(manager, result.state), "status") == {"bom.md": "ok"}
    reasons = below(ignored_files(manager, result.state), "category")
    assert reasons["fora.md"] == reasons["acima.md"] == "symlink"
    assert reasons["submodulo.md"] == "submodule"
    assert reasons["../pre-commit"] == "unsafe_path"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "outputs"])
    for path in (tmp_path / "outputs").rglob("*"):
        assert path.is_dir() or _SECRET.encode() not in path.read_bytes(), path
    assert [path.name for path in (tmp_path / "repositorio" / APPROVED).iterdir()] == ["bom.md"]
