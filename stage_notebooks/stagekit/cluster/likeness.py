"""What every order carries so that a worker does no work that this machine would do otherwise.

The digest of the facts is keyed, and the key lies in the artifact store, which does not pass through the
cluster: whoever sees orders, answers or logs cannot try passwords on what they hold.
"""

from __future__ import annotations

import hmac
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stagekit.artifacts.store import open_store
from stagekit.base.plain_json import canonical_json
from stagekit.cluster.facts import SECRET_FACTS
from stagekit.errors import StageError

Row = dict[str, Any]


@dataclass(frozen=True)
class Likeness:
    """What has to be alike, and how a worker finds out."""

    facts: str  # ``module:function`` that returns the facts, see :mod:`stagekit.cluster.facts`
    arguments: list[Any]  # of that function after the key, plain JSON
    store_url: str  # of the artifact store
    key: Row  # reference of the artifact that is the key
    digest: str  # of the facts of the machine that gives the orders


@dataclass(frozen=True)
class Refusal:
    """A worker's answer to an order that it cannot carry out as it is meant; another one may."""

    address: str  # of the worker
    facts: dict[str, str] | None = None  # its own, if they differ
    reason: str = ""  # why it cannot, otherwise


def read_key(likeness: Likeness) -> bytes:
    """Return, on a worker, the key that the client has put into the artifact store.

    Raises:
        StageError: this worker does not see that store, or something else under its address.
    """
    try:
        return open_store(likeness.store_url).read(likeness.key)
    except (StageError, OSError, ImportError) as error:
        reason = str(error).partition(";")[0].rstrip(".")
        raise StageError(
            f"{reason}; {likeness.store_url} has to be the same place there, and open to this worker"
        ) from None


def facts_of(function: str, key: bytes, arguments: list[Any]) -> dict[str, str]:
    """Return the facts of this machine."""
    module, _, name = function.partition(":")
    found: dict[str, str] = getattr(importlib.import_module(module), name)(key, *arguments)
    return found


def keyed_digest(key: bytes, facts: dict[str, str]) -> str:
    """Return the digest that an order carries of facts."""
    return hmac.digest(key, canonical_json(facts).encode(), "sha256").hex()


def refusal(likeness: Likeness, address: str) -> Refusal | None:
    """Answer, on the worker at an address, whether it refuses orders; None if it is as who gives them."""
    try:
        key = read_key(likeness)
        found = facts_of(likeness.facts, key, likeness.arguments)
    except (StageError, OSError, ImportError) as error:
        return Refusal(address, reason=str(error))
    if hmac.compare_digest(keyed_digest(key, found), likeness.digest):
        return None
    return Refusal(address, found)


def difference(there: Mapping[str, str], here: Mapping[str, str]) -> str:
    """Return in which facts a worker differs from this machine, with both values unless they are secret."""
    return ", ".join(
        f"{name} (others there)"
        if name in SECRET_FACTS
        else f"{name} ({there.get(name, 'none')} there, {here.get(name, 'none')} here)"
        for name in {**here, **there}
        if there.get(name) != here.get(name)
    )
