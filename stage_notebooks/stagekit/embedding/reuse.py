"""Embeds only the texts whose vectors are not known yet."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from stagekit.embedding.vectors import VectorStore, vector_key

__all__ = ["EmbeddedTexts", "embed_with_reuse"]


@dataclass(frozen=True, slots=True)
class EmbeddedTexts:
    """Vectors of some texts.

    Attributes:
        vectors: Shape (texts, dimension), float32, rows of norm 1.
        keys: `vector_key` of each text.
        reused: How many texts needed no model, because their vectors, or equal texts before them, were there.
    """

    vectors: NDArray[np.float32]
    keys: list[str]
    reused: int

    def split(self, counts: Iterable[int]) -> "list[EmbeddedTexts]":
        """Return them in groups of so many texts each; what was reused is told of all together only."""
        ends = list(accumulate(counts))
        return [
            EmbeddedTexts(self.vectors[begin:end], self.keys[begin:end], 0)
            for begin, end in pairwise([0, *ends])
        ]


def embed_with_reuse(
    texts: Sequence[str],
    embed: Callable[[list[str]], NDArray[np.float32]],
    store: VectorStore,
    *,
    prompt: str,
    model_fingerprint: str,
    dtype: str,
) -> EmbeddedTexts:
    """Return the vectors of `texts`, from the store where it has them; `embed` is called for the others.

    Args:
        texts: At least one text, without prompt.
        embed: Called at most once, with distinct texts, so that a model can be loaded inside it.
        store: Where vectors are looked up and kept.
        prompt: Put before every text by `embed`; part of the key.
        model_fingerprint: `ModelFiles.fingerprint`.
        dtype: See `vector_key`.
    """
    keys = [vector_key(prompt + text, model_fingerprint, dtype) for text in texts]
    known = store.get_many(keys)
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    reused = len(keys) - len(missing)
    if missing:
        made = embed(list(missing.values()))
        fresh = dict(zip(missing, made, strict=True))
        store.put_many(fresh)
        known |= fresh
    return EmbeddedTexts(np.stack([known[key] for key in keys]), keys, reused)
