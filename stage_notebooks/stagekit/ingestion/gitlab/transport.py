"""The HTTP session under python-gitlab: time limits, retries, an audit, and a token that stays at home."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context

from stagekit.base.network.authorities import trust_also
from stagekit.base.network.proxies import proxy_for
from stagekit.errors import StageError
from stagekit.ingestion.gitlab.access_log import AccessLog
from stagekit.ingestion.gitlab.faults import check_answer, fault_of
from stagekit.ingestion.gitlab.patience import GitLabPatience

_LARGEST_ANSWER = 64 * 1024 * 1024
_CHUNK = 1 << 16
_API_LINK = re.compile(r"<[^<>]*?(/api/v4/[^<>]*)>")
_TOKEN_HEADERS = ("Authorization", "PRIVATE-TOKEN", "JOB-TOKEN")


class BodyTooLarge(Exception):  # noqa: N818 - a measurement
    """A body is larger than what was allowed; ``size`` is what the server announced, else 0."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the answer is larger than allowed ({size or 'no size given'})")
        self.size = size


class BodyTooSlow(Exception):  # noqa: N818 - a measurement
    """A body did not arrive in the time for one file."""


@dataclass
class Traffic:
    """What all clients of a run share."""

    url: str  # root of the GitLab instance
    log: AccessLog  # where each access is recorded
    patience: GitLabPatience  # how faults are retried
    connect_timeout_s: float = 10  # seconds for a connection
    read_timeout_s: float = 60  # seconds without a byte
    total_timeout_s: float = 600  # seconds for one answer as a whole
    ca_file: str = ""  # PEM file of an authority that is trusted beside the public ones; may be empty

    def session(self) -> GitLabSession:
        """Return a new session, for one thread."""
        return GitLabSession(self)


class GitLabSession(requests.Session):
    """A :class:`requests.Session` for one GitLab instance, to be given to ``gitlab.Gitlab(session=…)``.

    Answers that may pass (429, 5xx, broken connections, bodies that were cut off) are asked for again before
    python-gitlab sees them. The caller of a streamed request repeats it itself, body and all, by
    :meth:`~stagekit.ingestion.gitlab.patience.GitLabPatience.call`.
    """

    def __init__(self, traffic: Traffic) -> None:
        super().__init__()
        self.traffic = traffic
        self.max_redirects = 5
        self.largest = _LARGEST_ANSWER
        # Without any credentials requests would take some from ~/.netrc.
        self.auth = _anonymous
        self.trust_env = False  # what it has to say is asked for in merge_environment_settings
        self._environment: dict[str, Any] = {}
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(self))

    @contextmanager
    def limit(self, largest: int) -> Iterator[None]:
        """Allow bodies of that many bytes inside of the context."""
        before, self.largest = self.largest, largest
        try:
            yield
        finally:
            self.largest = before

    def request(  # type: ignore[override]
        self, method: str, url: str, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send a request as :class:`requests.Session` does, and judge the answer.

        Raises:
            StageError: if the address is not GitLab's, or the answer not one of GitLab.
            GitLabUnavailable: if a fault did not pass.
            Transient: for a streamed request, at a fault that may pass.
        """
        if origin_of(url) != origin_of(self.traffic.url):
            raise StageError(
                f"GitLab's answer leads to {origin_of(url)}, which is not gitlab_url; the token is not "
                "sent there: check gitlab_url, and external_url in the configuration of the GitLab server."
            )

        def attempt() -> requests.Response:
            self.traffic.patience.hold()
            try:
                response = super(GitLabSession, self).request(method, url, *args, **kwargs)
            except (requests.RequestException, BodyTooLarge, BodyTooSlow) as error:
                raise fault_of(error, self.traffic.url) from None
            _lead_home(response, self.traffic.url)
            try:
                check_answer(response, self.traffic.url, streamed=bool(kwargs.get("stream")))
            except Exception:
                response.close()
                raise
            return response

        return attempt() if kwargs.get("stream") else self.traffic.patience.call(attempt)

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:  # noqa: ARG002
        """Read proxies and authorities from the environment once for each host, not with each request."""
        host = origin_of(str(url))
        if host not in self._environment:
            self._environment[host] = {
                "proxies": _proxies(host),
                "verify": os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or verify,
                "cert": cert,
            }
        return {**self._environment[host], "stream": stream}

    def rebuild_proxies(self, prepared_request: requests.PreparedRequest, proxies: Any) -> Any:  # noqa: ARG002
        """Ask for the way to where a redirect leads."""
        return _proxies(prepared_request.url or "")

    def rebuild_auth(
        self,
        prepared_request: requests.PreparedRequest,
        response: requests.Response,  # noqa: ARG002 - part of requests' signature
    ) -> None:
        """Drop every form of token where a redirect leaves GitLab's host; take none from ``~/.netrc``."""
        if self.should_strip_auth(self.traffic.url, prepared_request.url or ""):
            for name in _TOKEN_HEADERS:
                prepared_request.headers.pop(name, None)


class _Adapter(HTTPAdapter):
    """Sets time limits and the trust, and records each access, one for every hop of a redirect."""

    def __init__(self, session: GitLabSession) -> None:
        ca_file = session.traffic.ca_file
        # What requests itself trusts, the public authorities, is loaded into the same context.
        self._trust = {"ssl_context": trust_also(create_urllib3_context(), ca_file)} if ca_file else {}
        super().__init__()
        self._session = session

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool of connections."""
        super().init_poolmanager(*args, **kwargs | self._trust)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make the pool of connections through a proxy."""
        return super().proxy_manager_for(proxy, **kwargs | self._trust)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,  # noqa: ARG002 - python-gitlab knows one number, GitLabSession three
        verify: bool | str = True,
        cert: Any = None,
        proxies: dict[str, str] | None = None,
    ) -> requests.Response:
        traffic = self._session.traffic
        limits = (traffic.connect_timeout_s, traffic.read_timeout_s)
        begin = time.monotonic()
        try:
            response = super().send(request, stream, limits, verify, cert, proxies)
        except requests.RequestException as error:
            seconds = time.monotonic() - begin
            traffic.log.write(request.method or "", request.url or "", 0, 0, seconds, type(error).__name__)
            raise
        response.raw = _Body(response, self._session.largest, traffic, begin)
        return response


