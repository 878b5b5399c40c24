"""Tells faults of the way to GitLab that may pass from those that somebody has to mend."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests

from stagekit.base.network.patience import Transient, asked_wait_s, server_time
from stagekit.errors import StageError

_PASSING = {408, 425, 502, 503, 504, *range(520, 531)}
_FEW = 7  # tries where a fault is as likely to stay
_PAGE_TRIES = 4  # where somebody between here and GitLab answers in its place


def fault_of(error: Exception, url: str) -> Exception:
    """Return what to raise for an exception that a request ended with: Transient or StageError."""
    host = urlsplit(url).netloc
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in text.upper():
        return StageError(
            f"The TLS certificate of {host} is not trusted ({_tls_reason(text)}): set ca_file to the "
            "PEM file of the authority that signed it."
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return Transient("The proxy of the environment (HTTPS_PROXY, HTTP_PROXY) does not connect")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return Transient(f"{host} does not accept a connection in time")
    if isinstance(error, requests.exceptions.Timeout) or "timed out" in text.lower():
        return Transient(f"{host} stopped answering (no byte for request_timeout_s)")
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return Transient("GitLab's answer was cut off", tries=_FEW)
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return StageError(f"{url} redirects in a circle; check gitlab_url.")
    if isinstance(error, requests.exceptions.ConnectionError):
        return Transient(f"The connection to {host} failed ({_connection_reason(text)})")
    if isinstance(error, requests.RequestException):
        return StageError(f"gitlab_url is {url!r}, which is no usable address; give it as https://host.")
    return StageError(f"GitLab at {host} did not send a usable answer: {error}; check gitlab_url.")


def check_answer(response: requests.Response, url: str, *, streamed: bool) -> None:
    """Judge an answer by its status and form.

    Raises:
        Transient: for 429, 5xx, web pages in place of an answer, and JSON that was cut off.
        StageError: for data from another host.
    """
    status = response.status_code
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if status == 429:
        wait = _asked_wait(response)
        said = "GitLab limits the rate of requests (429)"
        raise Transient(said if wait is None else f"GitLab asks to wait {wait:.0f} s", wait, answered=True)
    if status in _PASSING:  # what answers for a server that restarts may not be GitLab, and know no time
        said = f"GitLab answered with the server error {status}"
        raise Transient(said, _asked_wait(response), answered=True)
    if status == 500:
        raise Transient("GitLab answered with the server error 500", tries=_FEW)
    if status == 403 and kind == "text/html":
        raise Transient(
            f"{url} answered with a web page that forbids access (403)",
            tries=_PAGE_TRIES,
            otherwise=StageError(
                f"{url} answered 403 with a web page, which GitLab does not do: a firewall or proxy in "
                "between refuses the request; ask who runs it to let API requests through."
            ),
        )
    if not 200 <= status < 300:
        return
    elsewhere = urlsplit(response.url).netloc != urlsplit(url).netloc
    # The bytes of a stored object may be HTML and lie elsewhere; they are checked by their hash.
    if elsewhere and not streamed:
        raise StageError(
            f"{url} redirects to {urlsplit(response.url).netloc}, where the token is not sent; "
            "if that is your GitLab, set gitlab_url to it, else ask who runs the proxy or sign-on in between."
        )
    if kind == "text/html" and not elsewhere:
        raise Transient(
            f"{url} answered with a web page instead of data",
            tries=_PAGE_TRIES,
            otherwise=StageError(
                f"{url} answered with a web page instead of data, such as a sign-in or error page: check "
                "that gitlab_url is the root of a GitLab instance and that no proxy or single sign-on is in "
                "between."
            ),
        )
    if streamed or response.request.method == "HEAD":
        return
    if kind != "application/json":
        raise StageError(
            f"{url} answered with {kind or 'an unknown type'} instead of JSON; check gitlab_url."
        )
    try:
        response.json()
    except ValueError:
        raise Transient("GitLab's answer was cut off", tries=_FEW) from None


def _asked_wait(response: requests.Response) -> float | None:
    """Return how many seconds GitLab asks for, by RateLimit-Reset where it says nothing else."""
    asked = asked_wait_s(response.headers)
    reset = response.headers.get("RateLimit-Reset", "").strip()
    if asked is not None or not reset.isdigit():
        return asked
    return max(0.0, float(reset) - server_time(response.headers))


def _tls_reason(text: str) -> str:
    reason = text.partition("certificate verify failed:")[2].partition("(_ssl")[0].strip(" :")
    return reason or "certificate verify failed"


def _connection_reason(text: str) -> str:
    known = {
        "Name or service not known": "the host name is unknown",
        "NameResolutionError": "the host name cannot be resolved",
        "Connection refused": "refused",
        "Connection reset": "reset",
        "RemoteDisconnected": "closed by the server",
        "SSLError": "the TLS handshake failed",
    }
    return next((reason for mark, reason in known.items() if mark in text), "no connection")
