"""The environment of the processes that a dashboard starts."""

from __future__ import annotations

import os

__all__ = ["child_environment"]

# What the web server tells its kernels of the request, the token among it, is nobody else's business.
_WEB = ("QUERY_STRING", "VOILA_", "JUPYTER_TOKEN", "SERVER_", "SCRIPT_NAME", "PATH_INFO", "HTTP_", "JPY_")


def child_environment() -> dict[str, str]:
    """Return the environment without what the web server has put there."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_WEB)}
