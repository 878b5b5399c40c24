"""What we need of ONNX Runtime that is not public."""

from __future__ import annotations

from typing import Any


def forget_weights(session: Any) -> None:
    """Drop the copy of its weights that a session keeps: 20 MB a worker.

    It is there to be opened again with other providers, which none of ours is.
    """
    session._model_bytes = None
