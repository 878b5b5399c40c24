"""Which collections a store has, as far as the key may see them."""

from __future__ import annotations

import re
from typing import Final

import grpc
from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import UnexpectedResponse

from stagekit.storage.refusals import is_forbidden

PHYSICAL: Final = re.compile(r"(?P<alias>.+)__[0-9a-f]{12}", re.DOTALL)
"""The name of a collection that is served under an alias."""


def collection_names(client: QdrantClient) -> list[str]:
    """Return the names of all collections; of those behind an alias, where the key may not list them.

    Then a run works as ever, but does not drop what it cannot see.
    """
    try:
        return [one.name for one in client.get_collections().collections]
    except (UnexpectedResponse, grpc.RpcError) as error:
        if not is_forbidden(error):
            raise
    return sorted({alias.collection_name for alias in client.get_aliases().aliases})
