"""Who may do what at the test server: tokens, scopes and memberships as GitLab judges them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EXPIRED = "Token is expired. You can either do re-authorization or token refresh."
TOO_SMALL = "The request requires higher privileges than provided by the access token."
REVOKED = "Token was revoked. You have to re-authorize from the user."
_JOB_ROUTES = {"raw", "commit", "branches", "branch", "tags", "tag"}


@dataclass
class Token:
    """An access token; ``kind`` is ``pat`` (personal, project, group) or ``job``."""

    value: str
    scopes: tuple[str, ...] = ("read_api",)
    kind: str = "pat"
    role: str = "reporter"  # guest, reporter, none (no member)
    expired: bool = False
    revoked: bool = False


class Refused(Exception):  # noqa: N818 - an answer of the server
    def __init__(self, status: int, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


def not_found(what: str) -> Refused:
    return Refused(404, {"message": f"404 {what} Not Found"})


def identify(headers: Mapping[str, str], tokens: Mapping[str, Token]) -> Token | None:
    """Return the token of a request, None for an anonymous one.

    Raises:
        Refused: with 401, for a token that is unknown, expired or revoked.
    """
    bearer = headers.get("Authorization", "")
    value = headers.get("PRIVATE-TOKEN") or bearer.removeprefix("Bearer ")
    job = headers.get("JOB-TOKEN")
    token = tokens.get(job or value or "")
    if not (job or value):
        return None
    if token is None or (token.kind == "job") != bool(job):
        raise Refused(401, {"message": "401 Unauthorized"})
    if token.revoked or token.expired:
        said = REVOKED if token.revoked else EXPIRED
        challenge = (
            f'Bearer realm="Protected by OAuth 2.0", error="invalid_token", error_description="{said}"'
        )
        body = {"error": "invalid_token", "error_description": said}
        raise Refused(401, body, {"WWW-Authenticate": challenge})
    return token


def allow(token: Token | None, visibility: str, route: str) -> Token | None:
    """Check that a token may use a route of a project; return who counts as asking.

    Raises:
        Refused: 403 for scope or role, 404 where the project must not be seen.
    """
    if token is not None and token.kind == "job" and route not in _JOB_ROUTES:
        token = None  # a job token counts as nobody elsewhere
    if token is not None and token.kind != "job":
        need = ("api", "read_api") + (("read_repository",) if route in {"file", "raw"} else ())
        if not set(need) & set(token.scopes):
            raise Refused(
                403,
                {
                    "error": "insufficient_scope",
                    "error_description": TOO_SMALL,
                    "scope": "api read_api",
                },
            )
    if visibility == "private" and (token is None or token.role == "none"):
        raise not_found("Project")
    if route != "project" and visibility == "private" and token is not None and token.role == "guest":
        raise Refused(403, {"message": "403 Forbidden"})
    return token
