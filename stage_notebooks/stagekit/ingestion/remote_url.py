"""Addresses of sources: what of a git remote may be shown, which project it names, digests of paths."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

_DIGITS = 16
_SCP = re.compile(r"(?:[^@/:]+@)?([^/:]{2,}):(?!//)(.+)")  # git-fetch(1): [user@]host:path


def public_url(url: str) -> str:
    """Return a remote's address without credentials, query and ``.git``; empty for a path on this machine.

    >>> public_url("https://oauth2:secret@gitlab.example/group/docs.git")
    'https://gitlab.example/group/docs'
    """
    scp = _SCP.fullmatch(url)
    if scp and "://" not in url:
        return f"ssh://{scp[1].lower()}/{_without_suffix(scp[2])}"
    parts = urlsplit(url)
    if not parts.scheme or parts.scheme == "file":
        return ""
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme}://{host}/{_without_suffix(parts.path)}"


def project_of(url: str) -> str:
    """Return the project that a remote's address names: the same for its HTTPS and its SSH address.

    A remote on this machine is known by the name of its folder alone, so that copies agree.
    """
    public = public_url(url)
    if not public:
        return PurePosixPath(_without_suffix(urlsplit(url).path)).name
    scheme, _, place = public.partition("://")
    host, _, path = place.partition("/")
    # The port of an SSH server says nothing about the project, that of a web server may.
    return f"{host.partition(':')[0] if 'ssh' in scheme else host}/{path}"


def place_digests(path: Path) -> tuple[str, ...]:
    """Return digests of a path on this machine, as it was given and with its links resolved."""
    paths = (path.expanduser().absolute(), path.resolve())
    return tuple(dict.fromkeys(hashlib.sha256(os.fsencode(one)).hexdigest()[:_DIGITS] for one in paths))


def _without_suffix(path: str) -> str:
    return path.strip("/").removesuffix(".git").rstrip("/")
