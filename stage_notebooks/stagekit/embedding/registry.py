"""Turns the setting `embedding_model` into files on disk and into the name that identifies its vectors."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stagekit.base.inference.model_cache import HASHES_FILE, known_sha256, verify_files
from stagekit.embedding.hub import SOURCE_FILE, hub_directory
from stagekit.embedding.packaged import PACKAGED_MODELS, packaged_directory
from stagekit.embedding.packaged_e5.facts import E5_PROMPTS
from stagekit.errors import ModelUnavailableError

# The cards of the E5 models ask for these prefixes; their hub directories do not carry them.
_E5_NAMES = re.compile(r"(^|/)(multilingual-)?e5-(small|base|large)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """An embedding model on disk."""

    name: str  # the setting's value; a local directory is named after its last component
    revision: str  # hash of the packaged weights, commit of the hub model, or hash of the local files
    directory: Path  # a sentence-transformers directory with safetensors weights
    max_seq_length: int  # most tokens of one input, prompt and special tokens included
    prompts: Mapping[str, str]  # prompt by role: `query`, `passage`; a missing role has none

    @property
    def fingerprint(self) -> str:
        """Return `name@revision`: two models with the same fingerprint make the same vectors."""
        return f"{self.name}@{self.revision}"

    @property
    def passage_prompt(self) -> str:
        """Return what is put before a document's text."""
        return self.prompts.get("passage", self.prompts.get("document", ""))

    @property
    def query_prompt(self) -> str:
        """Return what is put before a question."""
        return self.prompts.get("query", "")


def resolve_model(name: str, revision: str = "", *, verify_weights: bool = False) -> ModelFiles:
    """Find an embedding model on this machine; a packaged one is converted at its first use.

    Args:
        name: `packaged/multilingual-e5-small`, `packaged/all-MiniLM-L6-v2`, a local
            sentence-transformers directory, or a hub name such as `BAAI/bge-m3`.
        revision: Branch, tag or commit of a hub model; the other kinds have none.
        verify_weights: Check the recorded hashes of the weights too (before they are loaded).

    Raises:
        ModelUnavailableError: The model is missing, damaged, or has no safetensors weights.
    """
    if name in PACKAGED_MODELS:
        packaged = PACKAGED_MODELS[name]
        directory = packaged_directory(name, verify_weights=verify_weights)
        return ModelFiles(name, packaged.revision, directory, packaged.max_seq_length, packaged.prompts)
    directory, commit = _external_directory(name, revision)
    # A local folder is its owner's, who may replace what is in it: its name holds the hash of its files.
    if verify_weights and commit and (directory / HASHES_FILE).is_file():
        verify_files(directory)
    label = name if commit else directory.resolve().name
    commit = commit or _directory_hash(directory)
    return ModelFiles(label, commit, directory, _max_seq_length(directory), _prompts(directory, label))


def max_sequence_length(name: str, revision: str = "") -> int:
    """Return the most tokens that a model takes, without converting, hashing or loading it.

    Raises:
        ModelUnavailableError: The model is not on this machine.
    """
    if name in PACKAGED_MODELS:
        return PACKAGED_MODELS[name].max_seq_length
    return _max_seq_length(_external_directory(name, revision)[0])


def _external_directory(name: str, revision: str) -> tuple[Path, str]:
    """Return directory and commit of a local (commit "") or hub model."""
    if name.startswith("packaged/"):
        known = ", ".join(sorted(PACKAGED_MODELS))
        raise ModelUnavailableError(f"There is no embedding model {name}: the packaged ones are {known}.")
    local = Path(name).expanduser()
    directory, commit = (local, "") if local.is_dir() else hub_directory(name, revision)
    _require_sentence_transformer(directory)
    return directory, commit


def _require_sentence_transformer(directory: Path) -> None:
    for needed in ("modules.json", "tokenizer.json"):
        if not (directory / needed).is_file():
            raise ModelUnavailableError(
                f"{directory} is not a sentence-transformers directory: it has no {needed}. Save the model "
                "with SentenceTransformer.save_pretrained and name that directory in embedding_model."
            )
    if not any(directory.glob("*.safetensors")):
        raise ModelUnavailableError(
            f"{directory} has no safetensors weights and pickled ones are never loaded: "
            "save the model again with SentenceTransformer.save_pretrained, or run `nic-etl models fetch`."
        )


def _directory_hash(directory: Path) -> str:
    # The source record says where files came from, not what they are.
    paths = (path for path in sorted(directory.rglob("*")) if path.suffix in {".json", ".safetensors"})
    hashes = [
        f"{path.relative_to(directory).as_posix()} {known_sha256(path)}"
        for path in paths
        if path.name not in {HASHES_FILE, SOURCE_FILE}
    ]
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()[:16]


def _max_seq_length(directory: Path) -> int:
    """Return the limit that the directory names: sentence_bert_config.json, else tokenizer and positions."""
    sentence = _read_json(directory / "sentence_bert_config.json")
    if isinstance(sentence.get("max_seq_length"), int):
        return int(sentence["max_seq_length"])
    config = _read_json(directory / "config.json")
    tokenizer = _read_json(directory / "tokenizer_config.json")
    positions = config.get("max_position_embeddings")
    if positions and config.get("model_type") in {"roberta", "xlm-roberta"}:
        positions -= config.get("pad_token_id", 1) + 1  # rows up to the padding's belong to no token
    limits = [positions, tokenizer.get("model_max_length")]
    known = [int(limit) for limit in limits if isinstance(limit, int | float) and 0 < limit < 1e9]
    if not known:
        raise ModelUnavailableError(
            f"{directory} does not say how many tokens the model takes: "
            "write max_seq_length into its sentence_bert_config.json."
        )
    return min(known)


def _prompts(directory: Path, name: str) -> dict[str, str]:
    configured: dict[str, str] = (
        _read_json(directory / "config_sentence_transformers.json").get("prompts") or {}
    )
    if not any(configured.values()) and _E5_NAMES.search(name):
        return dict(E5_PROMPTS)
    return configured


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}
