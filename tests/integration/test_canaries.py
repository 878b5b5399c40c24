"""A promise about secrets: whatever becomes of a run, none of them is left anywhere, in any form."""

from __future__ import annotations

import base64
import html
import io
import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.crash.tiny_model import write_tiny_model
from tests.servers.gitlab_server import GitLabServer, OtherHost
from tests.servers.gitlab_world import PROJECT, Repository
from tests.servers.qdrant_server import QdrantServer

SECRETS = {
    "GITLAB_TOKEN": "canario+GL/7f3a9c21=<d4>",
    "QDRANT_API_KEY": "canario+QD/51b0c7e2=&'99",
    "HF_TOKEN": 'canario+HF/83d2e1f0="77',
    "NIC_ETL_PDF_PASSWORDS": "canário\\PW/1c9e&4f2b\ncanario-PW/outra-6a5d\nbiblioteca",
}
WORD = "biblioteca"
"""A password that is a word of the documents: it stays in their titles and paths, see SECURITY.md."""
CANARIES = [line for value in SECRETS.values() for line in value.splitlines() if line != WORD]
STAGES = ("document_processing", "embedding_generation")  # whose kernels get a secret
# In the kernel of one stage, a library fails with all that it knows in its message, or waits to be killed.
_HOOK = """
import os, sys, time
if "runner.kernels.fork_server" in sys.orig_argv:
    import pyarrow.parquet as pq
    inner = pq.ParquetFile.__init__
    def __init__(self, *arguments, **named):
        stage = os.path.basename(os.environ.get("NIC_ETL_NOTEBOOK", ""))[3:-6]
        secrets = {n: v for n, v in os.environ.items() if n in os.environ["CANARY_NAMES"].split()}
        if stage == os.environ.get("CANARY_FAIL"):
            print(secrets, flush=True)
            print(*secrets.values(), file=sys.stderr, flush=True)
            raise RuntimeError(f"cannot read with {secrets} and {' '.join(secrets.values())}")
        if stage == os.environ.get("CANARY_HOLD"):
            print(secrets, flush=True)
            open(os.environ["CANARY_MARK"], "w").close()
            time.sleep(120)
        return inner(self, *arguments, **named)
    pq.ParquetFile.__init__ = __init__
    import stagekit.workers.main
    def run(*descriptors, inner=stagekit.workers.main.run):
        import stagekit.processing.process as process
        def decide(content, name, inner=process.detect_format):
            if "quebra" in name:
                print(os.environ, file=sys.stderr, flush=True)
                raise RuntimeError("cannot open with " + os.environ["NIC_ETL_PDF_PASSWORDS"].splitlines()[0])
            return inner(content, name)
        process.detect_format = decide
        inner(*descriptors)
    stagekit.workers.main.run = run
"""


@dataclass
class Machine:
    """A user's machine: where runs write, what the terminal showed, and how runs are started."""

    root: Path
    settings: dict[str, str]
    shown: list[str] = field(default_factory=list)

    @property
    def outputs(self) -> Path:
        return self.root / "outputs"

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        folders = {"HOME": "home", "TMPDIR": "tmp", "XDG_CACHE_HOME": "home/.cache"}
        env = {name: value for name, value in os.environ.items() if "JUPYTER" not in name}
        env |= {name: str(self.root / folder) for name, folder in folders.items()}
        env |= {"NIC_ETL_OUTPUTS_DIR": str(self.outputs), "PYTHONPATH": str(self.root / "hook")}
        env |= {"CANARY_NAMES": " ".join(SECRETS), "CANARY_MARK": str(self.root / "mark"), **SECRETS, **more}
        settings = [word for name, value in self.settings.items() for word in ("-p", f"{name}={value}")]
        return subprocess.Popen(
            [sys.executable, "-m", "runner", *arguments, *settings],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
            cwd=self.root,
            umask=0,
        )

    def run(self, *arguments: str, **more: str) -> int:
        return self.note(self.start(*arguments, **more))

    def note(self, process: subprocess.Popen[str]) -> int:
        self.shown += process.communicate(timeout=400)
        return process.returncode

    def end(self, how: signal.Signals, *arguments: str, stage: str) -> int:
        """Start a run, and send it a signal while the stage's kernel waits."""
        mark = self.root / "mark"
        mark.unlink(missing_ok=True)
        process = self.start(*arguments, CANARY_HOLD=stage)
        until = time.monotonic() + 200
        while not mark.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(0.5)  # what the kernel has said is on its way
        process.send_signal(how)
        return self.note(process)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[tuple[Machine, GitLabServer, QdrantServer, OtherHost]]:
    repository = Repository(tmp_path / "repositorio")
    repository.commit({"normas/ferias.md": "# Férias\n\nO pedido é entregue 45 dias antes.\n"})
    repository.commit({f"normas/{WORD}/horario.md": f"# A {WORD}\n\nA {WORD} abre às oito horas.\n"})
    repository.commit({"normas/quebra.md": "# Quebra\n\nEste documento faz falhar a biblioteca.\n"})
    repository.commit({"normas/protegido.pdf": protected_pdf(CANARIES[-1])})
    for folder in ("home", "tmp", "hook"):
        (tmp_path / folder).mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(_HOOK)
    with GitLabServer() as gitlab, QdrantServer(SECRETS["QDRANT_API_KEY"]) as qdrant, OtherHost() as other:
        gitlab.add_project(PROJECT, repository.path)
        gitlab.add_token(SECRETS["GITLAB_TOKEN"])
        settings = {
            "source": "gitlab",
            "gitlab_url": gitlab.url,
            "gitlab_project": PROJECT,
            "qdrant_url": qdrant.url,
            "embedding_model": str(write_tiny_model(tmp_path / "model")),
            "max_failure_rate": "0.5",
            "max_retries": "0",
            "retry_budget_s": "1",
        }
        yield Machine(tmp_path, settings), gitlab, qdrant, other


