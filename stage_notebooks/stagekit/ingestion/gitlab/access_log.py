"""The record of every access to GitLab: one JSON line each, and counters; never a secret."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from stagekit.base.locks import lock, still_named

_LARGEST = 16 * 1024 * 1024
_KEPT = 4  # former files: at one look every ten seconds, those of five weeks
_SECRET_PARAMETERS = {"private_token", "access_token", "job_token", "token"}


class AccessLog:
    """Appends to a file (mode 0600) that is put aside as ``….1`` when it has grown to 16 MiB; four are kept.

    Several processes may write to one file, and any of them puts it aside.

    Args:
        path: the file.
        origin: scheme, host and port of GitLab; of other hosts (object storage behind a redirect) no query
            is recorded, because such addresses are signed.
    """

    def __init__(self, path: Path, origin: str) -> None:
        self.counters = {"requests": 0, "bytes": 0, "errors": 0}
        self._path = path
        self._origin = origin
        self._lock = threading.Lock()
        self._file: int | None = None

    def write(self, method: str, url: str, status: int, size: int, seconds: float, error: str = "") -> None:
        """Record one access: ``status`` 0 where no answer came, ``size`` in bytes of the body as sent."""
        line = {
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "method": method,
            "path": self._shown(url),
            "status": status,
            "bytes": size,
            "seconds": round(seconds, 4),
        }
        if error:
            line["error"] = error
        with self._lock:
            self.counters["requests"] += 1
            self.counters["bytes"] += size
            self.counters["errors"] += bool(error) or status >= 400
            if self._file is not None and os.fstat(self._file).st_size > _LARGEST:
                self._close()
            if self._file is None:
                self._file = self._open()
            os.write(self._file, (json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8", "replace"))

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        while os.fstat(file := os.open(self._path, flags, 0o600)).st_size > _LARGEST:
            try:
                self._put_aside(file)
            finally:
                os.close(file)
        return file

    def _put_aside(self, file: int) -> None:
        lock(file)
        if not still_named(file, self._path):
            return  # another process was faster
        for number in range(_KEPT, 0, -1):
            former = self._aside(number - 1) if number > 1 else self._path
            with contextlib.suppress(FileNotFoundError):
                former.replace(self._aside(number))

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _shown(self, url: str) -> str:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        if origin != self._origin:
            return origin + parts.path
        query = [
            (name, "[redacted]" if name in _SECRET_PARAMETERS else value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ]
        return parts.path + (f"?{urlencode(query)}" if query else "")