class _Body:
    """A body as urllib3 offers it, which ends with an exception beyond its size or its time."""

    def __init__(self, response: requests.Response, largest: int, traffic: Traffic, begin: float) -> None:
        self._raw = response.raw
        self._response = response
        self._largest = largest
        self._traffic = traffic
        self._begin = begin
        self._size = 0
        self._logged = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amount: int, decode_content: bool = True) -> Iterator[bytes]:
        """Yield the body as it arrives (urllib3's own ``stream`` waits until ``amount`` bytes are there)."""
        error = ""
        try:
            self._check_announced()
            while data := self._raw.read1(max(amount, _CHUNK), decode_content=decode_content):
                self._size += len(data)
                self._check()
                yield data
        except GeneratorExit:
            raise
        except BaseException as fault:
            error = type(fault).__name__
            raise
        finally:
            self._log(error)

    def close(self) -> None:
        """Close the connection's share of this body."""
        self._log("")
        self._raw.close()

    def _check_announced(self) -> None:
        headers = self._response.headers
        announced = headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) > self._largest and "Content-Encoding" not in headers:
            self._raw.close()
            raise BodyTooLarge(int(announced))

    def _check(self) -> None:
        if self._size > self._largest:
            self._raw.close()
            raise BodyTooLarge(0)
        limit = self._traffic.total_timeout_s
        if time.monotonic() - self._begin > limit or self._traffic.patience.stopped:
            self._raw.close()
            raise BodyTooSlow(f"the answer was not complete after {limit:g} s")

    def _log(self, error: str) -> None:
        if not self._logged:
            self._logged = True
            request, seconds = self._response.request, time.monotonic() - self._begin
            status = self._response.status_code
            self._traffic.log.write(
                request.method or "", request.url or "", status, self._size, seconds, error
            )


def origin_of(url: str) -> str:
    """Return scheme, host and port of an url."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()


def _lead_home(response: requests.Response, url: str) -> None:
    """Let the links to further pages lead to GitLab as it was asked, whatever it takes its own name to be."""
    link = response.headers.get("Link", "")
    if link:
        root = url.rstrip("/")
        response.headers["Link"] = _API_LINK.sub(lambda found: f"<{root}{found[1]}>", link)


def _proxies(url: str) -> dict[str, str]:
    proxy = proxy_for(url, "requests")
    return {"http": proxy, "https": proxy} if proxy else {}


def _anonymous(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
