"""Counts tokens as the embedding model will see them, without importing torch or transformers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from stagekit.embedding.excerpt_tokenizer import ExcerptTokenizer, excerpt_tokenizer, suits_excerpt
from stagekit.embedding.registry import ModelFiles, resolve_model

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class TokenCounter:
    """The tokenizer of an embedding model, from the same tokenizer.json that the model itself loads."""

    # of the `tokenizers` package, with neither truncation nor padding
    tokenizer: "Tokenizer" = field(repr=False, compare=False)
    fingerprint: str  # `name@revision` of the model
    max_seq_length: int  # most tokens of one input, prompt and special tokens included
    prompt: str = ""  # what is put before a document's text when it is embedded

    def count(self, text: str) -> int:
        """Return the tokens of a text alone, without special tokens and prompt."""
        return self._length(text, special=False)

    def count_embedded(self, text: str) -> int:
        """Return the tokens that the model gets for a text: prompt and special tokens included."""
        return self._length(self.prompt + text, special=True)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Return the character span of each token of `count`, in order."""
        spans: list[tuple[int, int]] = self.tokenizer.encode(text, add_special_tokens=False).offsets
        return spans

    @cached_property
    def overhead(self) -> int:
        """Return the tokens that prompt and special tokens take from every input."""
        return self.count_embedded("")

    def _length(self, text: str, *, special: bool) -> int:
        # Without the spans of the tokens, which are not asked for here: a fifth less work.
        return len(self.tokenizer.encode_batch_fast([text], add_special_tokens=special)[0])


class ModelTokenizer:
    """Gives the ids that a model takes; the whole vocabulary is loaded for several texts, or a long one.

    One short text alone is a question, which most often is the only one of its process. Once the vocabulary
    is loaded it serves all further texts.
    """

    def __init__(self, files: ModelFiles) -> None:
        self._files = files

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, special tokens included; nothing is cut or padded."""
        question = len(texts) == 1 and "_whole" not in self.__dict__ and suits_excerpt(texts[0])
        tokenizer = (self._excerpt if question else None) or self._whole
        return [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts))]

    @cached_property
    def _whole(self) -> "Tokenizer":
        return load_tokenizer(self._files).tokenizer

    @cached_property
    def _excerpt(self) -> ExcerptTokenizer | None:
        return excerpt_tokenizer(self._files.directory / "tokenizer.json")


def load_tokenizer(model: str | ModelFiles, revision: str = "") -> TokenCounter:
    """Return the token counter of an embedding model, as the setting or `resolve_model` names it.

    Raises:
        ModelUnavailableError: The model is not on this machine.
    """
    files = resolve_model(model, revision) if isinstance(model, str) else model
    tokenizer = _read_tokenizer(files.directory / "tokenizer.json", files.fingerprint)
    return TokenCounter(tokenizer, files.fingerprint, files.max_seq_length, files.passage_prompt)


@lru_cache(maxsize=1)
def _read_tokenizer(path: Path, fingerprint: str) -> "Tokenizer":
    # Kept, because a kernel may have read it before its notebook asks; large vocabularies take a second.
    from tokenizers import Tokenizer

    del fingerprint  # only tells two models in one place apart
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()  # files of older models carry both settings
    tokenizer.no_padding()
    return tokenizer
