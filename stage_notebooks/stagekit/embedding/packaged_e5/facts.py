"""What is known of the packaged E5 models without reading one, so without NumPy."""

from pathlib import Path

__all__ = ["CONVERSION", "E5_PROMPTS", "convert_e5"]

CONVERSION = 1  # raised when the conversion changes its result: it is part of the model's fingerprint
E5_PROMPTS = {"query": "query: ", "passage": "passage: "}


def convert_e5(file: Path, directory: Path) -> None:
    """Do what :func:`stagekit.embedding.packaged_e5.convert.write_sentence_transformer` does."""
    from stagekit.embedding.packaged_e5.convert import write_sentence_transformer

    write_sentence_transformer(file, directory)
