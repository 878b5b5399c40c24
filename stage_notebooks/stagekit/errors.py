"""The two ways in which a stage says no: to one document, and to the whole stage."""

from __future__ import annotations


class StageError(Exception):
    """Stops a stage: a wrong setting, a missing input, a service that cannot be reached.

    The message is one sentence that names the setting or the file and the remedy; a notebook shows that
    sentence instead of a traceback. ``exit_code`` is that of a process which can only say so.
    """

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        # IPython's hook: a reader of the executed notebook needs the sentence, not our call stack.
        return [f"{type(self).__name__}: {self}"]


class ArtifactError(StageError):
    """An artifact is missing, or its bytes are not those that its reference promises."""


class ModelUnavailableError(StageError, ValueError):
    """A model is missing, damaged or of a kind that is not loaded; the message has the remedy."""


class SearchRequestError(StageError):
    """The request or a setting is wrong; asking again cannot help."""

    exit_code = 2


class DocumentRejected(Exception):  # noqa: N818 - a verdict on the document, not an error of ours
    """The document cannot be used, whatever we do: empty, encrypted, corrupt, unsupported.

    Args:
        category: one stable word, for example ``encrypted``.
        message: what is wrong, in words that the document's author understands.
        remedy: what the author can do about it.
    """

    def __init__(self, category: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.category = category
        self.message = message
        self.remedy = remedy
