"""Makes an embedding model's OpenVINO file once, by tracing it in torch, and keeps it in the models' cache.

Only this needs torch. What is made is compared with the model itself on sentences of several lengths, so
that a model whose way through the code depends on its input (or on more than its tokens) is found out.
"""

import re
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stagekit.base.disk_faults import disk_fault
from stagekit.base.file_hashes import models_dir
from stagekit.base.inference.model_cache import HASHES_FILE, build_once, verify_files
from stagekit.base.inference.openvino_runtime import compile_model, convert_torch, openvino, save_model
from stagekit.embedding.registry import ModelFiles
from stagekit.embedding.sentence_transformer import load_sentence_transformer
from stagekit.embedding.tokens import load_tokenizer
from stagekit.errors import ModelUnavailableError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_MODEL = "model.xml"
_OBSTACLE = "obstacle.txt"  # in the place of the model: why it cannot run in OpenVINO
_VERSION = 1  # raised when models are to be traced anew
_LEAST_COSINE = 0.9999
# As torch, OpenVINO and C++ say it in a plain RuntimeError when there is no memory or no more threads.
_PASSING = re.compile(
    r"allocat|bad_alloc|(?:not enough|out of|insufficient) memory|MemoryError|iostream error"
    r"|Resource temporarily unavailable|Too many open files|can't start new thread",
    re.IGNORECASE,
)
_SENTENCES = (
    "Férias",
    "The PASSWORD must be changed every ninety days, and never shared with anyone else.",
    "O servidor tem direito a trinta dias de férias; ¿cuándo vence el plazo? " * 6,
)


def prepared_model(files: ModelFiles) -> Path:
    """Return the `.xml` file of a model, made at the first call; its weights lie beside it, in float16.

    Raises:
        ModelUnavailableError: The model cannot run in OpenVINO, the file is damaged, or nothing can be
            written to the cache.
    """
    directory = build_once(_name(files), lambda folder: _prepare(files, folder))
    verify_files(directory)
    if reason := known_obstacle(files):
        raise ModelUnavailableError(
            f"The embedding model {files.name} cannot run in OpenVINO, {reason}: "
            "set embedding_backend to auto or torch."
        )
    return directory / _MODEL


def is_prepared(files: ModelFiles) -> bool:
    """Tell whether a model can be loaded without torch: it was prepared, and runs in OpenVINO."""
    return (models_dir() / _name(files) / _MODEL).is_file()


def known_obstacle(files: ModelFiles) -> str:
    """Return why a model was found not to run in OpenVINO; "" where it does, or was not prepared yet."""
    directory = models_dir() / _name(files)
    found = directory / _OBSTACLE
    finished = (directory / HASHES_FILE).is_file() and found.is_file()
    return found.read_text(encoding="utf-8") if finished else ""


def _name(files: ModelFiles) -> str:
    # With the versions of what traces it: what one could not do the next one may.
    made_by = f"openvino-{_installed('openvino')}-torch-{_installed('torch')}"
    return re.sub(r"[^\w.@-]+", "--", f"{files.fingerprint}-{made_by}-v{_VERSION}")


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _prepare(files: ModelFiles, folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of each branch that it traces
        model = load_sentence_transformer(files, "float32", "cpu")
        try:
            traced = _traced(model, files)
        except Exception as error:  # of torch, of the model's own code, of OpenVINO
            reason = _lasting(error)
        else:
            _save(traced, files, folder / _MODEL)
            reason = _difference(model, files, folder / _MODEL)
    if reason:
        for path in folder.iterdir():
            path.unlink()
        (folder / _OBSTACLE).write_text(reason, encoding="utf-8")


def _lasting(error: Exception) -> str:
    """Return why the model cannot run, in the words of an error; one of this machine is raised again."""
    said = " ".join(str(error).split())
    of_machine = isinstance(error, ImportError | MemoryError | OSError)
    if of_machine or _PASSING.search(said) or disk_fault(error, models_dir()):
        raise error
    return f"torch or OpenVINO: {said[:300] or type(error).__name__}"


def _save(traced: Any, files: ModelFiles, path: Path) -> None:
    try:
        save_model(traced, path)
    except RuntimeError as error:  # it says nothing of the disk
        said = " ".join(str(error).split())[:300]
        raise ModelUnavailableError(
            f"The embedding model {files.name} cannot be written to {models_dir()} for OpenVINO "
            f"({said}): make room there, or set NIC_ETL_MODELS_DIR to another "
            "folder."
        ) from error


def _traced(model: "SentenceTransformer", files: ModelFiles) -> Any:
    import torch

    class Whole(torch.nn.Module):
        """From the tokens of texts of one length, shape (texts, tokens), to their vectors."""

        def __init__(self) -> None:
            super().__init__()
            self.parts = model

        def forward(self, input_ids: torch.Tensor) -> Any:
            features = {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}
            for part in self.parts:
                features = part(features)
            return features["sentence_embedding"]

    ids = load_tokenizer(files).tokenizer.encode(_SENTENCES[1]).ids[: files.max_seq_length]
    with torch.no_grad():
        return convert_torch(Whole().eval(), {"input_ids": torch.tensor([ids])})


def _difference(model: "SentenceTransformer", files: ModelFiles, path: Path) -> str:
    """Return why a saved file does not serve in the place of the model; "" where it does."""
    tokenizer, prompt = load_tokenizer(files).tokenizer, files.passage_prompt
    inputs = {sentence: tokenizer.encode(prompt + sentence).ids for sentence in _SENTENCES}
    fitting = {sentence: ids for sentence, ids in inputs.items() if len(ids) <= files.max_seq_length}
    theirs = [model.encode([one], prompt=prompt, show_progress_bar=False)[0] for one in fitting]
    try:
        # As a model in memory: of the file, which is still to be moved, nothing must be kept.
        compiled = compile_model(openvino().Core().read_model(path), bfloat16=False, threads=1)
        ours = [compiled(np.array([ids], np.int64))[0][0].copy() for ids in fitting.values()]
    except Exception as error:  # what was traced takes texts of the one length alone
        return _lasting(error)
    cosines = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(ours, theirs, strict=True)]
    alike = bool(cosines) and all(cosine >= _LEAST_COSINE for cosine in cosines)  # not where it is no number
    return "" if alike else "where its vectors are others"
