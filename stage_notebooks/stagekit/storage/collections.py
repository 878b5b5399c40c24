"""Physical collections, one a fingerprint, and the alias under which readers find the one that is whole.

A changed model, chunking or schema has another fingerprint: its collection is filled beside the one that is
served, and the alias moves in one step when it is verified. What was served before is dropped later.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from qdrant_client import QdrantClient
from qdrant_client.models import (
    CollectionStatus,
    CreateAlias,
    CreateAliasOperation,
    FieldCondition,
    Filter,
    MatchAny,
    OptimizersConfigDiff,
)

from stagekit.base.collection_settings import CollectionSettings
from stagekit.errors import StageError
from stagekit.storage.collection import (
    CollectionIdentity,
    check_collection,
    create_collection,
    create_payload_indexes,
    describe,
)
from stagekit.storage.embedded.store import EmbeddedQdrant
from stagekit.storage.metadata.source_marks import complete_sources, finish_writing
from stagekit.storage.names import PHYSICAL, collection_names
from stagekit.storage.tuning import apply_settings

BULK_POINTS: Final = 50_000
"""A first load of more points builds the graph once at its end (qdrant.tech, Bulk upload)."""
INDEXING_PATIENCE_S: Final = 900


@dataclass(frozen=True, slots=True)
class Target:
    """The collection that a run fills."""

    name: str  # of the physical collection
    served: str  # of the collection that readers see now; empty if there is none
    created: bool = False  # whether this run created it
    # names of settings that it was not built with, and that only a new one can have
    unapplied: tuple[str, ...] = ()

    @property
    def switches(self) -> bool:
        """Whether readers see another collection now, which this one will replace."""
        return self.served not in {"", self.name}


@dataclass(frozen=True, slots=True)
class PhysicalCollection:
    """One collection of ours."""

    name: str  # of the collection
    collection_name: str  # the alias that it is, was, or will be served under
    serving: bool  # whether it is what readers see
    points: int  # how many it holds, of all sources
    fingerprint: str  # of its contents' kind, see :class:`CollectionIdentity`
    embedding_model: str  # whose vectors it holds
    created_at: str  # RFC 3339, empty if unknown
    superseded_at: str  # since when another one is served or built in its place; empty if it is in use


def served_collection(client: QdrantClient, collection_name: str) -> str:
    """Return the physical collection behind an alias; empty if there is no such alias."""
    for alias in client.get_aliases().aliases:
        if alias.alias_name == collection_name:
            return str(alias.collection_name)
    return ""


def readable_collection(client: QdrantClient, collection_name: str) -> str:
    """Return what readers see: the collection behind the alias, or one of an early version without an alias.

    Empty if there is neither.

    Raises:
        StageError: if the name belongs to a collection that is not ours.
    """
    served = served_collection(client, collection_name)
    if served or not client.collection_exists(collection_name):
        return served
    _refuse_strange(client, collection_name)
    return collection_name


def require_writable(client: QdrantClient, collection_name: str) -> str:
    """Ask for what a run writes besides points, without a change; return what was allowed.

    The collection that is served is told nothing new of itself; where there is none, no alias is moved:
    Qdrant looks at what the key may do before it looks at what is to be done.
    """
    served = readable_collection(client, collection_name)
    if served:
        client.update_collection(served, metadata={})
        return f"{served} may be changed"
    client.update_collection_aliases([])
    return "collections and aliases may be changed"


def require_vectors(client: QdrantClient, collection_name: str, embeddings: Sequence[Any]) -> None:
    """Refuse to begin a collection with nothing; one that is there may become empty.

    Raises:
        StageError: if no document has vectors, and there is no collection yet.
    """
    if len(embeddings) or served_collection(client, collection_name):
        return
    raise StageError(
        "No document has embeddings, and there is no collection yet: look at the reasons in the notebooks of "
        "stages 01 to 04."
    )


def open_target(
    client: QdrantClient,
    collection_name: str,
    identity: CollectionIdentity,
    settings: CollectionSettings,
    expected_points: int = 0,
) -> Target:
    """Return the collection for these vectors, created with its indexes if there is none.

    A collection that bears the name itself, without an alias, is served as it is until :func:`publish` puts
    the new one in its place, if it was made by an earlier version of nic-etl. One that is there is built as
    the settings say where that can be done.

    Raises:
        StageError: if the name belongs to a collection that is not ours, or holds other vectors.
    """
    served = readable_collection(client, collection_name)
    name = identity.physical_name(collection_name)
    if client.collection_exists(name):
        check_collection(client, name, identity)
        create_payload_indexes(client, name)
        return Target(name, served, unapplied=apply_settings(client, name, settings))
    metadata = {"collection_name": collection_name, "created_at": _now().isoformat(timespec="seconds")}
    bulk = expected_points > BULK_POINTS
    create_collection(client, name, identity, settings, metadata=metadata, bulk=bulk)
    return Target(name, served, created=True)


def _refuse_strange(client: QdrantClient, collection_name: str) -> None:
    metadata = client.get_collection(collection_name).config.metadata or {}
    if not {"embedding_model", "dimension", "schema_version"} <= metadata.keys():
        raise StageError(
            f"{collection_name} is a collection that was not made by nic-etl, and nothing was written: "
            "choose another collection_name, or delete that collection."
        )


def finish_load(
    client: QdrantClient, target: Target, settings: CollectionSettings, *, wrote: bool = True
) -> None:
    """End a bulk load, this run's or one that broke off: the graph is built now, and waited for.

    The embedded engine reclaims the room of deleted points here, and builds its graph from 50,000 points on.
    """
    embedded = isinstance(client, EmbeddedQdrant)
    current = client.get_collection(target.name).config.optimizer_config.indexing_threshold
    if current == settings.indexing_threshold and not (embedded and wrote):
        return
    wanted = OptimizersConfigDiff(indexing_threshold=settings.indexing_threshold)
    client.update_collection(target.name, optimizers_config=wanted)
    end = time.monotonic() + INDEXING_PATIENCE_S
    while client.get_collection(target.name).status == CollectionStatus.YELLOW and time.monotonic() < end:
        time.sleep(0.5)


def sources_of(client: QdrantClient, collection_name: str) -> set[str]:
    """Return the sources that own points of a collection."""
    known: set[str] = set()
    while True:
        others = FieldCondition(key="source_id", match=MatchAny(any=sorted(known)))
        records, _ = client.scroll(
            collection_name,
            scroll_filter=Filter(must_not=[others]) if known else None,
            limit=1,
            with_payload=["source_id"],
            with_vectors=False,
        )
        found = {str((record.payload or {}).get("source_id", "")) for record in records} - known
        if not found - {""}:
            return known
        known |= found


def publish(
    client: QdrantClient, target: Target, collection_name: str, source_id: str, outputs: str = ""
) -> bool:
    """Let readers see the verified target; return whether they saw another collection before.

    The alias moves in one step, and only when every source with points in the collection that is served has
    filled and verified its part of the target, and has written to no other collection since. A collection of
    an earlier version, which bears the name itself, is deleted right before its name becomes the alias.

    Args:
        client: of the store.
        target: the collection; its part of this source is whole.
        collection_name: the alias that readers use.
        source_id: of the source.
        outputs: id of the outputs folder, see :func:`stagekit.artifacts.outputs_id.outputs_id`.

    Raises:
        StageError: if another source has points there and did not fill the target yet; nothing has changed
            for readers.
    """
    finish_writing(client, target.name, source_id, outputs)
    if target.served == target.name:
        return False
    client.update_collection(target.name, metadata={"superseded_at": None})
    if target.served:
        _refuse_incomplete(client, target, collection_name)
    if target.served == collection_name:
        client.delete_collection(collection_name)
    alias = CreateAlias(collection_name=target.name, alias_name=collection_name)
    client.update_collection_aliases([CreateAliasOperation(create_alias=alias)])
    return target.switches


def _refuse_incomplete(client: QdrantClient, target: Target, collection_name: str) -> None:
    waiting = sorted(sources_of(client, target.served) - complete_sources(client, target.name))
    if waiting:
        raise StageError(
            f"{collection_name} also holds points of {', '.join(waiting)}, and {target.name}, which this run "
            "filled with another model, chunking or schema, does not have them as they are now: readers keep "
            "seeing the collection as it was; run those sources with the same settings too, or give this one "
            "its own collection_name."
        )


def physical_collections(client: QdrantClient, collection_name: str = "") -> list[PhysicalCollection]:
    """Return the collections of one alias, or all of ours, the serving one of each first."""
    serving = {alias.collection_name for alias in client.get_aliases().aliases}
    found = []
    for name in collection_names(client):
        match = PHYSICAL.fullmatch(name)
        if match and collection_name in {"", match["alias"]}:
            info = client.get_collection(name)
            metadata = info.config.metadata or {}
            if metadata.get("collection_name") == match["alias"]:
                found.append(_physical(client, name, metadata, describe(info)[3], name in serving))
    return sorted(found, key=lambda one: (one.collection_name, not one.serving, one.created_at, one.name))


def _physical(
    client: QdrantClient, name: str, metadata: dict[str, Any], model: str, serving: bool
) -> PhysicalCollection:
    return PhysicalCollection(
        name,
        metadata["collection_name"],
        serving,
        client.count(name, exact=True).count,
        str(metadata.get("fingerprint", "")),
        model,
        str(metadata.get("created_at", "")),
        "" if serving else str(metadata.get("superseded_at", "")),
    )


def drop_superseded(
    client: QdrantClient, collection_name: str, grace_hours: float, *, keep: str = ""
) -> list[str]:
    """Drop the collections, of one alias or all, that are neither served nor filled; return their names.

    They stay for some hours after that began; with 0 they go at once.
    """
    dropped = []
    for collection in physical_collections(client, collection_name):
        if collection.serving or collection.name == keep:
            continue
        if grace_hours <= 0 or _older(collection.superseded_at, grace_hours):
            client.delete_collection(collection.name)
            dropped.append(collection.name)
        elif not collection.superseded_at:
            marked = {"superseded_at": _now().isoformat(timespec="seconds")}
            client.update_collection(collection.name, metadata=marked)
    return dropped


def _older(moment: str, hours: float) -> bool:
    return bool(moment) and datetime.fromisoformat(moment) <= _now() - timedelta(hours=hours)


def _now() -> datetime:
    return datetime.now(UTC)
