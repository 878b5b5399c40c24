"""What a Qdrant server's refusals mean, in one sentence each, with the remedy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

import grpc
from pydantic import ValidationError
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse
from qdrant_client.models import UpdateResult, UpdateStatus

from stagekit.errors import StageError

_LONGEST: Final = 300  # characters of a server's answer in a sentence of ours
# https://grpc.io/docs/guides/status-codes/ beside the status that Qdrant's REST interface gives
_HTTP_STATUS: Final = {
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.INTERNAL: 500,
}
_REDIRECTS: Final = {301, 302, 303, 307, 308}


def require_completed(result: UpdateResult) -> None:
    """Refuse a write that the server took but did not finish in time: that arrives as HTTP 200.

    Raises:
        StageError: if the write is not applied yet.
    """
    if result.status != UpdateStatus.COMPLETED:
        raise StageError(
            f"Qdrant took a write but did not finish it in time ({result.status.value}): it is busy; run the "
            "stage again, it continues where it stopped."
        )


@contextmanager
def qdrant_errors(qdrant_url: str) -> Iterator[None]:
    """Turn the client's exceptions into a :class:`~stagekit.errors.StageError` with a remedy."""
    where = _without_credentials(qdrant_url)
    try:
        yield
    except UnexpectedResponse as error:
        raise StageError(_answer(error.status_code or 0, error_text(error.content), where)) from None
    except json.JSONDecodeError:
        raise StageError(
            f"{where} did not answer as Qdrant does: check qdrant_url (a login page may be in between)."
        ) from None
    except grpc.RpcError as error:
        raise StageError(_of_grpc(error, where)) from None
    except (ApiException, QdrantException) as error:
        cause = getattr(error, "source", error)
        if isinstance(cause, ValidationError):
            raise StageError(
                f"{where} did not answer as Qdrant does: check qdrant_url, and that the server is no newer "
                "than this version of nic-etl knows."
            ) from None
        if is_untrusted(cause):
            raise StageError(
                f"The TLS certificate of {where} is not trusted ({cause}): set ca_file to the PEM "
                "file of the authority that issued it."
            ) from None
        raise StageError(
            f"Qdrant at {where} cannot be reached ({cause}): check qdrant_url and that the server is up."
        ) from None


def error_text(content: bytes) -> str:
    """Return what an answer says is wrong: the error of Qdrant's JSON, or the text as it is."""
    text = content.decode(errors="replace").strip()
    with suppress(ValueError, KeyError, TypeError):
        text = str(json.loads(text)["status"]["error"])
    return text[:_LONGEST]


def disk_full(status: int, detail: str) -> bool:
    """Tell whether a server has no room left; to ask again at once is in vain."""
    return status == 507 or (status == 500 and "No space left" in detail)


def is_forbidden(error: Exception) -> bool:
    """Tell whether a server refused a request for what the key may not do, over REST or gRPC."""
    if isinstance(error, grpc.RpcError):
        return bool(error.code() == grpc.StatusCode.PERMISSION_DENIED)
    return isinstance(error, UnexpectedResponse) and error.status_code == 403


def is_untrusted(cause: BaseException) -> bool:
    """Tell whether a connection failed because of the server's certificate."""
    return "CERTIFICATE_VERIFY_FAILED" in str(cause)


def _answer(status: int, detail: str, where: str) -> str:
    if status == 401:
        return (
            f"Qdrant at {where} refuses the key (HTTP 401: {detail}): set the environment variable "
            "QDRANT_API_KEY to a key that may read and write."
        )
    if status == 403:
        return _forbidden(detail, where)
    if disk_full(status, detail):
        return (
            f"Qdrant at {where} has no room left (HTTP {status}: {detail}): make room on the server's disk "
            "and run again, it continues where it stopped."
        )
    if status == 413 or "larger than allowed" in detail:
        return (
            f"Qdrant at {where}, or a proxy before it, takes no request of this size (HTTP {status}: "
            f"{detail}): lower upsert_batch_size, or raise the limit there."
        )
    if status in _REDIRECTS:
        return f"{where} leads elsewhere (HTTP {status}), where the key is not sent: correct qdrant_url."
    said = f": {detail.rstrip('.')}" if detail else ""
    return f"Qdrant at {where} answered HTTP {status}{said}."


def _forbidden(detail: str, where: str) -> str:
    """Say what a key lacks; Qdrant's words are those of ``storage/src/rbac`` in its source."""
    variable, said = "the environment variable QDRANT_API_KEY", f"HTTP 403: {detail.rstrip('.')}"
    if "manage access" in detail:
        return (
            f"Qdrant at {where} does not let this key write what a run writes ({said}): set {variable} to a "
            "key with manage access, which one for single collections has not: a run makes collections, "
            "says on them what they hold, and moves their alias."
        )
    if "Write access" in detail:
        return (
            f"Qdrant at {where} does not let this key write ({said}): set {variable} to a key that may read "
            "and write."
        )
    return (
        f"Qdrant at {where} does not let this key in ({said}): set {variable} to a key that may read and "
        "write there, or ask who runs the server, or a proxy before it."
    )


def _of_grpc(error: grpc.RpcError, where: str) -> str:
    code, said = error.code(), " ".join(str(error.details()).split())[:_LONGEST]
    if code in _HTTP_STATUS:
        return _answer(_HTTP_STATUS[code], said, where)
    return (
        f"Qdrant at {where} cannot be reached over gRPC ({code.name}: {said}): check qdrant_url and "
        "qdrant_grpc_port, or set qdrant_prefer_grpc to false."
    )


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else url
