"""Opens the vector store, a Qdrant server or an embedded one, and words its errors for the reader."""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse
from qdrant_client.models import UpdateResult, UpdateStatus

from stagekit.errors import StageError

__all__ = ["EMBEDDED", "connect", "embedded_path", "is_embedded", "qdrant_errors", "require_completed"]

EMBEDDED: Final = "embedded"
# The client's default of 5 s is less than a busy server takes for a large batch.
TIMEOUT_SECONDS: Final = 60

_embedded_clients: dict[Path, QdrantClient] = {}


def is_embedded(qdrant_url: str) -> bool:
    """Tell whether the setting means the embedded store below ``outputs/``."""
    return qdrant_url.strip().lower() == EMBEDDED


def embedded_path(outputs: Path) -> Path:
    """Return the folder of the embedded store."""
    return outputs / "qdrant"


def connect(qdrant_url: str, outputs: Path) -> QdrantClient:
    """Open the store that ``qdrant_url`` names; the caller closes it.

    The embedded store belongs to one process at a time, and its calls must not come from several threads at
    once. A server's key is taken from the environment variable ``QDRANT_API_KEY``.

    Raises:
        StageError: if the embedded store is in use elsewhere, or the setting is neither a URL nor "embedded".
    """
    if is_embedded(qdrant_url):
        return _open_embedded(embedded_path(outputs))
    if urlsplit(qdrant_url).scheme not in {"http", "https"}:
        raise StageError(
            f"qdrant_url is {qdrant_url!r}: set it to the address of a Qdrant server, for example "
            'http://localhost:6333, or to "embedded".'
        )
    return QdrantClient(
        url=qdrant_url,
        api_key=os.environ.get("QDRANT_API_KEY") or None,
        timeout=TIMEOUT_SECONDS,
        check_compatibility=False,  # it warns from a thread of its own; the first real call says more
    )


def _open_embedded(path: Path) -> QdrantClient:
    # A notebook cell that is run again must not be locked out by its own earlier client.
    earlier = _embedded_clients.pop(path, None)
    if earlier is not None:
        earlier.close()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_if_in_use(path)
    _discard_unfinished(path)
    try:
        client = QdrantClient(path=str(path))
    except (ValueError, KeyError, OSError) as error:
        raise StageError(
            f"The embedded store {path} cannot be read ({error}): move the folder away and run `nic-etl run` "
            "again; it is filled from the artifacts."
        ) from None
    _embedded_clients[path] = client
    return client


def _discard_unfinished(path: Path) -> None:
    # The client writes its first meta.json in place: killed there, it leaves a store that cannot be opened.
    meta = path / "meta.json"
    if meta.is_file() and not meta.stat().st_size and not (path / "collection").exists():
        meta.unlink()


def _refuse_if_in_use(path: Path) -> None:
    # Asked first, because the client reads the whole store before it tries the lock.
    import portalocker

    lock = path / ".lock"
    if not lock.exists():
        return
    with lock.open("r+") as file:
        try:
            portalocker.lock(file, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
        except portalocker.exceptions.LockException:
            raise StageError(
                f"The embedded store {path} is in use by another process: wait until the run or search ends, "
                "or close the notebook that holds it open, and try again."
            ) from None
        portalocker.unlock(file)


@atexit.register
def _close_embedded() -> None:
    # A client that is still open when Python ends writes a traceback: its own clean-up imports modules.
    for client in _embedded_clients.values():
        client.close()


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
        raise StageError(_answer(error, where)) from None
    except json.JSONDecodeError:
        raise StageError(
            f"{where} did not answer as Qdrant does: check qdrant_url (a login page may be in between)."
        ) from None
    except ApiException as error:
        cause = getattr(error, "source", error)
        raise StageError(
            f"Qdrant at {where} cannot be reached ({cause}): check qdrant_url and that the server is up."
        ) from None


def _answer(error: UnexpectedResponse, where: str) -> str:
    if error.status_code in {401, 403}:
        return (
            f"Qdrant at {where} refuses the key (HTTP {error.status_code}): set the environment variable "
            "QDRANT_API_KEY to a key that may read and write."
        )
    detail = error.content.decode(errors="replace").strip()[:300]
    return f"Qdrant at {where} answered HTTP {error.status_code}: {detail}"


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else url
