"""Checks the way to a GitLab project step by step, for ``nic-etl doctor``."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gitlab
import requests
from gitlab.exceptions import GitlabError

from stagekit.errors import StageError
from stagekit.ingestion.gitlab.access_log import AccessLog
from stagekit.ingestion.gitlab.errors import explained, status_of
from stagekit.ingestion.gitlab.patience import GitLabPatience
from stagekit.ingestion.gitlab.refs import resolve
from stagekit.ingestion.gitlab.settings import GitLabSettings
from stagekit.ingestion.gitlab.token import gitlab_token, token_variable
from stagekit.ingestion.gitlab.transport import GitLabSession, Traffic, origin_of

Row = dict[str, Any]
_WAIT_S = 3.0
_SKEW_S = 60.0
_SCOPES = {"api", "read_api"}


def check_gitlab(settings: GitLabSettings, branch: str, outputs: Path) -> list[Row]:
    """Return a row (check, ok, detail) for each step, up to the first that fails.

    The steps are: server (address, TLS, clock, rate limit), token (validity, scopes, expiry), project and
    branch, tag or commit, by default the default branch. No file is listed or read; the accesses are recorded
    like those of the stage.
    """
    log = AccessLog(outputs / "gitlab_access.jsonl", origin_of(settings.url))
    traffic = Traffic(
        settings.url,
        log,
        GitLabPatience(_WAIT_S),
        read_timeout_s=settings.read_timeout_s,
        ca_file=settings.ca_file,
    )
    rows: list[Row] = []
    with traffic.session() as session:
        steps = _steps(session, settings, branch)
        for check in ("server", "token", "project", "branch"):
            try:
                rows.append({"check": f"GitLab {check}", "ok": True, "detail": next(steps)})
            except StageError as error:
                rows.append({"check": f"GitLab {check}", "ok": False, "detail": str(error)})
                break
    log.close()
    return rows


def _steps(session: GitLabSession, settings: GitLabSettings, branch: str) -> Iterator[str]:
    """Yield what each step found; the first that fails raises a StageError."""
    # Whoever is nobody gets a 401 in JSON here: the API is there, and the answer tells the time.
    yield _server(session.get(f"{settings.url.rstrip('/')}/api/v4/version"))
    client = gitlab.Gitlab(
        settings.url,
        session=session,
        **gitlab_token(),  # type: ignore[arg-type]
    )
    with explained("the token", settings.project):
        yield _token(client)
    with explained("the project", settings.project):
        project = client.projects.get(settings.project)
    yield f"{project.web_url}{' (archived)' if project.archived else ''}, number {project.id}"
    name, commit = resolve(project, branch, settings.project)
    yield f"{name} at {commit['id'][:12]} of {commit.get('committed_date', 'unknown date')}"


def _server(answer: requests.Response) -> str:
    found = ["it answers"]
    date = email.utils.parsedate_tz(answer.headers.get("Date", ""))
    if date is not None:
        skew = time.time() - email.utils.mktime_tz(date)
        direction = "ahead of" if skew > 0 else "behind"
        late = f"this machine's clock is {abs(skew):.0f} s {direction} the server's"
        found.append(late if abs(skew) > _SKEW_S else "the clocks agree")
    left, limit = (answer.headers.get(f"RateLimit-{name}") for name in ("Remaining", "Limit"))
    found.append(f"{left} of {limit} requests left" if left else "it tells no rate limit")
    return "; ".join(found)


def _token(client: gitlab.Gitlab) -> str:
    variable = token_variable()
    if not variable:
        return "none is set: only public projects can be read"
    if variable == "CI_JOB_TOKEN":
        return "CI_JOB_TOKEN: GitLab lets it list public projects only"
    try:
        facts = client.http_get("/personal_access_tokens/self")
    except GitlabError as error:
        if status_of(error) not in {403, 404}:
            raise
        return f"{variable} is accepted; the server does not tell its scopes"
    assert isinstance(facts, dict)
    scopes = facts.get("scopes", [])
    if not _SCOPES & set(scopes):
        raise StageError(
            f"The token in {variable} has the scopes {', '.join(scopes) or 'none'}: create one with read_api."
        )
    return f"{variable}: scopes {', '.join(scopes)}; expires {facts.get('expires_at') or 'never'}"
