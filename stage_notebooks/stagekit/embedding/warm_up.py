"""What a stage's kernel loads while the stages before it still work, from the settings of the run."""

from stagekit.embedding.model import load_model, resolve_backend
from stagekit.embedding.registry import resolve_model
from stagekit.embedding.tokens import load_tokenizer

__all__ = ["model", "tokenizer"]


def tokenizer(*, embedding_model: str, model_revision: str) -> None:
    """Load the tokenizer; :func:`stagekit.embedding.load_tokenizer` has it at once then."""
    load_tokenizer(embedding_model, model_revision)


def model(
    *, embedding_model: str, model_revision: str, embedding_dtype: str, embedding_backend: str, device: str
) -> None:
    """Load the model if it runs in ONNX Runtime; :func:`stagekit.embedding.load_model` has it at once then.

    In torch it takes gigabytes, which the conversion of documents may need at that moment.
    """
    files = resolve_model(embedding_model, model_revision)
    if resolve_backend(embedding_backend, files, dtype=embedding_dtype, device=device) == "onnx":
        load_model(
            embedding_model, model_revision, dtype=embedding_dtype, device=device, backend=embedding_backend
        )
        load_tokenizer(files)
