"""Says what GitLab's refusals mean, and what to check, as far as its API tells them apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gitlab.exceptions import GitlabError, GitlabParsingError
from gitlab.v4.objects import Project

from stagekit.errors import StageError
from stagekit.ingestion.gitlab.token import token_variable

_SCOPE = "a token with the scope read_api"


@contextmanager
def explained(what: str, project: Project | str) -> Iterator[None]:
    """Turn python-gitlab's exceptions about a thing (``the branch 'main'``) into one sentence each.

    Raises:
        StageError: in place of any ``GitlabError``.
    """
    try:
        yield
    except GitlabParsingError:
        raise StageError(
            f"GitLab's answer about {what} has an unknown form; check that gitlab_url is a GitLab instance."
        ) from None
    except GitlabError as error:
        name = project if isinstance(project, str) else getattr(project, "path_with_namespace", "the project")
        raise StageError(_sentence(error, what, name)) from None


def status_of(error: GitlabError) -> int:
    """Return the HTTP status that an exception stands for, 0 where there is none."""
    return int(error.response_code or 0)


def _sentence(error: GitlabError, what: str, project: str) -> str:
    status, body, variable = status_of(error), _body(error), token_variable()
    if status == 401:
        return _unauthorized(body, variable)
    if status == 403:
        return _forbidden(body, what, project, variable)
    if status == 404:
        return _missing(body, what, project, variable)
    said = str(body.get("error") or body.get("message") or "no reason given")[:200]
    return f"GitLab refused to answer about {what} of {project} ({status}: {said})."


def _unauthorized(body: dict[str, Any], variable: str) -> str:
    if not variable:
        return f"GitLab asks for a token: set GITLAB_TOKEN to {_SCOPE}."
    said = str(body.get("error_description", ""))
    if "expired" in said:
        return f"The token in {variable} has expired: create {_SCOPE} and set {variable} to it."
    if "revoked" in said:
        return f"The token in {variable} was revoked: create {_SCOPE} and set {variable} to it."
    if variable == "CI_JOB_TOKEN":
        return (
            "GitLab does not accept CI_JOB_TOKEN, which is valid only while its job runs: "
            f"run inside of a CI job, or set GITLAB_TOKEN to {_SCOPE}."
        )
    return (
        f"GitLab does not know the token in {variable} (401): check that it is complete and of this instance."
    )


def _forbidden(body: dict[str, Any], what: str, project: str, variable: str) -> str:
    if body.get("error") == "insufficient_scope":
        return (
            f"The token in {variable} lacks the scope for {what}: create {_SCOPE} and set {variable} to it."
        )
    if variable == "CI_JOB_TOKEN":
        return _job_token(project)
    # GitLab says why in its own words: a blocked account, terms to accept, an address that is not allowed.
    said = str(body.get("message", "")).removeprefix("403 Forbidden").strip(" -")[:200].rstrip(".")
    refused = f"GitLab does not let this user read {what} of {project} (403"
    if said:
        return f"{refused}: {said})."
    return (
        f"{refused}): the token's owner needs the role Reporter or above in a private project, and the "
        "project's repository feature must be enabled."
    )


def _missing(body: dict[str, Any], what: str, project: str, variable: str) -> str:
    said = str(body.get("message", ""))
    if not said:
        return (
            f"The server has no GitLab API for {what} (404): check that gitlab_url is the root of an "
            "instance (without /api/v4 or a project's path) and that no proxy decodes %2F in addresses."
        )
    if "Project" not in said:
        return f"GitLab has no {what.removeprefix('the ')} in {project} (404: {said[:100]})."
    if variable == "CI_JOB_TOKEN":
        return _job_token(project)
    access = (
        f"that the owner of the token in {variable} is a member of it"
        if variable
        else "set GITLAB_TOKEN, because a private project looks the same without a token"
    )
    return (
        f"GitLab shows no project {project!r} (404): check gitlab_project (the full path, like "
        f"group/subgroup/name, or the number) and {access}."
    )


def _job_token(project: str) -> str:
    return (
        f"CI_JOB_TOKEN may not list {project}, because GitLab lets job tokens use only few routes: set "
        f"GITLAB_TOKEN to {_SCOPE}, or let the job read its own checkout (source: git, GIT_DEPTH: 0)."
    )


def _body(error: GitlabError) -> dict[str, Any]:
    try:
        body = json.loads(error.response_body or b"")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
