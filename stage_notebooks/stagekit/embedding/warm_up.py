"""What a stage's kernel loads while the stages before it still work, from the settings of the run."""

from stagekit.embedding.arithmetic import resolve_backend
from stagekit.embedding.model import load_model
from stagekit.embedding.openvino.prepared import is_prepared
from stagekit.embedding.registry import resolve_model
from stagekit.embedding.tokens import load_tokenizer


def tokenizer(*, embedding_model: str, model_revision: str) -> None:
    """Load the tokenizer; :func:`stagekit.embedding.load_tokenizer` has it at once then."""
    load_tokenizer(embedding_model, model_revision)


def model(
    *, embedding_model: str, model_revision: str, embedding_dtype: str, embedding_backend: str, device: str
) -> None:
    """Load the model if that needs no torch; :func:`stagekit.embedding.load_model` has it at once then.

    In torch it takes gigabytes, which the conversion of documents may need at that moment.
    """
    files = resolve_model(embedding_model, model_revision)
    backend = resolve_backend(embedding_backend, files, dtype=embedding_dtype, device=device)
    if backend == "onnx" or (backend == "openvino" and is_prepared(files)):
        load_model(
            embedding_model, model_revision, dtype=embedding_dtype, device=device, backend=embedding_backend
        )
        load_tokenizer(files)
