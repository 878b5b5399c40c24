"""Loads an embedding model as sentence-transformers does, from safetensors and without code of its own."""

import warnings
from typing import TYPE_CHECKING, Any

from stagekit.base.machine import cores
from stagekit.embedding.registry import ModelFiles

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def load_sentence_transformer(files: ModelFiles, dtype: str, device: str) -> "SentenceTransformer":
    """Load a model in torch, on "cpu", "cuda" or "cuda:N", in "float32" or "bfloat16".

    In bfloat16 pooling and normalisation stay in float32.
    """
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


def _sentence_transformer_class() -> "type[SentenceTransformer]":
    with warnings.catch_warnings():
        # tqdm complains in a kernel without ipywidgets; no bar of it is ever shown.
        warnings.filterwarnings("ignore", message="IProgress not found")
        from sentence_transformers import SentenceTransformer
    return SentenceTransformer


def _float32_tokens(_module: Any, _arguments: Any, features: dict[str, Any]) -> dict[str, Any]:
    features["token_embeddings"] = features["token_embeddings"].float()
    return features
