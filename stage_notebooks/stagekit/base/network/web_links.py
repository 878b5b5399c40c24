"""Where a file of a repository can be read on the web, at the very commit that was read."""

from __future__ import annotations

from urllib.parse import quote


def file_at(repository_url: str, commit: str, path: str) -> str:
    """Return GitLab's address of a file at a commit; "" where the repository is not on the web."""
    if not commit or not repository_url.startswith(("https://", "http://")):
        return ""
    return f"{repository_url.removesuffix('.git')}/-/blob/{quote(commit)}/{quote(path)}"
