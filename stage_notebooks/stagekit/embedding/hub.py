"""Hub models on this machine: found where they were fetched to, and fetched only when asked for by name."""

import json
from pathlib import Path

from stagekit.base.inference.model_cache import HASHES_FILE, models_dir, replace_directory
from stagekit.errors import ModelUnavailableError

SOURCE_FILE = "nic_etl_source.json"  # {"name", "revision", "commit"} of a fetched model
_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors", "*.safetensors.index.json"]
_UNWANTED = ["onnx/*", "openvino/*", "*.onnx*"]


def hub_directory(name: str, revision: str = "") -> tuple[Path, str]:
    """Return the local directory of a hub model and the commit that it is.

    Looked for in `models_dir()` (see `fetch_model`), then in the Hugging Face cache. Nothing is downloaded.

    Args:
        name: Repository name on the hub, for example `BAAI/bge-m3`.
        revision: Branch, tag or commit; "" means the main branch as it was when it was fetched.

    Raises:
        ModelUnavailableError: The model is not on this machine.
    """
    fetched = models_dir() / _directory_name(name, revision)
    if (fetched / HASHES_FILE).is_file():
        source = json.loads((fetched / SOURCE_FILE).read_text(encoding="utf-8"))
        return fetched, str(source["commit"])

    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        snapshot = Path(snapshot_download(name, revision=revision or None, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError) as error:
        wanted = f"{name} --revision {revision}" if revision else name
        raise ModelUnavailableError(
            f"The embedding model {name} is not on this machine: run `nic-etl models fetch {wanted}`, "
            "or set embedding_model to a packaged model or a local directory."
        ) from error
    return snapshot, snapshot.name


def fetch_model(name: str, revision: str = "") -> Path:
    """Download a hub model into `models_dir()`, with the hashes of its files recorded.

    Only safetensors are kept. Weights that the hub has as `pytorch_model.bin` alone (BAAI/bge-m3 among
    them) are read with torch's restricted unpickler and written as safetensors.

    Returns:
        The directory that now holds the model.
    """
    from huggingface_hub import HfApi, snapshot_download

    info = HfApi().model_info(name, revision=revision or None)
    files = [sibling.rfilename for sibling in info.siblings or []]
    pickled = not any(file.endswith(".safetensors") and "/" not in file for file in files)
    patterns = [*_WANTED, "pytorch_model.bin"] if pickled else _WANTED

    def build(directory: Path) -> None:
        snapshot_download(
            name, revision=info.sha, local_dir=directory, allow_patterns=patterns, ignore_patterns=_UNWANTED
        )
        if pickled:
            _pickle_to_safetensors(directory)
        source = {"name": name, "revision": revision, "commit": info.sha}
        (directory / SOURCE_FILE).write_text(json.dumps(source), encoding="utf-8")

    return replace_directory(_directory_name(name, revision), build)


def _directory_name(name: str, revision: str) -> str:
    return f"hub--{name}--{revision or 'main'}".replace("/", "--")


def _pickle_to_safetensors(directory: Path) -> None:
    import torch
    from safetensors.torch import save_file

    pickled = directory / "pytorch_model.bin"
    if not pickled.is_file():
        raise ModelUnavailableError(
            "The model has neither model.safetensors nor pytorch_model.bin: choose another embedding_model."
        )
    tensors = torch.load(pickled, map_location="cpu", weights_only=True)
    # clone: safetensors refuses tensors that share memory, which tied weights in a pickle do
    copies = {key: value.clone().contiguous() for key, value in tensors.items()}
    save_file(copies, directory / "model.safetensors", metadata={"format": "pt"})
    pickled.unlink()
