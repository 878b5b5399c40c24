"""The settings of the GitLab source, checked before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from stagekit.errors import StageError

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class GitLabSettings:
    """Which project, and how long its server may take.

    Raises:
        StageError: if one of them cannot be meant; the sentence names the setting.
    """

    url: str  # root of the instance
    project: str  # full path (``group/subgroup/name``) or number
    ca_file: str = ""  # PEM file of an authority that is trusted beside the public ones; may be empty
    connect_timeout_s: float = 10  # seconds for a connection
    read_timeout_s: float = 60  # seconds without a byte
    file_timeout_s: float = 600  # seconds for one file, or one page of a listing, as a whole
    retry_budget_s: float = 300  # seconds that a run may spend waiting for GitLab in all
    workers: int = 5  # parallel downloads

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.username or parts.password:
            raise StageError("gitlab_url holds a user or a token: take it out, and set GITLAB_TOKEN instead.")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise StageError(f"gitlab_url is {self.url!r}: give the root of the instance, like https://host.")
        if self.url.rstrip("/").endswith("/api/v4"):
            raise StageError(f"gitlab_url is {self.url!r}: give the root of the instance, without /api/v4.")
        if not self.project or "://" in self.project:
            raise StageError(
                f"gitlab_project is {self.project!r}: give its full path, like group/name, or its number."
            )
        limits = (self.connect_timeout_s, self.read_timeout_s, self.file_timeout_s)
        if min(limits) <= 0 or self.retry_budget_s < 0:
            raise StageError(
                "request_timeout_s and gitlab_file_timeout_s must be above 0, and retry_budget_s 0 or more."
            )

    @property
    def in_clear(self) -> bool:
        """Whether the token would cross a network unencrypted."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and parts.hostname not in _LOOPBACK
