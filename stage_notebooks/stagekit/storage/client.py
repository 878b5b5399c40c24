"""Opens the vector store that the settings name: a Qdrant server, or the embedded one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import httpx
from qdrant_client import QdrantClient

from stagekit.base.network.authorities import trust_also, trusted_pem
from stagekit.base.network.proxies import proxy_for
from stagekit.base.store_address import EMBEDDED, embedded_path, is_embedded, server_key, server_url
from stagekit.storage.embedded.store import open_embedded
from stagekit.storage.patience import GRPC_RETRY_POLICY, QdrantPatience, patience_of, with_patience
from stagekit.storage.refusals import qdrant_errors, require_completed
from stagekit.storage.version import require_version

__all__ = [
    "EMBEDDED",
    "connect",
    "embedded_path",
    "is_embedded",
    "patience_of",
    "qdrant_errors",
    "require_completed",
]


def connect(
    qdrant_url: str,
    outputs: Path,
    *,
    prefer_grpc: bool = False,
    grpc_port: int = 6334,
    timeout_s: float = 60,
    ca_file: str = "",
    retry_budget_s: float = 300,
    read_only: bool = False,
) -> QdrantClient:
    """Open the store that ``qdrant_url`` names; the caller closes it. Part of the public interface.

    The embedded store has one writer at a time and readers beside it; it offers those methods of QdrantClient
    that are used here, see :mod:`stagekit.storage.embedded.store`. A server's key is taken from the
    environment, see :func:`stagekit.base.store_address.server_key`. A server is asked for its version here;
    each request that is asked of it later is sent again where it failed for a reason that may pass, see
    :mod:`stagekit.storage.patience`.

    Args:
        qdrant_url: address of a server, see :func:`stagekit.base.store_address.server_url`, or "embedded".
        outputs: folder below which the embedded store lies.
        prefer_grpc: speak gRPC instead of REST where the client can.
        grpc_port: of the server.
        timeout_s: seconds that one request may take.
        ca_file: PEM file of an authority that is trusted beside the public ones; may be empty.
        retry_budget_s: seconds that may be lost by waiting for the server in all.
        read_only: stand beside a process that writes to the embedded store; nothing can be written then.

    Raises:
        StageError: if the embedded store is written to elsewhere or cannot be had, a setting is wrong, or the
            server is too old.
    """
    if is_embedded(qdrant_url):
        return cast("QdrantClient", open_embedded(embedded_path(outputs), read_only=read_only))
    where = server_url(qdrant_url)
    client = QdrantClient(
        url=where,
        api_key=server_key(),
        prefer_grpc=prefer_grpc,
        grpc_port=grpc_port,
        timeout=timeout_s,  # type: ignore[arg-type]  # rounded up to whole seconds; the default is 5
        check_compatibility=False,  # it warns from a thread of its own; the first real call says more
        **_network_options(where, ca_file),
    )
    try:
        require_version(with_patience(client, QdrantPatience(where, retry_budget_s)))
    except BaseException:
        client.close()
        raise
    return client


def _network_options(where: str, ca_file: str) -> dict[str, Any]:
    """Return the arguments of QdrantClient that say through which proxy it goes and whom it trusts."""
    proxy = proxy_for(where, "httpx")
    trust = httpx.create_ssl_context() if where.startswith("https:") else None
    options: dict[str, Any] = {"trust_env": False, "proxy": proxy or None, "verify": trust or True}
    # gRPC reads the variables by itself, and speaks no SOCKS.
    grpc_options: dict[str, Any] = {"grpc.service_config": GRPC_RETRY_POLICY}
    grpc_options["grpc.enable_http_proxy"] = int(proxy.startswith("http"))
    if ca_file:
        options["verify"] = trust = trust_also(trust or httpx.create_ssl_context(), ca_file)
        grpc_options["root_certificates"] = trusted_pem(trust)
    return options | {"grpc_options": grpc_options}
