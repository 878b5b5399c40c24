"""Loads embedding models and turns texts into unit vectors, the same ones for the same texts."""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stagekit.base.machine import cores
from stagekit.embedding.errors import ModelUnavailableError
from stagekit.embedding.hardware import resolve_device, resolve_dtype
from stagekit.embedding.onnx.bert_graph import obstacle
from stagekit.embedding.onnx.model import OnnxModel, load_onnx_model, require_within_limit
from stagekit.embedding.registry import ModelFiles, resolve_model

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["EmbeddingModel", "computation", "embed_texts", "load_model", "resolve_backend"]

# A processor gains nothing from larger batches, whose intermediate values leave its caches.
_BATCH_TOKENS = 2048

EmbeddingModel: TypeAlias = "SentenceTransformer | OnnxModel"


def resolve_backend(backend: str, files: ModelFiles, *, dtype: str = "float32", device: str = "cpu") -> str:
    """Return `onnx` or `torch`; "auto" takes ONNX Runtime where it can make the vectors asked for.

    Args:
        backend: The setting `embedding_backend`.
        files: The model.
        dtype: See `resolve_dtype`.
        device: See `resolve_device`.

    Raises:
        ValueError: The setting is none of "auto", "torch", "onnx".
        ModelUnavailableError: It is "onnx", and model, dtype or device are not for that; or the dtype is
            "int8", which is for ONNX Runtime alone, and they are not.
    """
    if backend not in {"auto", "torch", "onnx"}:
        raise ValueError(f"embedding_backend is {backend!r}: set it to auto, torch or onnx.")
    device = resolve_device(device, dtype)
    dtype = resolve_dtype(dtype, device)
    if backend == "torch" and dtype != "int8":
        return backend
    if backend == "torch":
        reason = "embedding_backend is torch"
    elif device != "cpu":
        reason = f"device is {device} and not cpu"
    elif dtype == "bfloat16":
        reason = "embedding_dtype is bfloat16 and not float32 or int8"
    else:
        reason = obstacle(files.directory)
    if reason and dtype == "int8":
        raise ModelUnavailableError(
            f"The embedding model {files.name} cannot compute in int8, {reason}: set embedding_dtype to "
            "float32, bfloat16 or auto."
        )
    if reason and backend == "onnx":
        raise ModelUnavailableError(
            f"The embedding model {files.name} cannot run in ONNX Runtime, {reason}: "
            "set embedding_backend to auto or torch."
        )
    return "torch" if reason else "onnx"


def computation(dtype: str, backend: str) -> str:
    """Return what stands for the arithmetic in a `vector_key`: two backends round differently."""
    return f"{dtype} {backend}"


def load_model(
    name: str, revision: str = "", *, dtype: str = "float32", device: str = "cpu", backend: str = "auto"
) -> EmbeddingModel:
    """Load an embedding model for inference, from verified safetensors and never with code of its own.

    Args:
        name: A value of the setting `embedding_model`; see `resolve_model`.
        revision: See `resolve_model`.
        dtype: "float32", "bfloat16", "int8" or "auto"; in bfloat16 pooling and normalisation stay in
            float32, in int8 all but the linear layers.
        device: "cpu", "cuda", "cuda:N" or "auto".
        backend: "torch", "onnx" or "auto"; see `resolve_backend`.

    Raises:
        ModelUnavailableError: The model is missing or damaged, or not for the backend.
        ValueError: dtype, device or backend is not one of the above.
    """
    device = resolve_device(device, dtype)
    dtype = resolve_dtype(dtype, device)
    files = resolve_model(name, revision)
    onnx = resolve_backend(backend, files, dtype=dtype, device=device) == "onnx"
    key = (files.directory, files.fingerprint, dtype)
    if onnx and key in _kept:  # a kernel may have loaded it before its notebook asks
        return _kept[key]
    files = resolve_model(name, revision, verify_weights=True)
    if not onnx:
        return _load_sentence_transformer(files, dtype, device)
    _kept.clear()
    _kept[key] = load_onnx_model(files, dtype)
    return _kept[key]


