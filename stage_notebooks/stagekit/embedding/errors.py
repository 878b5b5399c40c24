"""The one error of this package, in a module of its own so that every other module can raise it."""

from stagekit.errors import StageError

__all__ = ["ModelUnavailableError"]


class ModelUnavailableError(StageError, ValueError):
    """An embedding model is missing, damaged or of a kind that is not loaded; the message has the remedy."""
