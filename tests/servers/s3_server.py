"""An S3-compatible store over real HTTP: moto's application behind a server that can fail on demand.

    with S3Server() as server:
        server.make_bucket("artifacts")
        os.environ.update(server.environment)
        server.faults.append(S3Fault("PUT", status=503, times=2))

What it holds is lost when it stops.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

_CODES = {500: "InternalError", 503: "SlowDown", 403: "AccessDenied"}


@dataclass
class S3Fault:
    """Answers the next requests of a method with an error, in the place of the store."""

    method: str
    status: int
    times: int = 1


@dataclass
class S3Server:
    """moto's S3 on 127.0.0.1; ``log`` has every request as (method, path, status)."""

    faults: list[S3Fault] = field(default_factory=list)
    log: list[tuple[str, str, int]] = field(default_factory=list)
    _http: BaseWSGIServer | None = None
    _thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        assert self._http is not None
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What the clients of AWS read: address, credentials, region."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing-secret-key",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def make_bucket(self, name: str) -> None:
        from moto.s3.models import s3_backends

        s3_backends["123456789012"]["aws"].create_bucket(name, "us-east-1")

    def __enter__(self) -> S3Server:
        self._app = DomainDispatcherApplication(create_backend_app)
        self._http = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Silent)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from moto.s3.models import s3_backends

        assert self._http is not None
        assert self._thread is not None
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        s3_backends.reset()

    def requests(self, method: str, part: str = "") -> list[tuple[str, str, int]]:
        return [entry for entry in self.log if entry[0] == method and part in entry[1]]

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]

        def start(status: str, *more: Any) -> Any:
            self.log.append((method, path, int(status.split(maxsplit=1)[0])))
            return start_response(status, *more)

        fault = next((one for one in self.faults if one.method == method and one.times), None)
        if fault is None:
            answer: Iterable[bytes] = self._app(environ, start)
            return answer
        fault.times -= 1
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        code = _CODES[fault.status]
        body = f"<Error><Code>{code}</Code><Message>{code} on demand</Message></Error>".encode()
        start(f"{fault.status} {code}", [("Content-Type", "application/xml")])
        return [] if method == "HEAD" else [body]  # more than a header would be read as the next answer


class _Silent(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Print nothing; the server keeps the log."""
