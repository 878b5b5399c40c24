"""Loads embedding models and turns texts into unit vectors, the same ones for the same texts."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stagekit.embedding.arithmetic import computation, resolve_backend
from stagekit.embedding.hardware import resolve_device, resolve_dtype
from stagekit.embedding.onnx.model import OnnxModel, load_onnx_model
from stagekit.embedding.openvino.model import OpenVinoModel, load_openvino_model
from stagekit.embedding.openvino.prepared import known_obstacle
from stagekit.embedding.registry import ModelFiles, resolve_model
from stagekit.embedding.sentence_transformer import load_sentence_transformer
from stagekit.embedding.singly import require_within_limit
from stagekit.errors import ModelUnavailableError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# A processor gains nothing from larger batches, whose intermediate values leave its caches.
_BATCH_TOKENS = 2048

EmbeddingModel: TypeAlias = "SentenceTransformer | OnnxModel | OpenVinoModel"


def load_model(
    name: str, revision: str = "", *, dtype: str = "float32", device: str = "cpu", backend: str = "auto"
) -> EmbeddingModel:
    """Load an embedding model for inference, from verified safetensors and never with code of its own.

    Args:
        name: A value of the setting `embedding_model`; see `resolve_model`.
        revision: See `resolve_model`.
        dtype: "float32", "bfloat16", "int8", "auto" or "fastest"; in bfloat16 pooling and normalisation stay
            in float32 in torch, in int8 all but the linear layers.
        device: "cpu", "cuda", "cuda:N" or "auto".
        backend: "torch", "onnx", "openvino" or "auto"; see `resolve_backend`.

    Raises:
        ModelUnavailableError: The model is missing or damaged, or not for the backend.
        ValueError: dtype, device or backend is not one of the above.
    """
    device = resolve_device(device, dtype)
    dtype = resolve_dtype(dtype, device, backend)
    files = resolve_model(name, revision)
    chosen = resolve_backend(backend, files, dtype=dtype, device=device)
    key = (files.directory, files.fingerprint, dtype, chosen)
    if key in _kept:  # a kernel may have loaded it before its notebook asks
        return _kept[key]
    files = resolve_model(name, revision, verify_weights=True)
    if chosen == "torch":
        return load_sentence_transformer(files, dtype, device)
    _kept.clear()
    try:
        _kept[key] = _LOADERS[chosen](files, dtype)
    except ModelUnavailableError:
        if backend == "auto" and chosen == "openvino" and known_obstacle(files):  # known from now on
            return load_model(name, revision, dtype=dtype, device=device)
        raise
    return _kept[key]


_LOADERS: dict[str, Callable[[ModelFiles, str], OnnxModel | OpenVinoModel]] = {
    "onnx": load_onnx_model,
    "openvino": load_openvino_model,
}
_kept: dict[tuple[Path, str, str, str], OnnxModel | OpenVinoModel] = {}


def computation_of(model: EmbeddingModel) -> str:
    """Return the `computation` of a loaded model: what its vectors are kept under."""
    if isinstance(model, OnnxModel):
        return computation(model.dtype, "onnx")
    if isinstance(model, OpenVinoModel):
        return computation(model.dtype, "openvino")
    return computation(str(next(model.parameters()).dtype).removeprefix("torch."), "torch")


def embed_texts(
    model: EmbeddingModel, texts: Sequence[str], prompt: str = "", batch_size: int = 32
) -> NDArray[np.float32]:
    """Return one unit vector for each text.

    Each distinct text is embedded once, whatever the order of `texts`. In ONNX Runtime and OpenVINO a vector
    does not depend on the other texts at all; in torch, whose batches are padded, by rounding: below 1e-6 in
    float32.

    Args:
        model: From `load_model`.
        texts: Texts without prompt, none longer than the model's limit.
        prompt: Put before every text.
        batch_size: Most texts that go through the model at once in torch, where on a CPU a batch also ends
            at 2,048 tokens; the others take each text by itself.

    Returns:
        Array of shape (len(texts), dimension), each row of L2 norm 1.

    Raises:
        ValueError: A text is longer than the model takes, or the model gave a vector that is not finite.
    """
    distinct = sorted(set(texts), key=lambda text: (len(text), text))
    if isinstance(model, OnnxModel | OpenVinoModel):
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


def _unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(rows).all() or not (norms > 0).all():
        raise ValueError(
            "The embedding model gave a vector that is not finite or zero: set embedding_dtype to float32."
        )
    unit: NDArray[np.float32] = rows / norms
    return unit
