"""Where the token for GitLab comes from, and in which form it may travel."""

from __future__ import annotations

import os
from collections.abc import Mapping

from stagekit.base.secret_files import secret_from_file
from stagekit.errors import StageError

TOKEN_VARIABLES = ("GITLAB_TOKEN", "GITLAB_TOKEN_FILE", "CI_JOB_TOKEN")


def gitlab_token(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the credentials as keyword arguments of ``gitlab.Gitlab``; empty where none are set.

    Personal, project and group access tokens travel as ``Authorization: Bearer``, which GitLab accepts for
    all of them and which HTTP clients drop when a redirect leads to another host (they keep
    ``PRIVATE-TOKEN``). A CI job token has to travel as ``JOB-TOKEN``; the session drops that one itself.

    Raises:
        StageError: if the file that ``GITLAB_TOKEN_FILE`` names is unreadable, or what is set is no token.
    """
    env = os.environ if environment is None else environment
    name = token_variable(env)
    if not name:
        return {}
    value = secret_from_file(name, env[name], "token") if name == "GITLAB_TOKEN_FILE" else env[name].strip()
    if not value.isascii() or not value.isprintable() or " " in value:
        raise StageError(f"{name} does not hold a token (one word of plain characters); set it again.")
    return {"job_token" if name == "CI_JOB_TOKEN" else "oauth_token": value}


def token_variable(environment: Mapping[str, str] | None = None) -> str:
    """Return the environment variable that the token comes from; empty where none is set."""
    env = os.environ if environment is None else environment
    return next((name for name in TOKEN_VARIABLES if env.get(name, "").strip()), "")
