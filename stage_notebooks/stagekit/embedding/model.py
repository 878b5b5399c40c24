"""Loads sentence-transformers models and turns texts into unit vectors, the same ones for the same texts."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stagekit.embedding.registry import resolve_model

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["embed_texts", "load_model", "resolve_device", "resolve_dtype"]

_DTYPES = ("float32", "bfloat16")


def resolve_device(device: str) -> str:
    """Return `cpu` or `cuda`; "auto" takes the GPU where there is one.

    Raises:
        ValueError: The setting is none of "cpu", "cuda", "auto".
    """
    if device not in {"cpu", "cuda", "auto"}:
        raise ValueError(f"device is {device!r}: set it to cpu, cuda or auto.")
    if device != "auto":
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def resolve_dtype(dtype: str, device: str = "cpu") -> str:
    """Return `float32` or `bfloat16`; "auto" takes bfloat16 where the hardware multiplies in it.

    Args:
        dtype: The setting `embedding_dtype`.
        device: "cpu", "cuda" or "auto"; looked at only where `dtype` is "auto".

    Raises:
        ValueError: The setting is none of "float32", "bfloat16", "auto".
    """
    if dtype not in {*_DTYPES, "auto"}:
        raise ValueError(f"embedding_dtype is {dtype!r}: set it to float32, bfloat16 or auto.")
    if dtype != "auto":
        return dtype
    if resolve_device(device) == "cuda":
        import torch

        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return "bfloat16" if _cpu_flags() & {"avx512_bf16", "amx_bf16", "bf16"} else "float32"


def load_model(
    name: str, revision: str = "", *, dtype: str = "float32", device: str = "cpu"
) -> "SentenceTransformer":
    """Load an embedding model for inference, from verified safetensors and never with code of its own.

    Args:
        name: A value of the setting `embedding_model`; see `resolve_model`.
        revision: See `resolve_model`.
        dtype: "float32", "bfloat16" or "auto"; in bfloat16 pooling and normalisation stay in float32.
        device: "cpu", "cuda" or "auto".

    Raises:
        ModelUnavailableError: The model is missing or damaged.
        ValueError: dtype or device is not one of the above.
    """
    device = resolve_device(device)
    dtype = resolve_dtype(dtype, device)
    files = resolve_model(name, revision, verify_weights=True)

    import torch

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
    model: "SentenceTransformer", texts: Sequence[str], prompt: str = "", batch_size: int = 32
) -> NDArray[np.float32]:
    """Return one unit vector for each text.

    Each distinct text is embedded once, in batches of similar length, whatever the order of `texts`.

    Args:
        model: From `load_model`.
        texts: Texts without prompt, none longer than the model's limit.
        prompt: Put before every text.
        batch_size: Texts that go through the model at once.

    Returns:
        Array of shape (len(texts), dimension), each row of L2 norm 1.

    Raises:
        ValueError: A text is longer than the model takes, or the model gave a vector that is not finite.
    """
    distinct = sorted(set(texts), key=lambda text: (len(text), text))
    _require_within_limit(model, [prompt + text for text in distinct])
    vectors: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(distinct), batch_size):
        batch = distinct[start : start + batch_size]
        rows = model.encode(
            batch, prompt=prompt, batch_size=batch_size, convert_to_numpy=True, show_progress_bar=False
        )
        vectors.update(zip(batch, _unit_rows(np.asarray(rows, dtype=np.float32)), strict=True))
    if not texts:
        return np.empty((0, model.get_sentence_embedding_dimension() or 0), dtype=np.float32)
    return np.stack([vectors[text] for text in texts])


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


def _require_within_limit(model: "SentenceTransformer", texts: Sequence[str]) -> None:
    if not texts:
        return
    limit = model.max_seq_length
    encoded = model.tokenizer(list(texts), truncation=False, padding=False, verbose=False)["input_ids"]
    longest = max(len(ids) for ids in encoded)
    if limit is not None and longest > limit:
        raise ValueError(
            f"A text of {longest} tokens is longer than the {limit} that the embedding model takes and would "
            "be cut: lower chunk_size and run the chunking stage again."
        )


def _float32_tokens(_module: Any, _arguments: Any, features: dict[str, Any]) -> dict[str, Any]:
    features["token_embeddings"] = features["token_embeddings"].float()
    return features


def _cpu_flags() -> set[str]:
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return set()
    lines = path.read_text(encoding="utf-8").splitlines()
    return {flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split()}
