"""Resolves a branch, a tag or a commit id of a GitLab project to the one commit that a run reads."""

from __future__ import annotations

from typing import Any

from gitlab.exceptions import GitlabError
from gitlab.v4.objects import Project

from stagekit.errors import StageError
from stagekit.ingestion.gitlab.errors import explained, status_of


def resolve(project: Project, branch: str, name: str) -> tuple[str, dict[str, Any]]:
    """Return the name of the branch and GitLab's record of its commit.

    Branch, tag or commit id are looked for in this order; empty means the default branch. The project is
    named as the settings call it.

    Raises:
        StageError: if there is none; the sentence names those that there are.
    """
    empty = StageError(f"The GitLab project {name} is empty: it has no commit to read yet.")
    branch = branch or project.default_branch or ""
    if not branch:
        raise empty
    with explained(f"the branch {branch!r}", project):
        for manager in (project.branches, project.tags, project.commits):
            try:
                found = manager.get(branch).attributes
            except GitlabError as error:
                if status_of(error) != 404:
                    raise
            else:
                return branch, dict(found.get("commit", found))
        there = [listed.name for listed in project.branches.list(per_page=20, get_all=False)]
    if not there:
        raise empty
    raise StageError(
        f"The GitLab project {name} has no branch or tag {branch!r} (any more); it has {', '.join(there)}: "
        "set target_branch to one of them."
    )