def protected_pdf(password: str) -> bytes:
    canvas = pytest.importorskip("reportlab.pdfgen.canvas")
    stream = io.BytesIO()
    sheet = canvas.Canvas(stream, encrypt=password, invariant=1)
    sheet.drawString(72, 720, "Este documento protegido foi aberto com uma das senhas do ambiente.")
    sheet.save()
    return stream.getvalue()


def forms(secret: str) -> set[bytes]:
    """Every way in which a secret might be written."""
    raw = secret.encode()
    texts = {secret, quote(secret, safe=""), quote_plus(secret), quote(secret), html.escape(secret)}
    texts |= {quote(secret, safe="").lower(), repr(secret)[1:-1]}
    for _ in range(2):
        texts |= {json.dumps(text, ensure_ascii=flag)[1:-1] for text in set(texts) for flag in (True, False)}
    texts |= {raw.hex(), raw.hex().upper()}
    for pad in range(3):
        inner = base64.b64encode(b"\0" * pad + raw).decode().rstrip("=")[(0, 2, 3)[pad] : -1]
        texts |= {inner, inner.replace("+", "-").replace("/", "_")}
    texts |= {text[::-1] for text in (secret, raw.hex())}
    return {text.encode() for text in texts} | {secret.encode("utf-16-le")}


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every byte below a folder, compressed tables also as what they hold."""
    for path in folder.rglob("*"):
        yield str(path), os.fsencode(path)
        if path.is_symlink() or not path.is_file():
            continue
        yield str(path), path.read_bytes()
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            yield str(path), json.dumps(pq.read_table(path).to_pylist(), default=str).encode()
        if path.suffix == ".sqlite":
            with sqlite3.connect(path) as connection:
                yield str(path), "\n".join(connection.iterdump()).encode()
            connection.close()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_no_secret_is_left_anywhere_however_a_run_ends(
    machine: tuple[Machine, GitLabServer, QdrantServer, OtherHost],
) -> None:
    user, gitlab, qdrant, other = machine
    echo = " ".join(CANARIES)

    assert user.run("run", "--json") == 3, user.shown[-1]
    summary = json.loads(user.shown[0])
    assert (summary["documents"]["ok"], summary["documents"]["failed"]) == (3, 1)  # the password was used
    assert user.run("show") == 0
    assert user.run("search", "horário", "--mode", "sparse", "--json") == 0
    [hit] = json.loads(user.shown[-2])
    assert (hit["path"], hit["title"]) == (f"30-Aprovados/normas/{WORD}/horario.md", f"A {WORD}")
    assert WORD in hit["text"]

    for stage in STAGES:
        assert user.run("rerun", stage, CANARY_FAIL=stage) == 1
    gitlab.faults.add("status", "/projects", code=403, body={"message": f"no way, {echo}"})
    assert user.run("run") == 1
    gitlab.faults.clear()
    gitlab.faults.add("redirect", "/repository/(tree|commits)", to=f"{other.url}/elsewhere")
    user.run("rerun", "gitlab_ingestion")
    gitlab.faults.clear()
    qdrant.faults.add("status", "(GET|PUT|POST)", code=400, error=f"bad key {echo}")
    assert user.run("rerun", "qdrant_storage", "--json") == 1
    qdrant.faults.clear()

    assert user.end(signal.SIGINT, "rerun", "document_processing", stage="document_processing") != 0
    assert user.end(signal.SIGKILL, "rerun", "document_processing", stage="document_processing") < 0
    assert user.run("status") == 0
    assert user.run("history", "--json") == 0
    assert user.run("audit", "show") == 0

    places = [*contents(user.outputs), *contents(user.root / "home"), *contents(user.root / "tmp")]
    places += [("terminal", text.encode()) for text in user.shown]
    places += [("another host", repr(other.log).encode())]
    hidden = {Path(place).suffix or place for place, data in places if b"[redacted]" in data}
    assert {".ipynb", ".jsonl", ".parquet", "terminal"} <= hidden, "where nothing was said, nothing is shown"
    unwanted = {form: secret for secret in CANARIES for form in forms(secret)}
    leaks = sorted({(place, unwanted[form]) for place, data in places for form in unwanted if form in data})
    assert leaks == []

    for path in [user.outputs, *user.outputs.rglob("*")]:
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert path.is_symlink() or mode & 0o077 == 0, f"{path} has mode {mode:o} under umask 0"
