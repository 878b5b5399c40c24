"""What Qdrant may be told about a new collection: the keys of the setting ``qdrant_collection``.

Light on purpose: the configuration is checked by these types where no client library is loaded.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stagekit.errors import StageError


class CollectionSettings(BaseModel):
    """How a collection is built: parameters of its graph, where things lie, copies in a cluster."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hnsw_m: int = Field(default=16, ge=4, le=128, description="edges of a node of the search graph")
    hnsw_ef_construct: int = Field(
        default=200, ge=4, description="neighbours considered while the graph is built"
    )
    full_scan_threshold: int = Field(
        default=10_000, ge=10, description="kB of vectors below which a filtered search looks at all of them"
    )
    indexing_threshold: int = Field(
        default=20_000, ge=0, description="kB of vectors from which on a segment gets a graph"
    )
    quantization: Literal["none", "scalar"] = Field(
        default="none", description="scalar: search in a copy of the vectors as int8 first"
    )
    on_disk_payload: bool = Field(default=True, description="payloads are read from disk when asked for")
    on_disk_vectors: bool = Field(default=False, description="vectors too")
    shard_number: int = Field(default=1, ge=1, description="parts of a new collection in a cluster")
    replication_factor: int = Field(default=1, ge=1, description="copies of each part")
    write_consistency_factor: int = Field(default=1, ge=1, description="copies that must confirm a write")

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> CollectionSettings:
        """Return the settings of a mapping, each key of which may be left out.

        Raises:
            StageError: one sentence for each key that is unknown or has a wrong value.
        """
        if not isinstance(mapping, Mapping):
            raise StageError(f"qdrant_collection is {mapping!r}: write a mapping, such as {{hnsw_m: 32}}.")
        if unknown := [unknown_key(str(key)) for key in mapping if key not in cls.model_fields]:
            raise StageError("\n".join(unknown))
        try:
            return cls.model_validate(mapping)
        except ValidationError as error:
            wrong = ((item["loc"][0], item["input"], item["msg"]) for item in error.errors())
            lines = [f"qdrant_collection.{key} is {value!r}: {said}." for key, value, said in wrong]
            raise StageError("\n".join(lines)) from None

    def differing(self) -> dict[str, Any]:
        """Return the values that are not the default, as plain JSON: the setting in its shortest form."""
        return self.model_dump(mode="json", exclude_defaults=True)


def unknown_key(key: str, origin: str = "") -> str:
    """Return the sentence about a key that there is not, with the nearest one that there is."""
    known = list(CollectionSettings.model_fields)
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    answer = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(known)}."
    return f"qdrant_collection{origin} has no key {key!r}: {answer}"
