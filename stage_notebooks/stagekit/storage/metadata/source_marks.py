"""What a collection says of each source: who wrote its part last, as which write, and whether that ended.

The number of a write is higher than that of every write of the source to any collection of the same alias.
So the part with the highest number is the newest one, whatever was restored, given up or tried in between;
whoever finds a number that is not its own compares contents, and continues above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from qdrant_client import QdrantClient

from stagekit.storage.names import PHYSICAL, collection_names

_PREFIX: Final = "source_"


@dataclass(frozen=True, slots=True)
class SourceMark:
    """The last write of a source to a collection."""

    number: int = 0  # of the write; 0 if none is known
    # id of the outputs folder that wrote, see :func:`stagekit.artifacts.outputs_id.outputs_id`
    outputs: str = ""
    finished: bool = False  # whether the part was complete and verified at its end

    @classmethod
    def parsed(cls, value: Any) -> SourceMark:
        """Return the mark that was written so, or one that says nothing."""
        try:
            return cls(int(value["number"]), str(value["outputs"]), value["finished"] is True)
        except (KeyError, TypeError, ValueError):
            return cls()

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


def source_mark(client: QdrantClient, collection_name: str, source_id: str) -> SourceMark:
    """Return the mark of a source on a collection."""
    return _marks(client, collection_name).get(source_id, SourceMark())


def begin_writing(client: QdrantClient, collection_name: str, source_id: str, outputs: str) -> None:
    """Note on a physical collection that its part of a source is being written."""
    mark = SourceMark(_highest(client, collection_name, source_id) + 1, outputs)
    _put(client, collection_name, source_id, mark)


def finish_writing(client: QdrantClient, collection_name: str, source_id: str, outputs: str) -> None:
    """Note that the part is complete and verified; nothing is written where that is what stands there.

    A part in which nothing had to be written gets a new number, too, if the source has meanwhile written to
    another collection, which is older than this one from now on.
    """
    found = source_mark(client, collection_name, source_id)
    newest = found.number > _highest(client, collection_name, source_id, others=True)
    number = found.number
    if not newest or found.outputs != outputs:
        number = _highest(client, collection_name, source_id) + 1
    mark = SourceMark(number, outputs, finished=True)
    if mark != found:
        _put(client, collection_name, source_id, mark)


def complete_sources(client: QdrantClient, collection_name: str) -> set[str]:
    """Return the sources whose part of a physical collection is finished, and newer than everywhere else."""
    return {
        source_id
        for source_id, mark in _marks(client, collection_name).items()
        if mark.finished and mark.number > _highest(client, collection_name, source_id, others=True)
    }


def _put(client: QdrantClient, collection_name: str, source_id: str, mark: SourceMark) -> None:
    client.update_collection(collection_name, metadata={f"{_PREFIX}{source_id}": mark.plain()})


def _marks(client: QdrantClient, collection_name: str) -> dict[str, SourceMark]:
    metadata: Mapping[str, Any] = client.get_collection(collection_name).config.metadata or {}
    found = {key: value for key, value in metadata.items() if key.startswith(_PREFIX)}
    return {key.removeprefix(_PREFIX): SourceMark.parsed(value) for key, value in found.items()}


def _highest(client: QdrantClient, collection_name: str, source_id: str, *, others: bool = False) -> int:
    """Return the highest number of a source on the collections of one alias, or on the others of them."""
    names = collection_names(client)
    match = PHYSICAL.fullmatch(collection_name)
    alike = [name for name in names if match and (one := PHYSICAL.fullmatch(name)) and one[1] == match[1]]
    chosen = [name for name in {*alike, collection_name} if not (others and name == collection_name)]
    return max((source_mark(client, name, source_id).number for name in chosen), default=0)
