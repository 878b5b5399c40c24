"""What has to be alike on all machines of a cluster, or their results would differ from one another's.

Each function is called here and on every worker, and the answers are compared fact by fact.
"""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version

import stagekit
from stagekit.base.fingerprint import code_fingerprint, library_versions

__all__ = ["LOADED_CODE", "conversion_facts", "embedding_facts"]

LOADED_CODE = code_fingerprint([stagekit])
"""The code that this process has loaded, whatever lies on its disk later."""

_EMBEDDING = ("numpy", "onnxruntime", "sentence-transformers", "tokenizers", "torch", "transformers")


def conversion_facts(salt: str) -> dict[str, str]:
    """Return what a conversion depends on beside its settings.

    Args:
        salt: of the digest of the passwords of PDFs, which takes the place of the passwords.
    """
    from stagekit.processing.pdf.passwords import PASSWORDS_VARIABLE, pdf_passwords

    words = pdf_passwords()
    digest = hashlib.sha256("\n".join([salt, *words]).encode()).hexdigest()[:8]
    return _common(library_versions("document_processing")) | {
        PASSWORDS_VARIABLE: f"{len(words)} passwords, digest {digest}"
    }


def embedding_facts(embedding_model: str, model_revision: str) -> dict[str, str]:
    """Return what the vectors of a model depend on.

    Raises:
        ModelUnavailableError: the model is not on this machine.
    """
    from stagekit.embedding.registry import resolve_model

    model = resolve_model(embedding_model, model_revision)
    return _common({name: version(name) for name in _EMBEDDING}) | {"embedding_model": model.fingerprint}


def _common(versions: dict[str, str]) -> dict[str, str]:
    python = ".".join(platform.python_version_tuple()[:2])
    return {"code of nic-etl": LOADED_CODE[:12], "Python": python, **versions}
