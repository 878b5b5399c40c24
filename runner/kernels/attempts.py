"""When a stage is executed once more: its service failed in passing, or its kernel ran out of memory."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from runner.errors import StageExecutionError
from runner.events import Event, Listener
from runner.models import PipelineStage

if TYPE_CHECKING:
    from tenacity import RetryCallState, Retrying


def attempts(stage: PipelineStage, most: int, emit: Listener, stop: threading.Event) -> Retrying:
    """Return the attempts at a stage, each to be entered: the next one follows a failure that may pass.

    Args:
        stage: with its ``retry_config``.
        most: how many further ones there are.
        emit: is told of each further one.
        stop: ends the wait between two.
    """
    # With Tornado, if that is there: a run with nothing to do need not import either.
    from tenacity import Retrying, retry_if_exception, sleep_using_event, stop_after_attempt
    from tenacity.wait import wait_exponential_jitter

    def tell(call: RetryCallState) -> None:
        error = call.outcome.exception() if call.outcome else None
        pause = call.next_action.sleep if call.next_action else 0.0
        emit(retried(stage.name, call.attempt_number, pause, str(error)))

    retry = stage.retry_config
    return Retrying(
        stop=stop_after_attempt(1 + most),
        wait=wait_exponential_jitter(
            multiplier=retry.initial_wait, max=retry.max_wait, jitter=retry.initial_wait
        ),
        retry=retry_if_exception(lambda e: isinstance(e, StageExecutionError) and e.transient),
        sleep=sleep_using_event(stop),
        before_sleep=tell,
        reraise=True,
    )


def retried(stage: str, attempt: int, wait_s: float, error: str) -> Event:
    """Return what is told where an attempt failed and another one follows."""
    return Event("stage_retried", stage, {"attempt": attempt, "wait": round(wait_s, 1), "error": error})
