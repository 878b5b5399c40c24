"""Answers requests with a model that is loaded once; nothing is ever written."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from stagekit.base.sockets.warm_process import WarmAnswer
from stagekit.errors import StageError
from stagekit.search.query import SearchRequestError, plain_search
from stagekit.serving.document import plain_document

_TOOLS: dict[str, Callable[..., Any]] = {
    "stagekit.search.query": plain_search,
    "stagekit.serving.document": plain_document,
}
_MODEL = ("embedding_model", "model_revision", "embedding_dtype", "embedding_backend", "device")


class Answers:
    """Calls tools by name; may be used by several threads.

    Args:
        settings: arguments that a request has unless it names them itself: connection, collection, model.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = dict(settings)
        self._loading = threading.Lock()
        self._loaded: tuple[Any, ...] = ()

    def answer(self, tool: str, request: Mapping[str, Any]) -> WarmAnswer:
        """Call a tool by its module's name; a fault of the request or the store is an answer, too."""
        with _warnings() as said:
            try:
                return WarmAnswer(0, self.call(tool, request), warnings=tuple(said))
            except StageError as error:
                return WarmAnswer(error.exit_code, error=str(error), warnings=tuple(said))

    def call(self, tool: str, request: Mapping[str, Any]) -> Any:
        """Call a tool and return its answer, plain JSON.

        Raises:
            SearchRequestError: if there is no such tool, or the request is wrong.
            StageError: if the store cannot answer.
        """
        if tool not in _TOOLS:
            raise SearchRequestError(f"There is no tool {tool}: ask for one of {', '.join(sorted(_TOOLS))}.")
        arguments = {**self._settings, **request}
        model = tuple(arguments.get(name) for name in _MODEL)
        try:
            if model == self._loaded:
                return _TOOLS[tool](**arguments)
            with self._loading:  # the first question loads the model; others of that moment wait for it
                answer = _TOOLS[tool](**arguments)
                self._loaded = model
                return answer
        except TypeError as error:
            if "argument" not in str(error):
                raise
            raise SearchRequestError(f"The request does not fit: {error}.") from None


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Give the list that the warnings of this thread go to."""
    said: list[str] = []
    mine = threading.get_ident()

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == mine:
                said.append(record.getMessage())

    collector, logger = Collector(logging.WARNING), logging.getLogger("stagekit")
    logger.addHandler(collector)
    try:
        yield said
    finally:
        logger.removeHandler(collector)
