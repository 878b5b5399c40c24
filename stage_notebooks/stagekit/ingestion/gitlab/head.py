"""The newest commit of a GitLab branch, for one conditional request: made for asking every minute."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import requests

from stagekit.errors import StageError
from stagekit.ingestion.gitlab.access_log import AccessLog
from stagekit.ingestion.gitlab.patience import GitLabPatience
from stagekit.ingestion.gitlab.settings import GitLabSettings
from stagekit.ingestion.gitlab.token import gitlab_token
from stagekit.ingestion.gitlab.transport import Traffic, origin_of

_LONGEST_S = 10.0  # who asks every minute does not wait long for one answer
_SECOND_TRY_S = 0.5  # a connection that was kept may be gone; for the rest there is the next look


class GitLabHead:
    """The head of a branch, tag or commit, by default of the default branch.

    The connection is kept, and GitLab answers 304 while nothing was pushed. The requests stand in the log of
    accesses, too.
    """

    def __init__(self, settings: GitLabSettings, branch: str, outputs: Path) -> None:
        self._settings = settings
        self._log = AccessLog(outputs / "gitlab_access.jsonl", origin_of(settings.url))
        wait = min(_LONGEST_S, settings.read_timeout_s)
        patience = GitLabPatience(budget_s=_SECOND_TRY_S)
        traffic = Traffic(settings.url, self._log, patience, wait, wait, wait, settings.ca_file)
        self._session = traffic.session()
        place = f"{settings.url.rstrip('/')}/api/v4/projects/{quote(settings.project, safe='')}"
        self._url = f"{place}/repository/commits/{quote(branch or 'HEAD', safe='')}?stats=false"
        self._mark = self._commit = ""

    def commit(self) -> str:
        """Return the id of the newest commit.

        Raises:
            StageError: if GitLab does not tell; the sentence says what to check.
        """
        headers = _authorization() | ({"If-None-Match": self._mark} if self._mark else {})
        answer = self._session.get(self._url, headers=headers)
        if answer.status_code == 304:
            return self._commit
        if answer.status_code != 200:
            self._refused(answer)
        try:
            self._commit = str(answer.json()["id"])
        except (ValueError, KeyError, TypeError):
            raise StageError(
                "GitLab's answer about the newest commit has an unknown form; check that gitlab_url is a "
                "GitLab instance."
            ) from None
        self._mark = answer.headers.get("ETag", "")
        return self._commit

    def close(self) -> None:
        """Close the connection and the log."""
        self._session.close()
        self._log.close()

    def _refused(self, answer: requests.Response) -> None:
        # python-gitlab takes half a second to import, which only a refusal is worth.
        from gitlab.exceptions import GitlabHttpError

        from stagekit.ingestion.gitlab.errors import explained

        with explained("the newest commit", self._settings.project):
            raise GitlabHttpError("", response_code=answer.status_code, response_body=answer.content)


def _authorization() -> dict[str, str]:
    token = gitlab_token()
    if job := token.get("job_token"):
        return {"JOB-TOKEN": job}
    return {"Authorization": f"Bearer {token['oauth_token']}"} if token else {}