_kept: dict[tuple[Path, str, str], OnnxModel] = {}


def _load_sentence_transformer(files: ModelFiles, dtype: str, device: str) -> "SentenceTransformer":
    import torch

    if device == "cpu":
        torch.set_num_threads(cores())  # torch does not know of a container's share
    SentenceTransformer = _sentence_transformer_class()  # noqa: N806
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # it would fill the notebook
    loaded = SentenceTransformer(
        str(files.directory),
        device=device,
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True},
    )
    loaded.max_seq_length = files.max_seq_length
    loaded.prompts = dict(files.prompts)
    if dtype != "float32":
        loaded[0].register_forward_hook(_float32_tokens)
    loaded.eval()
    return loaded


def embed_texts(
    model: EmbeddingModel, texts: Sequence[str], prompt: str = "", batch_size: int = 32
) -> NDArray[np.float32]:
    """Return one unit vector for each text.

    Each distinct text is embedded once, whatever the order of `texts`. In ONNX Runtime a vector does not
    depend on the other texts at all; in torch, whose batches are padded, by rounding: below 1e-6 in float32.

    Args:
        model: From `load_model`.
        texts: Texts without prompt, none longer than the model's limit.
        prompt: Put before every text.
        batch_size: Most texts that go through the model at once in torch, where on a CPU a batch also ends
            at 2,048 tokens; ONNX Runtime takes one text after another.

    Returns:
        Array of shape (len(texts), dimension), each row of L2 norm 1.

    Raises:
        ValueError: A text is longer than the model takes, or the model gave a vector that is not finite.
    """
    distinct = sorted(set(texts), key=lambda text: (len(text), text))
    if isinstance(model, OnnxModel):
        dimension = model.dimension
        rows = model.encode([prompt + text for text in distinct]) if distinct else None
    else:
        dimension = model.get_embedding_dimension() or 0
        rows = _encode(model, distinct, prompt, batch_size) if distinct else None
    if rows is None:
        return np.empty((0, dimension), dtype=np.float32)
    place = {text: at for at, text in enumerate(distinct)}
    return _unit_rows(rows)[[place[text] for text in texts]]


def _encode(
    model: "SentenceTransformer", texts: list[str], prompt: str, batch_size: int
) -> NDArray[np.float32]:
    inputs = [prompt + text for text in texts]
    encoded = model.tokenizer(inputs, truncation=False, padding=False, verbose=False)["input_ids"]
    lengths = list(map(len, encoded))
    require_within_limit(max(lengths), model.max_seq_length)
    budget = _BATCH_TOKENS if model.device.type == "cpu" else None
    batches = list(_batches(lengths, batch_size, budget))
    made = [
        model.encode(
            [texts[place] for place in places],
            prompt=prompt,
            batch_size=batch_size,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        for places in batches
    ]
    sorted_rows = np.concatenate(made).astype(np.float32)
    rows = np.empty_like(sorted_rows)
    rows[np.concatenate(batches)] = sorted_rows
    return rows


def _batches(lengths: Sequence[int], batch_size: int, budget: int | None) -> Iterator[list[int]]:
    """Give the places of texts in batches by rising length, in tokens; the last of a batch is its longest."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        full = budget is not None and (len(batch) + 1) * lengths[place] > budget
        if batch and (full or len(batch) == batch_size):
            yield batch
            batch = []
        batch.append(place)
    yield batch


def _sentence_transformer_class() -> "type[SentenceTransformer]":
    with warnings.catch_warnings():
        # tqdm complains in a kernel without ipywidgets; no bar of it is ever shown.
        warnings.filterwarnings("ignore", message="IProgress not found")
        from sentence_transformers import SentenceTransformer
    return SentenceTransformer


def _unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(rows).all() or not (norms > 0).all():
        raise ValueError(
            "The embedding model gave a vector that is not finite or zero: set embedding_dtype to float32."
        )
    unit: NDArray[np.float32] = rows / norms
    return unit


def _float32_tokens(_module: Any, _arguments: Any, features: dict[str, Any]) -> dict[str, Any]:
    features["token_embeddings"] = features["token_embeddings"].float()
    return features
