"""Embeds only the texts whose vectors are not known yet."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stagekit.embedding.vectors import VectorStore, vector_key


class KnownVector(NamedTuple):
    """A vector of the store: its `vector_key`, the computation that made it, and itself."""

    key: str
    computation: str
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EmbeddedTexts:
    """Vectors of some texts."""

    vectors: NDArray[np.float32]  # shape (texts, dimension), float32, rows of norm 1
    keys: list[str]  # `vector_key` of each text
    computations: list[str]  # in which arithmetic each vector was made, as `computation` names it
    # how many texts needed no model, because their vectors, or equal texts before them, were there
    reused: int

    def split(self, counts: Iterable[int]) -> "list[EmbeddedTexts]":
        """Return them in groups of so many texts each; what was reused is told of all together only."""
        ends = list(accumulate(counts))
        return [
            EmbeddedTexts(self.vectors[begin:end], self.keys[begin:end], self.computations[begin:end], 0)
            for begin, end in pairwise([0, *ends])
        ]


def embed_with_reuse(
    texts: Sequence[str],
    embed: Callable[[list[str]], tuple[NDArray[np.float32], str]],
    store: VectorStore,
    *,
    prompt: str,
    model_fingerprint: str,
    accepted: Sequence[str],
) -> EmbeddedTexts:
    """Return the vectors of `texts`, from the store where it has them; `embed` is called for the others.

    Args:
        texts: At least one text, without prompt.
        embed: Called at most once, with distinct texts, so that a model can be loaded inside it; gives their
            vectors and the `computation` that made them.
        store: Where vectors are looked up and kept.
        prompt: Put before every text by `embed`; part of the key.
        model_fingerprint: `ModelFiles.fingerprint`.
        accepted: See `accepted_computations`.
    """
    inputs = [prompt + text for text in texts]
    found = known_vectors(inputs, store, model_fingerprint, accepted)
    missing = {given: text for given, text in zip(inputs, texts, strict=True) if given not in found}
    reused = len(inputs) - len(missing)
    if missing:
        made, arithmetic = embed(list(missing.values()))
        keys = [vector_key(given, model_fingerprint, arithmetic) for given in missing]
        store.put_many(dict(zip(keys, made, strict=True)))
        for given, key, vector in zip(missing, keys, made, strict=True):
            found[given] = KnownVector(key, arithmetic, vector)
    rows = [found[given] for given in inputs]
    return EmbeddedTexts(
        np.stack([row.vector for row in rows]),
        [row.key for row in rows],
        [row.computation for row in rows],
        reused,
    )


def known_vectors(
    inputs: Iterable[str], store: VectorStore, model_fingerprint: str, accepted: Iterable[str]
) -> dict[str, KnownVector]:
    """Return what a store has of texts with prompts, each in the first accepted computation it has."""
    found: dict[str, KnownVector] = {}
    missing = list(dict.fromkeys(inputs))
    for arithmetic in accepted:
        keys = {vector_key(given, model_fingerprint, arithmetic): given for given in missing}
        for key, vector in store.get_many(keys).items():
            found[keys[key]] = KnownVector(key, arithmetic, vector)
        missing = [given for given in missing if given not in found]
        if not missing:
            break
    return found
