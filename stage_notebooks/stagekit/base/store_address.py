"""Where the store of the settings is: the embedded one, or a server, and with which key that is asked.

Light on purpose: whoever only looks whether a collection is there needs no client library.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from stagekit.base.secret_files import secret_from_file
from stagekit.errors import StageError

EMBEDDED: Final = "embedded"
KEY_VARIABLES: Final = ("QDRANT_API_KEY", "QDRANT_API_KEY_FILE")
_OPTIONS: Final = {
    "qdrant_prefer_grpc": "prefer_grpc",
    "qdrant_grpc_port": "grpc_port",
    "request_timeout_s": "timeout_s",
    "ca_file": "ca_file",
    "retry_budget_s": "retry_budget_s",
}
_PORTS: Final = {"http": 6333, "https": 443}


def is_embedded(qdrant_url: str) -> bool:
    """Tell whether the setting means the embedded store below ``outputs/``."""
    return qdrant_url.strip().lower() == EMBEDDED


def embedded_path(outputs: Path) -> Path:
    """Return the folder of the embedded store."""
    return outputs / "qdrant"


def server_url(qdrant_url: str) -> str:
    """Return the address of a server with its port, without user information and without a slash at the end.

    Where the setting names no port, ``http`` means 6333, Qdrant's own, and ``https`` means 443, that of an
    ingress or a managed service. A path is kept: it is the prefix of a proxy.

    Raises:
        StageError: if the setting is no address of a server.
    """
    wrong = StageError(
        f"qdrant_url is {qdrant_url!r}: set it to the address of a Qdrant server, for example "
        'http://localhost:6333, or to "embedded".'
    )
    try:
        parts = urlsplit(qdrant_url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:  # a port that is no number, brackets without an address
        raise wrong from None
    if not host or parts.scheme not in _PORTS or parts.query or parts.fragment:
        raise wrong
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}:{port or _PORTS[parts.scheme]}{parts.path.rstrip('/')}"


def connection_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the settings that :func:`stagekit.storage.client.connect` takes, as its arguments."""
    return {option: settings[name] for name, option in _OPTIONS.items() if name in settings}


def server_key(environment: Mapping[str, str] | None = None) -> str | None:
    """Return the key from ``QDRANT_API_KEY``, or from the file that ``QDRANT_API_KEY_FILE`` names.

    Raises:
        StageError: if the file cannot be read or is empty, or what is set is no key.
    """
    env = os.environ if environment is None else environment
    name = next((name for name in KEY_VARIABLES if env.get(name, "").strip()), None)
    if name is None:
        return None
    value = secret_from_file(name, env[name], "key") if name.endswith("_FILE") else env[name].strip()
    if not value.isascii() or not value.isprintable() or " " in value:
        raise StageError(f"{name} does not hold a key (one word of plain characters); set it again.")
    return value
