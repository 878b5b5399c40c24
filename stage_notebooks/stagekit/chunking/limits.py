"""Says how large chunks may be, and refuses sizes that cannot work with the embedding model."""

from dataclasses import dataclass
from typing import Literal

StruckText = Literal["mark", "drop"]
SMALLEST_CHUNK = 16  # below it, a single word with its list mark or fence may not fit

# Special tokens and the longest prompt of the known models: `<s> passage: … </s>` is 4, BERT's specials 2.
_USUAL_OVERHEAD = 4


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    """Sizes of chunks, in tokens of the embedding model.

    Attributes:
        chunk_size: Aim for a chunk's text.
        chunk_overlap: Most tokens of whole sentences that a chunk repeats from the one before it.
        tolerance: A chunk is full from (1 - tolerance) * chunk_size on, and never above
            (1 + tolerance) * chunk_size.
        min_context: Tokens that the heading context may take from the text where the model's limit does not
            leave room for both; the outermost titles are dropped first.
        tiny_section: A top-level section below this share of chunk_size is joined with its neighbour.
        struck_text: "mark" keeps what the source strikes out, between `~~`; "drop" leaves it out.
    """

    chunk_size: int = 500
    chunk_overlap: int = 100
    tolerance: float = 0.04
    min_context: int = 24
    tiny_section: float = 0.25
    struck_text: StruckText = "mark"

    @property
    def largest(self) -> int:
        """Return the most tokens of a chunk's text."""
        return int(self.chunk_size * (1 + self.tolerance))

    @property
    def full(self) -> int:
        """Return the tokens from which on a chunk counts as full."""
        return int(self.chunk_size * (1 - self.tolerance))

    def window(self, room: int) -> tuple[int, int]:
        """Return the least and the most tokens of a full chunk.

        Args:
            room: Tokens that the model's limit leaves for the text, behind titles, prompt and special tokens.
                Where it is less than `largest`, the window keeps its proportions below it.
        """
        most = max(1, min(self.largest, room))
        return min(self.full, most * self.full // self.largest), most


def check_chunk_settings(
    chunk_size: int, chunk_overlap: int, max_seq_length: int, overhead: int = _USUAL_OVERHEAD
) -> None:
    """Check that chunks of these sizes can be made and embedded whole.

    Heading context needs no room of its own here: it is shortened to what the model's limit leaves, and
    takes at most `ChunkSettings.min_context` tokens from the text.

    Args:
        chunk_size: Setting, in tokens.
        chunk_overlap: Setting, in tokens.
        max_seq_length: Most tokens that the embedding model takes.
        overhead: Tokens of its prompt and special tokens (`TokenCounter.overhead`).

    Raises:
        ValueError: One sentence that names the setting and the remedy.
    """
    if chunk_size <= 0:
        raise ValueError(f"chunk_size is {chunk_size}: set it to a positive number of tokens.")
    if chunk_size < SMALLEST_CHUNK:
        raise ValueError(f"chunk_size is {chunk_size}: set it to at least {SMALLEST_CHUNK} tokens.")
    if chunk_overlap < 0:
        raise ValueError(f"chunk_overlap is {chunk_overlap}: set it to 0 or more tokens.")
    if chunk_overlap >= chunk_size:
        raise ValueError(
            f"chunk_overlap ({chunk_overlap}) is not below chunk_size ({chunk_size}): "
            f"set chunk_overlap to at most {chunk_size // 2}."
        )
    room = max_seq_length - overhead
    if chunk_size > room:
        raise ValueError(
            f"chunk_size ({chunk_size}) is more than the embedding model takes ({max_seq_length} tokens, "
            f"{overhead} of them for its prompt and special tokens): set chunk_size to at most {room}."
        )
